// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// storyTrigger is what a person asks for by trigger.nebius.ai/triggerAt.
type storyTrigger struct {
	values int

	// value of the annotation, the last one that counts as handled, and the last one that
	// has made the releases due.
	value, handled, absorbed string
}

// retrigger is a person who wants all releases asked once more.
func (s *story) retrigger() {
	s.trigger.values++
	s.trigger.value = fmt.Sprint(s.trigger.values)
	s.note("a person triggers: %s", s.trigger.value)
}

// absorbTrigger returns the value that is to be acted on. The first time, all releases are
// due again, as plan makes them, whatever the operator forgets.
func (s *story) absorbTrigger(restored bool) string {
	t := &s.trigger
	if t.value == "" || t.value == t.handled || restored {
		return ""
	}
	if t.value != t.absorbed {
		t.absorbed, s.forced = t.value, 0
		for _, m := range s.members {
			m.again = true
		}
	}
	return t.value
}

// begins is true if a decision begins a rollout since a person wants it.
func begins(in Input) bool {
	return in.TriggerAt != "" && !in.Restored && (in.Previous == nil || in.Previous.TriggerAt != in.TriggerAt && in.Previous.Phase != triggerv1.RolloutHalted)
}
