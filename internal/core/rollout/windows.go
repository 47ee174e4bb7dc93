// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// windows reports whether requests may be made now, and knows for which window they wait.
type windows struct {
	schedule schedule.Schedule
	now      time.Time

	// next is the window that targets wait for, nil if none do or there is none.
	next *triggerv1.NextWindow
}

func windowsOf(in Input) *windows { return &windows{schedule: in.Schedule, now: in.Now} }

// open reports whether requests may be made at this time. If not, those of the targets are
// held until the next window.
func (w *windows) open(targets group) bool {
	if w.schedule.Open(w.now) {
		return true
	}
	if !targets.wanting() {
		return false
	}
	targets.hold("waits for the next window of spec.schedule")
	opens, closes := w.schedule.Next(w.now)
	if opens.IsZero() {
		return false
	}
	w.next = &triggerv1.NextWindow{Opens: metav1.NewTime(opens.UTC())}
	if !closes.IsZero() {
		w.next.Closes = new(metav1.NewTime(closes.UTC()))
	}
	return false
}

// blocks reports whether nothing goes on until a window opens: targets wait for it, and none of these is in progress.
func (w *windows) blocks(targets group) bool { return w.next != nil && !targets.any(UnderWay, Busy) }

// wait returns in what time the window opens that targets wait for, 0 if none do.
func (w *windows) wait() time.Duration {
	if w.next == nil {
		return 0
	}
	return w.next.Opens.Sub(w.now)
}

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
