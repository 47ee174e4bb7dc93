// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package metrics tells Prometheus what becomes of changes. Counters and histograms
// follow the status: what a stored status says that the one before it did not is
// counted, so that neither a repeated reconciliation nor a restart counts anything
// twice. Gauges are computed when they are collected, from the cache.
//
// No metric has a label of an object: the number of series does not depend on what is
// in the cluster.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Outcomes of a delivery.
const (
	outcomeDelivered  = "delivered"
	outcomeFailed     = "failed"
	outcomeSuperseded = "superseded"
)

// Results of a read.
const (
	resultOK        = "ok"
	resultNotFound  = "not_found"
	resultForbidden = "forbidden"
	resultError     = "error"
)

var (
	// A request follows what it is caused by within milliseconds, unless it has to wait.
	reactionBuckets = []float64{
		0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600,
	}

	// The times come from objects, where they have whole seconds.
	deliveryBuckets = []float64{1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}
)

// Native histograms, which a Prometheus that knows them takes in place of the buckets, are
// as fine as this for any duration.
const (
	nativeFactor    = 1.1
	nativeBuckets   = 100
	nativeResetting = time.Hour
)

// newHistogram returns a histogram with classic buckets and native ones.
func newHistogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     nativeFactor,
		NativeHistogramMaxBucketNumber:  nativeBuckets,
		NativeHistogramMinResetDuration: nativeResetting,
	})
}

// Metrics are the operator's own, beside those of Flux and controller-runtime.
type Metrics struct {
	requests   *prometheus.CounterVec
	lost       prometheus.Counter
	deliveries *prometheus.CounterVec
	reaction   prometheus.Histogram
	delivery   prometheus.Histogram
	reads      *prometheus.CounterVec
	rollouts   rollouts
	providers  providers
	states     *states
}

// New returns the metrics after registering them. Their number is known, so that each is
// there with 0 from the beginning: Prometheus cannot see the first increase of a series
// that begins with 1.
func New(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_requests_total",
			Help: "Requests made of helm-controller, those that were repeated included, by whether an upgrade was forced.",
		}, []string{"forced"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "trigger_requests_lost_total",
			Help: "Requests that helm-controller handled without effect, and that were repeated.",
		}),
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_deliveries_total",
			Help: "Deliveries to a HelmRelease that came to an end, by outcome: delivered, failed, superseded. " +
				"One that succeeds after it had failed counts as both.",
		}, []string{"outcome"}),
		reaction: newHistogram("trigger_edit_to_trigger_seconds",
			"Time from when the operator first saw a change of the sources to the request that it caused, waiting included. "+
				"Of changes that wait, in whole seconds.", reactionBuckets),
		delivery: newHistogram("trigger_trigger_to_delivered_seconds",
			"Time from the last request to the proof that the release runs the change. In whole seconds.", deliveryBuckets),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_source_reads_total",
			Help: "Reads of the content of a source from the API server, by kind and result: ok, not_found, forbidden, error.",
		}, []string{"kind", "result"}),
		rollouts:  newRollouts(),
		providers: newProviders(),
		states:    newStates(),
	}
	for _, forced := range []bool{true, false} {
		m.requests.WithLabelValues(word(forced))
	}
	for _, outcome := range []string{outcomeDelivered, outcomeFailed, outcomeSuperseded} {
		m.deliveries.WithLabelValues(outcome)
	}
	for _, kind := range []string{triggerv1.ConfigMapKind, triggerv1.SecretKind} {
		for _, result := range []string{resultOK, resultNotFound, resultForbidden, resultError} {
			m.reads.WithLabelValues(kind, result)
		}
	}
	registry.MustRegister(m.requests, m.lost, m.deliveries, m.reaction, m.delivery, m.reads, m.rollouts.ended, m.rollouts.took, m.rollouts.measured,
		m.states, m.providers.requests, m.providers.took, m.providers.loaded)
	return m
}

// word returns the value of a label that is true or false.
func word(yes bool) string {
	if yes {
		return "true"
	}
	return "false"
}
