// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
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
				return errors.Join(c.stands(ns, triggerv1.RolloutFinished), c.runsAll(ns, everyone...), c.keepsOnly(ns, fmt.Sprintf("ConfigMap round: %d\n", c.round)))
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

// keepsOnly returns nil if this is kept of the ConfigMap, and nothing else.
func (c *crashable) keepsOnly(ns, values string) error {
	kept, err := c.kept(ns)()
	if err == nil && (len(kept) != 2 || kept[0] != values) {
		err = fmt.Errorf("kept is %q", kept)
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
