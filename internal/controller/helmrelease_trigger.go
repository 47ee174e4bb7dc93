// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/request"
)

// This file keeps the generated trigger of a HelmRelease.

// reconcileTrigger creates, renames, updates or deletes the generated trigger, and returns what
// to report to the owner of the release.
func (r *HelmReleaseReconciler) reconcileTrigger(ctx context.Context, hr *helmv2.HelmRelease, sources []triggerv1.SourceReference) ([]problem, error) {
	found, err := r.relatives(ctx, client.ObjectKeyFromObject(hr), func(vt *triggerv1.ValuesTrigger) bool { return generated.IsLeftBehind(vt, hr) })
	if err != nil {
		return nil, err
	}
	for i := range found.declared {
		if err := r.letGo(ctx, client.ObjectKeyFromObject(&found.declared[i]), hr.Name, found.name); err != nil {
			return found.problems, err
		}
	}
	// What is recorded in them is about another release. Once they are gone, what is
	// generated next knows nothing of it.
	if len(found.old) > 0 {
		return found.problems, r.deleteAll(ctx, found.old)
	}
	if len(sources) == 0 {
		if err := r.keepProof(ctx, hr, found.own); err != nil {
			return found.problems, err
		}
		return found.problems, r.deleteAll(ctx, found.own)
	}
	if found.name == "" {
		return append(found.problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf(
			"each of the names that the generated ValuesTrigger may have is taken: %s; delete or rename one of these ValuesTriggers",
			text.Some(generated.Names(hr.Name), maxNamed))}), nil
	}

	desired := r.desired(hr, sources, found.name)
	existing, others := found.named(found.name)
	switch {
	case existing != nil:
		if err := r.deleteAll(ctx, replaced(existing, others)); err != nil {
			return found.problems, err
		}
		if inLine(existing, desired) {
			return found.problems, nil
		}
		desired.UID, desired.ResourceVersion = existing.UID, existing.ResourceVersion
	case len(others) > 0:
		return found.problems, r.rename(ctx, others, desired)
	}
	stored, err := r.applier.Apply(ctx, desired)
	if err != nil {
		return found.problems, fmt.Errorf("apply ValuesTrigger %s/%s: %w", desired.Namespace, desired.Name, err)
	}
	if label := stored.GetLabels()[triggerv1.ManagedByLabel]; label != triggerv1.FieldManager {
		found.problems = append(found.problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf(
			"something, such as an admission policy, makes the label %s of the generated ValuesTrigger %s/%s %q; exempt the user of the operator: after a restore, the trigger is recognised by this label",
			triggerv1.ManagedByLabel, desired.Namespace, desired.Name, label)})
	}
	return found.problems, nil
}

// rename creates the generated trigger under its name, with all that was set in one that has
// another. That one is deleted when its status has been taken over: see inherit.
func (r *HelmReleaseReconciler) rename(ctx context.Context, from []triggerv1.ValuesTrigger, desired *triggerv1.ValuesTrigger) error {
	best := max(0, slices.IndexFunc(from, func(vt triggerv1.ValuesTrigger) bool { return hasStatus(&vt) }))
	renamed := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: desired.Namespace, Name: desired.Name, OwnerReferences: desired.OwnerReferences,
			Labels: maps.Clone(desired.Labels), Annotations: maps.Clone(from[best].Annotations),
		},
		Spec: *from[best].Spec.DeepCopy(),
	}
	for key, value := range from[best].Labels {
		if _, set := renamed.Labels[key]; !set {
			renamed.Labels[key] = value
		}
	}
	renamed.Spec.Sources, renamed.Spec.Targets = desired.Spec.Sources, desired.Spec.Targets
	if err := r.writer.Create(ctx, renamed, client.FieldOwner(triggerv1.FieldManager)); err != nil {
		return fmt.Errorf("rename ValuesTrigger %s/%s to %s: %w", from[best].Namespace, from[best].Name, desired.Name, err)
	}
	return nil
}

// replaced returns those of the other generated triggers of a release of which nothing is left
// to be taken over.
func replaced(existing *triggerv1.ValuesTrigger, others []triggerv1.ValuesTrigger) []triggerv1.ValuesTrigger {
	return slices.DeleteFunc(others, func(vt triggerv1.ValuesTrigger) bool { return hasStatus(&vt) && !hasStatus(existing) })
}

// hasStatus reports whether the status of a trigger is its own: one that was restored, or was just
// created, has none.
func hasStatus(vt *triggerv1.ValuesTrigger) bool { return vt.Status.UID == vt.UID }

// keepProof records on a release what a trigger has proven that is about to go, because
// its last source has gone: that may come back as it was.
func (r *HelmReleaseReconciler) keepProof(ctx context.Context, hr *helmv2.HelmRelease, own []triggerv1.ValuesTrigger) error {
	record := plan.RecordOf(hr)
	for i := range own {
		t := onRecord(&own[i], hr)
		if t == nil || own[i].Status.UID != own[i].UID || !record.Proves(hr.UID, *t) {
			continue
		}
		record.Proven = t.Revision
		meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: hr.Namespace, Name: hr.Name, UID: hr.UID}}
		meta.SetGroupVersionKind(helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
		return request.Annotate(ctx, r.writer, meta, hr.ResourceVersion, triggerv1.RequestAnnotation, record.String())
	}
	return nil
}

// deleteAll removes triggers, in the versions that were looked at.
func (r *HelmReleaseReconciler) deleteAll(ctx context.Context, triggers []triggerv1.ValuesTrigger) error {
	for i := range triggers {
		vt := &triggers[i]
		err := r.writer.Delete(ctx, vt, client.Preconditions{UID: &vt.UID, ResourceVersion: &vt.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete ValuesTrigger %s/%s: %w", vt.Namespace, vt.Name, err)
		}
	}
	return nil
}

// desired returns the generated trigger as it should be. spec.suspend is not among
// its fields: that one is the user's.
func (r *HelmReleaseReconciler) desired(hr *helmv2.HelmRelease, sources []triggerv1.SourceReference, name string) *triggerv1.ValuesTrigger {
	owner := metav1.NewControllerRef(hr, helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
	// The deletion of the release need not wait for it, and to ask for that would
	// take permission on the release's finalizers.
	owner.BlockOwnerDeletion = nil
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       hr.Namespace,
			Name:            name,
			Labels:          map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
			OwnerReferences: []metav1.OwnerReference{*owner},
		},
		Spec: discovery.Spec(hr, sources),
	}
	// What selects the release for this instance must select its trigger too.
	for _, key := range r.inheritLabels {
		if value, found := hr.Labels[key]; found {
			vt.Labels[key] = value
		}
	}
	return vt
}

// inLine is true if a generated trigger is as it should be in all that the
// operator owns of it.
func inLine(existing, desired *triggerv1.ValuesTrigger) bool {
	for key, value := range desired.Labels {
		if existing.Labels[key] != value {
			return false
		}
	}
	return generated.IsHeld(existing) && equality.Semantic.DeepEqual(existing.OwnerReferences, desired.OwnerReferences) &&
		equality.Semantic.DeepEqual(existing.Spec.Sources, desired.Spec.Sources) &&
		equality.Semantic.DeepEqual(existing.Spec.Targets, desired.Spec.Targets)
}
