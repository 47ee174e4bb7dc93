// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

const present = "sha256:4fa1c03db7e288bf82de9082faa4c0ffee00112233445566778899aabbccddee"

// halted is a rollout of three stages, of which the second has halted.
func halted() *triggerv1.ValuesTrigger {
	vt := trigger("apps", "shop")
	vt.Spec.Rollout = &triggerv1.Rollout{
		MaxFailures: new(intstr.FromInt32(1)),
		Stages: []triggerv1.Stage{
			{Name: "canary"}, {Name: "eu", MaxConcurrency: new(intstr.FromString("50%"))}, {Name: "us", Approval: triggerv1.ApprovalManual},
		},
	}
	vt.Status.LastDigest = present
	vt.Status.Delivered = "1/4"
	vt.Status.Conditions = []metav1.Condition{
		{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: triggerv1.RolloutHaltedReason, Message: "halted: <b>2 of 2</b> failed"},
		{Type: meta.StalledCondition, Status: metav1.ConditionTrue, Reason: triggerv1.RolloutHaltedReason},
	}
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: present, Phase: triggerv1.RolloutHalted, Stage: "eu", Message: "eu-1: UpgradeFailed: no", Stages: []triggerv1.StageStatus{
		{Name: "canary", Phase: triggerv1.StageFinished, Targets: 1, Delivered: 1, ApprovedBy: &triggerv1.PersonRecord{User: "anna"}},
		{Name: "eu", Phase: triggerv1.StageProgressing, Targets: 2, Failed: 2}, {Name: "us", Phase: triggerv1.StageWaiting, Targets: 1},
	}}
	vt.Status.Targets = []triggerv1.TargetStatus{
		{Namespace: "apps", Name: "eu-1", State: triggerv1.TargetFailed, Stage: "eu", Message: "UpgradeFailed: no"},
		{Namespace: "apps", Name: "eu-2", State: triggerv1.TargetFailed, Stage: "eu", Message: "UpgradeFailed: no"},
		{Namespace: "apps", Name: "us-1", State: triggerv1.TargetHeld, Stage: "us", Message: "waits"},
		{Namespace: "apps", Name: "canary-1", State: triggerv1.TargetDelivered, Stage: "canary"},
	}
	vt.Status.Summary = plan.Count(vt.Status.Targets)
	vt.Status.History = []triggerv1.Change{{
		Digest: present, GitRevision: "main@sha1:2b9c0e7f1a44", Outcome: triggerv1.ChangeHalted, Time: metav1.NewTime(time.Now().Add(-time.Hour)),
		Cause: "ConfigMap apps/values " + present[:19] + " (values.yaml) by kubectl-edit via ValuesTrigger apps/shop",
	}}
	return vt
}

func (s *site) body(t *testing.T, target string) string {
	t.Helper()
	w := s.get(target)
	NewWithT(t).Expect(w.Code).To(Equal(http.StatusOK))
	return strings.Join(strings.Fields(w.Body.String()), " ")
}

func TestBoard(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{}, halted())
	body := s.body(t, "/board/apps/shop")
	g.Expect(body).To(And(
		ContainSubstring(`<span class="badge bad">RolloutHalted</span>`),
		ContainSubstring("halted: &lt;b&gt;2 of 2&lt;/b&gt; failed"),
		ContainSubstring("ConfigMap apps/values changed in values.yaml, last edit by kubectl-edit"),
		ContainSubstring("main@sha1:2b9c0e7f1a44"),
		ContainSubstring(`in progress <b>0</b> of 1 at a time`),
		ContainSubstring(`class="bad">failed <b>2</b>, 1 may`),
		ContainSubstring("approved by anna"),
		ContainSubstring(`aria-label="eu: 2 Failed"`),
		ContainSubstring(`<a class="c failed" href="/release/apps/eu-1"><span>apps/eu-1</span><i> Failed</i></a>`),
		ContainSubstring("Failed <a href=\"/release/apps/eu-1\">apps/eu-1</a> and 1 more"),
		ContainSubstring(`role="status" aria-live="polite">apps/shop`),
		MatchRegexp(`class="action rollback".*class="action retry"`),
		MatchRegexp(`<span class="outcome">Halted</span>.* · eu-1: UpgradeFailed: no</li>`),
	))
	g.Expect(body).NotTo(ContainSubstring(`primary retry`), "the same again does not help")
	g.Expect(body).NotTo(MatchRegexp(`<[^>]* (style|onclick|onload)=`), "the policy of the page refuses it")
	g.Expect(strings.Count(body, "<script")).To(Equal(strings.Count(body, `<script src="/assets/`)))
}

// A stage that has halted by its analysis is ready, and looks bad all the same.
func TestBoard_of_what_an_analysis_has_halted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := halted()
	vt.Spec.Rollout.Stages[1].Analysis = &triggerv1.Analysis{Metrics: []triggerv1.AnalysisMetric{{Name: "error-rate"}}}
	vt.Status.Rollout.Stages[1] = triggerv1.StageStatus{
		Name: "eu", Phase: triggerv1.StageSoaking, Targets: 2, Delivered: 2, Analysis: &triggerv1.AnalysisStatus{Failed: "error-rate 1 is above 0.05 (1 of 1)"},
	}
	for i := range vt.Status.Targets[:2] {
		vt.Status.Targets[i].State, vt.Status.Targets[i].Message = triggerv1.TargetDelivered, ""
	}
	s := newSite(t, interceptor.Funcs{}, vt)
	body := s.body(t, "/board/apps/shop")
	g.Expect(body).To(And(
		ContainSubstring(`<section class="lane present fails"`), ContainSubstring(`<span class="badge bad">Halted</span>`),
		ContainSubstring("analysis has failed: error-rate 1 is above 0.05 (1 of 1)"),
	))
	g.Expect(body).NotTo(Or(ContainSubstring(">Soaking<"), ContainSubstring(`primary retry`)))
	g.Expect(strings.Count(body, "failed <b>0</b>, 1 may")).To(Equal(2), "the other stages")
	g.Expect(s.body(t, "/")).To(ContainSubstring("stage eu · Halted"))
}

// Above the list of changes, it is said once who has rejected a change.
func TestBoard_of_what_was_rejected(t *testing.T) {
	t.Parallel()
	vt := halted()
	vt.Status.Rollout.RejectedBy = &triggerv1.PersonRecord{User: "anna"}
	vt.Status.History[0].Rejection = vt.Status.Rollout.RejectedBy
	vt.Status.Conditions[0].Message = "Stage 2/3 canary→eu, 0/2, 2 failed; halted: rejected by anna; change the sources, or try the same again: kubectl valuestrigger retry shop -n apps"
	body := newSite(t, interceptor.Funcs{}, vt).body(t, "/board/apps/shop")
	seen, _, _ := strings.Cut(body[strings.Index(body, `<p class="callout`):], "Last changes")
	NewWithT(t).Expect(strings.Count(seen, "rejected by anna")).To(Equal(1))
}

// What the status does not list is read off the releases, and what is not there is counted.
func TestBoard_of_more_releases_than_the_status_lists(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := halted()
	vt.UID = "12345678-1"
	vt.Spec.Targets = []triggerv1.TargetReference{{Selector: &triggerv1.Selector{}}}
	vt.Spec.Rollout = nil
	vt.Status.Rollout = nil
	vt.Status.Summary = &triggerv1.TargetSummary{Total: 20, Failed: 2, Held: 2, Delivered: 16}
	objects := []client.Object{vt}
	for i := range 6 {
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: fmt.Sprintf("more-%d", i), UID: "1"}}
		state := plan.State{Trigger: "12345678", State: triggerv1.TargetDelivered, Digest: present, Revision: 2}
		hr.Annotations = map[string]string{triggerv1.RequestAnnotation: plan.Record{UID: "1", States: map[string]plan.State{"apps/shop": state}}.String()}
		objects = append(objects, hr)
	}
	body := newSite(t, interceptor.Funcs{}, objects...).body(t, "/board/apps/shop")
	g.Expect(strings.Count(body, `class="c delivered" href=`)).To(Equal(7))
	g.Expect(strings.Count(body, `<span class="c counted">`)).To(Equal(10))
	g.Expect(body).To(ContainSubstring("<b>10</b> only counted"))
}

func TestOverview_shows_first_what_needs_a_person_and_filters(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ready := trigger("other", "fine")
	ready.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue}}
	s := newSite(t, interceptor.Funcs{}, ready, halted())
	body := s.body(t, "/")
	g.Expect(body).To(MatchRegexp(`Needs a person <span class="n">1<.*apps/shop.*<details class="group" id="group-1"> <summary><h2>Ready <span class="n">1<.*other/fine`))
	g.Expect(s.body(t, "/?namespace=other")).NotTo(ContainSubstring("/board/apps/shop"))
	g.Expect(s.body(t, "/?state=Stalled")).NotTo(ContainSubstring("/board/other/fine"))
	g.Expect(s.body(t, "/?q=fin")).NotTo(ContainSubstring("/board/apps/shop"))
	g.Expect(s.body(t, "/?q=%3Cscript%3E")).To(And(ContainSubstring("No ValuesTrigger matches."), Not(ContainSubstring("<script>"))))
}

// Whose edit it was matters when it has been rolled back, too: the newest change then is what takes its place.
func TestBoard_names_the_edit_of_what_was_rolled_back(t *testing.T) {
	t.Parallel()
	vt := halted()
	vt.Status.History[0].Approvals = []triggerv1.ApprovalRecord{{Stage: "eu", PersonRecord: triggerv1.PersonRecord{User: "anna"}}}
	vt.Status.History = append([]triggerv1.Change{{Digest: "sha256:earlier", Outcome: triggerv1.ChangeDelivered, Time: metav1.Now()}}, vt.Status.History...)
	body := newSite(t, interceptor.Funcs{}, vt).body(t, "/board/apps/shop")
	NewWithT(t).Expect(body).To(And(
		ContainSubstring("<dt>Change</dt><dd>ConfigMap apps/values changed in values.yaml, last edit by kubectl-edit</dd>"),
		ContainSubstring("Git <code>main@sha1:2b9c0e7f1a44</code>"), ContainSubstring("<dt>Decided</dt><dd>stage eu approved by anna</dd>")))
}

func TestDecision_carries_what_it_is_made_by(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{}, halted())
	s.commands.question = Question{Text: "approve <b>", Asks: "Approve it?", Facts: []decision.Fact{{What: "content", Is: "4fa1"}, {What: "releases", Is: "a, b"}}}
	body := s.body(t, "/do/approve/apps/shop?stage=us")
	g.Expect(body).To(And(ContainSubstring("approve &lt;b&gt;"), ContainSubstring("Approve it?"), ContainSubstring(`name="csrf" value="`+s.guard.csrf())))
	want := Action{Name: Approve, ObjectKey: client.ObjectKey{Namespace: "apps", Name: "shop"}, Stage: "us"}
	g.Expect(s.commands.asked).To(Equal([]Action{want}))

	form := url.Values{"csrf": {s.guard.csrf()}, "stage": {"us"}, "what": {"content", "releases"}, "is": {"4fa1", "a, b"}}
	w := s.serve(s.request(http.MethodPost, "/do/approve/apps/shop", form))
	g.Expect(w.Body.String()).To(ContainSubstring("done"))
	g.Expect(s.commands.done).To(Equal([]Action{want}))
	g.Expect(s.commands.by).To(Equal(s.commands.question.Facts))

	s.commands.err = errors.New("this changed <i>")
	w = s.serve(s.request(http.MethodPost, "/do/approve/apps/shop", form))
	g.Expect(w.Body.String()).To(And(ContainSubstring("this changed &lt;i&gt;"), ContainSubstring(`role="alert"`)))
	s.commands.err = nil
	g.Expect(s.body(t, "/do/rollback/apps/shop")).To(And(ContainSubstring("Yes, roll back<"), ContainSubstring("<title>Roll back apps/shop ")))
}

func TestDifferences_come_as_the_command_masks_them(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newSite(t, interceptor.Funcs{}, halted())
	g.Expect(s.body(t, "/differences/apps/shop")).To(And(
		ContainSubstring(`<span class="changed">~ replicas: 1 → 2</span>`), ContainSubstring("(Secret apps/db, not shown)")))
}

// reviews answers questions about rights, and tries.
func reviews(may func(verb string) bool, refuse func(string) error) interceptor.Funcs {
	return interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if review, ok := obj.(*authorizationv1.SelfSubjectAccessReview); ok {
				review.Status.Allowed = may(review.Spec.ResourceAttributes.Verb)
				return nil
			}
			return c.Create(ctx, obj, opts...)
		},
		Patch: func(_ context.Context, _ client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			o := client.PatchOptions{}
			o.ApplyOptions(opts)
			raw, err := patch.Data(obj)
			if err != nil || len(o.DryRun) == 0 {
				return errors.Join(err, errors.New("this is not a try"))
			}
			return refuse(string(raw))
		},
	}
}

func TestButtons_are_greyed_out_with_the_verb_that_is_missing(t *testing.T) {
	t.Parallel()
	denied := apierrors.NewForbidden(schema.GroupResource{}, "shop", errors.New("needs the verb"))
	for _, c := range []struct {
		name   string
		may    func(string) bool
		refuse func(string) error
		want   map[string]string
	}{
		{"all", func(string) bool { return true }, nil, map[string]string{}},
		{"only look", func(string) bool { return false }, nil, map[string]string{
			Approve: "patch", Reject: "patch", Retry: "patch", Rollback: "patch", Suspend: "patch", Override: "patch",
		}},
		{"edit, not enforced", func(verb string) bool { return verb == "patch" }, func(string) error { return nil }, map[string]string{}},
		{"edit, enforced", func(verb string) bool { return verb == "patch" }, func(string) error { return denied }, map[string]string{
			Approve: "approve", Reject: "approve", Rollback: "approve", Suspend: "suspend", Override: "override",
		}},
		{"edit, only some are enforced", func(verb string) bool { return verb == "patch" }, func(patch string) error {
			if strings.Contains(patch, "suspend") {
				return denied
			}
			return nil
		}, map[string]string{Suspend: "suspend"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newSite(t, reviews(c.may, c.refuse), halted())
			body := s.body(t, "/board/apps/shop")
			for _, action := range []string{Approve, Reject, Retry, Rollback, Suspend, Override} {
				if verb := c.want[action]; verb != "" {
					g.Expect(body).To(ContainSubstring(`<small id="why-`+action+`">needs the verb `+verb+`</small>`), action)
				} else {
					g.Expect(body).To(ContainSubstring(`href="/do/`+action+`/apps/shop"`), action)
				}
			}
		})
	}
}

func TestPages_say_what_may_not_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	elsewhere := trigger("secret", "elsewhere")
	s := newSite(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		o := client.ListOptions{}
		o.ApplyOptions(opts)
		_, releases := list.(*helmv2.HelmReleaseList)
		if o.Namespace == "" || releases {
			return apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("no"))
		}
		return c.List(ctx, list, opts...)
	}}, halted(), elsewhere)
	body := s.body(t, "/")
	g.Expect(body).To(And(
		ContainSubstring("ValuesTriggers are shown of namespace apps only: you may not list them in all namespaces."),
		ContainSubstring("HelmReleases are not shown: you may not list and watch them."),
		ContainSubstring("Namespaces are not shown: you may not list and watch them."),
		ContainSubstring("/board/apps/shop"), Not(ContainSubstring("elsewhere"))))
}

func TestPages_say_that_they_are_stale(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var down atomic.Bool
	s := newSite(t, interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
		if down.Load() {
			return &url.Error{Op: "Get", URL: "https://cluster", Err: errors.New("connection refused")}
		}
		return c.List(ctx, list, opts...)
	}, Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
		if _, namespaces := list.(*metav1.PartialObjectMetadataList); namespaces {
			return nil, errors.New("this one always ends") // So that it is listed each time.
		}
		return c.Watch(ctx, list, opts...)
	}}, halted(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apps"}})
	down.Store(true)
	g.Eventually(func() string { return s.body(t, "/") }, "5s").Should(And(
		MatchRegexp(`No answer from the cluster for <time[^>]*data-counts="since">[^<]*</time>: connection refused`),
		ContainSubstring("/board/apps/shop"), Not(ContainSubstring("https://cluster"))))
}

func TestAssets_are_as_published(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	sums, err := files.ReadFile("assets/vendor/SHA256SUMS")
	g.Expect(err).NotTo(HaveOccurred())
	want := map[string]string{}
	for line := range strings.Lines(string(sums)) {
		fields := strings.Fields(line)
		want[fields[1]] = fields[0]
	}
	entries, err := files.ReadDir("assets/vendor")
	g.Expect(err).NotTo(HaveOccurred())
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".js") {
			continue
		}
		content, err := files.ReadFile("assets/vendor/" + entry.Name())
		g.Expect(err).NotTo(HaveOccurred())
		sum := sha256.Sum256(content)
		g.Expect(hex.EncodeToString(sum[:])).To(Equal(want[entry.Name()]), entry.Name())
		licence, _, _ := strings.Cut(entry.Name(), ".")
		_, err = files.ReadFile("assets/vendor/" + licence + ".LICENSE")
		g.Expect(err).NotTo(HaveOccurred(), "its licence")
	}
}
