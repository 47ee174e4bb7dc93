// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// Observe counts what became of a target from one pass over its trigger to the next.
func (m *Metrics) Observe(was, is triggerv1.TargetStatus) {
	requested := is.Token != "" && is.Token != was.Token
	if requested {
		m.observeRequest(was, is)
	}
	switch {
	case is.State == triggerv1.TargetFailed && was.State != triggerv1.TargetFailed:
		m.deliveries.WithLabelValues(outcomeFailed).Inc()
	case is.State != triggerv1.TargetDelivered || !plan.IsNewDelivery(was, is):
	case was.Digest == "" && !requested:
		// Seen for the first time, and found to run its content.
	default:
		m.deliveries.WithLabelValues(outcomeDelivered).Inc()
		// Without a request since the last delivery, helm-controller was faster.
		if is.TriggeredAt != nil && (requested || was.DeliveredAt == nil) {
			m.delivery.Observe(seconds(is.TriggeredAt.Time, is.DeliveredAt))
		}
	}
}

// observeRequest counts a request, and what it came after.
func (m *Metrics) observeRequest(was, is triggerv1.TargetStatus) {
	m.requests.WithLabelValues(word(is.Forced)).Inc()
	switch {
	case is.Attempts > 1:
		m.lost.Inc()
	case was.State == triggerv1.TargetTriggered && was.Digest != is.Digest:
		m.deliveries.WithLabelValues(outcomeSuperseded).Inc()
	}
}

// Change is when the operator first saw the content that targets are triggered for. It
// rests on one clock, and on nothing that the process remembers.
type Change struct {
	// Seen is when that was: now, or a time in the status.
	Seen time.Time

	// Recorded is true if it is one in the status, which has whole seconds.
	Recorded bool
}

// ObserveReaction measures how long after a change one of its requests was made. No change
// has caused what a person forces, a repetition, and what is requested at first sight.
func (m *Metrics) ObserveReaction(change Change, was *triggerv1.TargetStatus, is triggerv1.TargetStatus, at time.Time) {
	switch {
	case change.Seen.IsZero(), is.Attempts > 1, was == nil, was.Digest == "", was.Digest == is.Digest:
	case change.Recorded:
		m.reaction.Observe(seconds(change.Seen, new(metav1.NewTime(at))))
	default:
		m.reaction.Observe(max(0, at.Sub(change.Seen).Seconds()))
	}
}

// seconds returns the whole seconds between two times, not less than none: the clock may
// have been set. As both are cut off, the mean of many is right, and each by less than one.
func seconds(from time.Time, to *metav1.Time) float64 {
	return max(0, to.Truncate(time.Second).Sub(from.Truncate(time.Second)).Seconds())
}
