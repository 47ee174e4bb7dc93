// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// answers stand for those of the plugin.
type answers struct {
	subject  Subject
	deletion Deletion
	release  ReleaseAnswer
	err      error

	subjects, deletions, releases atomic.Int32
}

func (a *answers) Subject(_ context.Context, o binding.Object) (Subject, error) {
	a.subjects.Add(1)
	s := a.subject
	s.Object = o
	return s, a.err
}

func (a *answers) Deletion(context.Context, binding.Object) (Deletion, error) {
	a.deletions.Add(1)
	return a.deletion, a.err
}

func (a *answers) Release(context.Context, types.NamespacedName, []triggerv1.ValuesTrigger) (ReleaseAnswer, error) {
	a.releases.Add(1)
	return a.release, a.err
}

// hostile is what no page may show as it is.
const hostile = `<script>alert(1)</script>"'`

// shop is a trigger with a ConfigMap, three HelmReleases of which one failed, and a past.
func shop() []client.Object {
	vt := trigger("shop", "prices")
	vt.Generation = 1
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "prices"}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "canary", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "canary"}}}, {Name: "rest", Approval: triggerv1.ApprovalManual},
	}}
	vt.Status.ObservedGeneration = 1
	vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, LastTransitionTime: metav1.Now()}}
	objects := []client.Object{vt}
	for i, name := range []string{"canary", "eu", "us"} {
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"ring": []string{"canary", "rest", "rest"}[i]}}}
		hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: "prices"}}
		state := []triggerv1.TargetState{triggerv1.TargetFailed, triggerv1.TargetDelivered, triggerv1.TargetDelivered}[i]
		vt.Status.Targets = append(vt.Status.Targets, triggerv1.TargetStatus{Namespace: "shop", Name: name, State: state, Stage: hr.Labels["ring"], Message: hostile})
		objects = append(objects, hr)
	}
	return objects
}

func siteWith(t *testing.T, a *answers, objects ...client.Object) *site {
	t.Helper()
	s := newSite(t, interceptor.Funcs{}, objects...)
	s.Answers = a
	return s
}

// nodes returns what a page draws, in order.
func nodes(body string) []string {
	var out []string
	for _, match := range regexp.MustCompile(`data-node="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		out = append(out, match[1])
	}
	return out
}

func TestMap_page(t *testing.T) {
	t.Parallel()
	s := siteWith(t, &answers{}, shop()...)
	for _, c := range []struct {
		name, query string
		code        int
		has         []string
		hasNot      []string
	}{
		{"all", "", 200, []string{"5 objects", `data-node="HelmRelease/shop/eu"`, `data-node="ConfigMap/shop/prices"`}, []string{"<script>alert"}},
		{"a state", "state=Failed", 200, []string{`data-node="HelmRelease/shop/canary"`, `<option selected>Failed`}, []string{`data-node="HelmRelease/shop/eu"`}},
		{"a label", "label=ring=rest", 200, []string{`data-node="HelmRelease/shop/eu"`}, []string{`data-node="HelmRelease/shop/canary"`}},
		{"a search that is hostile", "q=" + url.QueryEscape(hostile), 200, []string{"Nothing on the map", "&lt;script&gt;"}, []string{"<script>alert"}},
		{"labels that are malformed", "label=" + url.QueryEscape("=,"+hostile), 200, []string{"label: "}, []string{"<script>alert"}},
		{"a trigger that is selected", "object=" + url.QueryEscape("ValuesTrigger/shop/prices"), 200, []string{`href="/board/shop/prices"`, `data-selected="ValuesTrigger/shop/prices"`}, nil},
		{"a HelmRelease that is selected", "object=" + url.QueryEscape("HelmRelease/shop/eu"), 200, []string{`href="/release/shop/eu"`}, []string{`data-node="HelmRelease/shop/us"`}},
		{"what does not exist", "object=" + url.QueryEscape("HelmRelease/shop/gone"), 404, []string{"does not exist"}, nil},
		{"what is not an object", "object=x", 404, []string{"does not exist"}, nil},
		{"a group that is not one", "group=" + url.QueryEscape("9|"+hostile), 200, []string{"Nothing on the map"}, []string{"<script>alert"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := s.get("/map?" + c.query)
			g.Expect(got.Code).To(Equal(c.code))
			for _, word := range c.has {
				g.Expect(got.Body.String()).To(ContainSubstring(word))
			}
			for _, word := range c.hasNot {
				g.Expect(got.Body.String()).NotTo(ContainSubstring(word))
			}
			g.Expect(got.Body.String()).NotTo(MatchRegexp(`<[a-z]+[^>]* (style|on[a-z]+)=`), "the policy allows no style and script in a page")
		})
	}
}

func TestMap_says_what_an_edit_and_a_deletion_touch(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	object := binding.Object{Kind: "ConfigMap", Namespace: "shop", Name: "prices"}
	a := &answers{
		subject: Subject{EditedBy: "kubectl-edit", EditedAt: time.Now(), Notes: []string{"a note"}},
		deletion: Deletion{Deletion: compare.Deletion{
			Object: object, Triggers: []compare.DeletedSource{{Object: binding.Object{Kind: "ValuesTrigger", Namespace: "shop", Name: "prices"}, Stops: true}},
			Releases: []*compare.Loss{{Object: binding.Object{Kind: "HelmRelease", Namespace: "shop", Name: "eu"}, Loss: graph.Loses, Differences: []compare.Difference{
				{Path: "discount", Op: compare.Removed, Before: json.RawMessage("10")}, {Path: "password", Op: compare.Removed, Secret: "Secret shop/db"},
			}}},
		}},
	}
	s := siteWith(t, a, shop()...)
	selected := "/map?object=" + url.QueryEscape(object.ID())
	page := func(target string) string {
		return strings.Join(strings.Fields(regexp.MustCompile("<[^>]*>").ReplaceAllString(s.get(target).Body.String(), " ")), " ")
	}
	g.Expect(page(selected)).To(And(
		ContainSubstring("An edit concerns 3 HelmReleases: 3 UpgradeIfChanged."), ContainSubstring("Last recorded write by kubectl-edit"), ContainSubstring("a note"),
		ContainSubstring("stage rest, after the approval of stage rest"), ContainSubstring("Work it out"),
	))
	g.Expect(a.deletions.Load()).To(BeZero(), "it is worked out on demand")
	deleted := page(selected + "&delete=1")
	g.Expect(deleted).To(And(
		ContainSubstring("ValuesTrigger shop/prices delivers nothing more , since it requires it"), ContainSubstring("LosesValues"),
		ContainSubstring("discount before: 10"), ContainSubstring("password removed (Secret shop/db, not shown)"),
	))
	page(selected + "&delete=1")
	g.Expect([]int32{a.subjects.Load(), a.deletions.Load()}).To(Equal([]int32{1, 1}), "the answers are kept for a moment")

	a.err = errors.New("refused")
	g.Expect(page("/map?delete=1&object=" + url.QueryEscape("ConfigMap/shop/other"))).To(ContainSubstring("refused"))
}

func TestMap_of_10000_objects_is_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := trigger("shop", "fleet")
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "values"}}
	objects := []client.Object{vt}
	for i := range 10000 {
		name, state := fmt.Sprintf("app-%d", i), triggerv1.TargetDelivered
		if i%1000 == 0 {
			state = triggerv1.TargetFailed
		}
		vt.Status.Targets = append(vt.Status.Targets, triggerv1.TargetStatus{Namespace: "shop", Name: name, State: state})
	}
	s := siteWith(t, &answers{}, objects...)
	for _, target := range []string{"/map", "/map?q=app", "/map?state=Delivered", "/map?object=" + url.QueryEscape("ConfigMap/shop/values")} {
		got := s.get(target)
		g.Expect(got.Code).To(Equal(http.StatusOK))
		g.Expect(len(nodes(got.Body.String()))).To(And(BeNumerically(">", 2), BeNumerically("<=", 150)), target)
		g.Expect(got.Body.Len()).To(BeNumerically("<", 200_000), target)
	}
	group := regexp.MustCompile(`href="(/map\?group=[^"]*)"`).FindAllStringSubmatch(s.get("/map").Body.String(), -1)
	g.Expect(group).To(HaveLen(2), "those that failed, and the others")
	opened := s.get(strings.ReplaceAll(group[1][1], "&amp;", "&")).Body.String()
	g.Expect(opened).To(And(ContainSubstring("1–48 of 9990 found"), ContainSubstring("page=2"), ContainSubstring("Close the group")))
	g.Expect(nodes(opened)).To(HaveLen(48 + 2))
}
