// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	first  = "sha256:1111111111111111111111111111111111111111111111111111111111111111"
	second = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
)

// scene is a rollout whose decisions are recorded.
type scene struct {
	Input
	last Decision
}

// newScene returns a scene at noon, with new content.
func newScene(stages ...triggerv1.Stage) *scene {
	s := &scene{Input: Input{Now: noon, Digest: first, Timeout: 5 * time.Minute}}
	if len(stages) > 0 {
		s.Rollout = &triggerv1.Rollout{Stages: stages, OnFailure: triggerv1.FailureHalt}
	}
	return s
}

func stageNamed(name string, modify ...func(*triggerv1.Stage)) triggerv1.Stage {
	stage := triggerv1.Stage{Name: name, Approval: triggerv1.ApprovalAutomatic}
	for _, m := range modify {
		m(&stage)
	}
	return stage
}

func soaks(d time.Duration) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) { stage.MinSuccessTime.Duration = d }
}

func atMost(n string) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) { stage.MaxConcurrency = new(intstr.Parse(n)) }
}

func manually(stage *triggerv1.Stage) { stage.Approval = triggerv1.ApprovalManual }

// with adds targets to a stage that would be triggered now.
func (s *scene) with(stage int, names ...string) *scene {
	for _, name := range names {
		s.Targets = append(s.Targets, Target{Name: "apps/" + name, Stage: stage, Standing: Due, Wants: true, Ready: "True"})
	}
	return s
}

// target returns one by its name.
func (s *scene) target(name string) *Target {
	for i := range s.Targets {
		if s.Targets[i].Name == "apps/"+name {
			return &s.Targets[i]
		}
	}
	panic("no target " + name)
}

// become changes how targets stand.
func (s *scene) become(standing Standing, names ...string) {
	for _, name := range names {
		t := s.target(name)
		t.Standing, t.Wants = standing, standing == Due
		t.Ready, t.Message = "True", ""
		if standing == Failed || standing == Out {
			t.Ready, t.Message = "False", "it is broken"
		}
	}
}

// later moves the clock.
func (s *scene) later(d time.Duration) *scene {
	s.Now = s.Now.Add(d)
	return s
}

// edit makes the content another, which no one runs.
func (s *scene) edit(digest string) {
	s.Digest = digest
	for i := range s.Targets {
		s.Targets[i].Standing, s.Targets[i].Wants = Due, true
	}
}

// step decides and records.
func (s *scene) step() {
	s.last = Decide(s.Input)
	s.Previous = s.last.Status
	s.Force, s.Reset, s.Handled, s.Measured = false, false, s.Approval, nil
}

// admitted steps until a decision admits something or wants to wait, and returns whom.
func (s *scene) admitted() []string {
	for {
		s.step()
		if s.last.Admits() || s.last.After != immediately {
			return s.triggers()
		}
	}
}

// triggers returns whom the last decision admits.
func (s *scene) triggers() []string {
	names := []string{}
	for i, decided := range s.last.Targets {
		if decided.Admitted {
			names = append(names, strings.TrimPrefix(s.Targets[i].Name, "apps/"))
		}
	}
	return names
}

// held returns why a target is held.
func (s *scene) held(name string) string {
	for i := range s.Targets {
		if s.Targets[i].Name == "apps/"+name {
			return s.last.Targets[i].Held
		}
	}
	return ""
}

func (s *scene) phase() triggerv1.RolloutPhase { return s.Previous.Phase }

// inAnHour makes a window from one to two.
func (s *scene) inAnHour() *scene {
	windows, err := schedule.Parse([]schedule.Window{{Cron: "0 13 * * *", Duration: time.Hour}})
	if err != nil {
		panic(err)
	}
	s.Schedule = windows
	return s
}
