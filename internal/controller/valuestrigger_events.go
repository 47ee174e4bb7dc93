// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// notify emits the events that the change of a stored status deserves. About the
// HelmRelease, since Flux's Alerts select by Flux's own kinds; about the ValuesTrigger,
// one for all targets.
func (r *ValuesTriggerReconciler) notify(ctx context.Context, old, vt *triggerv1.ValuesTrigger) {
	before := make(map[types.NamespacedName]triggerv1.TargetStatus, len(old.Status.Targets))
	for _, t := range old.Status.Targets {
		before[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = t
	}
	var triggered []triggerv1.TargetStatus
	for _, t := range vt.Status.Targets {
		was := before[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}]
		if t.Token != "" && t.Token != was.Token {
			triggered = append(triggered, t)
			r.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered: "+t.Cause)
		}
		if bypassed(vt, was, t) {
			r.events.Eventf(vt, corev1.EventTypeWarning, triggerv1.BypassedReason,
				"HelmRelease %s/%s took up the change by itself, before it was asked to", t.Namespace, t.Name)
		}
		switch {
		case t.State == was.State:
		case t.State == triggerv1.TargetDelivered && t.Token != "" && was.State != "" && !was.DeliveredAt.Equal(t.DeliveredAt):
			r.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.DeliveredReason, r.deliveredMessage(ctx, t))
		case t.State == triggerv1.TargetFailed:
			r.notifyRelease(ctx, t, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason, t.Message)
		}
	}

	switch {
	case len(triggered) == 0 || !isNews(old, vt, triggered):
	case len(triggered) == 1:
		t := triggered[0]
		r.events.Eventf(vt, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered HelmRelease %s/%s: %s", t.Namespace, t.Name, t.Cause)
	default:
		r.events.Eventf(vt, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered %d HelmReleases: %s", len(triggered), triggered[0].Cause)
	}
	r.notifyOverride(old, vt)
	r.notifyRollout(old, vt)
	r.notifyReady(old, vt)
}

// waitingReasons are those for which a change is held back as somebody wanted it to be.
var waitingReasons = []string{triggerv1.TargetsHeldReason, triggerv1.AwaitingWindowReason, triggerv1.AwaitingApprovalReason}

// notifyReady emits an event when the Ready condition comes to say something else that
// a person wants to know.
func (r *ValuesTriggerReconciler) notifyReady(old, vt *triggerv1.ValuesTrigger) {
	ready := conditions.Get(vt, meta.ReadyCondition)
	if ready == nil || conditions.GetMessage(old, meta.ReadyCondition) == ready.Message {
		return
	}
	switch {
	case ready.Status == metav1.ConditionFalse && slices.Contains(waitingReasons, ready.Reason):
		r.events.Event(vt, corev1.EventTypeNormal, ready.Reason, ready.Message)
	case ready.Status == metav1.ConditionFalse:
		r.events.Event(vt, corev1.EventTypeWarning, ready.Reason, ready.Message)
	case ready.Status == metav1.ConditionTrue && len(old.Status.Conditions) > 0 && vt.Status.LastTriggerTime != nil:
		r.events.Event(vt, corev1.EventTypeNormal, triggerv1.DeliveredReason, ready.Message)
	}
}

// notifyRelease emits an event about a HelmRelease, with the token as metadata of Flux:
// notification-controller tells repeated deliveries apart by it.
func (r *ValuesTriggerReconciler) notifyRelease(ctx context.Context, t triggerv1.TargetStatus, eventType, reason, message string) {
	hr := &helmv2.HelmRelease{}
	if r.cache.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: t.Name}, hr) != nil {
		return // Gone, or not served: nobody to tell about.
	}
	metadata := map[string]string{}
	if t.Token != "" {
		metadata[helmv2.GroupVersion.Group+"/"+eventv1.MetaTokenKey] = t.Token
	}
	r.events.AnnotatedEventf(hr, metadata, eventType, reason, "%s", message)
}
