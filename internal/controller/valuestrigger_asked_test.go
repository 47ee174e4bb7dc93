// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// behind is an API server and a watch that may be behind it.
type behind struct {
	t             *testing.T
	live, watched client.WithWatch
	reconciler    *ValuesTriggerReconciler
	config        delivery.Config // of the engine

	// fails reports whether the API server answers a read with an error.
	fails func(client.Object) bool
}

func newBehind(t *testing.T, objects ...client.Object) *behind {
	t.Helper()
	b := &behind{t: t, fails: func(client.Object) bool { return false }}
	copies := make([]client.Object, 0, len(objects))
	for _, obj := range objects {
		copies = append(copies, obj.DeepCopyObject().(client.Object))
	}
	b.live, b.watched = newStrict(t, objects...).Client.(client.WithWatch), newStrict(t, copies...).Client.(client.WithWatch)
	live := interceptor.NewClient(b.live, interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if b.fails(obj) {
				return errors.New("connection refused")
			}
			return next.Get(ctx, key, obj, opts...)
		},
	})
	store := source.NewStore(b.watched, live, nil)
	meter := metrics.New(prometheus.NewRegistry())
	b.reconciler = &ValuesTriggerReconciler{
		cache: b.watched, writer: live, events: triggerEvents{cache: b.watched, recorder: record.NewFakeRecorder(200)}, meter: meter,
		serves: func(client.Object) bool { return true },
	}
	b.configure(func(config *delivery.Config) {
		*config = delivery.Config{
			Cache: b.watched, Live: live, Accounts: delivery.NewAccounts(live, nil, "", meter), Meter: meter, Concurrent: 1,
			Sources: source.Resolver{Store: store, Metadata: b.watched}, Derive: deriver{cache: b.watched}.undeclared,
		}
	})
	return b
}

// configure has an engine of another configuration make the passes from now on.
func (b *behind) configure(change func(*delivery.Config)) {
	change(&b.config)
	b.reconciler.engine = delivery.New(b.config)
}

// look reconciles the trigger once, and has the watch show what became of it.
func (b *behind) look() (*triggerv1.ValuesTrigger, ctrl.Result, error) {
	b.t.Helper()
	g := NewWithT(b.t)
	key := client.ObjectKey{Namespace: "apps", Name: "platform"}
	result, err := b.reconciler.Reconcile(b.t.Context(), ctrl.Request{NamespacedName: key})
	vt, seen := &triggerv1.ValuesTrigger{}, &triggerv1.ValuesTrigger{}
	g.Expect(b.live.Get(b.t.Context(), key, vt)).To(Succeed())
	g.Expect(b.watched.Get(b.t.Context(), key, seen)).To(Succeed())
	if seen.Status = vt.Status; seen.ResourceVersion != vt.ResourceVersion {
		g.Expect(b.watched.Status().Update(b.t.Context(), seen)).To(Succeed())
	}
	return vt, result, err
}

// expect looks at what must come to no error.
func (b *behind) expect(g *WithT) *triggerv1.ValuesTrigger {
	b.t.Helper()
	vt, _, err := b.look()
	g.Expect(err).NotTo(HaveOccurred())
	return vt
}

func (b *behind) create(where client.Client, obj client.Object) {
	b.t.Helper()
	NewWithT(b.t).Expect(where.Create(b.t.Context(), obj)).To(Succeed())
}

func settingsMap(name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name, Labels: map[string]string{"part": "settings"}}, Data: map[string]string{"a": value},
	}
}

// asked returns a trigger that is ready with the content of before, and is asked to look.
func asked(sources ...triggerv1.SourceReference) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{
		Namespace: "apps", Name: "platform", UID: "the-trigger", Generation: 1, Annotations: map[string]string{meta.ReconcileRequestAnnotation: "now"},
	}}
	vt.Spec.Sources = sources
	vt.Spec.Targets = []triggerv1.TargetReference{{Name: "app"}}
	vt.Status.UID, vt.Status.LastDigest = vt.UID, "sha256:before"
	markReady(vt, "Delivered")
	vt.Status.LastHandledReconcileAt = "before"
	return vt
}

var (
	byName     = triggerv1.SourceReference{Kind: triggerv1.ConfigMapKind, Name: "settings"}
	ifPresent  = triggerv1.SourceReference{Kind: triggerv1.ConfigMapKind, Name: "settings", Optional: true}
	bySelector = triggerv1.SourceReference{Kind: triggerv1.ConfigMapKind, Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"part": "settings"}}}
)

// sourceDigest is the digest of a source with one key.
func sourceDigest(value string) string {
	return digest.OfConfigMap(settingsMap("settings", value)).Digest()
}

// What a health check of a Kustomization compares is true of the content that was there when
// the annotation was set: kustomize-controller applies sources before triggers.
func TestAsked_reads_what_there_is_whatever_the_watch_shows(t *testing.T) {
	t.Parallel()
	for name, ref := range map[string]triggerv1.SourceReference{"required": byName, "optional": ifPresent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b := newBehind(t, asked(ref), settingsMap("settings", "1"))
			cm := settingsMap("settings", "")
			g.Expect(b.live.Get(t.Context(), client.ObjectKeyFromObject(cm), cm)).To(Succeed())
			cm.Data["a"] = "2"
			g.Expect(b.live.Update(t.Context(), cm)).To(Succeed())
			for range 2 {
				vt := b.expect(g)
				g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("now"))
				g.Expect(vt.Status.Sources).To(HaveExactElements(HaveField("Digest", sourceDigest("2"))))
			}
		})
	}
}

func TestAsked_does_not_forget_what_the_watch_does_not_show_yet(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	b := newBehind(t, asked(ifPresent))
	b.create(b.live, settingsMap("settings", "2"))
	for range 2 {
		vt := b.expect(g)
		g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("now"))
		g.Expect(vt.Status.Sources).To(HaveExactElements(HaveField("Digest", sourceDigest("2"))))
	}
	g.Expect(b.live.Delete(t.Context(), settingsMap("settings", ""))).To(Succeed())
	g.Expect(b.expect(g).Status.Sources).To(HaveExactElements(HaveField("Digest", "")), "it is gone")
}

func TestAsked_waits_for_the_watch_where_a_selector_decides(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	b := newBehind(t, asked(bySelector), settingsMap("one", "1"))
	other := settingsMap("other", "2")
	b.create(b.live, other.DeepCopy())
	vt, result, err := b.look()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(delivery.ConflictDelay))
	g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("before"))
	g.Expect(conditions.IsReady(vt)).To(BeTrue(), "of the request before")

	b.create(b.watched, other.DeepCopy())
	vt = b.expect(g)
	g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("now"))
	g.Expect(vt.Status.Sources).To(HaveLen(2))
}

// A request counts as handled together with what was found, and not before.
func TestAsked_is_not_handled_by_a_look_that_found_nothing_out(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*triggerv1.ValuesTrigger)
		fails  func(client.Object) bool
		ready  string
	}{
		"the content cannot be read": {
			fails: func(obj client.Object) bool { _, content := obj.(*corev1.ConfigMap); return content },
			ready: triggerv1.ReadFailedReason,
		},
		"the newest version cannot be read": {
			change: func(vt *triggerv1.ValuesTrigger) {
				vt.Spec.Schedule = []triggerv1.Window{{Cron: "* * * * *", Window: metav1.Duration{Duration: 2 * time.Minute}}}
			},
			fails: func(obj client.Object) bool { _, metadata := obj.(*metav1.PartialObjectMetadata); return metadata },
			ready: triggerv1.ReadFailedReason,
		},
		"suspended": {
			change: func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true },
			ready:  meta.SucceededReason,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := asked(byName)
			if c.change != nil {
				c.change(vt)
			}
			b := newBehind(t, vt, settingsMap("settings", "1"), runningRelease())
			if c.fails != nil {
				b.fails = c.fails
			}
			vt, _, err := b.look()
			g.Expect(err != nil).To(Equal(c.fails != nil))
			g.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(c.ready))
			g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("before"))
		})
	}
}

func TestAsked_is_handled_where_a_source_does_not_exist(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := newBehind(t, asked(byName)).expect(g)
	g.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(triggerv1.SourceNotFoundReason))
	g.Expect(vt.Status.LastHandledReconcileAt).To(Equal("now"), "that is an answer")
}

// runningRelease returns HelmRelease apps/app, which is ready.
func runningRelease() *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Generation: 1}}
	hr.Status.ObservedGeneration = 1
	hr.Status.History = helmv2.Snapshots{{Name: "app", Namespace: "apps", Version: 1, Status: "deployed"}}
	conditions.MarkTrue(hr, meta.ReadyCondition, meta.SucceededReason, "")
	return hr
}

// An approval counts from the moment at which it is seen, also if nothing is decided then: by
// the next decision, Flux may have removed the annotation.
func TestNoteApproval(t *testing.T) {
	t.Parallel()
	const content = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	waiting := func() *triggerv1.ValuesTrigger {
		vt := asked(byName)
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "prod", Approval: triggerv1.ApprovalManual}}}
		vt.Status.Rollout = &triggerv1.RolloutStatus{
			Digest: content, Phase: triggerv1.RolloutAwaitingApproval, Stage: "prod", ChangedAt: &metav1.Time{Time: time.Unix(1e9, 0)},
			Stages: []triggerv1.StageStatus{{Name: "prod", Phase: triggerv1.StageWaiting, Targets: 1}},
		}
		vt.Annotations[triggerv1.ApproveAnnotation] = content + "/prod"
		return vt
	}
	for name, change := range map[string]func(*triggerv1.ValuesTrigger){
		"while it is suspended":         func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true },
		"while a source does not exist": func(*triggerv1.ValuesTrigger) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := waiting()
			change(vt)
			b := newBehind(t, vt)
			vt = b.expect(g)
			g.Expect(vt.Status.Rollout.Stages).To(ConsistOf(And(HaveField("Approved", true), HaveField("Approval", content+"/prod"))))
			g.Expect(vt.Status.LastHandledApproval).To(Equal(content + "/prod"))
			g.Expect(events(b.reconciler.events.recorder.(*record.FakeRecorder))).To(ContainElement("Normal Approved Stage 1/1 prod is approved for content sha256:111111111111"))
		})
	}
	t.Run("of other content", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		vt := waiting()
		vt.Spec.Suspend = true
		vt.Annotations[triggerv1.ApproveAnnotation] = "sha256:2222222222222222222222222222222222222222222222222222222222222222/prod"
		vt = newBehind(t, vt).expect(g)
		g.Expect(vt.Status.Rollout.Stages).To(ConsistOf(HaveField("Approved", false)))
		g.Expect(vt.Status.LastHandledApproval).To(BeEmpty(), "the next decision says what it is worth")
	})
}
