// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// states returns targets a, b, c… in these states, with a message each.
func states(states ...triggerv1.TargetState) []triggerv1.TargetStatus {
	var targets []triggerv1.TargetStatus
	for i, state := range states {
		name := string(rune('a' + i))
		targets = append(targets, triggerv1.TargetStatus{
			Namespace: "apps", Name: name, State: state, Revision: 7, Message: "why of " + name,
		})
	}
	return targets
}

// refuse makes some of the targets refused ones.
func refuse(reason string, targets []triggerv1.TargetStatus, which ...int) []triggerv1.TargetStatus {
	for _, i := range which {
		targets[i].Refused = &triggerv1.Refusal{Digest: "sha256:new", Reason: reason}
	}
	return targets
}

func TestSummarize(t *testing.T) {
	t.Parallel()
	const (
		delivered = triggerv1.TargetDelivered
		triggered = triggerv1.TargetTriggered
		pending   = triggerv1.TargetPending
		held      = triggerv1.TargetHeld
		failed    = triggerv1.TargetFailed
		missing   = triggerv1.TargetMissing
	)
	for _, c := range []struct {
		name    string
		targets []triggerv1.TargetStatus
		want    Summary
	}{{
		name: "no target is not an error",
		want: Summary{
			Ready: metav1.ConditionTrue, Reason: "Succeeded", Delivered: "0/0", Outcome: triggerv1.ChangeDelivered,
			Message: "No HelmRelease matches the targets",
		},
	}, {
		name:    "one delivered target is named with its revision",
		targets: states(delivered),
		want: Summary{
			Ready: metav1.ConditionTrue, Reason: "Succeeded", Delivered: "1/1", Outcome: triggerv1.ChangeDelivered,
			Message: "Delivered to HelmRelease apps/a, revision 7",
		},
	}, {
		name:    "many delivered targets are counted",
		targets: states(delivered, delivered, delivered),
		want: Summary{
			Ready: metav1.ConditionTrue, Reason: "Succeeded", Delivered: "3/3", Outcome: triggerv1.ChangeDelivered,
			Message: "Delivered to all 3 HelmReleases",
		},
	}, {
		name:    "what goes on by itself is unknown yet",
		targets: states(delivered, triggered, pending, held, failed, missing),
		want: Summary{
			Ready: metav1.ConditionUnknown, Reason: "Progressing", Delivered: "1/6", Outcome: triggerv1.ChangeInProgress,
			Message: "1 of 6 delivered, 1 triggered, 1 pending, 1 held, 1 missing, 1 failed",
		},
	}, {
		name:    "nothing delivered is said in a word",
		targets: states(triggered, triggered),
		want: Summary{
			Ready: metav1.ConditionUnknown, Reason: "Progressing", Delivered: "0/2", Outcome: triggerv1.ChangeInProgress,
			Message: "None of 2 delivered, 2 triggered",
		},
	}, {
		name:    "a failure stalls, and the first one is reported",
		targets: states(delivered, failed, held, failed, missing),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "DeliveryFailed", Stalled: true, Delivered: "1/5", Outcome: triggerv1.ChangeFailed,
			Message: "1 of 5 delivered; apps/b: why of b (and 1 more Failed)",
		},
	}, {
		name:    "a missing target does not stall: it is delivered when it appears",
		targets: states(delivered, missing, held),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "TargetNotFound", Delivered: "1/3", Outcome: triggerv1.ChangeInProgress,
			Message: "1 of 3 delivered; apps/b: why of b",
		},
	}, {
		name:    "a held target does not stall",
		targets: states(held, held, held),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "TargetsHeld", Delivered: "0/3", Outcome: triggerv1.ChangeInProgress,
			Message: "None of 3 delivered; apps/a: why of a (and 2 more Held)",
		},
	}, {
		name:    "a denied target stalls whatever the others do",
		targets: refuse(acl.AccessDeniedReason, states(triggered, failed, failed), 2),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "AccessDenied", Stalled: true, Delivered: "0/3", Outcome: triggerv1.ChangeFailed,
			Message: "why of c",
		},
	}, {
		name:    "the reason is that of the first one that is denied",
		targets: refuse(triggerv1.NameConflictReason, refuse(triggerv1.DeliveryFailedReason, states(failed, failed), 0), 1),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "NameConflict", Stalled: true, Delivered: "0/2", Outcome: triggerv1.ChangeFailed,
			Message: "why of b",
		},
	}, {
		name:    "what admission refuses is named while others go on",
		targets: refuse(triggerv1.DeliveryFailedReason, states(delivered, triggered, failed, pending), 2, 3),
		want: Summary{
			Ready: metav1.ConditionUnknown, Reason: "Progressing", Delivered: "1/4", Outcome: triggerv1.ChangeInProgress,
			Message: "1 of 4 delivered, 1 triggered, 1 pending, 1 failed; apps/c: why of c (and 1 more refused)",
		},
	}, {
		name:    "and stalls as a failure when they have come to rest",
		targets: refuse(triggerv1.DeliveryFailedReason, states(delivered, failed, failed), 1, 2),
		want: Summary{
			Ready: metav1.ConditionFalse, Reason: "DeliveryFailed", Stalled: true, Delivered: "1/3", Outcome: triggerv1.ChangeFailed,
			Message: "1 of 3 delivered; apps/b: why of b (and 1 more Failed)",
		},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(Summarize(c.targets)).To(Equal(c.want))
		})
	}
}

func TestRemember(t *testing.T) {
	t.Parallel()
	change := func(digest string, outcome triggerv1.ChangeOutcome) triggerv1.Change {
		return triggerv1.Change{Digest: digest, Cause: "cause of " + digest, Outcome: outcome, Delivered: "0/1"}
	}
	at := func(minutes int, c triggerv1.Change) triggerv1.Change {
		c.Time = metav1.NewTime(noon.Add(time.Duration(minutes) * time.Minute))
		return c
	}
	after := func(minutes int, c triggerv1.Change) triggerv1.Change {
		c.Duration = &metav1.Duration{Duration: time.Duration(minutes) * time.Minute}
		return c
	}
	inProgress, arrived := change("new", triggerv1.ChangeInProgress), change("new", triggerv1.ChangeDelivered)
	halted, old := change("new", triggerv1.ChangeHalted), change("old", triggerv1.ChangeInProgress)
	uncaused := func(c triggerv1.Change) triggerv1.Change {
		c.Cause = ""
		return c
	}
	done := change("old", triggerv1.ChangeDelivered)
	for _, c := range []struct {
		name    string
		history []triggerv1.Change
		change  triggerv1.Change
		want    []triggerv1.Change
	}{{
		name:   "the first change is noted",
		change: change("new", triggerv1.ChangeInProgress),
		want:   []triggerv1.Change{change("new", triggerv1.ChangeInProgress)},
	}, {
		name:    "the newest comes first",
		history: []triggerv1.Change{done},
		change:  change("new", triggerv1.ChangeInProgress),
		want:    []triggerv1.Change{change("new", triggerv1.ChangeInProgress), done},
	}, {
		name:    "progress of the same content updates its entry and keeps its cause",
		history: []triggerv1.Change{change("new", triggerv1.ChangeInProgress), done},
		change:  triggerv1.Change{Digest: "new", Cause: "another", Outcome: triggerv1.ChangeDelivered, Delivered: "1/1"},
		want: []triggerv1.Change{
			after(0, triggerv1.Change{Digest: "new", Cause: "cause of new", Outcome: triggerv1.ChangeDelivered, Delivered: "1/1"}), done,
		},
	}, {
		name:    "a cause that was not known at first is filled in",
		history: []triggerv1.Change{uncaused(inProgress)},
		change:  inProgress,
		want:    []triggerv1.Change{inProgress},
	}, {
		name:    "the time that a delivery took",
		history: []triggerv1.Change{at(1, inProgress)},
		change:  at(5, arrived),
		want:    []triggerv1.Change{after(4, at(1, arrived))},
	}, {
		name:    "a target that comes later does not prolong it",
		history: []triggerv1.Change{after(4, at(1, arrived))},
		change:  at(20, inProgress),
		want:    []triggerv1.Change{after(4, at(1, inProgress))},
	}, {
		name:    "nor when it is delivered",
		history: []triggerv1.Change{after(4, at(1, inProgress))},
		change:  at(30, arrived),
		want:    []triggerv1.Change{after(4, at(1, arrived))},
	}, {
		name:    "a rollout that has halted goes on",
		history: []triggerv1.Change{after(4, at(1, halted))},
		change:  at(20, inProgress),
		want:    []triggerv1.Change{at(1, inProgress)},
	}, {
		name:    "what was noted without a time does not get a wrong one",
		history: []triggerv1.Change{at(1, arrived)},
		change:  at(20, arrived),
		want:    []triggerv1.Change{at(1, arrived)},
	}, {
		name:    "the time that a change had until the next one",
		history: []triggerv1.Change{at(1, old)},
		change:  at(3, inProgress),
		want:    []triggerv1.Change{at(3, inProgress), after(2, at(1, change("old", triggerv1.ChangeSuperseded)))},
	}, {
		name:    "a change that was under way is superseded by the next",
		history: []triggerv1.Change{change("old", triggerv1.ChangeInProgress)},
		change:  change("new", triggerv1.ChangeInProgress),
		want:    []triggerv1.Change{change("new", triggerv1.ChangeInProgress), after(0, change("old", triggerv1.ChangeSuperseded))},
	}, {
		name:    "a change that failed stays so",
		history: []triggerv1.Change{change("old", triggerv1.ChangeFailed)},
		change:  change("new", triggerv1.ChangeInProgress),
		want:    []triggerv1.Change{change("new", triggerv1.ChangeInProgress), change("old", triggerv1.ChangeFailed)},
	}, {
		name:    "content that comes back is a new change",
		history: []triggerv1.Change{change("b", triggerv1.ChangeDelivered), change("a", triggerv1.ChangeDelivered)},
		change:  change("a", triggerv1.ChangeInProgress),
		want: []triggerv1.Change{
			change("a", triggerv1.ChangeInProgress), change("b", triggerv1.ChangeDelivered), change("a", triggerv1.ChangeDelivered),
		},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			before := append([]triggerv1.Change(nil), c.history...)
			g := NewWithT(t)
			g.Expect(Remember(c.history, c.change, triggerv1.DefaultHistory)).To(Equal(c.want))
			g.Expect(c.history).To(Equal(before), "the input is left alone")
		})
	}
}
