// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
)

// clock is when the tests of the timeline look.
var clock = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func at(back time.Duration) metav1.Time { return metav1.NewTime(clock.Add(-back)) }

// past is a trigger with changes of each kind, the newest first.
func past() triggerv1.ValuesTrigger {
	vt := *trigger("shop", "prices")
	took := func(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
	person := func(user string, back time.Duration) triggerv1.PersonRecord {
		return triggerv1.PersonRecord{User: user, Time: at(back)}
	}
	rejected := person("joe@example.com", 8*time.Hour)
	vt.Status.History = []triggerv1.Change{
		{Digest: "sha256:5", Time: at(time.Hour), Outcome: triggerv1.ChangeInProgress, Delivered: "1/3", Cause: "ConfigMap shop/prices sha256:05 (values.yaml) by kubectl-edit via ValuesTrigger shop/prices"},
		{
			Digest: "sha256:4", Revision: 3, Time: at(4 * time.Hour), Outcome: triggerv1.ChangeDelivered, Duration: took(time.Hour), Delivered: "3/3", Cause: hostile,
			Approvals: []triggerv1.ApprovalRecord{{Stage: "rest", PersonRecord: person("jane@example.com", 210*time.Minute)}},
		},
		{Digest: "sha256:3", Time: at(6 * time.Hour), Outcome: triggerv1.ChangeRolledBack, Duration: took(30 * time.Minute), Override: &triggerv1.Override{Time: at(6 * time.Hour), User: "ann@example.com", Message: "the window"}},
		{Digest: "sha256:2", Time: at(9 * time.Hour), Outcome: triggerv1.ChangeHalted, Duration: took(30 * time.Minute), Rejection: &rejected},
		{Digest: "sha256:1", Revision: 1, Time: at(30 * time.Hour), Outcome: triggerv1.ChangeDelivered, Restores: &triggerv1.RestoreRecord{Revision: 1, PersonRecord: person("ann@example.com", 30*time.Hour)}},
	}
	return vt
}

func TestTimeline_filters(t *testing.T) {
	t.Parallel()
	cluster := graph.Cluster{Triggers: []triggerv1.ValuesTrigger{past(), *trigger("shop", "none")}, Now: clock}
	for _, c := range []struct {
		name   string
		filter timelineFilter
		want   []string
	}{
		{"all", timelineFilter{Span: "all"}, []string{"5", "4", "3", "2", "1"}},
		{"the last day", timelineFilter{Span: "24h"}, []string{"5", "4", "3", "2"}},
		{"a day", timelineFilter{Span: "24h", From: "2026-01-01", To: "2026-01-01"}, []string{"1"}},
		{"until a time", timelineFilter{To: "2026-01-02T06:30"}, []string{"3", "2", "1"}},
		{"RFC 3339", timelineFilter{From: "2026-01-02T09:00:00+01:00"}, []string{"5", "4"}},
		{"a source", timelineFilter{Object: "CONFIGMAP shop/prices"}, []string{"5"}},
		{"a trigger", timelineFilter{Object: "shop/prices", Outcome: "Halted"}, []string{"2"}},
		{"another trigger", timelineFilter{Object: "shop/other"}, nil},
		{"who approved", timelineFilter{Person: "jane"}, []string{"4"}},
		{"who overrode or rolled back", timelineFilter{Person: "ann@"}, []string{"3", "1"}},
		{"who rejected", timelineFilter{Person: "rejected by joe"}, []string{"2"}},
		{"who edited", timelineFilter{Person: "kubectl-edit"}, []string{"5"}},
		{"an outcome", timelineFilter{Outcome: "RolledBack"}, []string{"3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kept, err := c.filter.keep(changesOf(cluster), clock)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			var got []string
			for _, e := range kept {
				got = append(got, e.Digest[len("sha256:"):])
			}
			NewWithT(t).Expect(got).To(Equal(c.want))
		})
	}
	_, err := timelineFilter{From: "soon"}.keep(nil, clock)
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("2026-01-31")))
}

func TestTimeline_draws_changes_from_edit_to_outcome(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cluster := graph.Cluster{Triggers: []triggerv1.ValuesTrigger{past()}, Now: clock}
	f := timelineFilter{From: "2026-01-02T02:00"}
	kept, err := f.keep(changesOf(cluster), clock)
	g.Expect(err).NotTo(HaveOccurred())
	got := timelineOf(cluster, kept, f)
	g.Expect(got.Lanes).To(HaveLen(1))
	var bars []string
	for _, b := range got.Lanes[0].Bars {
		kinds := ""
		for _, m := range b.Marks {
			kinds += " " + m.Kind + "@" + m.X
		}
		bars = append(bars, fmt.Sprintf("%s %s+%s %t%s", b.Outcome, b.X, b.Width, b.Open, kinds))
	}
	// The time that is shown begins shortly before the oldest: 9 hours and 11 minutes, 10.8 of them.
	g.Expect(bars).To(Equal([]string{
		"InProgress 89.11%+10.89% true",
		"Delivered 56.43%+10.89% false approval@61.87%",
		"RolledBack 34.64%+5.45% false override@34.64% rollback@40.09%",
		"Halted 1.96%+5.45% false rejection@12.85% halt@7.41%",
	}))
	g.Expect(got.Ticks).NotTo(BeEmpty())
	g.Expect(got.Rows).To(HaveLen(4))
	ids := map[string]bool{}
	for _, row := range rowsOf(append(kept, kept...)) {
		g.Expect(ids).NotTo(HaveKey(row.ID()), "changes in the same second differ")
		ids[row.ID()] = true
	}
}

func TestTimeline_is_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var cluster graph.Cluster
	for i := range 10000 {
		vt := past()
		vt.Name = fmt.Sprintf("app-%d", i)
		cluster.Triggers = append(cluster.Triggers, vt)
	}
	cluster.Now = clock
	f := timelineFilter{Span: "all"}
	kept, err := f.keep(changesOf(cluster), clock)
	g.Expect(err).NotTo(HaveOccurred())
	got := timelineOf(cluster, kept, f)
	g.Expect([]int{len(got.Lanes), got.Hidden, len(got.Rows), got.Total}).To(Equal([]int{maxLanes, 10000 - maxLanes, maxListed, 50000}))
	g.Expect(timelineOf(graph.Cluster{Now: clock}, nil, f).Lanes).To(BeEmpty())
}

func TestTimeline_page_and_export(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := past()
	back := time.Since(clock)
	for i := range vt.Status.History {
		vt.Status.History[i].Time.Time = vt.Status.History[i].Time.Add(back.Truncate(time.Second))
	}
	s := siteWith(t, &answers{}, []client.Object{&vt}...)
	page := s.get("/timeline")
	g.Expect(page.Code).To(Equal(http.StatusOK))
	g.Expect(page.Body.String()).To(And(
		ContainSubstring("5 changes"), ContainSubstring(`href="/timeline/csv?span=7d"`), ContainSubstring("stage rest approved by jane@example.com"),
		ContainSubstring(`data-state="RolledBack"`), Not(ContainSubstring("<script>alert")),
	))
	g.Expect(page.Body.String()).NotTo(MatchRegexp(`<[a-z]+[^>]* (style|on[a-z]+)=`), "the policy allows no style and script in a page")
	g.Expect(s.get("/timeline?object=nothing").Body.String()).To(ContainSubstring("5 changes on record"))
	g.Expect(s.get("/timeline?from=" + url.QueryEscape(hostile)).Body.String()).To(And(ContainSubstring("give a day"), Not(ContainSubstring("<script>alert"))))

	exported := s.get("/timeline/csv?span=all&outcome=Delivered")
	g.Expect(exported.Header().Get("Content-Disposition")).To(Equal(`attachment; filename="changes.csv"`))
	rows, err := csv.NewReader(exported.Body).ReadAll()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(rows).To(HaveLen(3))
	g.Expect(rows[0]).To(Equal(history.Columns))
	var entries []history.Entry
	g.Expect(json.Unmarshal(s.get("/timeline/json?person=jane").Body.Bytes(), &entries)).To(Succeed())
	g.Expect(entries).To(HaveLen(1))
	g.Expect(entries[0].Approvals).To(HaveLen(1))
	g.Expect(s.get("/timeline/json?object=nothing").Body.String()).To(Equal("[]\n"))
	g.Expect(s.get("/timeline/csv?from=soon").Code).To(Equal(http.StatusBadRequest))
	g.Expect(s.get("/timeline/pdf").Code).To(Equal(http.StatusNotFound))
}
