// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// rolloutPath is the way of a rollout: through the stages, an approval, a halt and the
// content that takes its place.
var rolloutPath = crashPath{
	name: "a rollout in stages, approved, halted and superseded",
	prepare: func(c *crashable, ns string) {
		c.stagedIn(ns, map[string]int{"canary": 2, "prod": 2})
		c.create(rollout(ns, inStages("canary", atMost("1"), soaks(time.Second)), inStages("prod", atMost("1"), manually), func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.QuietPeriod.Duration = time.Second
		}))
		c.atRest(ns, 4)
		for _, name := range append(canaries, prods...) {
			c.want[name] = 1
		}
	},
	steps: []crashStep{
		{"the source is edited", editGood, awaitingApproval},
		{"it is approved", func(c *crashable, ns string) {
			c.expect(prods...)
			vt, err := c.trigger(ns, "platform")
			c.Expect(err).NotTo(HaveOccurred())
			annotate(c.env, kit.Trigger(ns, "platform"), map[string]string{triggerv1.ApproveAnnotation: vt.Status.Rollout.Digest})
		}, func(c *crashable, ns string) error {
			return errors.Join(c.stands(ns, triggerv1.RolloutFinished), c.runsAll(ns, append(canaries, prods...)...))
		}},
		{"it is triggered again, through the stages", func(c *crashable, ns string) {
			c.expect(canaries...)
			annotate(c.env, kit.Trigger(ns, "platform"), map[string]string{triggerv1.TriggerAtAnnotation: fmt.Sprint(c.next()), triggerv1.ApproveAnnotation: ""})
		}, func(c *crashable, ns string) error {
			vt, err := c.trigger(ns, "platform")
			if err == nil && vt.Status.LastHandledTriggerAt != fmt.Sprint(c.round) {
				err = errors.New("triggerAt is not handled")
			}
			return errors.Join(err, awaitingApproval(c, ns))
		}},
		{"an edit breaks a canary", func(c *crashable, ns string) {
			c.setValues(kit.Values(ns, "values", ""), fmt.Sprintf("breaks: canary-00\nround: %d\n", c.next()))
		}, func(c *crashable, ns string) error {
			return errors.Join(c.stands(ns, triggerv1.RolloutHalted), c.haveRevisions(ns, append(canaries, prods...)...))
		}},
		{"it is fixed", editGood, awaitingApproval},
	},
}

var canaries, prods = []string{"canary-00", "canary-01"}, []string{"prod-00", "prod-01"}

func editGood(c *crashable, ns string) {
	c.expect(canaries...)
	c.setValues(kit.Values(ns, "values", ""), fmt.Sprintf("round: %d\n", c.next()))
}

func awaitingApproval(c *crashable, ns string) error {
	return errors.Join(c.stands(ns, triggerv1.RolloutAwaitingApproval), c.runsAll(ns, canaries...), c.haveRevisions(ns, prods...))
}

// stands returns nil if the rollout of the present content is in a phase.
func (c *crashable) stands(ns string, want triggerv1.RolloutPhase) error {
	vt, err := c.trigger(ns, "platform")
	if err == nil && (vt.Status.Rollout == nil || vt.Status.Rollout.Phase != want || vt.Status.Rollout.Digest != vt.Status.LastDigest) {
		err = fmt.Errorf("the rollout is not %s: %+v", want, vt.Status.Rollout)
	}
	return err
}

func (c *crashable) runsAll(ns string, names ...string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, c.runsBy(ns, "platform", ns, name))
	}
	return errors.Join(errs...)
}

func (c *crashable) haveRevisions(ns string, names ...string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, c.hasRevision(ns, name))
	}
	return errors.Join(errs...)
}

func TestLeader_changes_in_the_middle_of_a_rollout_keep_its_order_and_bounds(t *testing.T) {
	r := newReplicas(t)
	ns := r.staged(map[string]int{"canary": 3, "prod": 12})
	cm := kit.Values(ns, "values", "")
	r.create(rollout(ns, inStages("canary", atMost("1")), inStages("prod", atMost("3"))))
	r.atRest(ns, 15)

	seen := r.witness(ns)
	r.duringFanOut(cm, kit.ValuesKey, "a: 2\n", 2, (*world.Process).Kill, faults.Fault{Drop: true})
	r.atRest(ns, 15)
	r.restart()

	// What the frozen leader was about to write arrives when the other one has gone on.
	late := make(chan struct{})
	r.duringFanOut(cm, kit.ValuesKey, "a: 3\n", 5, func(p *world.Process) { _ = p.Signal(syscall.SIGSTOP) }, faults.Fault{Hold: late})
	r.atRest(ns, 15)
	close(late)
	r.Expect(r.follower.Process().Signal(syscall.SIGCONT)).To(Succeed())
	r.Eventually(r.follower.Process().Done()).Should(BeClosed())

	counts, most, peak, overlap := seen.result()
	r.Expect(counts).To(Equal(map[string]int{"canary": 3, "prod": 12}))
	r.Expect(most).To(Equal(2), "each content is requested once")
	r.Expect(peak).To(And(HaveKeyWithValue("canary", 1), HaveKeyWithValue("prod", BeNumerically("<=", 3))))
	r.Expect(overlap).To(BeEmpty())
	r.Expect(seen.inOrder()).To(Equal([]string{"canary", "prod", "canary", "prod"}))
	r.stay(ns, map[string]int{"canary-00": 3, "canary-02": 3, "prod-00": 3, "prod-11": 3})
}

// The person on call stops a rollout, and lets it go on.
func TestRollout_stops_while_it_is_suspended_and_goes_on_with_what_is_left(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 1, "prod": 8})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary"), inStages("prod", atMost("1"))))
	e.atRest(ns, 9)

	seen := e.witness(ns)
	asked := func() int { counts, _, _, _ := seen.result(); return counts["prod"] }
	e.setValues(cm, "a: 2\n")
	e.Eventually(asked).Should(BeNumerically(">=", 2))
	suspend := func(suspend bool) {
		edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = suspend })
	}
	suspend(true)
	before := asked()
	e.Consistently(asked, patience).Should(BeNumerically("<=", before+1), "what was being asked at that moment")
	e.Expect(asked()).To(BeNumerically("<", 8))
	suspend(false)
	e.atRest(ns, 9)
	counts, most, peak, overlap := seen.result()
	e.Expect(counts).To(Equal(map[string]int{"canary": 1, "prod": 8}))
	e.Expect(most).To(Equal(1))
	e.Expect(peak).To(HaveKeyWithValue("prod", 1))
	e.Expect(overlap).To(BeEmpty())
	e.stay(ns, map[string]int{"canary-00": 2, "prod-00": 2, "prod-07": 2})
}
