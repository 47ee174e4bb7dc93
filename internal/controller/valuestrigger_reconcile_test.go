// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	fluxmetrics "github.com/fluxcd/pkg/runtime/metrics"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

const (
	onApp    = "patch HelmRelease app"
	onStatus = "patch ValuesTrigger platform/status"
)

// upToDate returns such a scene whose watch is never behind, and what is written in it.
func upToDate(t *testing.T, objects ...client.Object) (*behind, *writes) {
	t.Helper()
	b, w := newBehind(t, objects...), &writes{answers: map[string]error{}}
	b.start(w.through(b.live))
	return b, w
}

// start begins again with nothing in memory, as an operator that sees and writes what there is.
func (b *behind) start(c client.WithWatch) {
	r := b.reconciler
	r.cache, r.events.cache, r.writer = c, c, c
	b.configure(func(config *delivery.Config) {
		config.Cache, config.Live, config.Accounts, config.Derive = c, c, delivery.NewAccounts(c, nil, "", r.meter), deriver{cache: c}.undeclared
		config.Sources = source.Resolver{Store: source.NewStore(c, c, nil), Metadata: c}
		config.Copies, config.Retained = copies.NewKeeper(c, budget.New(budget.MaxObject*4)), budget.New(delivery.MaxRetained)
	})
	r.metrics = runtimectrl.Metrics{MetricsRecorder: fluxmetrics.NewRecorder()}
}

// changed returns a trigger whose source has other content than was delivered to a release.
func changed(t *testing.T, hr *helmv2.HelmRelease, changes ...func(*triggerv1.ValuesTrigger)) (*behind, *writes) {
	t.Helper()
	vt := asked(byName)
	for _, change := range changes {
		change(vt)
	}
	return upToDate(t, vt, settingsMap("settings", "1"), hr)
}

// What the API server answers to a request decides what is recorded, and when it is made again.
func TestReconcile_a_request(t *testing.T) {
	t.Parallel()
	five := []string{onApp, onApp, onApp, onApp, onApp}
	for _, c := range []struct {
		name     string
		answer   error
		writes   []string
		state    triggerv1.TargetState
		ready    string
		retried  bool
		backsOff bool
	}{
		{"made", nil, []string{onApp}, "", meta.SucceededReason, false, false},
		{"409", conflicting, append(five, onStatus), triggerv1.TargetPending, meta.ProgressingReason, false, true},
		{"404", gone, append(five, onStatus), triggerv1.TargetPending, meta.ProgressingReason, false, true},
		{"403", forbidden, []string{onApp, onStatus}, triggerv1.TargetFailed, "AccessDenied", true, false},
		{"422 by a policy", denial, []string{onApp, onStatus}, triggerv1.TargetFailed, triggerv1.DeliveryFailedReason, true, false},
		{"422 by the schema", malformed, []string{onApp, onStatus}, triggerv1.TargetFailed, triggerv1.DeliveryFailedReason, true, false},
		{"no answer", errUnreachable, []string{onApp, onStatus}, triggerv1.TargetPending, meta.ProgressingReason, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b, w := changed(t, runningRelease())
			w.answers[onApp] = c.answer
			vt, result, err := b.look()
			g.Expect(err != nil).To(Equal(c.backsOff), "%v", err)
			g.Expect(w.taken()).To(Equal(c.writes))
			g.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(c.ready))
			if c.retried {
				g.Expect(result.RequeueAfter).To(BeNumerically("<=", 2*refusedDelay))
			}
			if c.answer == nil {
				g.Expect(result).To(Equal(ctrl.Result{RequeueAfter: afterRequests, Priority: new(progressPriority)}), "its status comes after the requests of others")
				b.expect(g)
				g.Expect(w.taken()).To(Equal([]string{onStatus}))
				b.expect(g)
				g.Expect(w.taken()).To(BeEmpty(), "nothing has changed")
				return
			}
			g.Expect(vt.Status.Targets).To(HaveExactElements(HaveField("State", c.state)))
			delete(w.answers, onApp)
			b.expect(g)
			g.Expect(w.taken()).To(ContainElement(onApp), "it is made again")
		})
	}
}

// What the API server answers to a status decides when it is computed again. The request is not
// made a second time.
func TestReconcile_a_status(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer error
		after  any
		fails  bool
	}{
		{"409", conflicting, Equal(delivery.ConflictDelay), false},
		{"404", gone, Equal(delivery.TidyDelay), false},
		{"403", forbidden, And(BeNumerically(">=", refusedDelay/2), BeNumerically("<=", 2*refusedDelay)), false},
		{"422 by a policy", denial, And(BeNumerically(">=", refusedDelay/2), BeNumerically("<=", 2*refusedDelay)), false},
		{"422 by the schema, which is a fault to be seen", malformed, BeZero(), true},
		{"no answer", errUnreachable, BeZero(), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b, w := changed(t, runningRelease())
			b.expect(g)
			g.Expect(w.taken()).To(Equal([]string{onApp}))
			recorder := b.reconciler.events.recorder.(*record.FakeRecorder)
			g.Expect(events(recorder)).NotTo(BeEmpty(), "what was requested is on the release: it has happened")
			w.answers[onStatus] = c.answer
			_, result, err := b.look()
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			g.Expect(result.RequeueAfter).To(c.after.(types.GomegaMatcher))
			g.Expect(w.taken()).To(Equal([]string{onStatus}))
			g.Expect(events(recorder)).To(BeEmpty(), "what is not recorded is not reported")
			delete(w.answers, onStatus)
			b.expect(g)
			g.Expect(w.taken()).To(Equal([]string{onStatus}))
		})
	}
}

// A copy is written before the request is made, and where that fails, there is no request.
func TestReconcile_copies_come_before_the_request(t *testing.T) {
	t.Parallel()
	publishes := func(vt *triggerv1.ValuesTrigger) { vt.Spec.Publish = &triggerv1.Publish{Name: "shared"} }
	const onShared = "patch ConfigMap app-shared"
	reads := func() *helmv2.HelmRelease {
		hr := runningRelease()
		hr.UID = "the-release"
		hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: "app-shared"}}
		return hr
	}
	for _, c := range []struct {
		name    string
		trigger func(*triggerv1.ValuesTrigger)
		answer  error
		writes  []string
		ready   string
	}{
		{"a copy", publishes, nil, []string{onShared, onApp}, ""},
		{"a copy that is refused", publishes, denial, []string{onShared, onStatus}, triggerv1.DeliveryFailedReason},
		{"a copy that may not be written", publishes, forbidden, []string{onShared, onStatus}, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b, w := changed(t, reads(), c.trigger)
			w.answers[onShared] = c.answer
			vt := b.expect(g)
			g.Expect(w.taken()).To(Equal(c.writes))
			if c.ready != "" {
				g.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(c.ready))
			}
		})
	}
}

// Before a trigger is looked at, what is in the way is removed.
func TestReconcile_begins(t *testing.T) {
	t.Parallel()
	req := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(asked())}
	t.Run("with nothing for one that is gone", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		b, w := upToDate(t)
		g.Expect(b.reconciler.Reconcile(t.Context(), req)).To(Equal(ctrl.Result{}))
		g.Expect(w.taken()).To(BeEmpty())
	})
	t.Run("with nothing for that of another shard", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		b, w := upToDate(t, asked(byName))
		b.reconciler.serves = func(client.Object) bool { return false }
		g.Expect(b.reconciler.Reconcile(t.Context(), req)).To(Equal(ctrl.Result{}))
		g.Expect(w.taken()).To(BeEmpty())
	})
	t.Run("with an error where the cache has one", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		b, w := upToDate(t, asked(byName))
		b.fails = func(client.Object) bool { return true }
		c := newBehind(t).reconciler
		c.cache = unreadable{b.live}
		_, err := c.Reconcile(t.Context(), req)
		g.Expect(err).To(MatchError(errUnreachable))
		g.Expect(w.taken()).To(BeEmpty())
	})
}

// A trigger that is deleted with the finalizer of an earlier version does not hang, and its
// copies, which do not say that they go with it, go.
func TestDropFinalizer(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := asked(byName)
	vt.Finalizers, vt.DeletionTimestamp = []string{triggerv1.CopiesFinalizer}, new(metav1.Now())
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared", DeletionPolicy: triggerv1.DeletionDelete}
	made, other := aCopy(stays), aCopy(stays, forged)
	b, _ := upToDate(t, vt, made, other)
	g.Expect(b.reconciler.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vt)})).To(Equal(ctrl.Result{}))
	for obj, there := range map[client.Object]bool{vt: false, made: false, other: true} {
		g.Expect(apierrors.IsNotFound(b.live.Get(t.Context(), client.ObjectKeyFromObject(obj), obj))).To(Equal(!there), obj.GetName())
	}
	g.Expect(events(b.reconciler.events.recorder.(*record.FakeRecorder))).To(Equal([]string{"Normal CopiesDeleted Deleted 1 copies"}))
}
