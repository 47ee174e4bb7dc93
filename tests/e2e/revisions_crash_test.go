// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// revisionsPath is the way of changes that a person goes back from, or rejects.
func revisionsPath() crashPath {
	everyone := append([]string{"prod-00"}, canaries...)
	soaks := func(c *crashable, ns string, lasts time.Duration) {
		edit(c.env, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.Stages[0].MinSuccessTime.Duration = lasts })
	}
	changes := func(c *crashable, ns string, names ...string) {
		c.expect(names...)
		c.setValues(kit.Values(ns, "values", ""), fmt.Sprintf("round: %d\n", c.next()))
	}
	delivered := func(c *crashable, ns string) error {
		return errors.Join(c.stands(ns, triggerv1.RolloutFinished), c.isRestored(ns, false), c.runsAll(ns, everyone...), c.keepsWhatIsListed(ns))
	}
	return crashPath{
		name: "changes that a person goes back from, or rejects",
		prepare: func(c *crashable, _ string) {
			for _, name := range everyone {
				c.want[name] = 1
			}
		},
		steps: []crashStep{
			{"an edit", func(c *crashable, ns string) { changes(c, ns, everyone...) }, delivered},
			{"a person goes back", func(c *crashable, ns string) {
				c.expect(everyone...)
				status := c.platform(ns).Status
				c.decide(ns, triggerv1.RollbackAnnotation, fmt.Sprintf("%d/%s", status.History[1].Revision, status.LastDigest))
			}, func(c *crashable, ns string) error {
				return errors.Join(c.stands(ns, triggerv1.RolloutFinished), c.isRestored(ns, true), c.runsAll(ns, everyone...), c.keepsWhatIsListed(ns))
			}},
			{"the sources change", func(c *crashable, ns string) { changes(c, ns, everyone...) }, delivered},
			{"an edit soaks", func(c *crashable, ns string) {
				soaks(c, ns, time.Hour)
				changes(c, ns, canaries...)
			}, func(c *crashable, ns string) error {
				return errors.Join(c.stands(ns, triggerv1.RolloutSoaking), c.runsAll(ns, canaries...))
			}},
			{"a person rejects it", func(c *crashable, ns string) {
				c.expect(canaries...)
				c.decide(ns, triggerv1.RejectAnnotation, c.platform(ns).Status.Rollout.Digest)
			}, func(c *crashable, ns string) error {
				return errors.Join(c.isRolledBack(ns), c.runsAll(ns, everyone...))
			}},
			{"it is fixed", func(c *crashable, ns string) {
				soaks(c, ns, 0)
				changes(c, ns, everyone...)
			}, delivered},
		},
	}
}

// isRestored returns nil if a revision is restored and has passed, or if none is restored.
func (c *crashable) isRestored(ns string, want bool) error {
	vt, err := c.trigger(ns, "platform")
	if err != nil {
		return err
	}
	newest := vt.Status.History[0]
	if got := vt.Status.Restored != nil && newest.Restores != nil; got != want || newest.Revision == 0 {
		return fmt.Errorf("restored is %+v, with %+v in the history", vt.Status.Restored, newest)
	}
	return nil
}

func TestRevisions_a_crash_at_every_write_changes_nothing(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	c := behindProxy(e, operator.Options{Values: []string{"--set=publish.enabled=true"}})
	ns := e.takingBack(map[string]int{"canary": 2, "prod": 1})
	path := revisionsPath()
	crashes := c.walk(path, ns)
	t.Logf("%d crashes", crashes)
	e.Expect(crashes).To(BeNumerically(">=", 6*len(path.steps)))
}
