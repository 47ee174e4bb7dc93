// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// source is the ConfigMap with the values of a commit.
func (g git) source() string {
	cm := configMap(g.ns, "app-values", map[string]string{"values.yaml": fmt.Sprintf("knob: %d\nsince: %s\n", g.n, g.chart())})
	if !g.contract {
		return cm
	}
	return fmt.Sprintf(`apiVersion: v1
kind: ConfigMap
metadata:
  namespace: %s
  name: app-values
  labels: {%s: "true"}
  annotations: {%s: canary, %s: %[1]s}
data:
  values.yaml: |
    knob: %[5]d
    since: %[6]s
`, g.ns, triggerv1.LabelReconcilerNameSourceKey, triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation, g.n, g.chart())
}

// A labelled source forces, which makes a revision of its own unless the one of the new chart is
// known to have begun with the new values. On a busy machine, helm-controller may be done with the
// chart before the operator has read the values: then the same pair is made once more (G2's limits).
func TestTogether_values_of_the_contract_and_chart_of_one_commit_are_one_revision(t *testing.T) {
	each(t, "contract", func(e *team, push func(git)) {
		all := commits(git{values: "app-values", contract: true}, nil)
		for _, g := range all {
			push(g)
			e.delivered(g, "canary-auto")
		}
		vt, err := e.trigger("canary-auto")
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(vt.Labels).To(HaveKey(triggerv1.ManagedByLabel))
		e.Expect(vt.Spec.Sources).To(ConsistOf(HaveField("Force", triggerv1.ForceAlways)))
		e.Consistently(func() ([]string, error) {
			pairs, err := e.pairs("canary")()
			return slices.Compact(pairs), err
		}).Should(Equal(pairsOf(all...)))
	})
}
