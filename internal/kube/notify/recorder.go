// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package notify reports events: to the Kubernetes API, and to Flux's
// notification-controller without ever making the caller wait for it.
package notify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/reference"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1"
	"github.com/fluxcd/pkg/runtime/events"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

const (
	// queueLength is how many events wait for the receiver: those of a change
	// that reaches 500 releases, twice.
	queueLength = 1024

	// maxAnnotation, in bytes, maxAnnotations, and maxAnnotated, in bytes together, bound
	// what users add to events: a queue of events holds a copy for each version of an object.
	maxAnnotation  = 1024
	maxAnnotations = 16
	maxAnnotated   = 2048
)

// event is what is left of a call after formatting: nothing in it is shared with
// the caller, who may go on changing the object.
type event struct {
	ref         *corev1.ObjectReference
	annotations map[string]string
	eventType   string
	reason      string
	message     string
}

// Recorder is an event recorder that never blocks. Kubernetes events go to the
// (buffered) Kubernetes recorder, a Store; what is meant for the receiver
// waits in a bounded queue that Run empties.
type Recorder struct {
	kube    events.Recorder
	forward *forwarder // nil without a receiver
	scheme  *runtime.Scheme
	log     logr.Logger

	queue    chan event
	done     chan struct{}
	stopping atomic.Bool
	losses   *losses
}

var _ record.EventRecorder = &Recorder{}

// New returns a recorder that reports as component: to the cluster by Flux's recorder on top
// of kube, and to the receiver at address, if there is one, by itself. Flux's recorder would
// post in the goroutine of the caller and retry there. Call Run for events to be forwarded.
func New(scheme *runtime.Scheme, kube record.EventRecorder, log logr.Logger, address, component string) (*Recorder, error) {
	flux, err := events.NewRecorder(log, "", component, events.WithScheme(scheme), events.WithLegacyEventRecorder(kube))
	if err != nil {
		return nil, fmt.Errorf("cannot create the recorder of Flux: %w", err)
	}
	r := &Recorder{
		kube:   flux,
		scheme: scheme,
		log:    log,
		queue:  make(chan event, queueLength),
		done:   make(chan struct{}),
		losses: &losses{receiver: controller, log: log},
	}
	if address != "" {
		if r.forward, err = newForwarder(address, component, &r.stopping); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Event implements record.EventRecorder.
func (r *Recorder) Event(object runtime.Object, eventType, reason, message string) {
	r.AnnotatedEventf(object, nil, eventType, reason, "%s", message)
}

// Eventf implements record.EventRecorder.
func (r *Recorder) Eventf(object runtime.Object, eventType, reason, format string, args ...any) {
	r.AnnotatedEventf(object, nil, eventType, reason, format, args...)
}

// AnnotatedEventf implements record.EventRecorder.
func (r *Recorder) AnnotatedEventf(object runtime.Object, annotations map[string]string,
	eventType, reason, format string, args ...any) {
	ref, err := reference.GetReference(r.scheme, object)
	if err != nil {
		r.log.Error(err, "cannot report an event about an object of unknown kind", "reason", reason)
		return
	}
	ev := event{
		ref:         ref.DeepCopy(),
		annotations: withEventAnnotations(annotations, object),
		eventType:   eventType,
		reason:      reason,
		message:     text.Line(fmt.Sprintf(format, args...), text.MaxMessage),
	}

	r.kube.AnnotatedEventf(ev.ref, nil, ev.annotations, eventType, reason, action, "%s", ev.message)
	// Traces, Flux's third type of event, are for the cluster alone. And no Alert of Flux selects
	// ConfigMaps and Secrets: anyone who may label many would only push what others wait for out
	// of the queue.
	if r.forward != nil && eventType != eventv1.EventTypeTrace && ref.Kind != "ConfigMap" && ref.Kind != "Secret" {
		r.enqueue(ev)
	}
}

// withEventAnnotations adds the object's annotations in Flux's event group, which
// users set to have them in their alerts.
func withEventAnnotations(annotations map[string]string, object runtime.Object) map[string]string {
	merged := maps.Clone(annotations)
	annotated, ok := object.(interface{ GetAnnotations() map[string]string })
	if !ok {
		return merged
	}
	added := annotated.GetAnnotations()
	size := 0
	for _, key := range slices.Sorted(maps.Keys(added)) {
		value := added[key]
		if !strings.HasPrefix(key, eventv1.Group+"/") || len(key)+len(value) > maxAnnotation || len(merged) >= maxAnnotations || size+len(key)+len(value) > maxAnnotated {
			continue
		}
		size += len(key) + len(value)
		if merged == nil {
			merged = map[string]string{}
		}
		merged[key] = value
	}
	return merged
}

func (r *Recorder) enqueue(ev event) {
	select {
	case r.queue <- ev:
	default:
		r.losses.add(1, queueFull)
	}
}

// Run forwards events, one after the other, until the context ends and the queue
// is empty. While it empties the queue a failed delivery is not retried.
func (r *Recorder) Run(ctx context.Context) {
	defer close(r.done)
	for {
		select {
		case ev := <-r.queue:
			r.post(ev)
		case <-ctx.Done():
			r.stopping.Store(true)
			r.drain()
			return
		}
	}
}

func (r *Recorder) drain() {
	for {
		select {
		case ev := <-r.queue:
			r.post(ev)
		default:
			return
		}
	}
}

func (r *Recorder) post(ev event) {
	if err := r.forward.post(ev); err != nil {
		r.losses.add(1, refused, "error", err.Error())
	}
}

// Wait waits until Run has returned, at most for the given time. Call it after
// ending the context of Run; what is left then is dropped.
func (r *Recorder) Wait(timeout time.Duration) {
	r.stopping.Store(true)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	}
	if left := len(r.queue); left > 0 {
		r.losses.add(left, stopped)
	}
}
