// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// This file says which ValuesTriggers the operator has generated. Their owner references,
// labels and managed fields can each get lost, by an orphaning deletion, a restore or an
// admission policy, so that no single one of them decides. What they say is not a proof: who may
// write ValuesTriggers may write the same. What such a trigger may do is checked against the
// contract and valuesFrom.

// lastApplied is the annotation that kubectl apply leaves where it does without the help of the
// API server, and ClientSideApply the field manager that it is then.
const (
	lastApplied     = "kubectl.kubernetes.io/last-applied-configuration"
	ClientSideApply = "kubectl-client-side-apply"
)

// maxObjectName is the bound of the API server on names of custom resources.
const maxObjectName = 253

// GeneratedName returns the name of the trigger generated for a HelmRelease: that of the
// release, with a suffix that does not change where that is taken.
func GeneratedName(release string, taken bool) string {
	if !taken {
		return release
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(release)) // Never fails.
	suffix := fmt.Sprintf("-generated-%08x", h.Sum32())
	return strings.TrimRight(release[:min(len(release), maxObjectName-len(suffix))], ".") + suffix
}

// IsGenerated is true if the operator has generated the object.
func (in *ValuesTrigger) IsGenerated() bool { return in.GeneratedFor() != "" }

// GeneratedFor returns the name of the HelmRelease, of the same namespace, for which the
// operator has generated the object: by its managed fields, or by its label together with an
// owner or the looks of a generated one. It is empty for a declared one, and for any that
// another applies as its own.
func (in *ValuesTrigger) GeneratedFor() string {
	applied := in.AppliedByOperator()
	if !in.IsMarked() && !applied || in.DeclaredBy() != "" {
		return ""
	}
	owner := metav1.GetControllerOf(in)
	switch {
	case owner != nil && owner.Kind == "HelmRelease":
		return owner.Name
	case owner != nil:
		return ""
	case applied:
		return in.onlyTarget()
	}
	return in.LooksGeneratedFor()
}

// IsMarked is true if the object has the label of what the operator generates.
func (in *ValuesTrigger) IsMarked() bool { return in.Labels[ManagedByLabel] == FieldManager }

// LooksGeneratedFor returns the name of the HelmRelease for which the operator may have
// generated the object, by its looks: the release is its only target and gives it its name,
// and every source is spelled out.
func (in *ValuesTrigger) LooksGeneratedFor() string {
	release := in.onlyTarget()
	spelledOut := len(in.Spec.Sources) > 0 && !slices.ContainsFunc(in.Spec.Sources, func(s SourceReference) bool {
		return s.Name == "" || s.Namespace == "" || s.Force == "" || s.PublishAs != ""
	})
	if release == "" || !spelledOut || in.Name != GeneratedName(release, false) && in.Name != GeneratedName(release, true) {
		return ""
	}
	return release
}

// onlyTarget returns the name of the HelmRelease of the object's namespace that is its only
// target, empty if that is another or there are more.
func (in *ValuesTrigger) onlyTarget() string {
	if len(in.Spec.Targets) != 1 || in.Spec.Targets[0].Namespace != in.Namespace || in.Spec.Targets[0].NamespaceSelector != nil {
		return ""
	}
	return in.Spec.Targets[0].Name
}

// AppliedByOperator is true if the operator applies fields of the object, which it does of
// what it generates alone.
func (in *ValuesTrigger) AppliedByOperator() bool {
	return slices.ContainsFunc(in.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return isApply(entry) && entry.Manager == FieldManager
	})
}

// DeclaredBy returns the field manager that applies the sources or targets of the object as
// its own, without the label of what the operator generates. Empty if there is none.
func (in *ValuesTrigger) DeclaredBy() string { return in.applier(false) }

// CopiedBy returns the field manager that applies the sources or targets together with that
// label, as a copy of a generated trigger has it. Empty if there is none.
func (in *ValuesTrigger) CopiedBy() string { return in.applier(true) }

func (in *ValuesTrigger) applier(marked bool) string {
	for _, entry := range in.ManagedFields {
		if !isApply(entry) || entry.Manager == FieldManager || entry.FieldsV1 == nil {
			continue
		}
		if spec, label := fieldsApplied(entry.FieldsV1.GetRawBytes()); spec && label == marked {
			return entry.Manager
		}
	}
	if spec, label := fieldsLastApplied(in.Annotations[lastApplied]); spec && label == marked {
		return ClientSideApply
	}
	return ""
}

func isApply(entry metav1.ManagedFieldsEntry) bool {
	return entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// fieldsApplied reports whether sources or targets, and the label, are among managed fields.
func fieldsApplied(fields []byte) (spec, label bool) {
	var owned struct {
		Metadata struct {
			Labels map[string]json.RawMessage `json:"f:labels"`
		} `json:"f:metadata"`
		Spec struct {
			Sources json.RawMessage `json:"f:sources"`
			Targets json.RawMessage `json:"f:targets"`
		} `json:"f:spec"`
	}
	if json.Unmarshal(fields, &owned) != nil {
		return false, false
	}
	_, label = owned.Metadata.Labels["f:"+ManagedByLabel]
	return owned.Spec.Sources != nil || owned.Spec.Targets != nil, label
}

// fieldsLastApplied reports the same of the annotation of kubectl apply.
func fieldsLastApplied(manifest string) (spec, label bool) {
	var applied struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct{ Sources, Targets json.RawMessage }
	}
	if manifest == "" || json.Unmarshal([]byte(manifest), &applied) != nil {
		return false, false
	}
	return applied.Spec.Sources != nil || applied.Spec.Targets != nil, applied.Metadata.Labels[ManagedByLabel] == FieldManager
}

// Origin returns managed fields that say the same of where the object comes from as its own
// and the annotation of kubectl apply do, and nothing else.
func (in *ValuesTrigger) Origin() []metav1.ManagedFieldsEntry {
	var kept []metav1.ManagedFieldsEntry
	if in.AppliedByOperator() {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: FieldManager, Operation: metav1.ManagedFieldsOperationApply})
	}
	if manager := in.DeclaredBy(); manager != "" {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: declaring})
	}
	if manager := in.CopiedBy(); manager != "" {
		kept = append(kept, metav1.ManagedFieldsEntry{Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: copying})
	}
	return kept
}

// The fields of one who declares a trigger, and of one who applies a copy.
var (
	declaring = fieldsOf(`{"f:spec":{"f:sources":{}}}`)
	copying   = fieldsOf(`{"f:metadata":{"f:labels":{"f:` + ManagedByLabel + `":{}}},"f:spec":{"f:sources":{}}}`)
)

func fieldsOf(raw string) *metav1.FieldsV1 {
	fields := &metav1.FieldsV1{}
	fields.SetRawString(raw)
	return fields
}
