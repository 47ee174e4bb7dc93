// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// +kubebuilder:rbac:groups=helm.toolkit.fluxcd.io,resources=helmreleases,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=trigger.nebius.ai,resources=valuestriggers,verbs=get;list;watch;create;patch;delete

// HelmReleaseReconciler keeps, for each HelmRelease, the generated ValuesTrigger and
// the labels of autodiscovery in line with valuesFrom and the contract.
type HelmReleaseReconciler struct {
	cache         client.Reader
	writer        client.Writer
	live          client.Reader
	applier       *apply.Applier
	derive        deriver
	events        record.EventRecorder
	reported      *reported
	serves        func(client.Object) bool
	autodiscovery bool
	inheritLabels []string
}

// Reconcile brings one HelmRelease's trigger and labels up to date, and reports what is
// in the way.
func (r *HelmReleaseReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	hr := &helmv2.HelmRelease{}
	err := r.cache.Get(ctx, req.NamespacedName, hr)
	if apierrors.IsNotFound(err) {
		return r.reconcileGone(ctx, req)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	if !r.serves(hr) {
		return ctrl.Result{}, nil // Another shard does.
	}
	if !hr.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // The garbage collector removes the trigger.
	}
	problems, refused, err := r.reconcile(ctx, hr)
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return ctrl.Result{RequeueAfter: delivery.ConflictDelay}, nil // The cache is about to show what.
	}
	if refusal.Is(err) {
		refused, err = append(refused, err), nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	var result ctrl.Result
	for _, err := range refused {
		problems = append(problems, problem{acl.AccessDeniedReason, refusal.Message(err)})
		result.RequeueAfter = refusedDelay
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
	problems, err = r.reconcileTrigger(ctx, hr, sources)
	if refusal.Is(err) {
		refused = append(refused, err)
	} else if err != nil {
		return problems, nil, err
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
