// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package atlas

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// clock is when the tests look.
var clock = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fleet is a trigger that publishes a ConfigMap to HelmReleases in two stages, some of which failed.
func fleet(n int) graph.Cluster {
	c := graph.Cluster{Now: clock, Directory: graph.Directory{All: true}}
	if n == 0 {
		return c
	}
	vt := triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "fleet", Generation: 1}}
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "values"}, {Kind: "Secret", Name: "db"}}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "canary"}, {Name: "rest"}}}
	vt.Status.ObservedGeneration = 1
	vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: "Succeeded"}}
	for i := range n {
		state, stage := triggerv1.TargetDelivered, "rest"
		if i%10 == 0 {
			stage = "canary"
		}
		if i%25 == 7 {
			state = triggerv1.TargetFailed
		}
		hr := helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%02d", i%20), Name: fmt.Sprintf("app-%05d", i), Labels: map[string]string{"ring": stage}}}
		hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: hr.Name + "-shared"}}
		c.Releases = append(c.Releases, hr)
		vt.Status.Targets = append(vt.Status.Targets, triggerv1.TargetStatus{Namespace: hr.Namespace, Name: hr.Name, State: state, Stage: stage})
	}
	c.Triggers = append(c.Triggers, vt)
	return c
}

// alone are HelmReleases that each have a generated trigger of their own.
func alone(n int) graph.Cluster {
	c := graph.Cluster{Now: clock, Directory: graph.Directory{All: true}}
	for i := range n {
		hr := helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: fmt.Sprintf("team-%04d", i%2000), Name: fmt.Sprintf("app-%05d", i)}}
		vt := triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: hr.Namespace, Name: hr.Name + "-auto", Generation: 1}}
		vt.Spec.Sources = []triggerv1.SourceReference{{Kind: "ConfigMap", Name: hr.Name + "-values"}}
		vt.Status.ObservedGeneration = 1
		vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue}}
		vt.Status.Targets = []triggerv1.TargetStatus{{Namespace: hr.Namespace, Name: hr.Name, State: triggerv1.TargetDelivered}}
		c.Releases, c.Triggers = append(c.Releases, hr), append(c.Triggers, vt)
	}
	return c
}

func shownIn(p Picture) []string {
	var out []string
	for _, d := range p.Drawn {
		out = append(out, d.Label+" "+d.About+" "+d.State)
	}
	return out
}

func drawnOf(t *testing.T, c graph.Cluster, f Filter) Picture {
	t.Helper()
	p, err := Of(c).Draw(f)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return p
}

func TestAtlas_draws_each_size(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name           string
		cluster        graph.Cluster
		objects, drawn int
	}{
		{"nothing", fleet(0), 0, 0},
		{"one", fleet(1), 2 + 1 + 1 + 2, 6},
		{"40, with their copies folded", fleet(40), 3 + 40 + 80, 3 + 40 + 2},
		{"300 in stages", fleet(300), 3 + 900, 3 + 3 + 2},
		{"10,000 in stages", fleet(10000), 3 + 30000, 3 + 3 + 2},
		{"300 alone in as many namespaces", alone(300), 900, 3},
		{"40 alone", alone(40), 120, 120},
		{"10,000 alone", alone(10000), 30000, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			p := drawnOf(t, c.cluster, Filter{})
			g.Expect(p.Objects).To(Equal(c.objects))
			g.Expect(len(p.Drawn)).To(Equal(c.drawn), "%v", shownIn(p))
		})
	}
}

func TestAtlas_never_draws_more_than_is_readable(t *testing.T) {
	t.Parallel()
	for name, cluster := range map[string]graph.Cluster{"stages": fleet(1500), "alone": alone(1500)} {
		a := Of(cluster)
		queue, seen := []Filter{{}, {Query: "app"}, {Namespace: "team-01"}, {Namespace: "team-0001"}, {State: "Delivered"}, {State: "Failed"}, {State: "Ready"}, {Label: "ring=canary"}}, map[Filter]bool{}
		for len(queue) > 0 {
			f := queue[0]
			queue = queue[1:]
			p, err := a.Draw(f)
			NewWithT(t).Expect(err).NotTo(HaveOccurred())
			NewWithT(t).Expect(len(p.Drawn)).To(BeNumerically("<=", maxDrawn), "%s: %+v", name, f)
			for _, d := range p.Drawn {
				open := Filter{Group: d.Group}
				if d.Group == "" || seen[open] || len(seen) > 60 {
					continue
				}
				seen[open] = true
				opened, err := a.Draw(open)
				NewWithT(t).Expect(err).NotTo(HaveOccurred())
				NewWithT(t).Expect(opened.Found).To(BeNumerically(">", 0), "%+v", open)
				NewWithT(t).Expect(slices.ContainsFunc(opened.Drawn, func(d *Drawn) bool { return d.Group == "" && a.isIn(open.Group, a.byID[d.ID]) })).
					To(BeTrue(), "%s: an open group shows its members: %+v: %v", name, open, shownIn(opened))
				queue = append(queue, open, Filter{Group: d.Group, Page: opened.Pages})
			}
		}
	}
}

func TestAtlas_filters(t *testing.T) {
	t.Parallel()
	c := fleet(30)
	for i := range c.Releases[:2] {
		c.Releases[i].Spec.ValuesFrom = append(c.Releases[i].Spec.ValuesFrom, meta.ValuesReference{Kind: "Secret", Name: "own"})
	}
	unfollowed := helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "team-99", Name: "lonely"}}
	unfollowed.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: "lonely"}}
	c.Releases = append(c.Releases, unfollowed)
	for _, test := range []struct {
		name   string
		filter Filter
		found  int
		some   []string
		none   string
	}{
		{"a part of a name, in any case", Filter{Query: "APP-00007"}, 3, []string{"app-00007 team-07 Failed", "fleet platform Ready", "values platform ", "app-00007-shared team-07 Absent"}, "app-00008"},
		{"two words", Filter{Query: "helmrelease 00007"}, 1, []string{"app-00007 team-07 Failed"}, "app-00008"},
		{"a namespace", Filter{Namespace: "team-99"}, 2, []string{"lonely team-99 NoTrigger"}, "fleet"},
		{"a state of HelmReleases", Filter{State: "Failed"}, 1, []string{"app-00007 team-07 Failed", "fleet platform Ready"}, "app-00008"},
		{"a state of ValuesTriggers", Filter{State: "Ready"}, 1, []string{"fleet platform Ready", "app-00008 team-08 Delivered"}, "lonely"},
		{"a label", Filter{Label: "ring=canary"}, 3, []string{"app-00010 team-10 Delivered"}, "app-00008"},
		{"a source leads to all that reads it", Filter{Object: "ConfigMap/platform/values"}, 1, []string{"fleet platform Ready", "app-00008 team-08 Delivered"}, "lonely"},
		{"what no trigger follows", Filter{Object: "Secret/team-00/own"}, 1, []string{"own team-00 ", "app-00000 team-00 Delivered"}, "fleet"},
		{"what does not exist", Filter{Query: "nothing"}, 0, nil, "fleet"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			p := drawnOf(t, c, test.filter)
			g.Expect(p.Found).To(Equal(test.found), "%v", shownIn(p))
			for _, label := range test.some {
				g.Expect(shownIn(p)).To(ContainElement(label))
			}
			for _, label := range shownIn(p) {
				g.Expect(label).NotTo(HavePrefix(test.none))
			}
		})
	}
	_, err := Of(c).Draw(Filter{Label: "=,="})
	NewWithT(t).Expect(err).To(MatchError(ContainSubstring("label")))
}

func TestPicture_list_has_each_point_and_each_edge(t *testing.T) {
	t.Parallel()
	c := fleet(20)
	c.Releases[3].Spec.ValuesFrom = append(c.Releases[3].Spec.ValuesFrom, meta.ValuesReference{Kind: "Secret", Name: "own"})
	p := drawnOf(t, c, Filter{})
	points, edges := map[string]bool{}, map[[2]string]bool{}
	var walk func(Branch)
	walk = func(b Branch) {
		points[b.ID] = true
		for _, from := range b.From {
			edges[[2]string{from.ID, b.ID}] = true
			walk(from)
		}
		for _, to := range b.To {
			edges[[2]string{b.ID, to.ID}] = true
			walk(to)
		}
	}
	for _, b := range p.List(func(name, value string) string { return name + value }) {
		walk(b)
	}
	want := 0
	for _, d := range p.Drawn {
		NewWithT(t).Expect(points).To(HaveKey(d.ID))
		for _, down := range d.down {
			want++
			NewWithT(t).Expect(edges).To(HaveKey([2]string{d.ID, down.ID}))
		}
	}
	NewWithT(t).Expect(edges).To(HaveLen(want))
	NewWithT(t).Expect(points).To(HaveLen(len(p.Drawn)))
}

func BenchmarkAtlas(b *testing.B) {
	c := alone(10000)
	for b.Loop() {
		if _, err := Of(c).Draw(Filter{}); err != nil {
			b.Fatal(err)
		}
	}
}
