// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"context"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/client-go/tools/reference"
	"k8s.io/utils/clock"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// maxBurst and refill bound the events of one reason about one object: edits of a
	// source without end must not fill etcd. Ten rollouts of sixteen stages stay below.
	maxBurst = 200
	refill   = 10 * time.Second

	// maxBuckets bounds how many of these bounds are remembered.
	maxBuckets = 4096

	// laneLength is how many events about objects of one kind wait for the API server: a
	// pass over 10,000 targets reports each of them.
	laneLength = 16384

	// An event waits until none has been reported for as long as quiet, but no longer than lag: the
	// requests of a change to many HelmReleases, which are reported one by one, need the API server too.
	quiet = 100 * time.Millisecond
	lag   = 2 * time.Second

	// writeTimeout bounds one write. While the API server does not answer, a write is
	// tried again this often, after a delay that doubles up to the longest.
	writeTimeout = 10 * time.Second
	maxWrites    = 12
	firstDelay   = 100 * time.Millisecond
	longestDelay = 10 * time.Second
)

// lanes are the kinds of objects whose events wait for themselves, and the rest.
var lanes = []string{triggerv1.ValuesTriggerKind, helmv2.HelmReleaseKind, ""}

// Store is an event recorder that stores each event as an object of its own, and never
// blocks. The recorder of client-go keeps 25 events about an object and then one per five
// minutes, and merges those that resemble each other: of a rollout, most would be missing.
// What cannot be stored is counted.
type Store struct {
	scheme *runtime.Scheme
	writer client.Writer
	source corev1.EventSource
	losses *losses
	limits *limits

	// lanes hold what waits, by the kind of the object that it is about: what is reported
	// about a thousand HelmReleases holds up nothing that is about a ValuesTrigger.
	lanes map[string]chan *corev1.Event
	done  chan struct{}

	// named is what the name of the last event ends with, which is when it was reported, in nanoseconds.
	named atomic.Int64
}

var _ record.EventRecorder = &Store{}

// NewStore returns a recorder whose events name a component as their source. Call Run for
// them to be stored.
func NewStore(scheme *runtime.Scheme, writer client.Writer, component string, log logr.Logger) *Store {
	s := &Store{
		scheme: scheme,
		writer: writer,
		source: corev1.EventSource{Component: component},
		losses: &losses{receiver: cluster, log: log},
		limits: &limits{clock: clock.RealClock{}, seed: maphash.MakeSeed(), buckets: lru.New(maxBuckets)},
		lanes:  map[string]chan *corev1.Event{},
		done:   make(chan struct{}),
	}
	for _, kind := range lanes {
		s.lanes[kind] = make(chan *corev1.Event, laneLength)
	}
	return s
}

// Event implements record.EventRecorder.
func (s *Store) Event(object runtime.Object, eventType, reason, message string) {
	s.AnnotatedEventf(object, nil, eventType, reason, "%s", message)
}

// Eventf implements record.EventRecorder.
func (s *Store) Eventf(object runtime.Object, eventType, reason, format string, args ...any) {
	s.AnnotatedEventf(object, nil, eventType, reason, format, args...)
}

// AnnotatedEventf implements record.EventRecorder.
func (s *Store) AnnotatedEventf(object runtime.Object, annotations map[string]string,
	eventType, reason, format string, args ...any) {
	ref, err := reference.GetReference(s.scheme, object)
	if err != nil {
		s.losses.log.Error(err, "cannot report an event about an object of unknown kind", "reason", reason)
		return
	}
	about := bucket{kind: ref.Kind, namespace: ref.Namespace, name: ref.Name, uid: ref.UID, eventType: eventType, reason: reason}
	if !s.limits.allow(about) {
		s.losses.add(1, tooMany, "kind", ref.Kind, "namespace", ref.Namespace, "name", ref.Name, "reason", reason)
		return
	}
	lane, found := s.lanes[ref.Kind]
	if !found {
		lane = s.lanes[""]
	}
	select {
	case lane <- s.newEvent(ref, annotations, eventType, reason, fmt.Sprintf(format, args...)):
	default:
		s.losses.add(1, queueFull)
	}
}

func (s *Store) newEvent(ref *corev1.ObjectReference, annotations map[string]string, eventType, reason, message string) *corev1.Event {
	now := metav1.NewTime(s.limits.clock.Now())
	namespace := ref.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: util.GenerateEventName(ref.Name, s.next(now.UnixNano())), Annotations: annotations,
		},
		InvolvedObject: *ref, Type: eventType, Reason: reason, Message: message,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		Source: s.source, ReportingController: s.source.Component,
	}
}

// next returns a time in nanoseconds that no other event has in its name.
func (s *Store) next(now int64) int64 {
	for {
		last := s.named.Load()
		if next := max(now, last+1); s.named.CompareAndSwap(last, next) {
			return next
		}
	}
}

// Run stores events, those of a lane one after the other, until the context ends and nothing waits.
// From then on, each is tried once.
func (s *Store) Run(ctx context.Context) {
	defer close(s.done)
	var working sync.WaitGroup
	for _, lane := range s.lanes {
		working.Go(func() { s.work(ctx, lane) })
	}
	working.Wait()
}

func (s *Store) work(ctx context.Context, lane chan *corev1.Event) {
	for {
		select {
		case event := <-lane:
			s.hold(ctx, event)
			s.store(ctx, event)
			continue
		case <-ctx.Done():
		}
		select {
		case event := <-lane:
			s.store(ctx, event)
		default:
			return
		}
	}
}

// hold waits until the requests that are made at the time of an event do not need the API server any more.
func (s *Store) hold(ctx context.Context, event *corev1.Event) {
	for ctx.Err() == nil {
		left := min(quiet-time.Since(time.Unix(0, s.named.Load())), lag-time.Since(event.FirstTimestamp.Time))
		if left <= 0 {
			return
		}
		wait(ctx, left)
	}
}

// store writes an event, and tries again while the API server does not answer.
func (s *Store) store(ctx context.Context, event *corev1.Event) {
	delay := firstDelay
	for write := 1; ; write++ {
		err := s.create(ctx, event)
		switch {
		case err == nil, apierrors.IsAlreadyExists(err):
			return // Perhaps it was stored, and the answer was lost.
		case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause), apierrors.IsNotFound(err):
			return // The namespace goes, with all events in it.
		case ctx.Err() != nil && !answered(err):
			s.losses.add(1, stopped)
			return
		case write == maxWrites, answered(err):
			s.losses.add(1, refused, "namespace", event.Namespace, "error", err.Error())
			return
		}
		wait(ctx, delay)
		delay = min(2*delay, longestDelay)
	}
}

// wait waits that long, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (s *Store) create(ctx context.Context, event *corev1.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	return s.writer.Create(ctx, event.DeepCopy(), client.FieldOwner(s.source.Component))
}

// answered is true if the API server has decided on a write, rather than being out of
// reach. A refusal is not tried again: others wait.
func answered(err error) bool {
	return apierrors.ReasonForError(err) != metav1.StatusReasonUnknown &&
		!apierrors.IsServiceUnavailable(err) && !apierrors.IsServerTimeout(err) && !apierrors.IsTimeout(err)
}

// Wait waits until Run has returned, at most for the given time. Call it after ending the
// context of Run; what is left then is dropped.
func (s *Store) Wait(timeout time.Duration) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
	}
	for _, lane := range s.lanes {
		for left := true; left; {
			select {
			case <-lane:
				s.losses.add(1, stopped)
			default:
				left = false
			}
		}
	}
}

// bucket is what a bound is for: of a flood of one reason, no other event is lost.
type bucket struct {
	kind, namespace, name string
	uid                   types.UID
	eventType, reason     string
}

// limits bound how many events are stored.
type limits struct {
	clock clock.PassiveClock
	seed  maphash.Seed

	mu sync.Mutex
	// buckets are limiters by the hash of what they are for: there are some for each HelmRelease.
	buckets *lru.Cache
}

func (l *limits) allow(b bucket) bool {
	key := maphash.Comparable(l.seed, b)
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter, found := l.buckets.Get(key)
	if !found {
		limiter = rate.NewLimiter(rate.Every(refill), maxBurst)
		l.buckets.Add(key, limiter)
	}
	return limiter.(*rate.Limiter).AllowN(l.clock.Now(), 1)
}
