// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"bytes"
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
		Trigger: vt, Sizes: []int{10, 990, 9000}, Median: 30 * time.Second, Slow: 2 * time.Minute, Workers: 200, Start: noon,
	}
}

func TestRun_10000_releases(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished))
	g.Expect([]int{o.Asked, o.Delivered, o.Failed}).To(Equal([]int{10000, 10000, 0}))
	g.Expect(o.Stages[0]).To(And(HaveField("Asked", 10), HaveField("Peak", 5), HaveField("Began", BeNumerically("~", 30*time.Second, time.Second))))
	g.Expect(o.Stages[1]).To(And(HaveField("Asked", 990), HaveField("Peak", 49)))
	g.Expect(o.Stages[2]).To(And(HaveField("Asked", 9000), HaveField("Peak", 450)))
	g.Expect(o.Stages[1].Began - o.Stages[0].Ended).To(BeNumerically("~", 10*time.Minute, 5*time.Second))
	g.Expect(o.Stages[2].Began - o.Stages[1].Ended).To(BeNumerically("~", 30*time.Minute, 5*time.Second))
	// 9000 upgrades of 43 seconds on average by 200 workers, and the slowest of them.
	g.Expect(o.Stages[2].Ended - o.Stages[2].Began).To(BeNumerically("~", 37*time.Minute, 5*time.Minute))

	again, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(again).To(Equal(o), "equal seeds, equal outcomes")
}

// A change that breaks some share of the releases never breaks more than may fail and be
// under way together, in any stage.
func TestRun_what_a_bad_change_hits_is_bounded(t *testing.T) {
	t.Parallel()
	halted := 0
	for seed := range int64(120) {
		g := NewWithT(t)
		rng := rand.New(rand.NewSource(seed))
		f := fleet()
		f.Sizes = []int{1 + rng.Intn(10), rng.Intn(200), 1 + rng.Intn(1000)}
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
					g.Expect(later.Asked).To(BeZero(), "seed %d", seed)
				}
			}
		}
		if o.Phase == triggerv1.RolloutHalted {
			halted++
			continue
		}
		g.Expect(o.Phase).To(Equal(triggerv1.RolloutFinished), "seed %d", seed)
		g.Expect(o.Delivered+o.Failed).To(Equal(f.Sizes[0]+f.Sizes[1]+f.Sizes[2]), "seed %d", seed)
	}
	NewWithT(t).Expect(halted).To(BeNumerically(">", 20))
}

func TestRun_windows_and_approvals_take_their_time(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := fleet()
	f.Sizes = []int{2, 10, 20}
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
	f.Trigger.Spec.Rollout, f.Sizes, f.Breaks = nil, []int{100}, 1
	o, err := f.Run(1)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.Failed).To(Equal(100), "that is what stages are for")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for message, spoil := range map[string]func(*Fleet){
		"2 numbers of targets for 3 stages":                         func(f *Fleet) { f.Sizes = []int{1, 2} },
		"0 targets: between 1 and 100000":                           func(f *Fleet) { f.Sizes = []int{0, 0, 0} },
		"a stage of -1 targets":                                     func(f *Fleet) { f.Sizes = []int{-1, 2, 3} },
		"120000 targets":                                            func(f *Fleet) { f.Sizes = []int{40000, 40000, 40000} },
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
	f.Sizes = []int{3, 17, 100}
	out := &bytes.Buffer{}
	g.Expect(f.Report(out, 9, 1)).To(Succeed())
	wrong := f
	wrong.Workers = 0
	g.Expect(wrong.Report(&bytes.Buffer{}, 1, 1)).NotTo(Succeed())
	t.Log("\n" + out.String())
	g.Expect(out.String()).To(And(
		ContainSubstring("A change that breaks nothing, for 120 HelmReleases, in 9 runs:"),
		MatchRegexp(`canary +3 +3\ds +\d+m\d+s +3\n`),
		MatchRegexp(`Ends as Finished after \d+h?\d*m`),
		MatchRegexp(`100% of the targets +9 of 9 runs +3 +3 +3 +`),
	))
}
