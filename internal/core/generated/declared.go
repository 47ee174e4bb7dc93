// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package generated

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

// clientSideApply is the field manager of kubectl apply where it merges by itself.
const clientSideApply = "kubectl-client-side-apply"

// trackingLabels and trackingAnnotations are the marks of tools on what they have applied.
var trackingLabels, trackingAnnotations = applier.Marks()

// tracked are the managed fields of one who declares a trigger, by one of these labels.
var tracked = func() *metav1.FieldsV1 {
	f := &metav1.FieldsV1{}
	f.SetRawString(`{"f:metadata":{"f:labels":{"f:` + trackingLabels[0] + `":{}}}}`)
	return f
}()

// DeclaredBy returns the field manager that has made a trigger its own, whatever the operator
// made of it before. Empty if there is none.
func DeclaredBy(vt *triggerv1.ValuesTrigger) string {
	for _, entry := range vt.ManagedFields {
		if entry.Manager != triggerv1.FieldManager && entry.Subresource == "" && declares(entry) {
			return entry.Manager
		}
	}
	if declaresByManifest(vt.Annotations[corev1.LastAppliedConfigAnnotation]) {
		return clientSideApply
	}
	return ""
}

// declares reports whether a manager declares a trigger by what it owns of it: the mark of a tool
// that tracks its objects, or the sources or targets. A person's edit of those is none, and
// neither is what a restore creates, with the label of what the operator generates.
func declares(entry metav1.ManagedFieldsEntry) bool {
	owned := fields.Of(entry)
	if ownsAny(owned.At("metadata", "labels"), trackingLabels) || ownsAny(owned.At("metadata", "annotations"), trackingAnnotations) {
		return true
	}
	if !ownsAny(owned.At("spec"), []string{"sources", "targets"}) {
		return false
	}
	return fields.IsApply(entry) || !isPerson(entry.Manager) && !ownsMark(owned)
}

func ownsAny(owned fields.Set, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return owned.Has(name) })
}

func ownsMark(owned fields.Set) bool {
	return owned.Has("metadata", "labels", triggerv1.ManagedByLabel)
}

// isPerson reports whether a field manager is one of kubectl, which kustomize-controller takes
// for edits that are to be undone, too.
func isPerson(manager string) bool { return strings.HasPrefix(manager, "kubectl") }

// declaresByManifest reports whether what kubectl apply has applied has sources or targets, and
// not the label of what the operator generates, with which a restored one is applied.
func declaresByManifest(manifest string) bool {
	var applied struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct{ Sources, Targets json.RawMessage }
	}
	if manifest == "" || json.Unmarshal([]byte(manifest), &applied) != nil {
		return false
	}
	return (applied.Spec.Sources != nil || applied.Spec.Targets != nil) && applied.Metadata.Labels[triggerv1.ManagedByLabel] != triggerv1.FieldManager
}
