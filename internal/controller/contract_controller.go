// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/request"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch

// ContractReconciler answers the owner of a labelled ConfigMap or Secret: by events
// about what is wrong with its labels and annotations, and by the digest annotation
// once its content has arrived everywhere. It triggers nothing.
type ContractReconciler struct {
	kind     string
	cache    client.Reader
	writer   client.Client
	store    *source.Store
	policy   access.Policy
	events   record.EventRecorder
	reported *reported
}

// Reconcile looks at one labelled object.
func (r *ContractReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	meta := index.Metadata(r.kind)
	if err := r.cache.Get(ctx, req.NamespacedName, meta); err != nil {
		r.reported.forget(req.String())
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !contract.IsSource(meta.Labels) {
		var problems []problem
		if unheard := contract.Unheard(meta.Labels, meta.Annotations); unheard != "" {
			problems = append(problems, problem{triggerv1.InvalidContractReason, unheard})
		}
		r.report(meta, problems)
		return ctrl.Result{}, nil
	}

	binding := contract.Parse(meta.Annotations)
	targets, missing, problems, err := r.targets(ctx, meta, binding)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(targets) > 0 {
		err = r.reconcileDigest(ctx, meta, targets, missing)
	}
	var result ctrl.Result
	if refusal.Is(err) {
		problems = append(problems, problem{acl.AccessDeniedReason, refusal.Message(err)})
		result, err = ctrl.Result{RequeueAfter: refusedDelay}, nil
	}
	r.report(meta, problems)
	return result, err
}

// report emits an event for each problem that is new.
func (r *ContractReconciler) report(meta *metav1.PartialObjectMetadata, problems []problem) {
	r.reported.each(client.ObjectKeyFromObject(meta).String(), problems, func(p problem) {
		r.events.Event(meta, corev1.EventTypeWarning, p.reason, p.message)
	})
}

// targets returns the HelmReleases that the object may trigger, whether any of those
// it names are missing, and what to tell about the others.
func (r *ContractReconciler) targets(ctx context.Context, meta *metav1.PartialObjectMetadata, binding contract.Binding) (targets []types.NamespacedName, missing bool, problems []problem, err error) {
	for _, message := range binding.Problems {
		problems = append(problems, problem{triggerv1.InvalidContractReason, message})
	}
	var absent, optedOut []string
	denied := 0
	for _, target := range binding.Targets {
		hr := &helmv2.HelmRelease{}
		err := r.cache.Get(ctx, target, hr, client.UnsafeDisableDeepCopy)
		if client.IgnoreNotFound(err) != nil {
			return nil, false, nil, err
		}
		// First of all who may ask: where references to other namespaces are denied, not even
		// whether there is such a release is disclosed.
		refused := r.policy.Check(meta.Namespace, access.Target{Namespace: target.Namespace, Name: target.Name, Annotations: hr.Annotations})
		switch {
		case refused != nil:
			if denied++; denied <= maxNamed {
				problems = append(problems, problem{acl.AccessDeniedReason, refused.Error()})
			}
		case err != nil:
			absent = append(absent, target.String())
		case contract.IsExcluded(hr.Labels):
			optedOut = append(optedOut, target.String())
		default:
			targets = append(targets, target)
		}
	}
	if denied > maxNamed {
		problems = append(problems, problem{acl.AccessDeniedReason, fmt.Sprintf("%d more HelmReleases named by annotation %s do not accept triggers from namespace %s",
			denied-maxNamed, triggerv1.HRNameAnnotation, meta.Namespace)})
	}
	if len(absent) > 0 {
		problems = append(problems, problem{triggerv1.TargetNotFoundReason, fmt.Sprintf(
			"%s named by annotation %s: not found; triggered as soon as it exists, check name and namespace (annotation %s, default %s)",
			some(absent), triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation, triggerv1.DefaultFluxcdNamespace)})
	}
	if len(optedOut) > 0 {
		problems = append(problems, problem{triggerv1.InvalidContractReason, fmt.Sprintf(
			"%s: not triggered, opted out by its label %s: %q", some(optedOut), triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)})
	}
	return targets, len(absent) > 0, problems, nil
}

// maxNamed bounds how many objects a message names, and how many are reported one by one.
const maxNamed = 5

// some names the first HelmReleases of a list.
func some(names []string) string {
	slices.Sort(names)
	return "HelmRelease " + text.Some(names, maxNamed)
}

// reconcileDigest writes the digest annotation when the present content is delivered
// to all targets.
func (r *ContractReconciler) reconcileDigest(ctx context.Context, meta *metav1.PartialObjectMetadata, targets []types.NamespacedName, missing bool) error {
	ref := source.Ref{Kind: r.kind, Namespace: meta.Namespace, Name: meta.Name}
	object, err := r.store.Get(ctx, source.Account{}, ref, 24*time.Hour)
	if err != nil || !object.Exists {
		return err
	}
	baseline := contract.ParseBaseline(object.Annotations)
	// One that was made otherwise stays: a shard that has another key might put it back.
	if !baseline.Legacy && (missing || object.RecordedBy(baseline)) {
		return nil
	}
	for _, target := range targets {
		delivered, err := r.delivered(ctx, target, ref, object)
		if err != nil || !delivered {
			return err
		}
	}
	if err := request.Annotate(ctx, r.writer, meta, object.ResourceVersion, triggerv1.HashAnnotation, object.Full); err != nil {
		// Someone changed it meanwhile: the event of that comes here again.
		return client.IgnoreNotFound(ignoreConflict(err))
	}
	if baseline.Legacy {
		r.events.Event(meta, corev1.EventTypeNormal, triggerv1.BaselineReason,
			"digest of the first operator taken over as a baseline, nothing was triggered; "+triggerv1.HashAnnotation+" is sha256 from now on")
	}
	return nil
}

// delivered reports whether a trigger has delivered this content of the object to the
// target.
func (r *ContractReconciler) delivered(ctx context.Context, target types.NamespacedName, ref source.Ref, object source.Object) (bool, error) {
	hr := &helmv2.HelmRelease{}
	if err := r.cache.Get(ctx, target, hr, client.UnsafeDisableDeepCopy); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	for _, key := range index.Target(target.Namespace, target.Name) {
		list := &triggerv1.ValuesTriggerList{}
		if err := r.cache.List(ctx, list, client.MatchingFields{index.TriggerTarget: key}, client.UnsafeDisableDeepCopy); err != nil {
			return false, fmt.Errorf("triggers of HelmRelease %s: %w", target, err)
		}
		for i := range list.Items {
			if deliveredBy(&list.Items[i], hr, ref, object) {
				return true, nil
			}
		}
	}
	return false, nil
}

// deliveredBy is true if a trigger says so, in a status of its own about this very release: a
// restored one is about others.
func deliveredBy(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease, ref source.Ref, object source.Object) bool {
	if vt.Status.UID != vt.UID {
		return false
	}
	if t := onRecord(vt, hr); t == nil || t.UID != hr.UID || t.State != triggerv1.TargetDelivered || t.Digest != vt.Status.LastDigest {
		return false
	}
	keys := keysOf(vt, ref.Kind, ref.Namespace, ref.Name)
	return slices.ContainsFunc(vt.Status.Sources, func(s triggerv1.SourceStatus) bool {
		return plan.ID(s.Kind, s.Namespace, s.Name) == plan.ID(ref.Kind, ref.Namespace, ref.Name) && object.Content.Is(s.Digest, keys...)
	})
}

// keysOf returns the keys that a trigger reads of an object, nil for all: those of the
// references that name it or else, of those that select it, what they have in common.
func keysOf(vt *triggerv1.ValuesTrigger, kind, namespace, name string) []string {
	var named, selected [][]string
	for _, s := range vt.Spec.Sources {
		in := s.Namespace
		if in == "" {
			in = vt.Namespace
		}
		switch {
		case s.Kind != kind || in != namespace:
		case s.Name == name:
			named = append(named, s.Keys)
		case s.Selector != nil:
			selected = append(selected, s.Keys)
		}
	}
	if len(named) > 0 {
		if slices.ContainsFunc(named, func(keys []string) bool { return keys == nil }) {
			return nil
		}
		return slices.Concat(named...)
	}
	// Which of several selectors matched is not known here.
	var common []string
	for _, keys := range selected {
		switch {
		case keys == nil:
		case common == nil:
			common = slices.Clone(keys)
		default:
			common = slices.DeleteFunc(common, func(key string) bool { return !slices.Contains(keys, key) })
		}
	}
	return common
}

func ignoreConflict(err error) error {
	if apierrors.IsConflict(err) {
		return nil
	}
	return err
}
