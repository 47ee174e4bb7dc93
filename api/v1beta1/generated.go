// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"encoding/json"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// This file says which ValuesTriggers the operator has generated. Their owner references,
// labels and managed fields can each get lost, by an orphaning deletion, a restore or an
// admission policy, so that no single one of them decides. What they say is no proof: who may
// write ValuesTriggers may write the same. What such a trigger may do is checked against the
// contract and valuesFrom.

// IsGenerated is true if the operator has generated the object.
func (in *ValuesTrigger) IsGenerated() bool { return in.GeneratedFor() != "" }

// GeneratedFor returns the name of the HelmRelease, of the same namespace, for which the
// operator has generated the object. It is empty if the object is declared: if another
// applies it, or if neither the label with the shape of a generated trigger nor the managed
// fields say that the operator has made it.
func (in *ValuesTrigger) GeneratedFor() string {
	marked, applied := in.Labels[ManagedByLabel] == FieldManager, in.appliedByOperator()
	if !marked && !applied || in.DeclaredBy() != "" {
		return ""
	}
	if owner := metav1.GetControllerOf(in); owner != nil && owner.Kind == "HelmRelease" {
		return owner.Name
	}
	if applied || in.HasGeneratedShape() {
		return in.onlyTarget()
	}
	return ""
}

// HasGeneratedShape is true if the object looks as the operator generates it: one
// HelmRelease of its namespace is the only target, and every source is spelled out.
func (in *ValuesTrigger) HasGeneratedShape() bool {
	return in.onlyTarget() != "" && len(in.Spec.Sources) > 0 && !slices.ContainsFunc(in.Spec.Sources, func(s SourceReference) bool {
		return s.Name == "" || s.Namespace == "" || s.Force == "" || s.PublishAs != ""
	})
}

// onlyTarget returns the name of the HelmRelease of the object's namespace that is its only
// target, empty if that is another or there are more.
func (in *ValuesTrigger) onlyTarget() string {
	if len(in.Spec.Targets) != 1 || in.Spec.Targets[0].Namespace != in.Namespace || in.Spec.Targets[0].NamespaceSelector != nil {
		return ""
	}
	return in.Spec.Targets[0].Name
}

func (in *ValuesTrigger) appliedByOperator() bool {
	return slices.ContainsFunc(in.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return isApply(entry) && entry.Manager == FieldManager
	})
}

// DeclaredBy returns the field manager that applies the sources or targets of the object as
// its own, empty if there is none. One that applies the label of generated triggers as well
// has copied one of these, from a backup for example.
func (in *ValuesTrigger) DeclaredBy() string {
	for _, entry := range in.ManagedFields {
		if isApply(entry) && entry.Manager != FieldManager && declares(entry.FieldsV1) {
			return entry.Manager
		}
	}
	if last := in.Annotations[lastApplied]; last != "" {
		applied := &struct {
			Metadata metav1.ObjectMeta
			Spec     struct{ Sources, Targets json.RawMessage }
		}{}
		if json.Unmarshal([]byte(last), applied) == nil && (applied.Spec.Sources != nil || applied.Spec.Targets != nil) &&
			applied.Metadata.Labels[ManagedByLabel] != FieldManager {
			return clientSideApply
		}
	}
	return ""
}

// What kubectl apply leaves without the help of the API server, and the field manager that it
// is then.
const (
	lastApplied     = "kubectl.kubernetes.io/last-applied-configuration"
	clientSideApply = "kubectl-client-side-apply"
)

func isApply(entry metav1.ManagedFieldsEntry) bool {
	return entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// declares is true of the fields of who applies sources or targets, and not the label.
func declares(fields *metav1.FieldsV1) bool {
	if fields == nil {
		return false
	}
	owned := &struct {
		Metadata struct {
			Labels map[string]json.RawMessage `json:"f:labels"`
		} `json:"f:metadata"`
		Spec struct {
			Sources json.RawMessage `json:"f:sources"`
			Targets json.RawMessage `json:"f:targets"`
		} `json:"f:spec"`
	}{}
	if json.Unmarshal(fields.GetRawBytes(), owned) != nil {
		return false
	}
	_, labelled := owned.Metadata.Labels["f:"+ManagedByLabel]
	return !labelled && (owned.Spec.Sources != nil || owned.Spec.Targets != nil)
}

// Origin returns the managed fields of the object without what IsGenerated and DeclaredBy
// do not look at. They say the same of an object that has these in place of its managed
// fields and of the annotation of kubectl apply.
func (in *ValuesTrigger) Origin() []metav1.ManagedFieldsEntry {
	var kept []metav1.ManagedFieldsEntry
	if in.appliedByOperator() {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationApply})
	}
	if manager := in.DeclaredBy(); manager != "" {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: declaring})
	}
	return kept
}

// declaring are the fields of one who declares a trigger.
var declaring = func() *metav1.FieldsV1 {
	fields := &metav1.FieldsV1{}
	fields.SetRawString(`{"f:spec":{"f:sources":{}}}`)
	return fields
}()
