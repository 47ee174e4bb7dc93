// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// trigger returns a ValuesTrigger in the namespace apps.
func trigger(modify func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "trigger"}}
	modify(vt)
	return vt
}

func release(namespace, name string, labels map[string]string) *helmv2.HelmRelease {
	return &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
}

func tier(value triggerv1.LabelValue) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"tier": value}}
}

func tiered(value string) map[string]string { return map[string]string{"tier": value} }

var malformed = &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"not a key": "a"}}

func TestStages(t *testing.T) {
	t.Parallel()
	canary, web, rest := triggerv1.Stage{Selector: tier("canary")}, triggerv1.Stage{Selector: tier("web")}, triggerv1.Stage{}
	everything, nothing := triggerv1.Stage{Selector: &triggerv1.Selector{}}, (*helmv2.HelmRelease)(nil)
	for _, c := range []struct {
		name   string
		stages []triggerv1.Stage
		hr     *helmv2.HelmRelease
		want   int
	}{
		{"the one that selects it", []triggerv1.Stage{canary, web}, release("apps", "a", tiered("web")), 1},
		{"the first of those that select it", []triggerv1.Stage{everything, web}, release("apps", "a", tiered("web")), 0},
		{"one without a selector takes the rest", []triggerv1.Stage{canary, rest}, release("apps", "a", nil), 1},
		{"none selects it", []triggerv1.Stage{canary, web}, release("apps", "a", tiered("db")), rollout.NoStage},
		{"there are none", nil, release("apps", "a", tiered("db")), rollout.NoStage},
		{"a release that does not exist has no labels to be selected by", []triggerv1.Stage{rest}, nothing, rollout.Nowhere},
		{"nor where there are no stages", nil, nothing, rollout.Nowhere},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			stages, err := StagesOf(trigger(func(vt *triggerv1.ValuesTrigger) {
				if c.stages != nil {
					vt.Spec.Rollout = &triggerv1.Rollout{Stages: c.stages}
				}
			}))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(stages.Of(c.hr)).To(Equal(c.want))
		})
	}
}

func TestStagesOf_names_the_field_that_is_malformed(t *testing.T) {
	t.Parallel()
	_, err := StagesOf(trigger(func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{}, {Selector: malformed}}}
	}))
	NewWithT(t).Expect(err).To(MatchError(HavePrefix("spec.rollout.stages[1].selector: ")))
}
