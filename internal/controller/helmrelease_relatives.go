// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// This file finds the triggers that are, were, or seem to be generated for a release.

// relatives are such triggers.
type relatives struct {
	// own are generated for it, and old for an earlier release of its name.
	own, old []triggerv1.ValuesTrigger

	// declared were generated for it until another began to apply them as its own.
	declared []triggerv1.ValuesTrigger

	// name is the first that is not taken by another trigger, empty if all are.
	name string

	problems []problem
}

// named returns the own trigger of that name, nil if there is none, and the others.
func (f relatives) named(name string) (*triggerv1.ValuesTrigger, []triggerv1.ValuesTrigger) {
	i := at(f.own, name)
	if i < 0 {
		return nil, f.own
	}
	return &f.own[i], slices.Concat(f.own[:i], f.own[i+1:])
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
		case !generated.IsOwnerless(&vt), !r.serves(&vt):
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
	if refusal.Is(err) {
		return ctrl.Result{RequeueAfter: refusedDelay}, nil
	}
	return ctrl.Result{}, err
}

// relatives returns the triggers that have to do with the generated one of a release.
func (r *HelmReleaseReconciler) relatives(ctx context.Context, release types.NamespacedName, leftBehind func(*triggerv1.ValuesTrigger) bool) (relatives, error) {
	var out relatives
	triggers, err := r.candidates(ctx, release)
	if err != nil {
		return out, err
	}
	for _, name := range generated.Names(release.Name) {
		if i := at(triggers, name); i < 0 || generated.For(&triggers[i]) == release.Name {
			out.name = name
			break
		}
	}
	for i := range triggers {
		vt := &triggers[i]
		if !vt.DeletionTimestamp.IsZero() {
			continue
		}
		switch {
		case leftBehind(vt):
			out.old = append(out.old, *vt)
		case generated.For(vt) == release.Name:
			out.own = append(out.own, *vt)
		case generated.DeclaredBy(vt) != "" && generated.IsHeld(vt) && isOwnedBy(vt, release.Name):
			out.declared = append(out.declared, *vt)
		}
		if message := ambiguity(vt, release.Name); message != "" {
			out.problems = append(out.problems, problem{triggerv1.AmbiguousTriggerReason, fmt.Sprintf("ValuesTrigger %s/%s %s", vt.Namespace, vt.Name, message)})
		}
	}
	return out, nil
}

// candidates returns the triggers that name a release as a target, or have a name that its
// generated one may have.
func (r *HelmReleaseReconciler) candidates(ctx context.Context, release types.NamespacedName) ([]triggerv1.ValuesTrigger, error) {
	list := &triggerv1.ValuesTriggerList{}
	if err := r.cache.List(ctx, list, client.InNamespace(release.Namespace), client.MatchingFields{index.TriggerTarget: release.String()}); err != nil {
		return nil, fmt.Errorf("triggers of HelmRelease %s: %w", release, err)
	}
	triggers := list.Items
	for _, name := range generated.AllNames(release.Name) {
		if at(triggers, name) >= 0 {
			continue
		}
		namesake := &triggerv1.ValuesTrigger{}
		err := r.cache.Get(ctx, types.NamespacedName{Namespace: release.Namespace, Name: name}, namesake)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err == nil {
			triggers = append(triggers, *namesake) // Its targets are others, or have been edited.
		}
	}
	return triggers, nil
}

// at returns the index of the trigger of that name, -1 if there is none.
func at(triggers []triggerv1.ValuesTrigger, name string) int {
	return slices.IndexFunc(triggers, func(vt triggerv1.ValuesTrigger) bool { return vt.Name == name })
}

// isOwnedBy reports whether a trigger is owned by a release of that name, or by none.
func isOwnedBy(vt *triggerv1.ValuesTrigger, release string) bool {
	owner := metav1.GetControllerOf(vt)
	return owner == nil || owner.Name == release
}

// ambiguity says why a trigger looks like the generated one of a release and is not taken for it,
// and what to do. Empty if that is clear.
func ambiguity(vt *triggerv1.ValuesTrigger, release string) string {
	const mark = triggerv1.ManagedByLabel + ": " + triggerv1.FieldManager
	manager := generated.DeclaredBy(vt)
	switch {
	case generated.Is(vt), manager != "" && generated.IsHeld(vt):
	case generated.IsMarked(vt) && manager != "":
		return fmt.Sprintf("has the label %s and counts as declared, since the field manager %s applies it; remove the label from what that applies", mark, manager)
	case generated.IsMarked(vt):
		return "has the label " + mark + " and is not what the operator generates, so that it counts as declared; remove the label, or delete the ValuesTrigger"
	case manager == "" && generated.LooksFor(vt) == release && slices.Contains(generated.Names(release), vt.Name):
		return "looks like the one that the operator generates and counts as declared, since nothing says who made it; if it was restored, delete it, or label it " + mark
	}
	return ""
}

// letGo leaves a trigger that was generated to the one who declares it now, label and owner
// reference included, and says so.
func (r *HelmReleaseReconciler) letGo(ctx context.Context, key types.NamespacedName, release, name string) error {
	vt := &triggerv1.ValuesTrigger{}
	if err := r.live.Get(ctx, key, vt); err != nil {
		return client.IgnoreNotFound(err)
	}
	manager := generated.DeclaredBy(vt)
	if manager == "" || !generated.IsHeld(vt) {
		return nil // The cache was late.
	}
	if err := r.applier.LetGo(ctx, vt); err != nil {
		return fmt.Errorf("let go of ValuesTrigger %s: %w", key, err)
	}
	r.events.Eventf(vt, corev1.EventTypeNormal, triggerv1.DeclaredReason,
		"The field manager %s applies this ValuesTrigger, which the operator had generated for HelmRelease %s/%s: it counts as declared and is left to %s; what it does not deliver to the HelmRelease is delivered by ValuesTrigger %s/%s",
		manager, key.Namespace, release, manager, key.Namespace, name)
	return nil
}
