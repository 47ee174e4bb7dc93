// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"reflect"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

var evaluatedAt = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)

// record writes in the status of a trigger what became of a pass over it, which changes nothing in the snapshot.
func record(vt *triggerv1.ValuesTrigger, snap snapshot, out outcome) plan.Summary {
	snap.vt = vt
	stored := vt.DeepCopy()
	status, summary := statusOf(snap, out)
	if !reflect.DeepEqual(vt, stored) {
		panic("the trigger in the snapshot is written to")
	}
	vt.Status = status
	return summary
}

func inState(state triggerv1.TargetState) triggerv1.TargetStatus {
	return triggerv1.TargetStatus{Namespace: "apps", Name: "app", State: state, Digest: "sha256:new", Message: "why", Cause: "who"}
}

func refused(target triggerv1.TargetStatus, reason string) triggerv1.TargetStatus {
	target.Refused = &triggerv1.Refusal{Digest: "sha256:new", Reason: reason}
	return target
}

func TestStatusOf_summary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		state    triggerv1.TargetState
		denied   bool
		disabled []string
		want     plan.Summary
	}{
		{"delivered", triggerv1.TargetDelivered, false, nil, plan.Summary{Ready: "True", Message: "Delivered to HelmRelease apps/app, revision 0"}},
		{"triggered", triggerv1.TargetTriggered, false, nil, plan.Summary{Ready: "Unknown", Message: "None of 1 delivered"}},
		{"held", triggerv1.TargetHeld, false, nil, plan.Summary{Ready: "False", Reason: "TargetsHeld", Message: "why"}},
		{"missing", triggerv1.TargetMissing, false, nil, plan.Summary{Ready: "False", Reason: "TargetNotFound", Message: "why"}},
		{"failed", triggerv1.TargetFailed, false, nil, plan.Summary{Ready: "False", Reason: "DeliveryFailed", Message: "why", Stalled: true}},
		{"denied", triggerv1.TargetFailed, true, nil, plan.Summary{Ready: "False", Reason: "AccessDenied", Message: "why", Stalled: true}},
		{"delivered but for a Secret", triggerv1.TargetDelivered, false, []string{"Secret apps/s"}, plan.Summary{Ready: "False", Reason: "SecretsDisabled",
			Message: "Delivered to HelmRelease apps/app, revision 0; not followed, because the operator runs without permission on Secrets (--secrets=false, chart value rbac.secrets): Secret apps/s"}},
		{"failed and without a Secret", triggerv1.TargetFailed, false, []string{"Secret apps/s"}, plan.Summary{Ready: "False", Reason: "DeliveryFailed", Message: "why", Stalled: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			out := outcome{targets: []triggerv1.TargetStatus{inState(c.state)}}
			if c.denied {
				out.targets[0] = refused(out.targets[0], "AccessDenied")
			}
			summary := record(&triggerv1.ValuesTrigger{}, snapshot{at: evaluatedAt, disabled: c.disabled}, out)
			g.Expect(summary).To(And(HaveField("Ready", c.want.Ready), HaveField("Stalled", c.want.Stalled), HaveField("Message", ContainSubstring(c.want.Message))))
			if c.want.Reason != "" {
				g.Expect(summary.Reason).To(Equal(c.want.Reason))
			}
		})
	}
}

func TestStatusOf_records(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	snap := snapshot{
		at:      evaluatedAt,
		sources: []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:a"}, {ID: "Secret/config/b"}},
		diff:    plan.Diff{Changed: []string{"ConfigMap/apps/a"}, From: "sha256:old", To: "sha256:new"},
		force:   "force", reset: "reset",
	}
	stamp := metav1.NewTime(evaluatedAt.Truncate(time.Second))
	triggered, delivered := inState(triggerv1.TargetTriggered), inState(triggerv1.TargetDelivered)
	triggered.Token, triggered.TriggeredAt = "0123456789ab.1", &stamp
	delivered.Token, delivered.TriggeredAt = triggered.Token, &stamp
	out := outcome{targets: []triggerv1.TargetStatus{triggered}, triggered: 1}
	record(vt, snap, out)

	change := triggerv1.Change{Digest: "sha256:new", Cause: "who", Time: stamp, Outcome: triggerv1.ChangeInProgress, Delivered: "0/1"}
	status := vt.Status.DeepCopy()
	status.Conditions = nil
	g.Expect(*status).To(Equal(triggerv1.ValuesTriggerStatus{
		ForceRequestStatus: meta.ForceRequestStatus{LastHandledForceAt: "force"}, LastHandledResetAt: "reset",
		LastDigest: "sha256:new", LastTriggerTime: &stamp, Delivered: "0/1", Summary: &triggerv1.TargetSummary{Total: 1, Triggered: 1},
		Sources: []triggerv1.SourceStatus{
			{Kind: "ConfigMap", Namespace: "apps", Name: "a", Digest: "sha256:a"}, {Kind: "Secret", Namespace: "config", Name: "b"},
		},
		Targets: out.targets,
		History: []triggerv1.Change{change},
	}))

	snap.diff, snap.force, snap.reset = plan.Diff{From: "sha256:new", To: "sha256:new"}, "", ""
	snap.at = evaluatedAt.Add(time.Hour)
	record(vt, snap, outcome{targets: []triggerv1.TargetStatus{delivered}})
	change.Outcome, change.Delivered = triggerv1.ChangeDelivered, "1/1"
	change.Duration = &metav1.Duration{Duration: time.Hour}
	g.Expect(vt.Status.History).To(Equal([]triggerv1.Change{change}), "the same change, a step further")
	g.Expect(vt.Status.LastTriggerTime).To(Equal(&stamp), "nothing was triggered since")
	g.Expect(vt.Status.LastHandledForceAt).To(Equal("force"))

	before := vt.Status.DeepCopy()
	snap.at = evaluatedAt.Add(2 * time.Hour)
	record(vt, snap, outcome{targets: []triggerv1.TargetStatus{delivered}})
	g.Expect(&vt.Status).To(Equal(before), "nothing happened, nothing is written")
}

// A difference must not be noted as seen before it was decided upon for every target.
func TestStatusOf_keeps_the_difference_while_something_is_undecided(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{
		LastDigest: "sha256:old", Sources: []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "a", Digest: "sha256:0"}},
	}}
	record(vt, snapshot{
		at: evaluatedAt, sources: []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:a"}}, force: "force", reset: "reset",
		diff: plan.Diff{Changed: []string{"ConfigMap/apps/a"}, From: "sha256:old", To: "sha256:new"},
	}, outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetPending)}, undecided: true})
	g.Expect(vt.Status.LastDigest).To(Equal("sha256:old"))
	g.Expect(vt.Status.Sources[0].Digest).To(Equal("sha256:0"))
	g.Expect(vt.Status.LastHandledForceAt).To(BeEmpty())
	g.Expect(vt.Status.LastHandledResetAt).To(BeEmpty())
	g.Expect(vt.Status.Targets).To(HaveLen(1))
}

func TestStatusOf_a_first_sight_without_a_request_is_no_change(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	record(vt, snapshot{at: evaluatedAt, diff: plan.Diff{Added: []string{"ConfigMap/apps/a"}, To: "sha256:new"}},
		outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetDelivered)}})
	g.Expect(vt.Status.History).To(BeEmpty())
	g.Expect(vt.Status.LastTriggerTime).To(BeNil())
}

func TestManualRequests(t *testing.T) {
	t.Parallel()
	const requested, force, reset = "reconcile.fluxcd.io/requestedAt", "reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt"
	for _, c := range []struct {
		name         string
		annotations  map[string]string
		force, reset string
	}{
		{"none", nil, "", ""},
		{"a look", map[string]string{requested: "now"}, "", ""},
		{"a force", map[string]string{requested: "now", force: "now"}, "now", ""},
		{"a reset", map[string]string{requested: "now", reset: "now"}, "", "now"},
		{"both", map[string]string{requested: "now", force: "now", reset: "now"}, "now", "now"},
		{"a force without a request", map[string]string{force: "now"}, "", ""},
		{"a force of another value", map[string]string{requested: "now", force: "before"}, "", ""},
		{"a force that is handled", map[string]string{requested: "handled", force: "handled", reset: "handled"}, "", "handled"},
		{"empty values", map[string]string{requested: "", force: "", reset: ""}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Annotations: c.annotations}}
			vt.Status.LastHandledForceAt = "handled"
			gotForce, gotReset := manualRequests(vt)
			g.Expect([]string{gotForce, gotReset}).To(Equal([]string{c.force, c.reset}))
		})
	}
}
