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
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"

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

// triggerEvents are the events about a ValuesTrigger and its targets.
type triggerEvents struct {
	cache    client.Reader
	recorder record.EventRecorder
}

// notifyTargets emits the events about what became of the targets in a pass: about the HelmReleases, since
// Flux's Alerts select by Flux's own kinds, and about the ValuesTrigger, one for all. What is on the releases
// has happened, whether the status can be written or not.
func (e triggerEvents) notifyTargets(ctx context.Context, old, vt *triggerv1.ValuesTrigger, pass *delivery.Result) {
	var triggered, refused []triggerv1.TargetStatus
	var passed []string
	for _, target := range pass.Targets {
		was, t := target.Was, target.Is
		if t.Token != "" && t.Token != was.Token {
			triggered = append(triggered, t)
			e.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered: "+t.Cause)
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
		e.notifyOutcome(ctx, was, t)
	}

	if isNews(old, vt, pass.Targets, triggered) {
		e.recorder.Event(vt, corev1.EventTypeNormal, triggerv1.TriggeredReason, triggeredMessage(triggered))
	}
	if len(passed) > 0 {
		e.recorder.Event(vt, corev1.EventTypeWarning, triggerv1.BypassedReason, bypassedMessage(passed))
	}
	e.notifyRefused(vt, refused)
}

// notify emits the events that the change of a stored status deserves.
func (e triggerEvents) notify(old, vt *triggerv1.ValuesTrigger) {
	e.notifyOverride(old, vt)
	e.notifyRollout(old, vt)
	e.notifyReady(old, vt)
}

// report emits the events about what is not in the status.
func (e triggerEvents) report(vt *triggerv1.ValuesTrigger, notes []delivery.Note) {
	for _, n := range notes {
		e.recorder.Event(vt, n.Type, n.Reason, n.Message)
	}
}

// notifyOutcome emits the event about a HelmRelease that the end of a request deserves.
func (e triggerEvents) notifyOutcome(ctx context.Context, was, t triggerv1.TargetStatus) {
	switch {
	case isNewlyRefused(was, t):
		e.notifyRelease(ctx, t, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason, t.Message)
	case t.State == was.State:
	case t.State == triggerv1.TargetDelivered && t.Token != "" && was.State != "" && plan.IsNewDelivery(was, t):
		e.notifyRelease(ctx, t, corev1.EventTypeNormal, triggerv1.DeliveredReason, e.deliveredMessage(ctx, t))
	case t.State == triggerv1.TargetFailed:
		e.notifyRelease(ctx, t, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason, t.Message)
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
func (e triggerEvents) notifyRefused(vt *triggerv1.ValuesTrigger, refused []triggerv1.TargetStatus) {
	if len(refused) == 0 || conditions.IsStalled(vt) && strings.Contains(conditions.GetMessage(vt, meta.ReadyCondition), refused[0].Message) {
		return
	}
	e.recorder.Event(vt, corev1.EventTypeWarning, refused[0].Refused.Reason, plan.Refused(refused))
}

// waitingReasons are those for which a change is held back as someone wanted it to be.
var waitingReasons = []string{triggerv1.TargetsHeldReason, triggerv1.AwaitingWindowReason, triggerv1.AwaitingApprovalReason, triggerv1.AwaitingGateReason}

// notifyReady emits an event when the Ready condition comes to say something else that
// a person wants to know.
func (e triggerEvents) notifyReady(old, vt *triggerv1.ValuesTrigger) {
	ready := conditions.Get(vt, meta.ReadyCondition)
	if ready == nil || conditions.GetMessage(old, meta.ReadyCondition) == ready.Message {
		return
	}
	switch {
	case ready.Status == metav1.ConditionFalse && slices.Contains(waitingReasons, ready.Reason):
		e.recorder.Event(vt, corev1.EventTypeNormal, ready.Reason, ready.Message)
	case ready.Status == metav1.ConditionFalse:
		e.recorder.Event(vt, corev1.EventTypeWarning, ready.Reason, ready.Message)
	case ready.Status == metav1.ConditionTrue && len(old.Status.Conditions) > 0 && vt.Status.LastTriggerTime != nil:
		e.recorder.Event(vt, corev1.EventTypeNormal, triggerv1.DeliveredReason, ready.Message)
	}
}

// notifyRelease emits an event about a HelmRelease, with the token as metadata of Flux:
// notification-controller tells repeated deliveries apart by it.
func (e triggerEvents) notifyRelease(ctx context.Context, t triggerv1.TargetStatus, eventType, reason, message string) {
	hr := &helmv2.HelmRelease{}
	if e.cache.Get(ctx, types.NamespacedName{Namespace: t.Namespace, Name: t.Name}, hr) != nil {
		return // Gone, or not served: nothing to report on.
	}
	metadata := map[string]string{}
	if t.Token != "" {
		metadata[helmv2.GroupVersion.Group+"/"+eventv1.MetaTokenKey] = t.Token
	}
	e.recorder.AnnotatedEventf(hr, metadata, eventType, reason, "%s", message)
}
