// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"testing"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// BenchmarkDecide decides about 10,000 targets in all ways that a rollout of them goes.
func BenchmarkDecide(b *testing.B) {
	const targets = 10_000
	in := func(standing Standing, modify ...func(*scene)) Input {
		s := newScene(stageNamed("canary", soaks(time.Hour)), stageNamed("prod", atMost("5%")))
		names := make([]string, targets)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		s.with(0, names[:100]...).with(1, names[100:]...)
		s.step()
		for i := range s.Targets {
			if t := &s.Targets[i]; t.Stage == 0 || i%2 == 0 {
				t.Standing, t.Wants = standing, standing == Due
			}
		}
		for _, m := range modify {
			m(s)
		}
		return s.Input
	}
	soaked := func(s *scene) {
		s.step()
		s.later(time.Hour).step()
		s.step()
	}
	for name, in := range map[string]Input{
		"starts":                   in(Due),
		"in the middle":            in(Current, soaked),
		"in the middle, dependent": in(Current, soaked, func(s *scene) { dependent(s.Targets) }),
		"without stages":           in(Current, func(s *scene) { s.Rollout = nil }),
		"settles":                  in(Due, func(s *scene) { s.Previous, s.Quiet = nil, time.Minute }),
		"rolls back": in(Current, func(s *scene) {
			s.Rollout.OnFailure, s.Earlier, s.Restored = triggerv1.FailureRollback, second, true
			s.Previous.Rollback = &triggerv1.RollbackStatus{Digest: second}
		}),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decide(in)
			}
		})
	}
}

// dependent makes every second target depend on the one before.
func dependent(targets []Target) {
	for i := 1; i < len(targets); i += 2 {
		targets[i].DependsOn = []string{targets[i-1].Name}
	}
}
