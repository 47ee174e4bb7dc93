// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
)

// maxListed bounds how many targets an event names, and maxNames in how many bytes, so that
// the cause of what happened to them has room too.
const (
	maxListed = 3
	maxNames  = 256
)

// notifyTargets emits the events about what became of the targets in a pass: about the HelmReleases, since
// Flux's Alerts select by Flux's own kinds, and about the ValuesTrigger, one for all. What is on the releases
// has happened, whether the status can be written or not.
func (r *ValuesTriggerReconciler) notifyTargets(ctx context.Context, old, vt *triggerv1.ValuesTrigger, pass *delivery.Result) {
	var triggered, refused []triggerv1.TargetStatus
	var passed []string
	for _, target := range pass.Targets {
		was, t := target.Was, target.Is
		r.meter.Observe(was, t)
		if t.Token != "" && t.Token != was.Token {
			triggered = append(triggered, t)
			r.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered: "+t.Cause)
		}
		if bypassed(vt, was, t) {
			passed = append(passed, t.Namespace+"/"+t.Name)
		}
		// That a target is refused is on record in the list alone: what that has no room for would be
		// news each time.
		if t.Refused != nil && listed(vt, t.Namespace, t.Name) == nil {
			continue
		}
		if isNewlyRefused(was, t) {
			refused = append(refused, t)
		}
		r.notifyOutcome(ctx, was, t)
	}

	if isNews(old, vt, pass.Targets, triggered) {
		r.events.Event(vt, corev1.EventTypeNormal, triggerv1.TriggeredReason, triggeredMessage(triggered))
	}
	if len(passed) > 0 {
		r.events.Event(vt, corev1.EventTypeWarning, triggerv1.BypassedReason, bypassedMessage(passed))
	}
	r.notifyRefused(vt, refused)
}

// notify emits the events that the change of a stored status deserves.
func (r *ValuesTriggerReconciler) notify(old, vt *triggerv1.ValuesTrigger) {
	r.notifyOverride(old, vt)
	r.notifyRollout(old, vt)
	r.notifyReady(old, vt)
}

// notifyOutcome emits the event about a HelmRelease that the end of a request deserves.
func (r *ValuesTriggerReconciler) notifyOutcome(ctx context.Context, was, t triggerv1.TargetStatus) {
	switch {
	case isNewlyRefused(was, t):
		r.notifyRelease(ctx, t, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason, t.Message)
	case t.State == was.State:
	case t.State == triggerv1.TargetDelivered && t.Token != "" && was.State != "" && plan.IsNewDelivery(was, t):
		r.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.DeliveredReason, r.deliveredMessage(ctx, t))
	case t.State == triggerv1.TargetFailed:
		r.notifyRelease(ctx, t, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason, t.Message)
	}
}

// triggeredMessage names those of the targets that one event has room for.
func triggeredMessage(triggered []triggerv1.TargetStatus) string {
	first := triggered[0]
	if len(triggered) == 1 {
		return fmt.Sprintf("Triggered HelmRelease %s/%s: %s", first.Namespace, first.Name, first.Cause)
	}
	names := make([]string, 0, len(triggered))
	for _, t := range triggered {
		names = append(names, t.Namespace+"/"+t.Name)
	}
	return fmt.Sprintf("Triggered %d HelmReleases (%s): %s", len(names), text.Line(text.Some(names, maxListed), maxNames), first.Cause)
}

func bypassedMessage(passed []string) string {
	if len(passed) == 1 {
		return fmt.Sprintf("HelmRelease %s applied the change on its own, before it was requested", passed[0])
	}
	return fmt.Sprintf("%d HelmReleases applied the change on their own, before it was requested: %s", len(passed), text.Some(passed, maxListed))
}

// isNewlyRefused is true if a target is refused for another reason or content than before.
func isNewlyRefused(was, is triggerv1.TargetStatus) bool {
	return is.Refused != nil && (was.Refused == nil || *was.Refused != *is.Refused || was.Message != is.Message)
}

// notifyRefused emits one event about all targets that come to be refused, unless that is why the
// trigger is Stalled, which has an event of its own.
func (r *ValuesTriggerReconciler) notifyRefused(vt *triggerv1.ValuesTrigger, refused []triggerv1.TargetStatus) {
	if len(refused) == 0 || conditions.IsStalled(vt) && strings.Contains(conditions.GetMessage(vt, meta.ReadyCondition), refused[0].Message) {
		return
	}
	r.events.Event(vt, corev1.EventTypeWarning, refused[0].Refused.Reason, plan.Refused(refused))
}

// waitingReasons are those for which a change is held back as someone wanted it to be.
var waitingReasons = []string{triggerv1.TargetsHeldReason, triggerv1.AwaitingWindowReason, triggerv1.AwaitingApprovalReason, triggerv1.AwaitingGateReason}

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
		return // Gone, or not served: nothing to report on.
	}
	metadata := map[string]string{}
	if t.Token != "" {
		metadata[helmv2.GroupVersion.Group+"/"+eventv1.MetaTokenKey] = t.Token
	}
	r.events.AnnotatedEventf(hr, metadata, eventType, reason, "%s", message)
}
