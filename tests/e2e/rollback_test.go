// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// rollsBack has changes that fail rolled back.
func rolledBack(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.OnFailure = triggerv1.FailureRollback }

// careful returns a trigger for a ConfigMap and a Secret that rolls back what fails.
func careful(namespace string) *triggerv1.ValuesTrigger {
	return rollout(namespace, inStages("canary"), inStages("prod"), published(""), kit.From(triggerv1.SecretKind, "secrets"), rolledBack)
}

// readingCopies returns a release that reads its copies of a ConfigMap and of a Secret.
func readingCopies(namespace, name, stage string) *helmv2.HelmRelease {
	secretYAML := func(ref *meta.ValuesReference) { ref.ValuesKey = "secret.yaml" }
	hr := kit.Release(namespace, name, kit.Reads(cmKind, name+"-shared"), kit.Reads(triggerv1.SecretKind, name+"-shared", secretYAML))
	return kit.Labelled(hr, stageLabel, stage)
}

// takingBack creates such releases in stages, and their trigger, and waits until all is
// delivered.
func (e *env) takingBack(sizes map[string]int) string {
	e.t.Helper()
	ns := e.namespace("rollback")
	e.Expect(e.w.PublishChart(e.ctx, ns, kit.ChartName, breakableChart())).To(Succeed())
	e.create(kit.Values(ns, "values", "a: 1\n"))
	e.create(kit.Secret(ns, "secrets", map[string]string{"secret.yaml": "b: 1\n"}))
	for _, stage := range []string{"canary", "prod"} {
		for i := range sizes[stage] {
			name := fmt.Sprintf("%s-%02d", stage, i)
			e.create(readingCopies(ns, name, stage))
		}
	}
	e.create(careful(ns))
	e.atRest(ns, sizes["canary"]+sizes["prod"])
	return ns
}

// soaking makes the canaries wait when they are delivered, and impatient, the trigger when
// one is not ready then.
func soaking(e *env, namespace string) {
	edit(e, kit.Trigger(namespace, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout.Stages[0].MinSuccessTime.Duration = time.Hour })
}

func impatient(e *env, namespace string, timeout time.Duration) {
	edit(e, kit.Trigger(namespace, "platform"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Timeout.Duration = timeout })
}

// kept returns what is kept of the ConfigMap and of the Secret.
func (e *env) kept(namespace string) func() ([]string, error) {
	return func() ([]string, error) {
		labels := client.MatchingLabels{triggerv1.KeptLabel: "true"}
		cms, secrets := &corev1.ConfigMapList{}, &corev1.SecretList{}
		if err := e.c.List(e.ctx, cms, client.InNamespace(namespace), labels); err != nil {
			return nil, err
		}
		var all []string
		for _, cm := range cms.Items {
			all = append(all, "ConfigMap "+cm.Data["values.yaml"])
		}
		err := e.c.List(e.ctx, secrets, client.InNamespace(namespace), labels)
		for _, s := range secrets.Items {
			all = append(all, "Secret "+string(s.Data["secret.yaml"]))
		}
		return all, err
	}
}

func TestRollback(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})

	t.Run("a change that breaks the last stage is rolled back everywhere, and rejected", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 2, "prod": 3})
		e.Expect(e.kept(ns)()).To(ConsistOf("ConfigMap a: 1\n", "Secret b: 1\n"))
		good, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(good.Status.LastDelivered.Digest).To(Equal(good.Status.LastDigest))

		asked := e.witness(ns)
		cm := kit.Values(ns, "values", "")
		e.setValues(cm, "a: 2\nbreaks: prod-01\n")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "Rolled back to "+good.Status.LastDigest[:19]+", since sha256:",
			"failed: "+ns+"/prod-01: UpgradeFailed", "this one breaks", "it is rejected until the sources change")
		for _, name := range []string{"canary-00", "canary-01", "prod-00", "prod-01", "prod-02"} {
			e.Expect(e.rendered(ns, name)()).To(ContainSubstring("a: 1"), name)
			e.Expect(e.copied(ns, name+"-shared")()).To(Equal("a: 1\n"), name)
			e.Expect(e.state(ns, "platform", name)()).To(Equal(triggerv1.TargetDelivered), name)
		}
		e.Expect(asked.inOrder()).To(Equal([]string{"canary", "prod", "canary"}), "forth and back")
		bad, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(bad.Status.LastDigest).To(Equal(good.Status.LastDigest))
		e.Expect(bad.Status.Rollout).To(And(HaveField("Phase", triggerv1.RolloutRolledBack), HaveField("Digest", Not(Equal(good.Status.LastDigest))),
			HaveField("Rollback.Digest", good.Status.LastDigest)))
		e.Expect(bad.Status.History[0]).To(And(HaveField("Outcome", triggerv1.ChangeDelivered), HaveField("Cause", ContainSubstring("rollback of content "+bad.Status.Rollout.Digest[:19]))))
		e.Expect(bad.Status.History[1]).To(HaveField("Outcome", triggerv1.ChangeRolledBack))
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RollbackStartedReason)).Should(ConsistOf(
			HavePrefix("Rolling back content " + bad.Status.Rollout.Digest[:19] + " to " + good.Status.LastDigest[:19] + ": " + ns + "/prod-01: ")))
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RolledBackReason)).Should(HaveLen(1))

		mark := e.mark()
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		e.Expect(op.Start(e.ctx)).To(Succeed())
		edit(e, kit.ConfigMap(ns, "canary-00-shared", nil), func(cm *corev1.ConfigMap) { cm.Data["values.yaml"] = "a: drifted\n" })
		e.Eventually(e.copied(ns, "canary-00-shared")).Should(Equal("a: 1\n"), "it is kept, and kept right")
		e.create(readingCopies(ns, "prod-03", "prod"))
		e.Eventually(e.rendered(ns, "prod-03")).Should(ContainSubstring("a: 1"), "what is new begins with what is good")
		e.Consistently(e.asked(op, ns, mark), patience).Should(BeEmpty())

		e.request(ns, "platform", "again", helmv2.ResetRequestAnnotation)
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RollbackStartedReason)).Should(HaveLen(2), "it has been tried again")
		e.Eventually(e.phase(ns), time.Minute).Should(Equal(triggerv1.RolloutRolledBack))
		e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("a: 1"))

		mark = e.mark()
		e.delete(kit.Trigger(ns, "platform"))
		e.Eventually(e.gone(kit.Trigger(ns, "platform"))).Should(BeTrue())
		e.create(careful(ns))
		e.stalled(ns, "platform", triggerv1.RolloutHaltedReason, "this content was rolled back before the ValuesTrigger was made again, as recorded on HelmRelease "+ns+"/")
		e.Consistently(e.asked(op, ns, mark), patience).Should(BeEmpty())
		e.Expect(e.copied(ns, "canary-00-shared")()).To(Equal("a: 1\n"))

		e.setValues(cm, "a: 3\n")
		e.atRest(ns, 6)
		e.Expect(e.rendered(ns, "prod-01")()).To(ContainSubstring("a: 3"))
		e.Eventually(e.kept(ns)).Should(ConsistOf("ConfigMap a: 3\n", "Secret b: 1\n"))
	})
	t.Run("a rollback that fails halts, says so, and goes on when that is fixed", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 2, "prod": 1})
		soaking(e, ns)
		cm := kit.Values(ns, "values", "")
		e.setValues(cm, "a: 2\n")
		e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutSoaking))
		impatient(e, ns, 15*time.Second)
		edit(e, kit.Release(ns, "canary-01"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = values(`{"breaks": "canary-01"}`) })
		e.stalled(ns, "platform", triggerv1.RollbackHaltedReason, "has halted: "+ns+"/canary-01: ", "this one breaks", "fix that, and try again: kubectl valuestrigger retry platform -n "+ns)
		e.Eventually(e.rendered(ns, "canary-00")).Should(ContainSubstring("a: 1"), "it was triggered together with the other one")
		e.Expect(e.copied(ns, "canary-01-shared")()).To(Equal("a: 1\n"))

		edit(e, kit.Release(ns, "canary-01"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = nil })
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "failed: "+ns+"/canary-01 has not been ready for 15s")
		e.Expect(e.rendered(ns, "canary-01")()).To(ContainSubstring("a: 1"))
		e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("a: 1"))
	})

	t.Run("a rollback without what was kept halts and touches nothing", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 1})
		soaking(e, ns)
		kept := &corev1.SecretList{}
		e.Expect(e.c.List(e.ctx, kept, client.InNamespace(ns), client.MatchingLabels{triggerv1.KeptLabel: "true"})).To(Succeed())
		e.Expect(kept.Items).To(HaveLen(1))
		e.Expect(kept.Items[0].Immutable).To(HaveValue(BeTrue()))
		e.delete(&kept.Items[0])
		e.Eventually(e.kept(ns)).Should(ContainElement("Secret b: 1\n"), "what can be kept again, is")

		edit(e, kit.Secret(ns, "secrets", nil), func(s *corev1.Secret) { s.Data["secret.yaml"] = []byte("b: 2\n") })
		e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutSoaking))
		impatient(e, ns, time.Second)
		e.delete(&kept.Items[0])
		edit(e, kit.Release(ns, "canary-00"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = values(`{"breaks": "canary-00"}`) })
		e.stalled(ns, "platform", triggerv1.RollbackHaltedReason, "the content that was kept for a rollback is gone or was changed", "Secret "+ns+"/secrets")
		mark := e.mark()
		e.Consistently(e.asked(op, ns, mark), patience).Should(BeEmpty())
	})

	t.Run("what is kept belongs to the trigger that is there", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 1})
		e.delete(kit.Trigger(ns, "platform"))
		e.Eventually(e.gone(kit.Trigger(ns, "platform"))).Should(BeTrue())
		vt := careful(ns)
		e.create(vt)
		owners := func() ([]types.UID, error) {
			kept := &corev1.ConfigMapList{}
			err := e.c.List(e.ctx, kept, client.InNamespace(ns), client.MatchingLabels{triggerv1.KeptLabel: "true"})
			var uids []types.UID
			for _, cm := range kept.Items {
				for _, owner := range cm.OwnerReferences {
					uids = append(uids, owner.UID)
				}
			}
			return uids, err
		}
		e.Eventually(owners).Should(Equal([]types.UID{vt.UID}), "and is collected with that one")
		e.stay(ns, map[string]int{"canary-00": 1, "prod-00": 1})
		e.setValues(kit.Values(ns, "values", ""), "breaks: canary-00\n")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "this one breaks")
	})

	t.Run("what reads a source itself cannot be rolled back, and is left alone", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 1})
		e.releases(kit.Labelled(kit.Release(ns, "canary-direct", kit.Reads(cmKind, "values")), stageLabel, "canary"))
		e.atRest(ns, 3)
		seen := e.witness(ns)
		e.setValues(kit.Values(ns, "values", ""), "a: 2\nbreaks: canary-00\n")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "(1 not restored; "+ns+"/canary-direct: it cannot be rolled back: it does not read only the published copy")
		e.Expect(e.rendered(ns, "canary-direct")()).To(ContainSubstring("a: 2"))
		e.Expect(e.rendered(ns, "canary-00")()).To(ContainSubstring("a: 1"))
		_, most, _, _ := seen.result()
		e.Expect(most).To(Equal(2))
		e.Expect(e.target(ns, "platform", "canary-direct")()).To(HaveField("State", triggerv1.TargetHeld))
	})
	t.Run("releases that helm-controller left failed, or has rolled back itself, come back", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 3, "prod": 1})
		last := helmv2.RollbackRemediationStrategy
		for name, upgrade := range map[string]*helmv2.Upgrade{
			"canary-01": {Remediation: &helmv2.UpgradeRemediation{Retries: 1}},
			"canary-02": {Remediation: &helmv2.UpgradeRemediation{RemediateLastFailure: new(true), Strategy: &last}},
		} {
			edit(e, kit.Release(ns, name), func(hr *helmv2.HelmRelease) { hr.Spec.Upgrade = upgrade })
		}
		e.setValues(kit.Values(ns, "values", ""), "a: 2\nreject: true\n")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "Rolled back to ", "failed: "+ns+"/canary-0", "Refused")
		for _, name := range []string{"canary-00", "canary-01", "canary-02", "prod-00"} {
			e.Eventually(e.readyConditionOf(ns, name)).Should(HavePrefix("True "), name)
			e.Expect(e.rendered(ns, name)()).To(ContainSubstring("a: 1"), name)
			e.Expect(e.state(ns, "platform", name)()).To(Equal(triggerv1.TargetDelivered), name)
		}
		e.Expect(e.revision(ns, "prod-00")()).To(Equal(1), "it never got the change")
	})
}
