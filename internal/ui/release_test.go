// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
)

// recorded is what is on record about a HelmRelease of the shop, that depends on another one and one that is gone.
func recorded() (ReleaseAnswer, []client.Object) {
	objects := shop()
	vt, eu, us := objects[0].(*triggerv1.ValuesTrigger), objects[2].(*helmv2.HelmRelease), objects[3].(*helmv2.HelmRelease)
	us.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue}}
	eu.Spec.DependsOn = []helmv2.DependencyReference{{Name: "us"}, {Name: "gone"}}
	eu.Status.History = helmv2.Snapshots{{Version: 4, Status: "deployed", ChartName: "shop", ChartVersion: "1.0.0", ConfigDigest: "sha256:0123456789abcdef", LastDeployed: metav1.NewTime(time.Now().Add(-time.Hour))}}
	eu.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: "UpgradeFailed", Message: hostile}}
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:2", Revision: 7, Time: metav1.Now(), Outcome: triggerv1.ChangeDelivered, GitRevision: "main@sha1:2b9c0e7"}}
	target := &vt.Status.Targets[1]
	target.Digest, target.Revision, target.Message = "sha256:2", 4, ""
	deliveries := []graph.Delivery{{Trigger: vt, Target: target}}
	report := history.Explain(history.Evidence{Release: eu, Deliveries: deliveries, Stored: []history.Stored{{Revision: 3, Status: "failed"}}})
	return ReleaseAnswer{
		Release: eu, Deliveries: deliveries, Report: report, Changes: history.Changes(vt, []triggerv1.TargetStatus{*target}),
		Warnings: []history.Event{{Reason: "UpgradeFailed", Message: "timed out", Count: 3, At: time.Now()}},
		Before: Before{What: "revision 6 of ValuesTrigger shop/prices", LeftOut: []string{"Secret shop/private"}, Differences: []compare.Difference{
			{Path: "discount", Op: compare.Changed, Before: json.RawMessage("10"), After: json.RawMessage(`"<b>30</b>"`)},
			{Path: "password", Op: compare.Changed, Secret: "Secret shop/db"},
		}},
		Notes: []string{"events are left out"},
	}, objects
}

func TestRelease_page(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	answer, objects := recorded()
	a := &answers{release: answer}
	s := siteWith(t, a, objects...)
	got := s.get("/release/shop/eu")
	g.Expect(got.Code).To(Equal(http.StatusOK))
	for _, word := range []string{
		"sha256:0123456789ab", "4, deployed, chart shop@1.0.0", "revision 7 of", "main@sha1:2b9c0e7", "stage rest",
		"Compared with revision 6 of ValuesTrigger shop/prices", "discount", "&lt;b&gt;30&lt;/b&gt;", "changed (Secret shop/db, not shown)", "Secret shop/private is left out",
		`<a href="/release/shop/us">shop/us</a> <span class="mark" data-state="Ready">`, `<a href="/release/shop/gone">shop/gone</a> <span class="mark" data-state="Missing">`,
		"UpgradeFailed", "timed out", "(3 times)", "Revision 3", "events are left out", `href="/map?object=HelmRelease%2fshop%2feu"`,
	} {
		g.Expect(got.Body.String()).To(ContainSubstring(word))
	}
	g.Expect(got.Body.String()).NotTo(Or(ContainSubstring("<script>alert"), ContainSubstring("<b>30")))
	g.Expect(got.Body.String()).NotTo(MatchRegexp(`<[a-z]+[^>]* (style|on[a-z]+)=`), "the policy allows no style and script in a page")

	g.Expect(s.get("/release/shop/gone").Code).To(Equal(http.StatusNotFound))
	s.get("/release/shop/eu")
	g.Expect(a.releases.Load()).To(BeEquivalentTo(1), "nothing has changed")
	eu := &helmv2.HelmRelease{}
	g.Expect(s.Get(t.Context(), client.ObjectKey{Namespace: "shop", Name: "eu"}, eu)).To(Succeed())
	eu.Labels["changed"] = "yes"
	g.Expect(s.Update(t.Context(), eu)).To(Succeed())
	g.Eventually(func() int32 { s.get("/release/shop/eu"); return a.releases.Load() }).Should(BeNumerically(">", 1), "the HelmRelease has changed")
}

func TestRelease_page_of_one_that_was_never_triggered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	answer, objects := recorded()
	target := answer.Deliveries[0].Target
	target.State, target.Message, target.Digest, target.Revision = triggerv1.TargetHeld, "waits for stage canary", "", 0
	answer.Release.Status.History[0].ConfigDigest = ""
	got := siteWith(t, &answers{release: answer}, objects...).get("/release/shop/eu").Body.String()
	g.Expect(got).To(ContainSubstring("waits for stage canary"))
	g.Expect(got).NotTo(ContainSubstring("sha256:<"), "a digest of nothing")
	g.Expect(got).NotTo(ContainSubstring("<dt>Values</dt>"))
}

func TestRelease_page_shows_no_values_that_may_be_of_a_Secret(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	answer, objects := recorded()
	answer.Before = Before{What: "Helm's revision 3", Command: "helm get values -n shop eu --revision 3"}
	body := siteWith(t, &answers{release: answer}, objects...).get("/release/shop/eu").Body.String()
	g.Expect(body).To(And(ContainSubstring("They may hold content of Secrets"), ContainSubstring("helm get values -n shop eu --revision 3")))
}
