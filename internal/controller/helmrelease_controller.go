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
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/index"
)

// +kubebuilder:rbac:groups=helm.toolkit.fluxcd.io,resources=helmreleases,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=trigger.nebius.ai,resources=valuestriggers,verbs=get;list;watch;create;patch;delete

// HelmReleaseReconciler keeps, for each HelmRelease, the generated ValuesTrigger and
// the labels of autodiscovery in line with valuesFrom and the contract.
type HelmReleaseReconciler struct {
	cache         client.Reader
	writer        client.Writer
	applier       *apply.Applier
	derive        deriver
	events        record.EventRecorder
	reported      *reported
	serves        func(client.Object) bool
	denials       *denials
	autodiscovery bool
	inheritLabels []string
}

// Reconcile brings one HelmRelease's trigger and labels up to date, and reports what is
// in the way.
func (r *HelmReleaseReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	hr := &helmv2.HelmRelease{}
	if err := r.cache.Get(ctx, req.NamespacedName, hr); err != nil {
		r.reported.forget(req.String())
		r.denials.over(req)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !r.serves(hr) {
		return ctrl.Result{}, nil // Another shard does.
	}
	if !hr.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // The garbage collector removes the trigger.
	}
	problems, refused, err := r.reconcile(ctx, hr)
	if isRefused(err) {
		refused, err = append(refused, err), nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	var result ctrl.Result
	for _, err := range refused {
		problems = append(problems, problem{acl.AccessDeniedReason, refusedMessage(err)})
		result.RequeueAfter, _ = r.denials.again(req)
	}
	if len(refused) == 0 {
		r.denials.over(req)
	}
	r.reported.each(req.String(), problems, func(p problem) {
		r.events.Event(hr, corev1.EventTypeWarning, p.reason, p.message)
	})
	return result, nil
}

// reconcile returns what to report to the owner of the release, and what the API server has
// refused on the way: a trigger that is refused does not keep the labels from being written.
func (r *HelmReleaseReconciler) reconcile(ctx context.Context, hr *helmv2.HelmRelease) (problems []problem, refused []error, err error) {
	sources, dropped, err := r.derive.derive(ctx, hr)
	if err != nil {
		return nil, nil, err
	}
	if sources, err = r.derive.withoutDeclared(ctx, hr, sources); err != nil {
		return nil, nil, err
	}
	if err := r.reconcileTrigger(ctx, hr, sources); isRefused(err) {
		refused = append(refused, err)
	} else if err != nil {
		return nil, nil, err
	}
	if dropped > 0 {
		problems = append(problems, problem{triggerv1.InvalidContractReason, fmt.Sprintf("%d more labelled ConfigMaps or Secrets name this HelmRelease than the %d that fit; declare a ValuesTrigger with a selector for them", dropped, discovery.MaxSources)})
	}
	if !r.autodiscovery || contract.IsExcluded(hr.Labels) {
		return problems, refused, nil
	}
	unlabelled, err := r.reconcileLabels(ctx, hr)
	if unlabelled != "" {
		problems = append(problems, problem{triggerv1.InvalidContractReason, unlabelled})
	}
	return problems, refused, err
}

// reconcileTrigger creates, updates or deletes the generated trigger.
func (r *HelmReleaseReconciler) reconcileTrigger(ctx context.Context, hr *helmv2.HelmRelease, sources []triggerv1.SourceReference) error {
	existing, old, taken, err := r.generated(ctx, hr)
	if err != nil {
		return err
	}
	// What is recorded in them is about another release. Once they are gone, what is
	// generated anew knows nothing of it.
	for i := range old {
		if err := r.delete(ctx, &old[i]); err != nil {
			return err
		}
	}
	if len(old) > 0 {
		return nil
	}
	if len(sources) == 0 {
		for i := range existing {
			if err := r.delete(ctx, &existing[i]); err != nil {
				return err
			}
		}
		return nil
	}

	desired := r.desired(hr, sources, taken)
	for i := range existing {
		switch {
		case existing[i].Name != desired.Name:
			if err := r.delete(ctx, &existing[i]); err != nil {
				return err
			}
		case inLine(&existing[i], desired):
			return nil
		}
	}
	if err := r.applier.Apply(ctx, desired); err != nil {
		return fmt.Errorf("apply ValuesTrigger %s/%s: %w", desired.Namespace, desired.Name, err)
	}
	return nil
}

// generated returns the triggers generated for the release, those left behind by an
// earlier release of its name, and whether its name is taken by another trigger.
func (r *HelmReleaseReconciler) generated(ctx context.Context, hr *helmv2.HelmRelease) (own, old []triggerv1.ValuesTrigger, taken bool, err error) {
	list := &triggerv1.ValuesTriggerList{}
	if err := r.cache.List(ctx, list, client.InNamespace(hr.Namespace), client.MatchingFields{index.TriggerTarget: hr.Namespace + "/" + hr.Name}); err != nil {
		return nil, nil, false, fmt.Errorf("triggers of HelmRelease %s/%s: %w", hr.Namespace, hr.Name, err)
	}
	namesake := &triggerv1.ValuesTrigger{}
	err = r.cache.Get(ctx, client.ObjectKeyFromObject(hr), namesake)
	if client.IgnoreNotFound(err) != nil {
		return nil, nil, false, err
	}
	found := list.Items
	if err == nil && !slices.ContainsFunc(found, func(vt triggerv1.ValuesTrigger) bool { return vt.Name == namesake.Name }) {
		found = append(found, *namesake) // Somebody has given it another target.
	}
	for i := range found {
		switch vt := &found[i]; {
		case !vt.DeletionTimestamp.IsZero():
		case generatedFor(vt, hr):
			own = append(own, *vt)
		case leftBehind(vt, hr):
			old = append(old, *vt)
		}
	}
	return own, old, err == nil && !namesake.IsGenerated(), nil
}

// delete removes a generated trigger, in the version that was looked at.
func (r *HelmReleaseReconciler) delete(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	err := r.writer.Delete(ctx, vt, client.Preconditions{UID: &vt.UID, ResourceVersion: &vt.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete ValuesTrigger %s/%s: %w", vt.Namespace, vt.Name, err)
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
			Name:            generatedName(hr.Name, taken),
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

// inLine tells whether a generated trigger is as it should be in all that the
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
