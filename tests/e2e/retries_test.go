// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// denyUpdates makes the API server refuse updates of these ConfigMaps until the returned
// function is called.
func (e *env) denyUpdates(ns string, names ...string) (allow func()) {
	e.t.Helper()
	named := map[string]any{"name": ns + "-" + names[0]}
	policy := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": named,
		"spec": map[string]any{
			"matchConstraints": map[string]any{
				"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": ns}},
				"resourceRules": []any{map[string]any{
					"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{"configmaps"}, "operations": []any{"UPDATE"},
				}},
			},
			"validations": []any{map[string]any{"expression": "!(object.metadata.name in ['" + strings.Join(names, "', '") + "'])", "message": "not now"}},
		},
	}}
	binding := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": named,
		"spec": map[string]any{"policyName": named["name"], "validationActions": []any{"Deny"}},
	}}
	e.create(policy)
	e.create(binding)
	e.Eventually(func() error {
		cm := kit.ConfigMap(ns, names[0], nil)
		return e.c.Patch(e.ctx, cm, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"probe":"a"}}}`)), client.DryRunAll)
	}).Should(MatchError(ContainSubstring("not now")))
	return func() { e.delete(policy) }
}

// What helm-controller is about to repeat, as the owner of the release has configured, halts
// no rollout.
func TestRollout_goes_on_while_helm_controller_repeats_an_upgrade(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"canary": 2, "prod": 1})
	edit(e, e.get(ns, "canary-00"), func(hr *helmv2.HelmRelease) {
		hr.Spec.Upgrade = &helmv2.Upgrade{Strategy: &helmv2.UpgradeStrategy{
			Name: string(helmv2.ActionStrategyRetryOnFailure), RetryInterval: &metav1.Duration{Duration: time.Second},
		}}
	})
	edit(e, e.get(ns, "canary-01"), func(hr *helmv2.HelmRelease) {
		hr.Spec.Upgrade = &helmv2.Upgrade{Remediation: &helmv2.UpgradeRemediation{Retries: 1000}}
	})
	e.create(rollout(ns, inStages("canary"), inStages("prod")))
	e.atRest(ns, 3)

	allow := e.denyUpdates(ns, "canary-00", "canary-01")
	e.setValues(kit.Values(ns, "values", ""), "a: 2\n")
	for _, name := range []string{"canary-00", "canary-01"} {
		e.Eventually(e.target(ns, "platform", name)).Should(And(HaveField("State", triggerv1.TargetTriggered),
			HaveField("Message", And(HavePrefix("helm-controller tries again: "), MatchRegexp("UpgradeFailed|Rollback")))), name)
		// It has tried again, and failed again.
		e.Eventually(func() int64 { return e.get(ns, name).Status.Failures }).Should(BeNumerically(">", 1), name)
	}
	e.Expect(e.phase(ns)()).To(Equal(triggerv1.RolloutProgressing))
	allow()
	e.atRest(ns, 3)
	e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("a: 2"))
	e.Expect(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RolloutHaltedReason)()).To(BeEmpty())
	e.Expect(e.condition(ns, "platform", meta.StalledCondition)()).To(BeEmpty())
}
