// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Observe counts what became of the targets of a trigger from one stored status to the
// next. Edited is when a source was last edited, zero if that is unknown or if a person
// has asked for what was requested.
func (m *Metrics) Observe(before, now []triggerv1.TargetStatus, edited time.Time) {
	known := make(map[types.NamespacedName]triggerv1.TargetStatus, len(before))
	for _, t := range before {
		known[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}] = t
	}
	for _, t := range now {
		m.observe(known[types.NamespacedName{Namespace: t.Namespace, Name: t.Name}], t, edited)
	}
}

func (m *Metrics) observe(was, is triggerv1.TargetStatus, edited time.Time) {
	requested := is.Token != "" && is.Token != was.Token
	if requested {
		m.observeRequest(was, is, edited)
	}
	switch {
	case is.State == triggerv1.TargetFailed && was.State != triggerv1.TargetFailed:
		m.deliveries.WithLabelValues(outcomeFailed).Inc()
	case is.State != triggerv1.TargetDelivered || is.DeliveredAt.Equal(was.DeliveredAt):
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
func (m *Metrics) observeRequest(was, is triggerv1.TargetStatus, edited time.Time) {
	m.requests.WithLabelValues(word(is.Forced)).Inc()
	switch {
	case is.Attempts > 1:
		m.lost.Inc()
		return
	case was.State == triggerv1.TargetTriggered && was.Digest != is.Digest:
		m.deliveries.WithLabelValues(outcomeSuperseded).Inc()
	}
	if is.TriggeredAt != nil && isNews(was, edited) {
		m.reaction.Observe(seconds(edited, is.TriggeredAt))
	}
}

// isNews tells whether the edit came after what the target was last asked to run, so
// that it is the cause of the next request: an old object can be new to a trigger.
func isNews(was triggerv1.TargetStatus, edited time.Time) bool {
	last := was.DeliveredAt
	if last == nil {
		last = was.TriggeredAt
	}
	return last != nil && edited.After(last.Time)
}

// seconds returns the whole seconds between two times, not less than none: clocks may
// differ. As both are cut off, the mean of many is right, and each by less than one.
func seconds(from time.Time, to *metav1.Time) float64 {
	return max(0, to.Truncate(time.Second).Sub(from.Truncate(time.Second)).Seconds())
}
