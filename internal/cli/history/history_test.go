// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

var day = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return day.Add(time.Duration(minutes * float64(time.Minute))) }

func stamp(minutes float64) *metav1.Time { return new(metav1.NewTime(at(minutes))) }

func cause(name string) string {
	return "ConfigMap apps/" + name + " sha256:00 (values.yaml) by kubectl-edit via ValuesTrigger apps/app"
}

// snapshot is a revision in the status of a HelmRelease.
func snapshot(version int, minutes float64, chart, values string) *helmv2.Snapshot {
	return &helmv2.Snapshot{
		Version: version, LastDeployed: *stamp(minutes), Status: "deployed", ChartName: "app", ChartVersion: chart, ConfigDigest: values,
	}
}

func evidence(snapshots ...*helmv2.Snapshot) Evidence {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Annotations: map[string]string{}}}
	hr.Status.History = snapshots
	return Evidence{Release: hr}
}

// annotated adds the cause annotation and the record that is written with it.
func (e Evidence) annotated(minutes float64) Evidence {
	e.Release.Annotations[triggerv1.CauseAnnotation] = cause("a")
	e.Release.Annotations[triggerv1.RequestAnnotation] = plan.Record{Token: "a.1", At: at(minutes)}.String()
	return e
}

// target adds a trigger with a state of the target.
func (e Evidence) target(status triggerv1.TargetStatus, history ...triggerv1.Change) Evidence {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	status.Namespace, status.Name = "apps", "app"
	vt.Status.Targets, vt.Status.History = []triggerv1.TargetStatus{status}, history
	e.Deliveries = append(e.Deliveries, graph.Delivery{Trigger: vt, Target: &vt.Status.Targets[0]})
	return e
}

func (e Evidence) event(reason, message string, minutes float64) Evidence {
	e.Events = append(e.Events, Event{Reason: reason, Message: message, At: at(minutes)})
	return e
}

// about adds an event that bears the token of its request.
func (e Evidence) about(reason, message string, minutes float64) Evidence {
	e.Events = append(e.Events, Event{Reason: reason, Message: message, At: at(minutes), Token: "a.1", Count: 1})
	return e
}

// times adds an event that stands for several.
func (e Evidence) times(count int32, reason, message string, minutes float64) Evidence {
	e.Events = append(e.Events, Event{Reason: reason, Message: message, At: at(minutes), Token: "a.1", Count: count})
	return e
}

// before has the record say which revision there was before the request.
func (e Evidence) before(revision int64) Evidence {
	r := plan.ParseRecord(e.Release.Annotations[triggerv1.RequestAnnotation])
	r.Revision = revision
	e.Release.Annotations[triggerv1.RequestAnnotation] = r.String()
	return e
}

// open is a request that has no proof, proved one that has.
func open(name, token string, state triggerv1.TargetState) triggerv1.TargetStatus {
	return triggerv1.TargetStatus{State: state, Cause: cause(name), Token: token, TriggeredAt: stamp(10), Revision: 1}
}

func proved(name, token string, revision int64, triggered, proven float64) triggerv1.TargetStatus {
	t := delivered(name, revision, triggered, proven)
	t.Token = token
	return t
}

func (e Evidence) stored(revision int64, minutes float64) Evidence {
	e.Stored = append(e.Stored, Stored{Revision: revision, Status: "superseded", At: at(minutes)})
	return e
}

func (e Evidence) edited(minutes float64) Evidence {
	e.SpecEditor, e.SpecEdited = "kustomize-controller", at(minutes)
	return e
}

func delivered(name string, revision int64, triggered, proven float64) triggerv1.TargetStatus {
	return triggerv1.TargetStatus{
		State: triggerv1.TargetDelivered, Cause: cause(name), Revision: revision, TriggeredAt: stamp(triggered), DeliveredAt: stamp(proven),
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	none := triggerv1.TargetStatus{State: triggerv1.TargetDelivered}
	for _, c := range []struct {
		name     string
		evidence Evidence
		want     []string
		quiet    []string
	}{
		{"nothing is installed", evidence(), nil, nil},
		{"nothing is on record", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")),
			[]string{"2 Unknown [values] no request of the operator is known to have made it; events", "1 Unknown [] the installation"}, nil},
		{"the status of the trigger", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).target(delivered("a", 2, 10, 10.1)),
			[]string{"2 Recorded [values] a status of ValuesTrigger", "1 Unknown"}, nil},
		{"only the annotation", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).annotated(9.99),
			[]string{"2 Unknown", "1 Unknown"}, nil},
		{"an annotation without a record", func() Evidence {
			e := evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).annotated(0)
			delete(e.Release.Annotations, triggerv1.RequestAnnotation)
			return e
		}(), []string{"2 Unknown", "1 Unknown"}, nil},
		{"events tell of several", evidence(snapshot(3, 20, "1", "c"), snapshot(2, 10, "1", "b")).
			event("Delivered", "Delivered, revision 2: "+cause("a"), 10.1).event("Delivered", "Delivered, revision 3: "+cause("b"), 20.1),
			[]string{"3 Recorded [values] b event", "2 Recorded [] a event"}, nil},
		{"a delivery that made no revision is distinguished", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).
			event("Delivered", "Delivered, revision 2: "+cause("comment"), 12).event("Delivered", "Delivered, revision 2: "+cause("a"), 10.1),
			[]string{"2 Recorded [values] a event", "1 Unknown"}, []string{"comment"}},
		{"also by the status", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).target(delivered("comment", 2, 12, 12.1)),
			[]string{"2 Unknown", "1 Unknown"}, []string{"comment"}},
		{"the history of the trigger, which names no revision", evidence(snapshot(3, 20, "1", "c"), snapshot(2, 10, "1", "b")).
			target(none, triggerv1.Change{Cause: cause("b"), Time: *stamp(20)}, triggerv1.Change{Cause: cause("a"), Time: *stamp(10)}),
			[]string{"3 Unknown", "2 Unknown"}, nil},
		{"a change of long ago made nothing of today", evidence(snapshot(3, 2000, "2", "c"), snapshot(2, 10, "1", "c")).
			target(none, triggerv1.Change{Cause: cause("comment"), Time: *stamp(1000)}),
			[]string{"3 Unknown [chart] no request of the operator is known to have made it; the chart changed", "2 Unknown"}, nil},
		{"a rollback has the cause of no one", func() Evidence {
			back := snapshot(3, 10, "1", "a")
			back.Action = helmv2.ReleaseActionRollback
			return evidence(back, snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).annotated(10)
		}(), []string{"3 Unknown [values] helm-controller went back", "2 Unknown", "1 Unknown"}, nil},
		{"what follows at once is not made by the same request", evidence(snapshot(3, 10+1./60, "1", "a"), snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).annotated(10),
			[]string{"3 Unknown", "2 Unknown", "1 Unknown"}, nil},
		{"an installation, though something was requested meanwhile", evidence(snapshot(1, 10, "1", "a")).target(none, triggerv1.Change{Cause: cause("a"), Time: *stamp(9)}),
			[]string{"1 Unknown [] the installation"}, nil},
		{"forced by another client", evidence(snapshot(2, 10, "1", "a"), snapshot(1, 0, "1", "a")),
			[]string{"2 Unknown [neither chart nor values] no request of the operator is known to have made it; chart and values are those", "1 Unknown"}, nil},
		{"the spec was edited", evidence(snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).edited(9.9),
			[]string{"2 Unknown [values] no request of the operator is known to have made it; the spec of the HelmRelease was last edited by kustomize-controller at 2026-01-01T00:09:54Z", "1 Unknown"}, nil},
		{"Helm remembers more than the HelmRelease", evidence(snapshot(3, 20, "1", "c")).stored(3, 20).stored(2, 10).stored(1, 0).
			event("Triggered", "Triggered: "+cause("a"), 10),
			[]string{"3 Unknown", "2 Unknown", "1 Unknown"}, nil},
		{"one request explains one revision, and an edit of the spec the next", evidence(snapshot(3, 10.1, "1", "c"), snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).
			annotated(9.99).edited(10.09).about("Triggered", "Triggered: "+cause("a"), 9.99).about("Delivered", "Delivered, revision 2: "+cause("a"), 10.01),
			[]string{"3 Unknown [values] no request of the operator is known to have made it; the spec", "2 Recorded [values] a event Delivered", "1 Unknown"}, nil},
		{"a request that was proved without a revision made none later", evidence(snapshot(3, 20, "1", "c"), snapshot(2, 10, "1", "b")).
			annotated(15).about("Delivered", "Delivered, revision 2 as before: "+cause("a"), 15.1),
			[]string{"3 Unknown", "2 Unknown"}, []string{"a"}},
		{"the record knows the revision before, whatever the clocks say", evidence(snapshot(2, 5, "1", "b"), snapshot(1, 0, "1", "a")).
			annotated(10).before(1).target(proved("a", "a.1", 2, 10, 10.1)), []string{"2 Recorded [values] a status", "1 Unknown"}, nil},
		{"and that there was none since", evidence(snapshot(2, 20, "1", "b"), snapshot(1, 0, "1", "a")).
			annotated(10).before(2).target(proved("a", "a.1", 2, 10, 10.1)), []string{"2 Unknown", "1 Unknown"}, []string{"a"}},
		{"a request that failed", evidence(snapshot(3, 11, "1", "c"), snapshot(2, 10, "1", "b"), snapshot(1, 0, "1", "a")).
			annotated(10).before(1).target(open("a", "a.1", triggerv1.TargetFailed)), []string{"3 Unknown", "2 ByOrder [values] a status", "1 Unknown"}, nil},
		{"a request that failed before another one was made", evidence(snapshot(3, 11, "1", "c"), snapshot(2, 10, "1", "b")).
			annotated(10).before(2).target(open("a", "a.0", triggerv1.TargetFailed)), []string{"3 Unknown", "2 Unknown"}, nil},
		{"what was applied without a request is not that of the request before", evidence(snapshot(3, 20, "1", "c"), snapshot(2, 10, "1", "b")).
			annotated(10).before(1).target(proved("b", "a.1", 3, 10, 20.1)).about("Delivered", "Delivered, revision 2: "+cause("a"), 10.1),
			[]string{"3 Recorded [values] b status", "2 Recorded [] a event"}, nil},
		{"events of which several were made one", evidence(snapshot(4, 30, "1", "a"), snapshot(3, 20, "1", "a"), snapshot(2, 10, "1", "a")).
			times(3, "Triggered", "(combined from similar events): Triggered: "+cause("retry"), 10), []string{"4 Unknown", "3 Unknown", "2 Unknown"}, nil},
		{"an event that someone else wrote", evidence(snapshot(2, 10, "1", "b")).
			event("Delivered", "Delivered, revision 99999999999999999999: x", 10).event("Delivered", "Delivered", 10).event("Delivered", "Delivered, revision 2: ", 10),
			[]string{"2 Unknown"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			report := Explain(c.evidence)
			g.Expect(report.Revisions).To(HaveLen(len(c.want)))
			for i, r := range report.Revisions {
				text := fmt.Sprintf("%d %s %v ", r.Number, r.Certainty, r.Differs)
				if r.Cause != nil {
					text += r.Cause.Objects[0].Name + " "
				}
				g.Expect(text + r.Note).To(HavePrefix(c.want[i]))
				g.Expect(r.Cause == nil).To(Equal(r.Certainty == Unknown))
			}
			var quiet []string
			for _, q := range report.Quiet {
				quiet = append(quiet, q.Cause.Objects[0].Name)
			}
			g.Expect(quiet).To(Equal(c.quiet))
		})
	}
}

// What cannot be assigned to a revision is not left out.
// What failed proves no request, and the HelmRelease has the record of the rollback that came after.
func TestExplain_names_the_cause_of_what_was_rolled_back(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	bad := snapshot(2, 10, "1", "b")
	bad.Status = "failed"
	e := evidence(snapshot(3, 12, "1", "a"), bad, snapshot(1, 0, "1", "a")).annotated(11).target(
		triggerv1.TargetStatus{State: triggerv1.TargetDelivered, Token: "a.1", Cause: cause("a"), Revision: 3, TriggeredAt: stamp(11), DeliveredAt: stamp(12)},
		triggerv1.Change{Time: *stamp(9), Cause: cause("broken"), Outcome: triggerv1.ChangeRolledBack}, triggerv1.Change{Time: *stamp(-5), Cause: cause("old")})
	r := Explain(e)
	g.Expect(r.Revisions[0].Cause.Text).To(Equal(cause("a")))
	g.Expect(r.Revisions[1].Cause).To(HaveValue(HaveField("Text", cause("broken"))))
	g.Expect(r.Revisions[1].Certainty).To(Equal(ByOrder))
}

func TestExplain_lists_requests_that_it_cannot_assign(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	e := evidence(snapshot(3, 20, "1", "a"), snapshot(2, 10, "1", "a")).
		times(3, "Triggered", "(combined from similar events): Triggered: "+cause("retry"), 10).
		target(delivered("made", 3, 20, 20.1), triggerv1.Change{Cause: cause("old"), Time: *stamp(1)}, triggerv1.Change{Cause: cause("made"), Time: *stamp(20)})
	var got []string
	for _, r := range Explain(e).Requested {
		got = append(got, fmt.Sprintf("%s %d %s", r.Cause.Objects[0].Name, r.Count, r.From))
	}
	g.Expect(got).To(Equal([]string{"retry 3 event Triggered", "old 0 history of ValuesTrigger apps/app"}))
}

func TestExplain_names_what_was_overridden(t *testing.T) {
	t.Parallel()
	override := &triggerv1.Override{Time: *stamp(5), Manager: "kubectl-annotate", Message: "the approval of stage prod: 12 HelmReleases"}
	e := evidence(snapshot(1, 0, "1", "a")).target(triggerv1.TargetStatus{State: triggerv1.TargetDelivered},
		triggerv1.Change{Digest: "sha256:2", Time: *stamp(9)}, triggerv1.Change{Digest: "sha256:1", Time: *stamp(1), Override: override})
	NewWithT(t).Expect(Explain(e).Overridden).To(Equal([]Overridden{
		{Trigger: "apps/app", Digest: "sha256:1", At: at(5), Manager: "kubectl-annotate", Message: "the approval of stage prod: 12 HelmReleases"},
	}))
}

func TestExplain_tells_what_waits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	e := evidence(snapshot(1, 0, "1", "a")).target(triggerv1.TargetStatus{State: triggerv1.TargetHeld, Message: "suspended"})
	e.Release.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Message: "no chart"}}
	report := Explain(e)
	g.Expect(report.Waiting).To(Equal([]Waiting{{Trigger: "apps/app", State: triggerv1.TargetHeld, Message: "suspended"}}))
	g.Expect([]string{report.Ready, report.Message}).To(Equal([]string{"False", "no chart"}))

	e = evidence().target(triggerv1.TargetStatus{State: triggerv1.TargetTriggered, Cause: cause("a")})
	g.Expect(Explain(e).Waiting[0].Cause.Objects[0].Name).To(Equal("a"))
}

func TestExplain_a_release_that_waits_was_not_asked_for_what_it_waits_for(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	newest := triggerv1.Change{Digest: "sha256:2", Cause: cause("a"), Time: *stamp(20)}
	older := triggerv1.Change{Digest: "sha256:1", Cause: cause("b"), Time: *stamp(10)}
	never := evidence(snapshot(1, 1, "1.0.0", "a")).target(triggerv1.TargetStatus{State: triggerv1.TargetHeld, Digest: "sha256:0"}, newest, older)
	never.Deliveries[0].Trigger.Status.LastDigest = newest.Digest
	g.Expect(Explain(never).Requested).To(BeEmpty(), "it is behind a stage, and was never asked")

	waits := never.annotated(5)
	g.Expect(Explain(waits).Requested).To(HaveExactElements(
		HaveField("Cause.Text", older.Cause), HaveField("Cause.Text", cause("a"))), "the latter by the annotation, which is older")
	g.Expect(Explain(waits).Requested[1].At).To(Equal(at(5)))
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "a=1": "a=1", "ConfigMap a/b, c-d": "ConfigMap a/b, c-d", "canary: anna; prod: bob": "canary: anna; prod: bob",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(1)": "'@SUM(1)",
		"\t=1": "'=1", "\r=1": "'=1", "\n=1": "'=1", " =1": "' =1", "a;=1": "a;'=1", "a; @b": "a;' @b", "＝1": "'＝1",
		"a\nb\tc": "a b c",
	} {
		NewWithT(t).Expect(harmless(cell)).To(Equal(want), "%q", cell)
	}
}

// Of what changed before the release was there, nothing was requested of it: its first installation read what there was.
func TestRequests_are_none_of_before_the_release(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	created := time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)
	hr := &helmv2.HelmRelease{}
	hr.CreationTimestamp = metav1.NewTime(created)
	vt := &triggerv1.ValuesTrigger{}
	vt.Status.History = []triggerv1.Change{
		{Cause: "later", Time: metav1.NewTime(created.Add(time.Minute))}, {Cause: "earlier", Time: metav1.NewTime(created.Add(-time.Minute))},
	}
	found := ofDelivery(graph.Delivery{Trigger: vt}, hr)
	g.Expect(found).To(HaveLen(1))
	g.Expect(found[0].cause).To(Equal("later"))
}
