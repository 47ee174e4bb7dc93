// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// This file lets the world that TestExplore visits judge the canary by what it does: a provider is asked in the
// background, and its answer may come at any time or get lost.

// bad is content that every release runs, and whose canary answers with errors.
const bad = 3

// asking is what the operator has asked the provider, and what that has answered. Neither is stored.
type asking struct {
	key     analysis.Key
	answer  triggerv1.AnalysisResult // Empty while there is none.
	pending bool
}

func (a asking) text() string {
	return fmt.Sprint("|", a.pending, a.key.Digest, a.key.Number, a.key.Spec, a.answer)
}

// measuredCanary is the analysis of the canary.
func measuredCanary() *triggerv1.Analysis {
	a := &triggerv1.Analysis{Threshold: 1, Webhooks: []triggerv1.AnalysisWebhook{{Name: "smoke", Provider: "hooks", Type: triggerv1.WebhookCheck}}}
	a.Interval.Duration = time.Second
	return a
}

// gated decides, and again with the answer that is asked for, if it is there.
func (l *look) gated() Decision {
	d := l.gate(nil)
	if d.Measure == nil {
		return d
	}
	if key := d.Measure.Key; !l.asking.pending || l.asking.key != key {
		l.asking = asking{key: key, pending: true}
	}
	if l.asking.answer == "" {
		return d
	}
	return l.gate(&analysis.Measurement{Key: l.asking.key, Webhooks: map[string]analysis.Answer{"smoke": {Result: l.asking.answer}}})
}

// answer is the provider that answers about what the canary runs now, or does not know.
func (f *fleet) answer(known bool, b bounds) bool {
	if !f.asking.pending || f.asking.answer != "" || !known && f.silences >= b.silences {
		return false
	}
	switch {
	case !known:
		f.silences++
		f.asking.answer = triggerv1.AnalysisInconclusive
	case f.releases[canary].live.config == bad:
		f.asking.answer = triggerv1.AnalysisFailed
	default:
		f.asking.answer = triggerv1.AnalysisSuccessful
	}
	return true
}

// tick lets an interval pass.
func (f *fleet) tick(b bounds) bool {
	if f.ticks >= b.ticks {
		return false
	}
	f.ticks++
	f.now++
	return true
}

// analysisKey is what of an analysis makes a difference to what comes.
func analysisKey(s *triggerv1.AnalysisStatus, now int) string {
	if s == nil {
		return ""
	}
	at := "never"
	if s.MeasuredAt != nil {
		at = age(s.MeasuredAt.Time, now)
	}
	return fmt.Sprint(s.Unproven, s.Measurements, at, s.Result, s.Successes, s.Failures, s.InconclusiveSince != nil, s.Failed != "")
}
