// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file says who has put what into a copy, as far as the object says it.

// fields are the managed fields of an object, as deep as they matter here.
type fields struct {
	Data     map[string]json.RawMessage `json:"f:data"`
	Binary   map[string]json.RawMessage `json:"f:binaryData"`
	Metadata struct {
		Labels map[string]json.RawMessage `json:"f:labels"`
	} `json:"f:metadata"`
}

// keys returns the keys of the data.
func (f fields) keys() []string {
	var keys []string
	for _, section := range []map[string]json.RawMessage{f.Data, f.Binary} {
		for field := range section {
			if key, ok := strings.CutPrefix(field, "f:"); ok {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// decode returns the fields of an entry that was applied, nothing of others.
func decode(entry metav1.ManagedFieldsEntry) fields {
	var f fields
	if entry.Operation != metav1.ManagedFieldsOperationApply || entry.FieldsV1 == nil || json.Unmarshal(entry.FieldsV1.GetRawBytes(), &f) != nil {
		return fields{}
	}
	return f
}

// applied returns the keys of an object that the operator has applied.
func applied(obj client.Object) []string {
	var keys []string
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager == triggerv1.FieldManager {
			keys = append(keys, decode(entry).keys()...)
		}
	}
	return keys
}

// taken returns the keys of an object that another manager applies as its own object:
// without the labels of a copy, which a restored copy has. An edit, which is corrected, is
// not applied.
func taken(obj client.Object) []string {
	keys := lastApplied(obj)
	for _, entry := range obj.GetManagedFields() {
		f := decode(entry)
		if _, asCopy := f.Metadata.Labels["f:"+triggerv1.PublishedByLabel]; entry.Manager != triggerv1.FieldManager && !asCopy {
			keys = append(keys, f.keys()...)
		}
	}
	return keys
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
