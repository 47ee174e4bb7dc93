// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/request"
)

// This file keeps the generated trigger of a HelmRelease.

// relatives are the triggers that are, were, or seem to be generated for a release.
type relatives struct {
	// own are generated for it, and old for an earlier release of its name.
	own, old []triggerv1.ValuesTrigger

	// declared were generated for it until another began to apply them as its own.
	declared []triggerv1.ValuesTrigger

	// taken is true if a declared trigger has the name of the release.
	taken bool

	problems []problem
}

// reconcileTrigger creates, updates or deletes the generated trigger, and returns what to
// tell the owner of the release.
func (r *HelmReleaseReconciler) reconcileTrigger(ctx context.Context, hr *helmv2.HelmRelease, sources []triggerv1.SourceReference) ([]problem, error) {
	found, err := r.relatives(ctx, client.ObjectKeyFromObject(hr), func(vt *triggerv1.ValuesTrigger) bool { return leftBehind(vt, hr) })
	if err != nil {
		return nil, err
	}
	for i := range found.declared {
		if err := r.letGo(ctx, &found.declared[i]); err != nil {
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

	desired := r.desired(hr, sources, found.taken)
	for i := range found.own {
		switch existing := &found.own[i]; {
		case existing.Name != desired.Name:
			if err := r.deleteAll(ctx, found.own[i:i+1]); err != nil {
				return found.problems, err
			}
		case inLine(existing, desired):
			return found.problems, nil
		}
	}
	stored, err := r.applier.Apply(ctx, desired)
	if err != nil {
		return found.problems, fmt.Errorf("apply ValuesTrigger %s/%s: %w", desired.Namespace, desired.Name, err)
	}
	if label := stored.GetLabels()[triggerv1.ManagedByLabel]; label != triggerv1.FieldManager {
		found.problems = append(found.problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf(
			"something, such as an admission policy, makes the label %s of the generated ValuesTrigger %s/%s %q; have it except the user of the operator: after a restore, the trigger is recognised by this label",
			triggerv1.ManagedByLabel, desired.Namespace, desired.Name, label)})
	}
	return found.problems, nil
}

// keepProof records on a release what a trigger has proven that is about to go, because
// its last source has gone: that may come back as it was.
func (r *HelmReleaseReconciler) keepProof(ctx context.Context, hr *helmv2.HelmRelease, own []triggerv1.ValuesTrigger) error {
	record := plan.ParseRecord(hr.Annotations[triggerv1.RequestAnnotation])
	for i := range own {
		for _, t := range own[i].Status.Targets {
			if own[i].Status.UID != own[i].UID || !record.Proves(hr.UID, t) {
				continue
			}
			record.Proven = t.Revision
			meta := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: hr.Namespace, Name: hr.Name, UID: hr.UID}}
			meta.SetGroupVersionKind(helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
			return request.Annotate(ctx, r.writer, meta, hr.ResourceVersion, triggerv1.RequestAnnotation, record.String())
		}
	}
	return nil
}

// reconcileGone deletes what was generated for a release that is gone, where the garbage
// collector does not, since it was orphaned.
func (r *HelmReleaseReconciler) reconcileGone(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	found, err := r.relatives(ctx, req.NamespacedName, func(*triggerv1.ValuesTrigger) bool { return false })
	if err != nil {
		return ctrl.Result{}, err
	}
	var orphans, restored []triggerv1.ValuesTrigger
	var problems []problem
	for _, vt := range found.own {
		switch {
		case !isOwnerless(&vt), !r.serves(&vt):
		case vt.Status.UID == vt.UID:
			orphans = append(orphans, vt)
		default: // The operator has not worked with it, and its release may follow.
			restored = append(restored, vt)
			problems = append(problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf(
				"ValuesTrigger %s/%s is generated for HelmRelease %s, which does not exist; restore that, or delete the ValuesTrigger", vt.Namespace, vt.Name, req.NamespacedName)})
		}
	}
	r.reported.each(req.String(), problems, func(p problem) {
		r.events.Event(&restored[slices.Index(problems, p)], corev1.EventTypeWarning, p.reason, p.message)
	})
	err = r.deleteAll(ctx, orphans)
	if isRefused(err) {
		after, _ := r.denials.again(req)
		return ctrl.Result{RequeueAfter: after}, nil
	}
	r.denials.over(req)
	return ctrl.Result{}, err
}

// relatives returns the triggers that have to do with the generated one of a release.
func (r *HelmReleaseReconciler) relatives(ctx context.Context, release types.NamespacedName, leftBehind func(*triggerv1.ValuesTrigger) bool) (relatives, error) {
	var out relatives
	list := &triggerv1.ValuesTriggerList{}
	if err := r.cache.List(ctx, list, client.InNamespace(release.Namespace), client.MatchingFields{index.TriggerTarget: release.String()}); err != nil {
		return out, fmt.Errorf("triggers of HelmRelease %s: %w", release, err)
	}
	namesake := &triggerv1.ValuesTrigger{}
	err := r.cache.Get(ctx, release, namesake)
	if client.IgnoreNotFound(err) != nil {
		return out, err
	}
	triggers := list.Items
	if err == nil && !slices.ContainsFunc(triggers, func(vt triggerv1.ValuesTrigger) bool { return vt.Name == namesake.Name }) {
		triggers = append(triggers, *namesake) // Its targets have been edited.
	}
	out.taken = err == nil && !namesake.IsGenerated()
	for i := range triggers {
		vt := &triggers[i]
		if !vt.DeletionTimestamp.IsZero() {
			continue
		}
		switch {
		case leftBehind(vt):
			out.old = append(out.old, *vt)
		case vt.GeneratedFor() == release.Name:
			out.own = append(out.own, *vt)
		case vt.DeclaredBy() != "" && vt.AppliedByOperator():
			out.declared = append(out.declared, *vt)
		}
		if message := ambiguity(vt, release.Name); message != "" {
			out.problems = append(out.problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf("ValuesTrigger %s/%s %s", vt.Namespace, vt.Name, message)})
		}
	}
	return out, nil
}

// ambiguity says why a trigger looks like the generated one of a release and cannot be taken
// for it without asking, and what to do. Empty if that is clear.
func ambiguity(vt *triggerv1.ValuesTrigger, release string) string {
	const mark = triggerv1.ManagedByLabel + ": " + triggerv1.FieldManager
	switch {
	case vt.GeneratedFor() == release:
		if manager := vt.CopiedBy(); manager != "" && manager != triggerv1.ClientSideApply {
			return fmt.Sprintf("is generated, and the field manager %s applies it as well; remove it from what that applies", manager)
		}
	case vt.IsMarked() && vt.DeclaredBy() == "" && !vt.IsGenerated():
		return "has the label " + mark + " and is not what the operator generates, so that it counts as declared; remove the label, or delete the ValuesTrigger"
	case !vt.IsMarked() && vt.LooksGeneratedFor() == release && vt.DeclaredBy() == "":
		return "looks like the one that the operator generates and counts as declared, since nothing says who made it; if it was restored, delete it, or label it " + mark
	}
	return ""
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

// letGo withdraws all that the operator has applied to a trigger, label and owner reference
// among it: it is declared now, and stays what another makes of it.
func (r *HelmReleaseReconciler) letGo(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
	obj.Namespace, obj.Name, obj.UID = vt.Namespace, vt.Name, vt.UID
	obj.Labels = map[string]string{}
	if err := r.applier.ApplyMetadata(ctx, obj); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("let go of ValuesTrigger %s/%s: %w", vt.Namespace, vt.Name, err)
	}
	return nil
}

// desired returns the generated trigger as it should be. spec.suspend is not among
// its fields: that one is the user's.
func (r *HelmReleaseReconciler) desired(hr *helmv2.HelmRelease, sources []triggerv1.SourceReference, taken bool) *triggerv1.ValuesTrigger {
	owner := metav1.NewControllerRef(hr, helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
	// The deletion of the release need not wait for it, and to ask for that would
	// take permission on the release's finalizers.
	owner.BlockOwnerDeletion = nil
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       hr.Namespace,
			Name:            triggerv1.GeneratedName(hr.Name, taken),
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
	return equality.Semantic.DeepEqual(existing.OwnerReferences, desired.OwnerReferences) &&
		equality.Semantic.DeepEqual(existing.Spec.Sources, desired.Spec.Sources) &&
		equality.Semantic.DeepEqual(existing.Spec.Targets, desired.Spec.Targets)
}
