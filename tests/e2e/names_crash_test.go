// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"slices"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// otherwiseNamed are the steps in which the generated trigger of a release that reads settings has
// to get another name, and gets its own again.
var otherwiseNamed = []crashStep{
	{"a tool applies a trigger of the same name", func(c *crashable, ns string) {
		c.apply("kustomize-controller", kit.Trigger(ns, auto("app"), kit.From(cmKind, "absent"), kit.To("absent")))
	}, generatedAs(1)},
	{"its source is edited", editSettings, generatedAs(1)},
	{"the name is free again", func(c *crashable, ns string) {
		c.Expect(c.c.Delete(c.ctx, kit.Trigger(ns, auto("app")))).To(Succeed())
	}, generatedAs(0)},
	{"its source is edited again", editSettings, generatedAs(0)},
}

// generatedAs expects the generated trigger to have one of its names, and those before it to be
// taken by the tool.
func generatedAs(n int) func(c *crashable, ns string) error {
	return func(c *crashable, ns string) error {
		names := generated.Names("app")
		there, err := c.triggers(ns)()
		slices.Sort(there)
		if want := names[:n+1]; err == nil && !slices.Equal(there, want) {
			err = fmt.Errorf("triggers %v, not %v", there, want)
		}
		if n > 0 && err == nil {
			vt, getErr := c.trigger(ns, names[0])
			if err = getErr; err == nil && (len(vt.OwnerReferences) > 0 || generated.IsMarked(vt) || generated.IsHeld(vt)) {
				err = errors.New("the operator still owns it")
			}
		}
		return errors.Join(err, c.runsBy(ns, names[n], ns, "app"), c.recorded(ns, "settings"))
	}
}
