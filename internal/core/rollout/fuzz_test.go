// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/schedule"
)

// dice make anything at all out of what a fuzzer comes up with.
type dice []byte

func (d *dice) below(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % n
}

func one[T any](d *dice, of ...T) T { return of[d.below(len(of))] }

func (d *dice) duration() time.Duration {
	return one(d, 0, time.Second, time.Minute, 5*time.Minute, 24*time.Hour, -time.Hour, 1<<62)
}

func (d *dice) stamp() *metav1.Time {
	return one(d, nil, &metav1.Time{}, &metav1.Time{Time: noon}, &metav1.Time{Time: noon.Add(-time.Minute)}, &metav1.Time{Time: noon.Add(time.Hour)},
		&metav1.Time{Time: time.Unix(-1<<40, 0)}, &metav1.Time{Time: time.Unix(1<<40, 0)})
}

func (d *dice) amount() *intstr.IntOrString {
	return one(d, nil, new(intstr.FromInt32(1)), new(intstr.FromInt32(-3)), new(intstr.FromString("50%")), new(intstr.FromString("lots")), new(intstr.FromInt32(1<<31-1)))
}

// status is one that someone has written by hand.
func (d *dice) status(word string) *triggerv1.RolloutStatus {
	if d.below(5) == 0 {
		return nil
	}
	s := &triggerv1.RolloutStatus{
		Digest:    one(d, first, second, word),
		Phase:     one(d, "", triggerv1.RolloutSettling, triggerv1.RolloutAwaitingApproval, triggerv1.RolloutSoaking, triggerv1.RolloutHalted, triggerv1.RolloutRollingBack, triggerv1.RolloutRolledBack, triggerv1.RolloutFinished, triggerv1.RolloutPhase(word)),
		ChangedAt: d.stamp(), UnsettledSince: d.stamp(), Overridden: d.below(8) == 1, Message: word, Stage: word,
	}
	if d.below(3) == 1 {
		s.Settling = &triggerv1.SettlingStatus{Source: word, AppliedBy: one(d, "", word)}
		if since := d.stamp(); since != nil {
			s.Settling.Since = &metav1.MicroTime{Time: since.Time}
		}
	}
	if d.below(3) == 1 {
		s.Rollback = &triggerv1.RollbackStatus{Digest: word, StartedAt: d.stamp(), Message: word}
	}
	for range d.below(5) {
		s.Stages = append(s.Stages, triggerv1.StageStatus{
			Name:  one(d, "a", "b", "c", word),
			Phase: one(d, "", triggerv1.StageUnchanged, triggerv1.StageWaiting, triggerv1.StageProgressing, triggerv1.StageSoaking, triggerv1.StageUnready, triggerv1.StageFinished, triggerv1.StagePhase(word)),
			Since: d.stamp(), Approved: d.below(2) == 1, Approval: one(d, "", first, word), Failed: -1, Analysis: d.analysisStatus(word),
		})
	}
	return s
}

func (d *dice) input(word string) Input {
	in := Input{
		Now: noon, Digest: first, Quiet: d.duration(), MaxDelay: d.duration(), Timeout: d.duration(), Previous: d.status(word),
		Force: d.below(8) == 1, Reset: d.below(4) == 1, Approval: one(d, "", first, second, word, first+"/b", first+"/"+word),
	}
	in.Handled, in.RejectedBy = one(d, "", in.Approval, word), one(d, "", "", word)
	in.Settle, in.Applying = one(d, 0, 2*time.Second, time.Minute), d.below(4) == 1
	if d.below(3) == 1 {
		in.Applied = &triggerv1.SettlingStatus{Source: word, AppliedBy: one(d, "", word)}
	}
	in.TriggerAt = one(d, "", "", "now")
	in.Earlier, in.Restored, in.Unrestorable = one(d, "", first, second), d.below(4) == 1, one(d, "", "", word)
	if d.below(3) == 0 {
		in.Schedule, _ = schedule.Parse([]schedule.Window{{Cron: one(d, "* * * * *", "0 13 * * *", "0 0 29 2 *"), Duration: time.Hour}})
	}
	if d.below(4) > 0 {
		in.Rollout = &triggerv1.Rollout{MaxFailures: d.amount(), OnFailure: one(d, "", triggerv1.FailureHalt, triggerv1.FailureContinue, triggerv1.FailureRollback)}
		for i := range 1 + d.below(3) {
			stage := triggerv1.Stage{Name: string(rune('a' + i)), MaxConcurrency: d.amount(), Approval: one(d, "", triggerv1.ApprovalManual)}
			stage.MinSuccessTime.Duration, stage.Analysis = d.duration(), d.analysis()
			in.Rollout.Stages = append(in.Rollout.Stages, stage)
		}
	}
	for i := range d.below(12) {
		t := Target{
			Name: fmt.Sprint(i), Standing: one(d, Due, Due, Current, UnderWay, Busy, Failed, Out), Wants: d.below(2) == 1,
			Ready: one(d, "True", "False", "Unknown", ""), UnreadyBefore: d.below(4) == 1, Message: word,
		}
		if in.Rollout != nil {
			t.Stage = one(d, 0, len(in.Rollout.Stages)-1, NoStage, Nowhere)
		}
		for range d.below(3) {
			t.DependsOn = append(t.DependsOn, one(d, "0", "1", fmt.Sprint(i), word))
		}
		in.Targets = append(in.Targets, t)
	}
	return in
}

// checkTurn looks at what may be triggered without being admitted: it must be no worse than that.
func checkTurn(t *testing.T, in Input, d Decision, turn Turn) {
	t.Helper()
	if turn.Places < 1 || len(turn.Targets) <= turn.Places || d.Status.Overridden || !in.Schedule.Open(in.Now) && !in.Restored {
		t.Fatalf("turn %+v", turn)
	}
	first := in.Targets[turn.Targets[0]]
	underway := 0
	for _, target := range in.Targets {
		if target.Stage == first.Stage && target.Standing == UnderWay {
			underway++
		}
	}
	for k, i := range turn.Targets {
		target := in.Targets[i]
		if !target.Wants || target.Stage != first.Stage || target.Stage < 0 || target.Standing != Due && target.Standing != Out || d.Targets[i].Admitted != (k < turn.Places) {
			t.Fatalf("%d in turn %+v: %+v", i, turn, target)
		}
		if k > 0 && target.Standing == Due && in.Targets[turn.Targets[k-1]].Standing == Out {
			t.Fatalf("%d comes after one that was refused: %+v", i, turn)
		}
	}
	members := 0
	for _, target := range in.Targets {
		if target.Stage == first.Stage {
			members++
		}
	}
	if limit := max(1, scaled(in.Rollout.Stages[first.Stage].MaxConcurrency, members, members)); underway+turn.Places > limit {
		t.Fatalf("%d in progress and %d places of %d", underway, turn.Places, limit)
	}
}

// checkStage looks at what a decision records of a stage.
func checkStage(t *testing.T, in Input, d Decision, before, st triggerv1.StageStatus) {
	onItsWay := in.Previous != nil && in.Previous.Digest == in.Digest && in.Previous.TriggerAt == d.Status.TriggerAt
	if st.Approved && (!onItsWay || !before.Approved) && (!onItsWay || in.Approval == in.Handled || !strings.HasPrefix(in.Approval, in.Digest)) {
		t.Fatalf("stage %s is approved by %q, and %q was handled before", st.Name, in.Approval, in.Handled)
	}
	begun := before.Phase == triggerv1.StageProgressing || before.Phase == triggerv1.StageSoaking || before.Phase == triggerv1.StageUnready
	if onItsWay && begun && st.Phase == triggerv1.StageFinished && st.Targets == 0 && !in.Reset && !d.Status.Overridden {
		t.Fatalf("stage %s has lost its targets and is finished", st.Name)
	}
}

// Whatever is recorded, a decision comes, the same for equal inputs; it admits nothing
// that is not wanted, or that is to be held back for a reason, and what it records does
// not change any more.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{}, "")
	f.Add([]byte("\x01\x00\x02\x03\x01\x04\x05\x06\x01\x02\x03\x04\x05\x06\x07\x08\x09"), "x\x00")
	f.Add([]byte("the quick brown fox jumps over the lazy dog and over the lazy dog again and again"), first)
	f.Fuzz(func(t *testing.T, bytes []byte, word string) {
		in := (*dice)(&bytes).input(word)
		in.Measured = (*dice)(&bytes).answers(Decide(in).Measure, word)
		before := in.Previous.DeepCopy()
		d := Decide(in)
		if !reflect.DeepEqual(before, in.Previous) {
			t.Fatal("what was recorded is changed in place")
		}
		if again := Decide(in); !reflect.DeepEqual(d, again) {
			t.Fatalf("not the same twice:\n%+v\n%+v", d, again)
		}
		if d.Status.Digest != in.Digest || d.Status.Phase == "" || d.Status.ChangedAt == nil || d.After < 0 {
			t.Fatalf("%+v", d)
		}
		for _, st := range d.Status.Stages {
			checkStage(t, in, d, stageOf(before, st.Name), st)
		}
		checkMeasured(t, in, d)
		begun := map[int]bool{}
		for i, target := range in.Targets {
			switch {
			case !target.Wants && (d.Targets[i].Admitted || d.Targets[i].Held != ""):
				t.Fatalf("%d is not wanted: %v %q", i, d.Targets[i].Admitted, d.Targets[i].Held)
			case target.Wants && d.Targets[i].Admitted != (d.Targets[i].Held == ""):
				t.Fatalf("%d is admitted %v and held because of %q", i, d.Targets[i].Admitted, d.Targets[i].Held)
			case !d.Targets[i].Admitted || d.Status.Overridden:
				continue
			case target.Stage < 0:
				t.Fatalf("%d is in no stage and admitted", i)
			case !in.Schedule.Open(in.Now):
				t.Fatalf("%d is admitted outside of a window", i)
			case in.Rollout != nil && target.Standing == Due:
				begun[target.Stage] = true
			}
		}
		for _, turn := range d.Turns {
			checkTurn(t, in, d, turn)
		}
		for stage := range begun {
			name := in.Rollout.Stages[stage].Name
			if before == nil || before.Digest != in.Digest || before.Phase == triggerv1.RolloutHalted && !in.Reset && !in.Force && d.Status.Phase == triggerv1.RolloutHalted {
				t.Fatalf("stage %s makes requests before it is recorded, or after the rollout has halted", name)
			}
		}
		Summarize(&triggerv1.ValuesTrigger{Status: triggerv1.ValuesTriggerStatus{Rollout: d.Status}}, 0)
		Where(d.Status)
		in.Previous = d.Status
		in.Force, in.Reset, in.Handled = false, false, in.Approval
		for range 8 { // A stage at a time settles.
			in.Previous = Decide(in).Status
		}
		if rest := Decide(in).Status; !reflect.DeepEqual(rest, in.Previous) {
			t.Fatalf("comes to no rest:\n%+v\n%+v", in.Previous, rest)
		}
	})
}
