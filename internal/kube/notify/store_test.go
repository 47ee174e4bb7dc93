// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// droppedByController returns how many events notification-controller has not got, by
// whatever cause.
func droppedByController() float64 {
	sum := 0.0
	for _, why := range []cause{tooMany, queueFull, refused, stopped} {
		sum += testutil.ToFloat64(dropped.WithLabelValues(controller, string(why)))
	}
	return sum
}

func testScheme(g *WithT) *runtime.Scheme {
	scheme := runtime.NewScheme()
	g.Expect(corev1.AddToScheme(scheme)).To(Succeed())
	g.Expect(helmv2.AddToScheme(scheme)).To(Succeed())
	g.Expect(triggerv1.AddToScheme(scheme)).To(Succeed())
	return scheme
}

// newStore returns a store in front of an API server that answers creations as given,
// with nil as it should.
func newStore(g *WithT, create func(attempt int) error) (*Store, client.Client) {
	scheme := testScheme(g)
	var attempts atomic.Int32
	api := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if create != nil {
				if err := create(int(attempts.Add(1))); err != nil {
					return err
				}
			}
			return c.Create(ctx, obj, opts...)
		},
	}).Build()
	return NewStore(scheme, api, "tester", logr.Discard()), api
}

// runningStore returns a store that stores events until it is stopped, for a test in a bubble.
func runningStore(t *testing.T) (g *WithT, s *Store, api client.Client, stop func()) {
	t.Helper()
	g = NewWithT(t)
	s, api = newStore(g, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go s.Run(ctx)
	return g, s, api, func() {
		cancel()
		s.Wait(time.Millisecond)
	}
}

func aTrigger() *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform", UID: "one"}}
}

// storedEvents returns how often what was reported is in the cluster.
func storedEvents(g *WithT, api client.Client) map[string]int {
	list := &corev1.EventList{}
	g.Expect(api.List(context.Background(), list)).To(Succeed())
	counts := map[string]int{}
	for _, e := range list.Items {
		counts[fmt.Sprintf("%s %s %s %s", e.InvolvedObject.Kind, e.Type, e.Reason, e.Message)]++
	}
	return counts
}

// drained runs a store until all that waits is stored.
func drained(s *Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Run(ctx)
	s.Wait(timeout)
}

// tenRollouts reports what ten rollouts of three stages do, to and fro between two
// contents, over a thousand releases, and returns what that is.
func tenRollouts(to record.EventRecorder) map[string]int {
	want := map[string]int{}
	vt := aTrigger()
	report := func(eventType, reason, message string) {
		to.Event(vt, eventType, reason, message)
		want[fmt.Sprintf("ValuesTrigger %s %s %s", eventType, reason, message)]++
	}
	for rollout := range 10 {
		content := []string{"sha256:a", "sha256:b"}[rollout%2]
		for stage := range 3 {
			name := fmt.Sprintf("Stage %d/3", stage+1)
			report(corev1.EventTypeNormal, triggerv1.ApprovedReason, name+" is approved for content "+content)
			report(corev1.EventTypeNormal, triggerv1.StageStartedReason, name+" started: content "+content)
			report(corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered 333 HelmReleases: "+content)
			report(corev1.EventTypeNormal, triggerv1.StageFinishedReason, name+" finished")
		}
		report(corev1.EventTypeWarning, triggerv1.RolledBackReason, "Content "+content+" is rolled back")
		report(corev1.EventTypeNormal, triggerv1.DeliveredReason, "Delivered 1000/1000")
	}
	for i := range 1000 {
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: fmt.Sprintf("app-%d", i)}}
		to.Event(hr, corev1.EventTypeNormal, triggerv1.TriggeredReason, "Triggered: sha256:a")
		want["HelmRelease Normal Triggered Triggered: sha256:a"]++
	}
	return want
}

func TestStore_keeps_every_event_of_ten_rollouts_over_a_thousand_releases(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s, api := newStore(g, nil)
	want := tenRollouts(s)
	drained(s)
	g.Expect(storedEvents(g, api)).To(Equal(want))

	list := &corev1.EventList{}
	g.Expect(api.List(t.Context(), list)).To(Succeed())
	for _, e := range list.Items {
		g.Expect(e.Namespace).To(Equal("apps"))
		g.Expect(e.Source.Component).To(Equal("tester"))
		g.Expect(e.ReportingController).To(Equal("tester"))
		g.Expect(e.Count).To(BeEquivalentTo(1))
		g.Expect(e.FirstTimestamp.IsZero()).To(BeFalse())
		g.Expect(e.LastTimestamp).To(Equal(e.FirstTimestamp))
	}
}

// Not parallel: it counts what is dropped in the whole process.
func TestStore_bounds_the_events_of_one_reason_about_one_object(t *testing.T) {
	g := NewWithT(t)
	s, api := newStore(g, nil)
	clock := clocktesting.NewFakePassiveClock(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	s.limits.clock = clock
	before := testutil.ToFloat64(dropped.WithLabelValues(cluster, string(tooMany)))
	for i := range maxBurst + 50 {
		s.Eventf(aTrigger(), corev1.EventTypeWarning, triggerv1.SourceNotFoundReason, "try %d", i)
	}
	s.Event(aTrigger(), corev1.EventTypeWarning, triggerv1.RolledBackReason, "another reason")
	other := aTrigger()
	other.Name = "other"
	s.Event(other, corev1.EventTypeWarning, triggerv1.SourceNotFoundReason, "another object")
	clock.SetTime(clock.Now().Add(refill))
	s.Event(aTrigger(), corev1.EventTypeWarning, triggerv1.SourceNotFoundReason, "later")
	s.Event(aTrigger(), corev1.EventTypeWarning, triggerv1.SourceNotFoundReason, "too soon")
	drained(s)

	stored := storedEvents(g, api)
	g.Expect(stored).To(HaveLen(maxBurst + 3))
	g.Expect(stored).To(HaveKey(ContainSubstring("another reason")))
	g.Expect(stored).To(HaveKey(ContainSubstring("another object")))
	g.Expect(stored).To(HaveKey(ContainSubstring("later")))
	g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(tooMany))) - before).To(BeNumerically("==", 51))
}

// Not parallel: it counts what is dropped in the whole process.
func TestStore_never_blocks_and_keeps_what_is_about_triggers(t *testing.T) {
	g := NewWithT(t)
	s, api := newStore(g, nil) // Nothing is stored yet.
	const places = 5
	for kind := range s.lanes {
		s.lanes[kind] = make(chan *corev1.Event, places)
	}
	before := testutil.ToFloat64(dropped.WithLabelValues(cluster, string(queueFull)))
	for i := range places + 3 {
		s.Event(&helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: fmt.Sprintf("app-%d", i)}}, corev1.EventTypeNormal, "Why", "message")
		s.Event(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: fmt.Sprintf("app-%d", i)}}, corev1.EventTypeNormal, "Why", "message")
	}
	s.Event(aTrigger(), corev1.EventTypeNormal, "Why", "message")
	g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(queueFull))) - before).To(BeNumerically("==", 6))
	drained(s)
	g.Expect(storedEvents(g, api)).To(HaveKey("ValuesTrigger Normal Why message"))
}

// Not parallel: it counts what is dropped in the whole process.
func TestStore_has_room_for_a_pass_over_ten_thousand_releases(t *testing.T) {
	g := NewWithT(t)
	s, _ := newStore(g, nil) // Nothing is stored yet.
	before := testutil.ToFloat64(dropped.WithLabelValues(cluster, string(queueFull)))
	for i := range 10_000 {
		s.Event(&helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: fmt.Sprintf("app-%d", i)}}, corev1.EventTypeNormal, "Why", "message")
	}
	g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(queueFull))) - before).To(BeZero())
}

// Not parallel: it counts what is dropped in the whole process.
func TestStore_tries_again_only_while_the_API_server_is_out_of_reach(t *testing.T) {
	events := schema.GroupResource{Resource: "events"}
	terminating := apierrors.NewForbidden(events, "", errors.New("being terminated"))
	terminating.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, c := range map[string]struct {
		answer          error
		times           int
		stored, dropped int
	}{
		"out of reach":         {errors.New("connection refused"), 2, 1, 0},
		"unavailable":          {apierrors.NewServiceUnavailable("etcd"), 2, 1, 0},
		"refused by a policy":  {apierrors.NewForbidden(events, "", errors.New("denied")), 1, 0, 1},
		"invalid":              {apierrors.NewInvalid(schema.GroupKind{Kind: "Event"}, "", nil), 1, 0, 1},
		"a limit of its own":   {apierrors.NewTooManyRequestsError("limit reached"), 1, 0, 1},
		"a webhook that fails": {apierrors.NewInternalError(errors.New("webhook")), 1, 0, 1},
		"stored before":        {apierrors.NewAlreadyExists(events, ""), 1, 0, 0},
		"a dying namespace":    {terminating, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s, api := newStore(g, func(attempt int) error {
				if attempt <= c.times {
					return c.answer
				}
				return nil
			})
			before := testutil.ToFloat64(dropped.WithLabelValues(cluster, string(refused)))
			ctx, cancel := context.WithCancel(t.Context())
			go s.Run(ctx)
			s.Event(aTrigger(), corev1.EventTypeNormal, "Why", "message")
			g.Eventually(func() int { return len(storedEvents(g, api)) }).WithTimeout(timeout).Should(Equal(c.stored))
			cancel()
			s.Wait(timeout)
			g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(refused))) - before).To(BeNumerically("==", c.dropped))
		})
	}
}

func TestStore_lets_the_requests_of_a_fan_out_go_first(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, s, api, stop := runningStore(t)
		report := func(name string) {
			s.Event(&helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}}, corev1.EventTypeNormal, "Why", "message")
		}
		const requests = 10
		for i := range requests {
			report(fmt.Sprintf("app-%d", i))
			time.Sleep(quiet - time.Millisecond) // A request takes that long.
		}
		g.Expect(storedEvents(g, api)).To(BeEmpty())
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		g.Expect(storedEvents(g, api)).To(Equal(map[string]int{"HelmRelease Normal Why message": requests}))

		report("last")
		stop()
		g.Expect(storedEvents(g, api)).To(Equal(map[string]int{"HelmRelease Normal Why message": requests + 1}), "at the end, nothing waits")
	})
}

func TestStore_holds_no_event_back_for_long(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, s, api, stop := runningStore(t)
		for waited := time.Duration(0); waited < lag; waited += quiet / 2 {
			g.Expect(storedEvents(g, api)).To(BeEmpty())
			s.Event(aTrigger(), corev1.EventTypeNormal, "Why", "message")
			time.Sleep(quiet / 2)
		}
		synctest.Wait()
		g.Expect(storedEvents(g, api)).NotTo(BeEmpty())
		stop()
	})
}

// Not parallel: it counts what is dropped in the whole process.
func TestStore_stops_in_time_and_counts_what_is_left(t *testing.T) {
	g := NewWithT(t)
	s, _ := newStore(g, func(int) error { return errors.New("connection refused") })
	before := testutil.ToFloat64(dropped.WithLabelValues(cluster, string(stopped)))
	for range 5 {
		s.Event(aTrigger(), corev1.EventTypeNormal, "Why", "message")
	}
	start := time.Now()
	drained(s)
	g.Expect(time.Since(start)).To(BeNumerically("<", time.Second), "no back-off")
	g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(stopped))) - before).To(BeNumerically("==", 5))

	s, _ = newStore(g, nil) // Run is not even called.
	s.Event(aTrigger(), corev1.EventTypeNormal, "Why", "message")
	s.Wait(time.Millisecond)
	g.Expect(testutil.ToFloat64(dropped.WithLabelValues(cluster, string(stopped))) - before).To(BeNumerically("==", 6))
}

// Not parallel: it counts what is dropped in the whole process.
func TestWhatTheReceiverDoesNotTakeIsCounted(t *testing.T) {
	for status, lost := range map[int]float64{
		http.StatusAccepted: 0, http.StatusTooManyRequests: 0, http.StatusForbidden: 1, http.StatusServiceUnavailable: 1,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			g := NewWithT(t)
			receiver := newReceiver(t, status, strings.Repeat("x", 10))
			receiver.open()
			r, _ := newRecorder(t, receiver.URL)
			stop := run(t, r)
			before := testutil.ToFloat64(dropped.WithLabelValues(controller, string(refused)))
			r.Event(object(), corev1.EventTypeNormal, "Why", "message")
			g.Eventually(receiver.messages).WithTimeout(timeout).ShouldNot(BeEmpty())
			stop()
			r.Wait(timeout)
			g.Expect(testutil.ToFloat64(dropped.WithLabelValues(controller, string(refused))) - before).To(Equal(lost))
		})
	}
}
