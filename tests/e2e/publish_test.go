// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// published gives each target a copy, named after it and "shared".
func published(policy triggerv1.DeletionPolicy) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Publish = &triggerv1.Publish{Name: "shared", DeletionPolicy: policy}
	}
}

// every makes helm-controller look at a release, and read its values, that often.
func every(interval time.Duration) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) { hr.Spec.Interval.Duration = interval }
}

// copied returns what is in a copy, nothing if there is none.
func (e *env) copied(namespace, name string) func() (string, error) {
	return func() (string, error) {
		cm := &corev1.ConfigMap{}
		err := e.c.Get(e.ctx, client.ObjectKey{Namespace: namespace, Name: name}, cm)
		return cm.Data["values.yaml"], client.IgnoreNotFound(err)
	}
}

func TestPublish(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})

	t.Run("nothing blocks a deletion", func(t *testing.T) { deletedWithoutOperator(e.again(t), op) })
	t.Run("the owner of a release says who writes what it reads", func(t *testing.T) { ownersConsent(e.again(t)) })
	t.Run("a trigger that is deleted and comes back", func(t *testing.T) { comesBack(e.again(t)) })
	t.Run("a copy under another name holds what the old one held", func(t *testing.T) { renamed(e.again(t)) })

	t.Run("a copy carries values across namespaces and is there before its release", func(t *testing.T) {
		e := e.again(t)
		ns, config := e.namespace("publish"), e.namespace("config")
		cm := kit.Values(config, "values", "a: 1\n")
		e.create(cm)
		e.create(kit.Trigger(ns, "platform", published(triggerv1.DeletionDelete), kit.From(cmKind, "values", kit.SourceIn(config)), kit.To("app")))
		e.stalled(ns, "platform", "AccessDenied", "ConfigMap "+config+"/values may not be copied into namespace "+ns, "trigger.nebius.ai/publish-to: "+ns)
		e.Expect(e.copied(ns, "app-shared")()).To(BeEmpty())

		annotate(e, cm, map[string]string{triggerv1.PublishToAnnotation: ns})
		e.Eventually(e.copied(ns, "app-shared")).Should(Equal("a: 1\n"))
		e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
		e.Eventually(e.state(ns, "platform", "app")).Should(Equal(triggerv1.TargetDelivered))
		e.Expect(e.revision(ns, "app")()).To(Equal(1))

		e.setValues(cm, "a: 2\n")
		e.Eventually(e.rendered(ns, "app")).Should(ContainSubstring("a: 2"))
		e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(2))
		e.Expect(e.target(ns, "platform", "app")()).To(And(HaveField("Forced", false), HaveField("Published", HavePrefix("sha256:"))))

		drifted := kit.ConfigMap(ns, "app-shared", nil)
		edit(e, drifted, func(cm *corev1.ConfigMap) { cm.Data["values.yaml"] = "a: drifted\n" })
		e.Eventually(e.copied(ns, "app-shared")).Should(Equal("a: 2\n"))
		e.stay(ns, map[string]int{"app": 2})

		e.delete(kit.Trigger(ns, "platform"))
		e.Eventually(e.gone(drifted)).Should(BeTrue())
	})

	t.Run("what an older version has recorded is not believed", func(t *testing.T) { goBack(e.again(t), op) })

	t.Run("an object of that name is left alone", func(t *testing.T) {
		e := e.again(t)
		ns := e.namespace("conflict")
		e.create(kit.Values(ns, "values", "a: 1\n"))
		theirs := kit.Values(ns, "app-shared", "theirs: 1\n")
		e.create(theirs)
		e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
		e.create(kit.Trigger(ns, "platform", published(""), kit.From(cmKind, "values"), kit.To("app")))
		e.stalled(ns, "platform", triggerv1.NameConflictReason, "ConfigMap "+ns+"/app-shared is not a copy of this ValuesTrigger")
		e.Expect(e.copied(ns, "app-shared")()).To(Equal("theirs: 1\n"))
		e.stay(ns, map[string]int{"app": 1})
	})

	t.Run("later stages keep old values whatever helm-controller does by itself", func(t *testing.T) {
		e := e.again(t)
		ns := e.namespace("stages")
		cm := kit.Values(ns, "values", "a: 1\n")
		e.create(cm)
		vt := rollout(ns, published(""), inStages("canary"), inStages("prod", manually))
		vt.Spec.Targets = []triggerv1.TargetReference{{Name: "canary"}, {Name: "prod"}}
		e.create(vt)
		for _, name := range []string{"canary", "prod"} {
			e.Eventually(e.copied(ns, name+"-shared")).Should(Equal("a: 1\n"))
		}
		e.releases(
			kit.Labelled(kit.Release(ns, "canary", kit.Reads(cmKind, "canary-shared"), every(5*time.Second)), stageLabel, "canary"),
			kit.Labelled(kit.Release(ns, "prod", kit.Reads(cmKind, "prod-shared"), every(5*time.Second)), stageLabel, "prod"))
		e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
		e.Expect(e.condition(ns, "platform", triggerv1.GatedCondition)()).To(HavePrefix("True NothingBypasses"))

		e.setValues(cm, "a: 2\n")
		e.Eventually(e.rendered(ns, "canary")).Should(ContainSubstring("a: 2"))
		e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
		e.Consistently(e.rendered(ns, "prod"), 15*time.Second).Should(ContainSubstring("a: 1"))
		e.Expect(e.copied(ns, "prod-shared")()).To(Equal("a: 1\n"))

		e.Eventually(e.target(ns, "platform", "prod")).Should(HaveField("Message", "waits for the approval of stage prod; the values of the release would change"))

		// The plugin says which copy has what, and previews what the copies will have.
		e.Expect(operator.BuildPlugin(e.ctx, programs)).To(Succeed())
		p := plugin{e, ns}
		e.Expect(p.ok("tree", "platform")).To(And(
			MatchRegexp("by its copy ConfigMap %s/canary-shared +\\[present content\\]", ns),
			MatchRegexp("by its copy ConfigMap %s/prod-shared +\\[as before the last change\\]", ns)))
		e.Expect(p.ok("why", "prod")).To(ContainSubstring("Reads ConfigMap %s/prod-shared, the copy of ConfigMap %s/values by ValuesTrigger %s/platform", ns, ns, ns))
		e.Expect(p.code(0, p.edited("a: 3"), "preview", "-f", "-")).To(And(
			ContainSubstring("Upgrade: HelmRelease %s/canary\n  ~ a: 2 → 3\n", ns),
			ContainSubstring("UpgradeLater (after the approval of stage prod): HelmRelease %s/prod\n  ~ a: 1 → 3\n", ns)))
		e.Expect(p.ok("preview", "--pending", "platform")).To(And(
			HavePrefix("ValuesTrigger %s/platform: 1 of 2 HelmReleases have not got content sha256:", ns),
			ContainSubstring("Stage prod, UpgradeLater (waits for the approval of stage prod): HelmRelease %s/prod\n  ~ a: 1 → 2\n", ns)))

		now, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		annotate(e, kit.Trigger(ns, "platform"), map[string]string{triggerv1.ApproveAnnotation: now.Status.Rollout.Digest})
		e.Eventually(e.rendered(ns, "prod")).Should(ContainSubstring("a: 2"))
		e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
		e.stay(ns, map[string]int{"canary": 2, "prod": 2})

		e.delete(kit.Trigger(ns, "platform"))
		e.Eventually(e.gone(kit.Trigger(ns, "platform"))).Should(BeTrue())
		kept := &metav1.PartialObjectMetadata{}
		kept.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(cmKind))
		e.Consistently(func() bool {
			return apierrors.IsNotFound(e.c.Get(e.ctx, client.ObjectKey{Namespace: ns, Name: "prod-shared"}, kept))
		}, patience).Should(BeFalse(), "copies are orphaned by default")
	})
}

// A real gate, and what goes through where there is none: the same fleet twice, once with
// copies.
func TestPublish_no_release_outside_the_open_stage_runs_the_new_values(t *testing.T) {
	e, _ := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	stages := []func(*triggerv1.ValuesTrigger){inStages("canary"), inStages("prod", manually)}
	fleet := func(reading func(name string) string) string {
		ns := e.namespace("gate")
		e.create(kit.Values(ns, "values", "a: 1\n"))
		var releases []*helmv2.HelmRelease
		for _, name := range []string{"canary", "prod"} {
			releases = append(releases, kit.Labelled(kit.Release(ns, name, kit.Reads(cmKind, reading(name)), every(10*time.Second)), stageLabel, name))
		}
		for _, hr := range releases {
			e.create(hr)
		}
		return ns
	}
	with := fleet(func(name string) string { return name + "-shared" })
	e.create(rollout(with, append(stages, published(""))...))
	without := fleet(func(string) string { return "values" })
	e.create(rollout(without, stages...))
	for _, ns := range []string{with, without} {
		e.Eventually(e.condition(ns, "platform", meta.ReadyCondition), time.Minute).Should(HavePrefix("True Succeeded"))
	}

	for _, ns := range []string{with, without} {
		e.setValues(kit.ConfigMap(ns, "values", nil), "a: 2\n")
	}
	e.Eventually(e.phase(with), time.Minute).Should(Equal(triggerv1.RolloutAwaitingApproval))
	e.Expect(e.rendered(with, "canary")()).To(ContainSubstring("a: 2"))
	e.Expect(e.w.StopComponent(e.ctx, world.HelmController)).To(Succeed())
	e.Expect(e.w.StartComponent(e.ctx, world.HelmController)).To(Succeed())
	e.Eventually(e.rendered(without, "prod"), time.Minute).Should(ContainSubstring("a: 2"), "the leak")
	e.Consistently(e.rendered(with, "prod"), 25*time.Second).Should(ContainSubstring("a: 1"), "the gate")
	e.stay(with, map[string]int{"canary": 2, "prod": 1})

	now, err := e.trigger(with, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	annotate(e, kit.Trigger(with, "platform"), map[string]string{triggerv1.ApproveAnnotation: now.Status.Rollout.Digest})
	e.Eventually(e.rendered(with, "prod")).Should(ContainSubstring("a: 2"))
	e.Eventually(e.condition(with, "platform", meta.ReadyCondition), time.Minute).Should(HavePrefix("True Succeeded"))
	e.stay(with, map[string]int{"canary": 2, "prod": 2})
}
