// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package analysis says what is measured of a stage of a rollout, and what an answer means. It asks
// no one: what does is internal/kube/measure, and what follows from the results internal/core/rollout
// decides.
package analysis

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// MaxTimeout is how long a request may wait for its turn at a provider, and then for the answer.
const MaxTimeout = time.Minute

// Purpose is why a measurement is made.
type Purpose string

const (
	// Start asks before a stage starts: its gates, and its metrics for a baseline where they need one.
	Start Purpose = "Start"

	// Check asks while a stage is delivered to and until it is finished: all metrics and checks.
	Check Purpose = "Check"
)

// Request is one measurement of a stage. Two with the same Key are the same.
type Request struct {
	Key

	// Subject is what the measurement is about, as webhooks are sent it.
	Subject Subject

	// Interval of the analysis.
	Interval time.Duration

	// Metrics and Webhooks to ask: those that the purpose needs.
	Metrics  []triggerv1.AnalysisMetric
	Webhooks []triggerv1.AnalysisWebhook
}

// Key tells measurements apart. An answer counts for its own, and for no other: not
// for other content, another stage, or the next interval.
type Key struct {
	// Trigger by its UID.
	Trigger types.UID

	// Digest of the content that is rolled out.
	Digest string

	// Stage by its name.
	Stage string

	// Purpose and Number, which counts the measurements of the stage from 1.
	Purpose Purpose
	Number  int64

	// Spec is the digest of the question: with another query or another stage, it is another measurement.
	Spec string
}

// Subject is what changes and where, without any content.
type Subject struct {
	Trigger types.NamespacedName

	// Cause of the change and the Git revision that it came with, as the history has them.
	Cause       string
	GitRevision string

	// Releases of the stage.
	Releases []types.NamespacedName
}

// Answer is what a metric or a webhook has answered.
type Answer struct {
	Result triggerv1.AnalysisResult

	// Value that was measured, not rounded. Nil if there is none.
	Value *float64

	// Message says why there is no value, or which status a webhook has answered with. It quotes
	// nothing of the answer.
	Message string
}

// Measurement are the answers to a request, by the names of metrics and webhooks. The result of a
// metric is Successful if it has a value: whether that is in range Judge says.
type Measurement struct {
	Key

	Metrics  map[string]Answer
	Webhooks map[string]Answer
}
