// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// ScheduleOf returns the windows of a ValuesTrigger. The error says which cannot be used.
func ScheduleOf(vt *triggerv1.ValuesTrigger) (schedule.Schedule, error) {
	windows := make([]schedule.Window, 0, len(vt.Spec.Schedule))
	for _, w := range vt.Spec.Schedule {
		windows = append(windows, schedule.Window{Cron: w.Cron, TimeZone: w.TimeZone, Duration: w.Window.Duration})
	}
	return schedule.Parse(windows)
}

// Clock writes times of a ValuesTrigger for people: on the clocks that its windows go by, those of
// UTC without windows.
func Clock(vt *triggerv1.ValuesTrigger) func(time.Time) time.Time {
	windows, err := ScheduleOf(vt)
	if err != nil {
		return time.Time.UTC // Such a spec is not acted on.
	}
	return windows.Local
}

func stamp(vt *triggerv1.ValuesTrigger, t time.Time) string { return Clock(vt)(t).Format(time.RFC3339) }
