// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// strict is a made-up API server with policies: it refuses to write the objects that are named
// "Kind name".
type strict struct {
	client.Client
	mu      sync.Mutex
	refuses []string
	written []string
}

// answer is what the API server says, as a client gives it back.
func answer(code int32, reason metav1.StatusReason, message string) error {
	return fmt.Errorf("client: %w", &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}})
}

var anApp = types.NamespacedName{Namespace: "apps", Name: "app"}

// reading returns HelmRelease app, which reads ConfigMaps.
func reading(names ...string) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	for _, name := range names {
		hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{Kind: "ConfigMap", Name: name})
	}
	return hr
}

var denial = answer(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "ValidatingAdmissionPolicy 'strict' with binding 'strict' denied request: no")

// indexing makes the indexes of the cache in a made-up API server.
type indexing struct{ *fake.ClientBuilder }

func (i indexing) IndexField(_ context.Context, obj client.Object, field string, extract client.IndexerFunc) error {
	i.WithIndex(obj, field, extract)
	return nil
}

func newStrict(t *testing.T, objects ...client.Object) *strict {
	t.Helper()
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(corev1.AddToScheme(scheme)).To(Succeed())
	g.Expect(helmv2.AddToScheme(scheme)).To(Succeed())
	g.Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&triggerv1.ValuesTrigger{}).WithReturnManagedFields()
	g.Expect(index.Setup(t.Context(), indexing{builder}, true)).To(Succeed())
	s := &strict{}
	s.Client = interceptor.NewClient(builder.Build(), interceptor.Funcs{
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			s.mu.Lock()
			defer s.mu.Unlock()
			name := obj.GetObjectKind().GroupVersionKind().Kind + " " + obj.GetName()
			if slices.Contains(s.refuses, name) {
				return denial
			}
			if len((&client.PatchOptions{}).ApplyOptions(opts).DryRun) == 0 {
				s.written = append(s.written, name)
			}
			return c.Patch(ctx, obj, patch, opts...)
		},
	})
	return s
}

// events returns and forgets what was reported.
func events(recorder *record.FakeRecorder) []string {
	var all []string
	for {
		select {
		case event := <-recorder.Events:
			all = append(all, event)
		default:
			return all
		}
	}
}

func TestHelmReleaseReconciler_reports_what_is_refused_and_does_the_rest(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := reading("values")
	hr.UID = "the-uid"
	server := newStrict(t, hr)
	recorder := record.NewFakeRecorder(10)
	r := &HelmReleaseReconciler{
		cache: server, writer: server, applier: apply.New(server), derive: deriver{cache: server, autodiscovery: true}, events: recorder,
		reported: newReported(), autodiscovery: true, serves: func(client.Object) bool { return true },
	}
	req := ctrl.Request{NamespacedName: anApp}
	reconcile := func() ctrl.Result {
		result, err := r.Reconcile(t.Context(), req)
		g.Expect(err).NotTo(HaveOccurred())
		return result
	}

	server.refuses = []string{"ValuesTrigger app-auto"}
	g.Expect(reconcile().RequeueAfter).To(Equal(refusedDelay))
	reported := "Warning AccessDenied the API server refused a request of the operator, which is retried: apply ValuesTrigger apps/app-auto: "
	g.Expect(events(recorder)).To(ConsistOf(HavePrefix(reported)))
	g.Expect(server.written).To(Equal([]string{"HelmRelease app"}), "the labels of autodiscovery")
	g.Expect(reconcile().RequeueAfter).To(Equal(refusedDelay))
	g.Expect(events(recorder)).To(BeEmpty(), "it is reported once")

	server.refuses, server.written = []string{"ValuesTrigger app-auto", "HelmRelease app"}, nil
	g.Expect(server.Get(t.Context(), anApp, hr)).To(Succeed())
	hr.Labels = nil
	g.Expect(server.Update(t.Context(), hr)).To(Succeed())
	reconcile()
	g.Expect(events(recorder)).To(ConsistOf(ContainSubstring("label HelmRelease apps/app: ")), "beside what was reported before")

	server.refuses = nil
	g.Expect(reconcile().RequeueAfter).To(BeZero())
	g.Expect(server.written).To(Equal([]string{"ValuesTrigger app-auto", "HelmRelease app"}))
	server.refuses = []string{"HelmRelease app"}
	g.Expect(server.Get(t.Context(), anApp, hr)).To(Succeed())
	hr.Labels = nil
	g.Expect(server.Update(t.Context(), hr)).To(Succeed())
	reconcile()
	g.Expect(events(recorder)).To(HaveLen(1), "it is another refusal")
}

func TestRetryLater_keeps_to_what_is_due_sooner(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	old, vt := declared(), declared()
	soon := ctrl.Result{RequeueAfter: time.Millisecond, Priority: new(progressPriority)}
	g.Expect(retryLater(t.Context(), old, vt, soon, denial)).To(Equal(soon), "a place has become free")
	result, err := retryLater(t.Context(), old, vt, ctrl.Result{RequeueAfter: time.Hour}, denial)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(BeNumerically("<", 2*refusedDelay))
	g.Expect(result.Priority).To(HaveValue(Equal(handler.LowPriority)))
}

func TestRefusedFor_makes_few_attempts_where_everything_is_refused(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := declared()
	g.Expect(refusedFor(vt, time.Now())).To(Equal(refusedDelay), "one target of many")
	markStalled(vt, "AccessDenied", "why")
	since := conditions.Get(vt, meta.StalledCondition).LastTransitionTime.Time
	for after, want := range map[time.Duration]time.Duration{0: minRefusedDelay, time.Minute: time.Minute, time.Hour: maxRefusedDelay} {
		g.Expect(refusedFor(vt, since.Add(after))).To(Equal(want), "%s", after)
	}
}

func TestNotify_reports_refusals_once_and_together(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	recorder := record.NewFakeRecorder(10)
	e := triggerEvents{cache: newStrict(t, reading("values")), recorder: recorder}
	old := staged()
	vt := old.DeepCopy()
	one, other := refused(inState(triggerv1.TargetFailed), triggerv1.DeliveryFailedReason), refused(inState(triggerv1.TargetFailed), triggerv1.DeliveryFailedReason)
	other.Name = "other"
	vt.Status.Targets = []triggerv1.TargetStatus{one, other}
	markProgressing(vt, "Stage 1/2 canary")
	notifyAll(t, e, old, vt)
	g.Expect(events(recorder)).To(ConsistOf("Warning DeliveryFailed why", "Warning DeliveryFailed apps/app: why (and 1 more refused)"))
	notifyAll(t, e, vt, vt.DeepCopy())
	g.Expect(events(recorder)).To(BeEmpty())

	next := vt.DeepCopy()
	next.Status.Targets[0].Message = "another reason"
	notifyAll(t, e, vt, next)
	g.Expect(events(recorder)).To(ConsistOf("Warning DeliveryFailed another reason", "Warning DeliveryFailed apps/app: another reason"))

	stalled := next.DeepCopy()
	stalled.Status.Targets[0].Message = "the last one"
	markStalled(stalled, triggerv1.DeliveryFailedReason, "apps/app: the last one")
	notifyAll(t, e, next, stalled)
	g.Expect(events(recorder)).To(ConsistOf("Warning DeliveryFailed the last one", "Warning DeliveryFailed apps/app: the last one"), "nothing is said twice")
	g.Expect(conditions.IsStalled(stalled)).To(BeTrue())

	restarting := vt.DeepCopy()
	restarting.Status.Targets[0].State, restarting.Status.Targets[0].Message = triggerv1.TargetPending, "a webhook is down"
	notifyAll(t, e, vt, restarting)
	g.Expect(events(recorder)).To(ConsistOf("Warning DeliveryFailed a webhook is down", "Warning DeliveryFailed apps/app: a webhook is down"), "which one refuses is reported")
	notifyAll(t, e, restarting, restarting.DeepCopy())
	g.Expect(events(recorder)).To(BeEmpty(), "once")
}

// notifyAll reports the change of a status whose targets went from one to the other in the pass.
func notifyAll(t *testing.T, e triggerEvents, old, vt *triggerv1.ValuesTrigger) {
	t.Helper()
	e.notifyTargets(t.Context(), old, vt, passOf(old.Status.Targets, vt.Status.Targets))
	e.notify(old, vt)
}

// passOf is a pass in which targets went from one state to another.
func passOf(before, after []triggerv1.TargetStatus) *delivery.Result {
	pass := &delivery.Result{}
	for _, is := range after {
		target := delivery.TargetChange{Is: is}
		for _, was := range before {
			if was.Namespace == is.Namespace && was.Name == is.Name {
				target.Was = was
			}
		}
		pass.Targets = append(pass.Targets, target)
	}
	return pass
}
