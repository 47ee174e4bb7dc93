// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// copiesPath is the way of a trigger with a copy of either kind for its target.
var copiesPath = crashPath{
	name: "copies: copies before their release, changes, copies that go",
	prepare: func(c *crashable, ns string) {
		c.create(kit.Values(ns, "settings", "round: 0\n"))
		c.create(kit.Secret(ns, "secrets", map[string]string{"secret.yaml": "secret: 0\n"}))
	},
	steps: []crashStep{
		{"the trigger is created", func(c *crashable, ns string) {
			c.create(kit.Trigger(ns, "mine", published(triggerv1.DeletionDelete), kit.From(cmKind, "settings"), kit.From(triggerv1.SecretKind, "secrets"), kit.To("app")))
		}, func(c *crashable, ns string) error { return c.holds(ns, "round: 0\n", "secret: 0\n") }},
		{"its release is created", func(c *crashable, ns string) {
			c.expect("app")
			c.create(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared"), kit.Reads(triggerv1.SecretKind, "app-shared", func(ref *meta.ValuesReference) { ref.ValuesKey = "secret.yaml" })))
		}, func(c *crashable, ns string) error { return c.runsBy(ns, "mine", ns, "app") }},
		{"a source is edited", func(c *crashable, ns string) {
			c.expect("app")
			c.setValues(kit.ConfigMap(ns, "settings", nil), fmt.Sprintf("round: %d\n", c.next()))
		}, func(c *crashable, ns string) error {
			return errors.Join(c.holds(ns, fmt.Sprintf("round: %d\n", c.round), "secret: 0\n"), c.runsBy(ns, "mine", ns, "app"))
		}},
		{"the trigger is deleted", func(c *crashable, ns string) {
			c.Expect(c.c.Delete(c.ctx, kit.Trigger(ns, "mine"))).To(Succeed())
		}, func(c *crashable, ns string) error {
			if !c.gone(kit.Trigger(ns, "mine"))() || !c.gone(kit.ConfigMap(ns, "app-shared", nil))() || !c.gone(kit.Secret(ns, "app-shared", nil))() {
				return errors.New("the trigger or a copy is still there")
			}
			return nil
		}},
	},
}

// holds returns nil if the copies of the release hold this.
func (c *crashable) holds(ns, values, secretValues string) error {
	got, err := c.copied(ns, "app-shared")()
	if err == nil && got != values {
		err = fmt.Errorf("the copy of the ConfigMap holds %q", got)
	}
	copied := kit.Secret(ns, "app-shared", nil)
	if secretErr := c.c.Get(c.ctx, client.ObjectKeyFromObject(copied), copied); secretErr != nil {
		return errors.Join(err, secretErr)
	}
	if got := string(copied.Data["secret.yaml"]); got != secretValues || copied.Type != corev1.SecretTypeOpaque {
		err = errors.Join(err, fmt.Errorf("the copy of the Secret holds %q", got))
	}
	return err
}

func TestPublish_a_crash_at_every_write_changes_nothing(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	c := behindProxy(e, operator.Options{Values: []string{"--set=publish.enabled=true"}})
	crashes := c.walk(copiesPath, e.namespace("copies"))
	t.Logf("%d crashes", crashes)
	e.Expect(crashes).To(BeNumerically(">=", 2*len(copiesPath.steps)))
}
