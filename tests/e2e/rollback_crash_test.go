// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// rollbackPath is the way of changes that fail and are rolled back.
func rollbackPath() crashPath {
	everyone := append([]string{"prod-00"}, canaries...)
	return crashPath{
		name: "a rollout that fails in the last stage and is rolled back, retried, and fixed",
		prepare: func(c *crashable, _ string) {
			for _, name := range everyone {
				c.want[name] = 1
			}
		},
		steps: []crashStep{
			{"an edit breaks the last stage", func(c *crashable, ns string) {
				c.expect(canaries...)
				c.expect(canaries...) // There and back. What did not render made no revision.
				c.setValues(kit.Values(ns, "values", ""), fmt.Sprintf("breaks: prod-00\nround: %d\n", c.next()))
			}, func(c *crashable, ns string) error {
				return errors.Join(c.isRolledBack(ns), c.runsAll(ns, everyone...))
			}},
			{"it is fixed", func(c *crashable, ns string) {
				c.expect(everyone...)
				c.setValues(kit.Values(ns, "values", ""), fmt.Sprintf("round: %d\n", c.next()))
			}, func(c *crashable, ns string) error {
				return errors.Join(c.stands(ns, triggerv1.RolloutFinished), c.runsAll(ns, everyone...), c.keepsWhatIsListed(ns))
			}},
		},
	}
}

// isRolledBack returns nil if the rollout was rolled back.
func (c *crashable) isRolledBack(ns string) error {
	vt, err := c.trigger(ns, "platform")
	if err == nil && (vt.Status.Rollout == nil || vt.Status.Rollout.Phase != triggerv1.RolloutRolledBack ||
		vt.Status.LastDigest != vt.Status.LastDelivered.Digest || vt.Status.LastDigest == vt.Status.Rollout.Digest) {
		err = fmt.Errorf("the rollout is not rolled back: %+v", vt.Status.Rollout)
	}
	return err
}

// keepsWhatIsListed returns nil if what the status lists as kept is, and nothing else.
func (c *crashable) keepsWhatIsListed(ns string) error {
	vt, err := c.trigger(ns, "platform")
	if err != nil {
		return err
	}
	listed := map[string]bool{}
	for _, content := range plan.Restorable(&vt.Status) {
		for _, s := range content.Sources {
			kept := publish.Kept(vt, plan.ID(s.Kind, s.Namespace, s.Name), s.Digest)
			listed[kept.String()] = true
		}
	}
	kept, err := c.kept(ns)()
	if err == nil && (len(listed) < 2 || len(kept) != len(listed)) {
		err = fmt.Errorf("kept is %q, and the status lists %d", kept, len(listed))
	}
	return err
}

func TestRollback_a_crash_at_every_write_changes_nothing(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	c := behindProxy(e, operator.Options{Values: []string{"--set=publish.enabled=true"}})
	ns := e.takingBack(map[string]int{"canary": 2, "prod": 1})
	path := rollbackPath()
	crashes := c.walk(path, ns)
	t.Logf("%d crashes", crashes)
	e.Expect(crashes).To(BeNumerically(">=", 8*len(path.steps)))
}
