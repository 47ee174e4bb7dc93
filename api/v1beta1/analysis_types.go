// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Analysis measures what a stage does, while it is delivered to and until it is finished. The words
// are Flagger's (https://docs.flagger.app/usage/metrics and /webhooks).
// +kubebuilder:validation:XValidation:rule="has(self.metrics) && size(self.metrics) > 0 || has(self.webhooks) && size(self.webhooks) > 0",message="analysis needs a metric or a webhook"
type Analysis struct {
	// Interval between two measurements, from 5s to 24h. A measurement asks for all metrics and calls
	// all webhooks of type check. The first one comes an interval after the stage has started, and again
	// an interval after its last target has become ready. A stage with metrics or checks finishes no
	// earlier than with a successful measurement after that. Defaults to 1m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('5s') && duration(self) <= duration('24h')",message="interval must be between 5s and 24h"
	// +kubebuilder:default="1m"
	// +optional
	Interval metav1.Duration `json:"interval,omitzero"`

	// Threshold is how many failed measurements fail the stage, counted from its start. What happens
	// then spec.rollout.onFailure determines. A measurement fails if a metric or a check does. One that
	// gives no answer (no data, NaN, an error, a provider that cannot be reached) neither succeeds nor
	// fails, and its time does not count for minSuccessTime; if there is no other for spec.timeout,
	// the stage fails. Defaults to 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=1
	// +optional
	Threshold int32 `json:"threshold,omitempty"`

	// Metrics that have to be in their ranges.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Metrics []AnalysisMetric `json:"metrics,omitempty"`

	// Webhooks that decide about the stage or are informed of it.
	// +kubebuilder:validation:MaxItems=4
	// +listType=map
	// +listMapKey=name
	// +optional
	Webhooks []AnalysisWebhook `json:"webhooks,omitempty"`
}

// GetInterval returns the interval between two measurements with its default.
func (a *Analysis) GetInterval() time.Duration {
	if a.Interval.Duration <= 0 {
		return time.Minute
	}
	return a.Interval.Duration
}

// GetThreshold returns how many failed measurements fail the stage, with its default.
func (a *Analysis) GetThreshold() int32 { return max(1, a.Threshold) }

// Baseline is how a measured value is compared with the one from before the change.
// +kubebuilder:validation:Enum=Difference;Ratio
type Baseline string

const (
	// BaselineDifference compares value - baseline with the range.
	BaselineDifference Baseline = "Difference"

	// BaselineRatio compares value / baseline with the range. If both are 0, that is 1.
	BaselineRatio Baseline = "Ratio"
)

// AnalysisMetric is a number that has to be in a range.
type AnalysisMetric struct {
	// Name of the metric, unique in the analysis.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a metric: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +required
	Name string `json:"name"`

	// Provider that answers, one of those that the administrator of the operator has configured
	// (chart value analysis.providers). One that is not there makes the trigger Stalled with reason
	// InvalidSpec, and no target gets new content until it is.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	Provider string `json:"provider"`

	// Query in the language of the provider. For Prometheus, PromQL that returns a scalar, or a vector
	// of one sample; any other result is no answer. A provider of type HTTP is sent it as it is.
	// These are replaced, escaped for a regular expression in a PromQL string in double quotes:
	// {{ .Namespaces }} and {{ .Releases }} by the namespaces and the names of the targets of the stage
	// that run or get the content, joined by "|"; {{ .Stage }} by the name of the stage, and
	// {{ .Interval }} by the interval, as in 1m. They are written just like this, and the query has no
	// other {{.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	// +kubebuilder:validation:Pattern=`^([^{]|\{[^{]|\{\{ \.(Namespaces|Releases|Stage|Interval) \}\})*\{?$`
	// +required
	Query string `json:"query"`

	// ThresholdRange is where the value has to be, both ends included.
	// +required
	ThresholdRange ThresholdRange `json:"thresholdRange"`

	// Baseline compares the value with the one that the same query gave before the first target of
	// the stage was touched, so that what was bad before does not count: Difference or Ratio. The stage does
	// not start until there is one. Content that follows before the stage has finished keeps it.
	// Defaults to none: the value itself is compared.
	// +optional
	Baseline Baseline `json:"baseline,omitempty"`
}

// ThresholdRange is a range of numbers, both ends included.
// +kubebuilder:validation:XValidation:rule="has(self.min) || has(self.max)",message="thresholdRange needs min or max"
// +kubebuilder:validation:XValidation:rule="!has(self.min) || !has(self.max) || self.min <= self.max",message="thresholdRange needs min <= max"
type ThresholdRange struct {
	// Min is the least value. Defaults to no bound.
	// +optional
	Min *float64 `json:"min,omitempty"`

	// Max is the greatest value. Defaults to no bound.
	// +optional
	Max *float64 `json:"max,omitempty"`
}

// WebhookType is what a webhook is called for.
// +kubebuilder:validation:Enum=gate;check;event
type WebhookType string

const (
	// WebhookGate is called before the stage starts, once an interval, until it answers with a status
	// of 2xx. A status of 4xx keeps it closed.
	WebhookGate WebhookType = "gate"

	// WebhookCheck is called with each measurement, which fails if it answers with a status of 4xx.
	WebhookCheck WebhookType = "check"

	// WebhookEvent is informed that the stage starts, finishes, fails or is rolled back. Its answer does not
	// matter, and a call that fails is not repeated.
	WebhookEvent WebhookType = "event"
)

// AnalysisWebhook is an HTTP endpoint that is sent what changes, never the content: a JSON object
// with trigger, stage, digest, cause, Git revision and releases, and why it is called.
type AnalysisWebhook struct {
	// Name of the webhook, unique in the analysis.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a webhook: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +required
	Name string `json:"name"`

	// Provider that is called, of type HTTP, one of those that the administrator of the operator has
	// configured (chart value analysis.providers). One that is not there makes the trigger Stalled
	// with reason InvalidSpec, and no target gets new content until it is.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +required
	Provider string `json:"provider"`

	// Type is gate: the stage starts when it opens; check: it is part of each measurement; or event: it
	// is informed. An answer of 408, 429 or 5xx, a redirect, or none at all neither succeeds
	// nor fails.
	// +required
	Type WebhookType `json:"type"`
}

// AnalysisResult is the result of a measurement.
// +kubebuilder:validation:Enum=Successful;Failed;Inconclusive
type AnalysisResult string

const (
	// AnalysisSuccessful is in range, or was answered with a status of 2xx.
	AnalysisSuccessful AnalysisResult = "Successful"

	// AnalysisFailed is out of range, or was answered with a status of 4xx.
	AnalysisFailed AnalysisResult = "Failed"

	// AnalysisInconclusive has no answer: no data, NaN, an error, or a provider that cannot be reached.
	AnalysisInconclusive AnalysisResult = "Inconclusive"
)

// AnalysisStatus is what the analysis of a stage has found out about the content of the rollout.
type AnalysisStatus struct {
	// Spec is the digest of the questions, with 12 digits. With other metrics or webhooks, all is counted
	// again.
	// +kubebuilder:validation:MaxLength=12
	// +optional
	Spec string `json:"spec,omitempty"`

	// Unproven is true from the moment on at which the stage starts until it passes, or is rolled back. Content
	// that follows before that keeps the baselines, and is measured in targets that run it already, too.
	// +optional
	Unproven bool `json:"unproven,omitempty"`

	// Inherited is true if targets ran content that has not passed when the rollout began. Nothing is measured
	// then before all have this content: it would be blamed on it.
	// +optional
	Inherited bool `json:"inherited,omitempty"`

	// Measurements that were made of the stage in this rollout, those before its start included.
	// +optional
	Measurements int64 `json:"measurements,omitempty"`

	// MeasuredAt is when the last one was evaluated, or when its interval began if none
	// was made since the stage entered its phase.
	// +optional
	MeasuredAt *metav1.Time `json:"measuredAt,omitempty"`

	// Result of the last measurement: Failed if a metric or a webhook failed (before the start: if a
	// webhook of type gate is closed), else Inconclusive if one has no answer. Unset before the first.
	// +optional
	Result AnalysisResult `json:"result,omitempty"`

	// Successes are the measurements that were successful in a row since all targets of the stage became ready.
	// +optional
	Successes int32 `json:"successes,omitempty"`

	// Failures are the measurements that failed since the stage started.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// InconclusiveSince is when the first of the last measurements was made that had no answer. Unset
	// if the last one had.
	// +optional
	InconclusiveSince *metav1.Time `json:"inconclusiveSince,omitempty"`

	// Failed says why the analysis has failed the stage: it does not pass with this content unless the
	// trigger is reset. Empty if it has not.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Failed string `json:"failed,omitempty"`

	// Metrics as they were measured last.
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Metrics []MetricStatus `json:"metrics,omitempty"`

	// Webhooks of type gate and check as they have answered last.
	// +kubebuilder:validation:MaxItems=4
	// +listType=map
	// +listMapKey=name
	// +optional
	Webhooks []WebhookStatus `json:"webhooks,omitempty"`
}

// MetricStatus is the last measurement of a metric.
type MetricStatus struct {
	// Name of the metric.
	Name string `json:"name"`

	// Result of the last measurement. Unset while only the baseline was measured.
	// +optional
	Result AnalysisResult `json:"result,omitempty"`

	// Value that was measured, a decimal number of up to six digits. Unset if there is none.
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Value string `json:"value,omitempty"`

	// Baseline is the value from before the change. Unset if there is none.
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Baseline string `json:"baseline,omitempty"`

	// BaselineOf is the digest of the provider and the query that the baseline is from, with 12 digits.
	// For others it does not count.
	// +kubebuilder:validation:MaxLength=12
	// +optional
	BaselineOf string `json:"baselineOf,omitempty"`

	// Failures are how often it was out of range since the stage started.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// Message says why there is no value, or why it failed. It never quotes what a provider has answered.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Message string `json:"message,omitempty"`
}

// WebhookStatus is the last answer of a webhook.
type WebhookStatus struct {
	// Name of the webhook.
	Name string `json:"name"`

	// Result of the last call: Successful, Failed (of a gate: closed) or Inconclusive.
	// +optional
	Result AnalysisResult `json:"result,omitempty"`

	// Failures are how often it failed since the stage started. Those of a gate do not count.
	// +optional
	Failures int32 `json:"failures,omitempty"`

	// Message says what the status was, or why there was none.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Message string `json:"message,omitempty"`
}
