// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"encoding/json"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

// This file says who has put what into a copy, as far as the object says it.

// keys returns the keys of the data among fields.
func keys(owned fields.Set) []string {
	return append(owned.At("data").Names(), owned.At("binaryData").Names()...)
}

// decode returns the fields of an entry that was applied, nothing of others.
func decode(entry metav1.ManagedFieldsEntry) fields.Set {
	if entry.Operation != metav1.ManagedFieldsOperationApply {
		return nil
	}
	return fields.Of(entry)
}

// applied returns the keys of an object that the operator has applied.
func applied(obj client.Object) []string {
	var all []string
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager == triggerv1.FieldManager {
			all = append(all, keys(decode(entry))...)
		}
	}
	return all
}

// taken returns the keys of an object that another manager applies as its own object:
// without the labels of a copy, which a restored copy has. An edit, which is corrected, is
// not applied.
func taken(obj client.Object) []string {
	all := lastApplied(obj)
	for _, entry := range obj.GetManagedFields() {
		if owned := decode(entry); entry.Manager != triggerv1.FieldManager && !owned.Has("metadata", "labels", triggerv1.PublishedByLabel) {
			all = append(all, keys(owned)...)
		}
	}
	return all
}

// lastApplied returns the keys that kubectl apply says it has applied without the labels of
// a copy: without the server's help, it leaves no other trace of what it did not change.
func lastApplied(obj client.Object) []string {
	var last struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
		Data       map[string]json.RawMessage `json:"data"`
		Binary     map[string]json.RawMessage `json:"binaryData"`
		StringData map[string]json.RawMessage `json:"stringData"`
	}
	text := obj.GetAnnotations()[corev1.LastAppliedConfigAnnotation]
	if text == "" || json.Unmarshal([]byte(text), &last) != nil || last.Metadata.Labels[triggerv1.PublishedByLabel] != "" {
		return nil
	}
	var keys []string
	for _, section := range []map[string]json.RawMessage{last.Data, last.Binary, last.StringData} {
		for key := range section {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
