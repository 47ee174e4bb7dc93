// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file begins the record of a rollout, or continues it.

// recordOf returns the record of the rollout of the content as this decision finds it, and whether it is fresh:
// whether the rollout begins.
func recordOf(in Input) (s *triggerv1.RolloutStatus, fresh bool) {
	previous := in.Previous
	switch {
	case previous == nil && in.remembered():
		return rejectedRecord(in), true
	case previous == nil, previous.Digest != in.Digest, in.retried(), in.triggered():
		return freshRecord(in), true
	}
	return continuedRecord(in), false
}

// remembered is true if a release says that this content was rolled back.
func (in Input) remembered() bool { return in.RejectedBy != "" && in.Rollout != nil }

// retried reports that a person wants content once more that was rolled back.
func (in Input) retried() bool { return in.Reset && !in.Restored && in.Previous.Rollback != nil }

// triggered is true if a person wants content once more that went through the stages, or
// is being rolled out through them. The record keeps the value that began it, so that one value
// begins one rollout, however often a decision is made before the value counts as handled.
// What has halted or is refused goes on by a retry only.
func (in Input) triggered() bool {
	return in.TriggerAt != "" && in.TriggerAt != in.Previous.TriggerAt && !in.Restored && in.Previous.Phase != triggerv1.RolloutHalted
}

// newRecord returns the record of a rollout that begins.
func newRecord(in Input) *triggerv1.RolloutStatus {
	return &triggerv1.RolloutStatus{
		Digest: in.Digest, ChangedAt: later(in.Now), TriggerAt: in.TriggerAt, EditedBy: editedBy(in.Previous, in.Editors),
	}
}

// freshRecord begins a rollout, with the time in which the sources settle.
func freshRecord(in Input) *triggerv1.RolloutStatus {
	s := newRecord(in)
	settlerOf(in).begin(s, in.Previous)
	if in.Force {
		override(s)
	}
	return s
}

// rejectedRecord begins a rollout with the end of one that is not recorded any more, since the
// trigger was made again: only the releases say that the content was rolled back. What a person has requested
// may have come with the trigger, as out of a backup, and does not count for this content.
func rejectedRecord(in Input) *triggerv1.RolloutStatus {
	s := newRecord(in)
	s.Phase = triggerv1.RolloutHalted
	s.Message = text.Line(fmt.Sprintf("this content was rolled back before the ValuesTrigger was made again, as recorded on HelmRelease %s", in.RejectedBy), maxMessage)
	return s
}

// continuedRecord goes on with what is recorded. What each decision finds out again is not taken from it.
func continuedRecord(in Input) *triggerv1.RolloutStatus {
	s := fixed(in.Previous.DeepCopy(), in.Now)
	s.NextWindow, s.Stage = nil, ""
	settlerOf(in).align(s)
	if in.Force {
		override(s)
	}
	resume(in, s)
	return s
}

// override notes that a person forces all targets.
func override(s *triggerv1.RolloutStatus) {
	s.Overridden = true
	endSettling(s)
}

// resume goes on from a rollout that has come to an end, if something lets it.
func resume(in Input, s *triggerv1.RolloutStatus) {
	if s.Rollback != nil && !in.Restored {
		s.Phase, s.Rollback = triggerv1.RolloutHalted, nil // Nothing is rolled back any more.
	}
	if s.Phase == triggerv1.RolloutHalted && (in.Reset || s.Overridden) {
		s.Phase, s.RejectedBy = triggerv1.RolloutProgressing, nil
		for i := range s.Stages {
			if s.Stages[i].Phase == triggerv1.StageUnready {
				s.Stages[i].Phase = triggerv1.StageProgressing
			}
		}
	}
	if in.Reset && !in.Restored {
		for i := range s.Stages {
			retry(&s.Stages[i], in.Now)
		}
	}
	if s.Phase != triggerv1.RolloutHalted && s.Rollback == nil {
		s.Message = ""
	}
}

// fixed returns a record with all times that its phases need, and none that is still to
// come: clocks are put right, and anyone with the permission can write a status.
func fixed(s *triggerv1.RolloutStatus, now time.Time) *triggerv1.RolloutStatus {
	s.ChangedAt = notAfter(s.ChangedAt, now)
	if s.UnsettledSince != nil {
		s.UnsettledSince = notAfter(s.UnsettledSince, now)
	}
	if s.Settling != nil {
		s.Settling.Since = notBegun(s.Settling.Since, now)
	}
	for i := range s.Stages {
		fixedAnalysis(s.Stages[i].Analysis, now)
		switch s.Stages[i].Phase {
		case triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready, triggerv1.StageFinished:
			s.Stages[i].Since = notAfter(s.Stages[i].Since, now)
		case triggerv1.StageUnchanged, triggerv1.StageWaiting:
		}
	}
	return s
}

// notAfter returns a time, or now if it is missing or not come yet.
func notAfter(t *metav1.Time, now time.Time) *metav1.Time {
	if latest := later(now); t == nil || t.After(latest.Time) {
		return latest
	}
	return t
}

// later and earlier return a time as it is stored, in whole seconds, so that what is
// waited for is never too short and what caps it never too long.
func later(t time.Time) *metav1.Time {
	return new(metav1.NewTime(t.Add(time.Second - time.Nanosecond).Truncate(time.Second)))
}

func earlier(t time.Time) *metav1.Time {
	return new(metav1.NewTime(t.Truncate(time.Second)))
}

// left returns how much is left of a time that began at another one.
func left(began time.Time, lasts time.Duration, now time.Time) time.Duration {
	return began.Add(lasts).Sub(now)
}

// moved returns a time that is so much later, and has come.
func moved(t *metav1.Time, by time.Duration, now time.Time) *metav1.Time {
	return notAfter(later(t.Add(by)), now)
}
