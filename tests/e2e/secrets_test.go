// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestSecrets_an_operator_without_permission_on_them_follows_ConfigMaps(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=rbac.secrets=false"}})
	for _, verb := range []string{"get", "list", "watch", "patch", "update", "create", "delete"} {
		answer, err := e.w.Kubectl(e.ctx, "auth", "can-i", verb, "secrets", "--all-namespaces", "--as="+op.User())
		e.Expect(err).To(HaveOccurred(), "kubectl answers no by its exit code")
		e.Expect(answer).To(HavePrefix("no"), verb)
	}

	ns := e.namespace("secrets")
	values, hidden := kit.Values(ns, "values", "a: 1\n"), kit.Secret(ns, "hidden", map[string]string{kit.ValuesKey: "b: 1\n"})
	e.create(values)
	e.create(hidden)
	e.releases(kit.Release(ns, "plain", kit.Reads(cmKind, "values")), kit.Release(ns, "both", kit.Reads(cmKind, "values"), kit.Reads(secretKind, "hidden")),
		kit.Release(ns, "contract"), kit.Release(ns, "declared"))
	e.create(kit.Source(settings(ns), "contract", ns))
	e.create(kit.Source(kit.Secret(ns, "labelled", map[string]string{"key": "one"}), "contract", ns))
	e.create(kit.Trigger(ns, "mine", kit.From(secretKind, "hidden"), kit.From(cmKind, "settings"), kit.To("declared")))
	e.create(kit.Trigger(ns, "secret-only", kit.From(secretKind, "hidden"), kit.To("declared")))

	disabled := func(trigger, names string) {
		e.t.Helper()
		e.Eventually(e.condition(ns, trigger, meta.ReadyCondition)).Should(And(
			HavePrefix("False SecretsDisabled: "), HaveSuffix("(--secrets=false, chart value rbac.secrets): "+names)), trigger)
		e.Expect(e.condition(ns, trigger, meta.StalledCondition)()).To(BeEmpty())
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, trigger, corev1.EventTypeWarning, triggerv1.SecretsDisabledReason)).
			Should(ContainElement(ContainSubstring("rbac.secrets")))
	}
	disabled("mine", "Secret "+ns+"/hidden")
	disabled("secret-only", "Secret "+ns+"/hidden")
	disabled(auto("both"), "Secret "+ns+"/hidden")
	e.Eventually(e.deliveredRevision(ns, "mine", "declared")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision(ns, "contract", "contract")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision(ns, "plain", "plain")).Should(BeEquivalentTo(1))
	e.Eventually(e.deliveredRevision(ns, "both", "both")).Should(BeEquivalentTo(1))

	edit(e, hidden, func(s *corev1.Secret) { s.StringData = map[string]string{kit.ValuesKey: "b: 2\n"} })
	e.stay(ns, map[string]int{"plain": 1, "both": 1, "contract": 2, "declared": 2})

	e.setValues(values, "a: 2\n")
	e.setData(settings(ns), "key", "two")
	for name, trigger := range map[string]string{"plain": "plain", "both": "both"} {
		e.Eventually(e.deliveredRevision(ns, trigger, name)).Should(BeEquivalentTo(2), name)
	}
	e.Eventually(e.deliveredRevision(ns, "contract", "contract")).Should(BeEquivalentTo(3))
	e.Eventually(e.deliveredRevision(ns, "mine", "declared")).Should(BeEquivalentTo(3))
	e.Expect(e.rendered(ns, "both")()).To(And(ContainSubstring("a: 2"), ContainSubstring("b: 2")))
	e.Expect(e.target(ns, "both", "both")()).To(HaveField("Message", ContainSubstring("its values could not be compared")))
	e.stay(ns, map[string]int{"plain": 2, "both": 2, "contract": 3, "declared": 3})

	requests, err := e.w.AuditEvents(e.ctx, 0, func(event world.AuditEvent) bool {
		return event.User == op.User() && event.Resource == "secrets"
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(requests).To(BeEmpty(), "none is even tried")
}
