// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package notify

import (
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Receivers of events.
const (
	cluster    = "kubernetes"
	controller = "notification-controller"
)

// cause is why a receiver does not get an event.
type cause string

const (
	// tooMany means that too many events of one reason are about one object.
	tooMany cause = "too_many"

	// queueFull means that the receiver is slower than events come.
	queueFull cause = "queue_full"

	// refused means that the receiver does not take the event, or did not answer for long.
	refused cause = "refused"

	// stopped means that the operator stopped before the receiver had taken the event.
	stopped cause = "stopped"
)

// dropLogInterval is how often dropped events are logged; each is counted.
const dropLogInterval = 10 * time.Second

// dropped counts the events that did not reach a receiver.
var dropped = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "trigger_events_dropped_total",
	Help: "Events that did not reach a receiver (kubernetes, notification-controller), by cause: " +
		"too_many of one reason about one object, queue_full, refused, stopped.",
}, []string{"receiver", "cause"})

func init() {
	ctrlmetrics.Registry.MustRegister(dropped)
	for _, why := range []cause{tooMany, queueFull, refused, stopped} {
		dropped.WithLabelValues(cluster, string(why))
	}
	for _, why := range []cause{queueFull, refused, stopped} {
		dropped.WithLabelValues(controller, string(why))
	}
}

// losses counts the events that one receiver does not get, and logs that now and then.
type losses struct {
	receiver string
	log      logr.Logger
	loggedAt atomic.Int64
}

func (l *losses) add(count int, why cause, details ...any) {
	dropped.WithLabelValues(l.receiver, string(why)).Add(float64(count))
	now, last := time.Now().UnixNano(), l.loggedAt.Load()
	if now-last > int64(dropLogInterval) && l.loggedAt.CompareAndSwap(last, now) {
		l.log.Info("events are dropped", append([]any{"receiver", l.receiver, "cause", why, "metric", "trigger_events_dropped_total"}, details...)...)
	}
}
