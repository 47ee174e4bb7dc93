// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var requestBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

// providers are the metrics of what is requested for the analysis of stages. Their names are those that the
// administrator has given.
type providers struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	loaded   prometheus.Gauge
}

func newProviders() providers {
	return providers{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "trigger_analysis_requests_total",
			Help: "Requests to a provider of analysis, by result: ok, failed (a webhook answers with a status of 4xx), no_data, timeout, error.",
		}, []string{"provider", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "trigger_analysis_request_duration_seconds",
			Help: "Time that a provider of analysis took to answer, or to be given up, waiting for its turn included.", Buckets: requestBuckets,
			NativeHistogramBucketFactor:     nativeFactor,
			NativeHistogramMaxBucketNumber:  nativeBuckets,
			NativeHistogramMinResetDuration: nativeResetting,
		}, []string{"provider"}),
		loaded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "trigger_analysis_config_last_reload_successful",
			Help: "0 if the configuration of the providers of analysis cannot be read, so that the former one holds, else 1.",
		}),
	}
}

// Asked counts a request to a provider of analysis.
func (m *Metrics) Asked(provider, result string, took time.Duration) {
	m.providers.requests.WithLabelValues(provider, result).Inc()
	m.providers.took.WithLabelValues(provider).Observe(took.Seconds())
}

// Configured notes the providers of analysis, so that each is there with 0 from the beginning, and whether
// their configuration could be read.
func (m *Metrics) Configured(names, results []string, ok bool) {
	for _, provider := range names {
		m.providers.took.WithLabelValues(provider)
		for _, result := range results {
			m.providers.requests.WithLabelValues(provider, result)
		}
	}
	m.providers.loaded.Set(0)
	if ok {
		m.providers.loaded.Set(1)
	}
}
