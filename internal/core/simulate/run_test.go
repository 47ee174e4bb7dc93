// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"context"
	"math/rand"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fleet returns one of 10,000 releases in three stages.
func fleet() Fleet {
	vt := &triggerv1.ValuesTrigger{}
	vt.Spec.QuietPeriod.Duration = 30 * time.Second
	stage := func(name, most string, soak time.Duration) triggerv1.Stage {
		s := triggerv1.Stage{Name: name, MaxConcurrency: new(intstr.Parse(most))}
		s.MinSuccessTime.Duration = soak
		return s
	}
	vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureHalt, Stages: []triggerv1.Stage{
		stage("canary", "5", 10*time.Minute), stage("early", "5%", 30*time.Minute), stage("prod", "5%", 0),
	}}
	return Fleet{
		Trigger: vt, Targets: Numbered(vt, 10, 990, 9000), Median: 30 * time.Second, Slow: 2 * time.Minute, Workers: 200, Start: noon,
	}
}

func TestRun_10000_releases(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished))
	g.Expect([]int{o.Triggered, o.Delivered, o.Failed}).To(Equal([]int{10000, 10000, 0}))
	g.Expect(o.Stages[0]).To(And(HaveField("Triggered", 10), HaveField("Peak", 5), HaveField("Began", BeNumerically("~", 30*time.Second, time.Second))))
	g.Expect(o.Stages[1]).To(And(HaveField("Triggered", 990), HaveField("Peak", 49)))
	g.Expect(o.Stages[2]).To(And(HaveField("Triggered", 9000), HaveField("Peak", 450)))
	g.Expect(o.Stages[1].Began - o.Stages[0].Ended).To(BeNumerically("~", 10*time.Minute, 5*time.Second))
	g.Expect(o.Stages[2].Began - o.Stages[1].Ended).To(BeNumerically("~", 30*time.Minute, 5*time.Second))
	// 9000 upgrades of 43 seconds on average by 200 workers, and the slowest of them.
	g.Expect(o.Stages[2].Ended - o.Stages[2].Began).To(BeNumerically("~", 37*time.Minute, 5*time.Minute))

	again, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(o), "equal seeds, equal outcomes")
}

// A change that breaks some share of the releases never breaks more than may fail and be
// in progress together, in any stage.
func TestRun_what_a_bad_change_hits_is_bounded(t *testing.T) {
	t.Parallel()
	halted, seeds := 0, int64(120)
	if testing.Short() { // With the race detector, which finds nothing in one goroutine.
		seeds = 20
	}
	for seed := range seeds {
		g := NewWithT(t)
		rng := rand.New(rand.NewSource(seed))
		f := fleet()
		f.Targets = Numbered(f.Trigger, 1+rng.Intn(10), rng.Intn(200), 1+rng.Intn(1000))
		f.Workers = 1 + rng.Intn(100)
		f.Breaks = []float64{0.002, 0.02, 0.2, 1}[rng.Intn(4)]
		f.Trigger.Spec.Rollout.MaxFailures = new(intstr.FromInt32(int32(rng.Intn(4))))
		o, err := f.Run(seed)
		g.Expect(err).NotTo(HaveOccurred())
		budget := int(f.Trigger.Spec.Rollout.MaxFailures.IntVal)
		for i, stage := range o.Stages {
			limit := max(1, []int{5, stage.Targets * 5 / 100, stage.Targets * 5 / 100}[i])
			g.Expect(stage.Peak).To(BeNumerically("<=", limit), "seed %d", seed)
			g.Expect(stage.Failed).To(BeNumerically("<=", budget+limit), "seed %d", seed)
			if stage.Failed > budget {
				g.Expect(o.Phase).To(Equal(triggerv1.RolloutHalted), "seed %d", seed)
				for _, later := range o.Stages[i+1:] {
					g.Expect(later.Triggered).To(BeZero(), "seed %d", seed)
				}
			}
		}
		if o.Phase == triggerv1.RolloutHalted {
			halted++
			continue
		}
		g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished), "seed %d", seed)
		g.Expect(o.Delivered+o.Failed).To(Equal(len(f.Targets)), "seed %d", seed)
	}
	NewWithT(t).Expect(halted).To(BeNumerically(">", seeds/6))
}

func TestRun_windows_and_approvals_take_their_time(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	f.Targets = Numbered(f.Trigger, 2, 10, 20)
	f.Trigger.Spec.Schedule = []triggerv1.Window{{Cron: "0 2 * * *"}}
	f.Trigger.Spec.Schedule[0].Window.Duration = time.Hour
	f.Trigger.Spec.Rollout.Stages[2].Approval = triggerv1.ApprovalManual
	f.Approval = 5 * time.Hour
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished))
	g.Expect(o.Stages[0].Began).To(BeNumerically("~", 14*time.Hour, 2*time.Second), "from noon to two in the night")
	g.Expect(o.Stages[2].Began).To(BeNumerically("~", 38*time.Hour, 2*time.Second), "approved in the morning, done in the next night")
}

func TestRun_without_stages(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	f.Trigger.Spec.Rollout, f.Breaks = nil, 1
	f.Targets = Numbered(f.Trigger, 100)
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Failed).To(Equal(100), "that is what stages are for")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for message, spoil := range map[string]func(*Fleet){
		"targets for more than the 3 stages":                        func(f *Fleet) { f.Targets = Numbered(f.Trigger, 1, 2, 3, 4) },
		"0 HelmReleases: between 1 and 20000":                       func(f *Fleet) { f.Targets = Numbered(f.Trigger, 0, -1, 0) },
		"20001 HelmReleases":                                        func(f *Fleet) { f.Targets = Numbered(f.Trigger, 40000, 40000, 1<<40) },
		"spec.rollout has no stages":                                func(f *Fleet) { f.Trigger.Spec.Rollout.Stages = nil },
		"slow upgrades must not be shorter":                         func(f *Fleet) { f.Slow = time.Second },
		"must have a worker":                                        func(f *Fleet) { f.Workers = 0 },
		"must be between 0 and 1":                                   func(f *Fleet) { f.Breaks = 1.1 },
		`spec.schedule[0]: cron "never": expected exactly 5 fields`: func(f *Fleet) { f.Trigger.Spec.Schedule = []triggerv1.Window{{Cron: "never"}} },
	} {
		f := fleet()
		f.Trigger = f.Trigger.DeepCopy()
		spoil(&f)
		if len(f.Trigger.Spec.Schedule) > 0 {
			f.Trigger.Spec.Schedule[0].Window.Duration = time.Hour
		}
		_, err := f.Run(1)
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring(message)))
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	f.Targets = Numbered(f.Trigger, 3, 17, 100)
	r, err := f.Report(t.Context(), []float64{1, 0.1}, 9, 1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect([]int{r.Targets, r.Runs}).To(Equal([]int{120, 9}))
	g.Expect(r.Good.Phase).To(Equal(triggerv1.RolloutFinished))
	g.Expect(r.Good.Slowest.Duration).To(BeNumerically(">=", r.Good.Took.Duration))
	g.Expect(r.Good.Stages).To(HaveExactElements(
		And(HaveField("Name", "canary"), HaveField("Targets", 3), HaveField("Peak", 3)), HaveField("Targets", 17), HaveField("Targets", 100)))
	g.Expect(r.Bad).To(HaveExactElements(
		And(HaveField("Halted", 9), HaveField("Triggered", 3), HaveField("WorstCase", 3), HaveField("Names", ConsistOf("canary-1", "canary-2", "canary-3"))),
		HaveField("Breaks", 0.1)))

	f.Workers = 0
	_, err = f.Report(t.Context(), nil, 1, 1)
	g.Expect(err).To(HaveOccurred())
	ended, end := context.WithCancel(t.Context())
	end()
	_, err = fleet().Report(ended, nil, 1, 1)
	g.Expect(err).To(MatchError(context.Canceled))
}

// What one target depends on is done before it is triggered, and what is in no stage is not
// triggered at all.
func TestRun_knows_dependencies_and_targets_without_a_stage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	f.Targets = []Target{{Name: "b", DependsOn: []string{"a"}}, {Name: "a"}, {Name: "c", Stage: 1, DependsOn: []string{"a"}}, {Name: "none", Stage: -1}}
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished))
	g.Expect([]int{o.Triggered, o.Stages[0].Targets, o.Stages[0].Peak, o.Stages[1].Targets, o.Stages[2].Targets}).To(Equal([]int{3, 2, 1, 1, 0}))
}
