// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/log"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1"
)

const (
	timeout = 10 * time.Second
	address = "http://receiver.invalid/"
)

// kubeRecorder is the Kubernetes half: it records what it receives.
type kubeRecorder struct {
	record.EventRecorder

	mu    sync.Mutex
	lines []string
}

func (k *kubeRecorder) AnnotatedEventf(object runtime.Object, annotations map[string]string,
	eventType, reason, format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ref := object.(*corev1.ObjectReference)
	k.lines = append(k.lines, fmt.Sprintf("%s %s/%s %s %s %s %v", ref.Kind, ref.Namespace, ref.Name,
		eventType, reason, fmt.Sprintf(format, args...), annotations))
}

// receiver is the other half: it answers when it is let.
type receiver struct {
	*httptest.Server

	gate chan struct{}

	mu          sync.Mutex
	events      []eventv1.Event
	connections int
}

// newReceiver returns a receiver that answers with status and body.
func newReceiver(t *testing.T, status int, body string) *receiver {
	t.Helper()
	r := &receiver{gate: make(chan struct{})}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		<-r.gate
		var ev eventv1.Event
		if err := json.NewDecoder(req.Body).Decode(&ev); err != nil {
			t.Errorf("decoding an event: %v", err)
		}
		r.mu.Lock()
		r.events = append(r.events, ev)
		r.mu.Unlock()
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	r.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			r.mu.Lock()
			r.connections++
			r.mu.Unlock()
		}
	}
	r.Start()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) open() { close(r.gate) }

func (r *receiver) messages() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, ev := range r.events {
		out = append(out, ev.Message)
	}
	return out
}

func newRecorder(t *testing.T, webhook string) (*Recorder, *kubeRecorder) {
	t.Helper()
	kube := &kubeRecorder{}
	r, err := New(clientgoscheme.Scheme, kube, logr.New(log.NullLogSink{}), webhook, "tester")
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return r, kube
}

func run(t *testing.T, r *Recorder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	go r.Run(ctx)
	t.Cleanup(cancel)
	return cancel
}

func object() *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cm", Annotations: map[string]string{
		eventv1.Group + "/team": "blue", "other": "ignored",
	}}}
}

func TestEventsGoToBoth(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	receiver := newReceiver(t, http.StatusAccepted, "")
	receiver.open()
	r, kube := newRecorder(t, receiver.URL)
	run(t, r)

	r.AnnotatedEventf(object(), map[string]string{"key": "value"}, corev1.EventTypeWarning, "Why", "100%% of %d", 7)
	r.Event(object(), corev1.EventTypeNormal, "Why", "100% raw")
	r.Eventf(object(), eventv1.EventTypeTrace, "Why", "not for the receiver")

	g.Eventually(receiver.messages).WithTimeout(timeout).Should(Equal([]string{"100% of 7", "100% raw"}))
	g.Expect(receiver.events[0].Severity).To(Equal(eventv1.EventSeverityError))
	g.Expect(receiver.events[0].InvolvedObject.Kind).To(Equal("Service"))
	g.Expect(receiver.events[0].ReportingController).To(Equal("tester"))
	g.Expect(receiver.events[0].Action).To(Equal("Reconciling"))
	g.Expect(receiver.events[0].Metadata).To(Equal(map[string]string{eventv1.Group + "/team": "blue", "key": "value"}))
	g.Expect(kube.lines).To(Equal([]string{
		"Service ns/cm Warning Why 100% of 7 map[" + eventv1.Group + "/team:blue key:value]",
		"Service ns/cm Normal Why 100% raw map[" + eventv1.Group + "/team:blue]",
		"Service ns/cm Normal Why not for the receiver map[" + eventv1.Group + "/team:blue]",
	}))
}

func TestObjectMayChangeAfterwards(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	receiver := newReceiver(t, http.StatusAccepted, "")
	r, _ := newRecorder(t, receiver.URL)
	run(t, r)

	obj, annotations := object(), map[string]string{"key": "value"}
	r.AnnotatedEventf(obj, annotations, corev1.EventTypeNormal, "Why", "message")
	obj.Name, annotations["key"], obj.Annotations[eventv1.Group+"/team"] = "other", "other", "other"
	receiver.open()

	g.Eventually(receiver.messages).WithTimeout(timeout).Should(HaveLen(1))
	g.Expect(receiver.events[0].InvolvedObject.Name).To(Equal("cm"))
	g.Expect(receiver.events[0].Metadata).To(Equal(map[string]string{eventv1.Group + "/team": "blue", "key": "value"}))
}

// Not parallel: it counts what is dropped in the whole process.
func TestFullQueueDropsAndNeverBlocks(t *testing.T) {
	g := NewWithT(t)
	r, kube := newRecorder(t, address) // no one empties the queue
	before := droppedByController()

	const more = 3
	for range queueLength + more {
		r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	}

	g.Expect(droppedByController() - before).To(BeNumerically("==", more))
	g.Expect(kube.lines).To(HaveLen(queueLength+more), "Kubernetes events do not depend on the receiver")
}

func TestStopDeliversWhatWaits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	receiver := newReceiver(t, http.StatusAccepted, "")
	r, _ := newRecorder(t, receiver.URL)
	stop := run(t, r)

	for range 20 {
		r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	}
	stop()
	receiver.open()
	r.Wait(timeout)

	g.Expect(receiver.messages()).To(HaveLen(20))
}

// Not parallel: it counts what is dropped in the whole process.
func TestStopDoesNotWaitForADeadReceiver(t *testing.T) {
	g := NewWithT(t)
	receiver := newReceiver(t, http.StatusAccepted, "") // does not answer
	defer receiver.open()
	r, _ := newRecorder(t, receiver.URL)
	stop := run(t, r)
	before := droppedByController()

	r.Event(object(), corev1.EventTypeNormal, "Why", "taken by the receiver")
	g.Eventually(func() int { return len(r.queue) }).WithTimeout(timeout).Should(BeZero())
	r.Event(object(), corev1.EventTypeNormal, "Why", "waiting")
	start := time.Now()
	stop()
	r.Wait(100 * time.Millisecond)

	g.Expect(time.Since(start)).To(BeNumerically("<", 3*time.Second))
	g.Expect(droppedByController() - before).To(BeNumerically("==", 1))
}

func TestUnreachableReceiverIsNotRetriedWhenStopping(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, _ := newRecorder(t, "http://127.0.0.1:1/")
	stop := run(t, r)
	stop()
	for range 5 {
		r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	}
	start := time.Now()
	r.Wait(timeout)
	g.Expect(time.Since(start)).To(BeNumerically("<", time.Second), "no back-off")
}

func TestAnswersDoNotCostConnections(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	receiver := newReceiver(t, http.StatusTooManyRequests, "a duplicate")
	receiver.open()
	r, _ := newRecorder(t, receiver.URL)
	run(t, r)

	for range 10 {
		r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	}
	g.Eventually(receiver.messages).WithTimeout(timeout).Should(HaveLen(10))
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	g.Expect(receiver.connections).To(Equal(1))
}

func TestWithoutReceiverNothingWaits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, kube := newRecorder(t, "")
	r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	g.Expect(kube.lines).To(HaveLen(1))
	g.Expect(r.queue).To(BeEmpty())
}

func TestUnknownKindIsNoPanic(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, kube := newRecorder(t, "")
	r.Event(&metav1.PartialObjectMetadata{}, corev1.EventTypeNormal, "Why", "message")
	g.Expect(kube.lines).To(BeEmpty())
}

// Not parallel: it counts what is dropped in the whole process.
func TestWhoeverLabelsManyObjectsTakesNobodysPlaceInTheQueue(t *testing.T) {
	g := NewWithT(t)
	r, kube := newRecorder(t, address) // no one empties the queue
	meta := metav1.ObjectMeta{Namespace: "ns", Name: "cm"}
	for range 2 * queueLength {
		r.Event(&corev1.ConfigMap{ObjectMeta: meta}, corev1.EventTypeWarning, "Why", "message")
		r.Event(&corev1.Secret{ObjectMeta: meta}, corev1.EventTypeWarning, "Why", "message")
	}
	r.Event(object(), corev1.EventTypeNormal, "Why", "message")
	g.Expect(r.queue).To(HaveLen(1))
	g.Expect(kube.lines).To(HaveLen(4*queueLength+1), "Kubernetes limits those itself")
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r, kube := newRecorder(t, address)
	obj := object()
	obj.Annotations[eventv1.Group+"/b1"] = strings.Repeat("x", 900)
	obj.Annotations[eventv1.Group+"/b2"] = strings.Repeat("x", 900)
	for i := range 100 {
		obj.Annotations[fmt.Sprintf("%s/a%d", eventv1.Group, i)] = strings.Repeat("x", i)
	}
	obj.Annotations[eventv1.Group+"/long"] = strings.Repeat("x", 200<<10)
	r.Event(obj, corev1.EventTypeWarning, "Why", strings.Repeat("one\nINFO two\x1b[31m ", 1000))

	g.Expect(kube.lines).To(HaveLen(1))
	g.Expect(len(kube.lines[0])).To(BeNumerically("<", 1024+maxAnnotated+500))
	queued := <-r.queue
	g.Expect(queued.message).To(HavePrefix("one INFO two [31m one INFO two [31m "))
	g.Expect(len(queued.message)).To(BeNumerically("<=", 1024))
	g.Expect(len(queued.annotations)).To(BeNumerically("<=", maxAnnotations))
	g.Expect(queued.annotations).NotTo(HaveKey(eventv1.Group + "/long"))
}
