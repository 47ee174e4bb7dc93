// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

func TestDeclared_takes_over_its_pairs_of_source_and_target_and_gives_them_back(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("takeover")
	first, second := kit.Values(ns, "first", "a: 1\n"), kit.Values(ns, "second", "b: 1\n")
	e.create(first)
	e.create(second)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "first"), kit.Reads(cmKind, "second")))
	e.Eventually(e.sources(ns, "app")).Should(ConsistOf("first", "second"))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	one, two := kit.Trigger(ns, "one", kit.From(cmKind, "first"), kit.To("app")), kit.Trigger(ns, "two", kit.From(cmKind, "second"), kit.To("app"))
	e.create(one)
	e.Eventually(e.sources(ns, "app")).Should(ConsistOf("second"), "the generated trigger drops what the declared one delivers")
	e.create(two)
	e.Eventually(e.gone(kit.Trigger(ns, auto("app")))).Should(BeTrue(), "nothing is left for the generated trigger")

	e.setValues(first, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "one", "app")).Should(BeEquivalentTo(2))
	e.Expect(e.annotation(kit.Release(ns, "app"), triggerv1.CauseAnnotation)()).To(HaveSuffix("via ValuesTrigger %s/one", ns))

	e.delete(one)
	e.delete(two)
	e.Eventually(e.sources(ns, "app")).Should(ConsistOf("first", "second"))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	e.stay(ns, map[string]int{"app": 2})

	e.setValues(second, "b: 2\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
}

func TestDeclared_selectors_follow_sources_releases_and_namespaces_that_come_later(t *testing.T) {
	e := parallel(t)
	ns, north, south, late := e.namespace("select"), e.namespace("north"), e.namespace("south"), e.namespace("late")
	env := func(namespace string) {
		edit(e, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, func(obj *corev1.Namespace) { kit.Labelled(obj, "env", ns) })
	}
	env(north)
	env(south)
	platform := func(namespace, name string) *helmv2.HelmRelease {
		return kit.Labelled(kit.Release(namespace, name), "platform", "yes")
	}
	e.releases(platform(north, "a"), platform(south, "b"), kit.Release(south, "other"), platform(late, "late"))

	cm := kit.Labelled(kit.ConfigMap(ns, "cm", map[string]string{"key": "one"}), "bundle", "platform")
	e.create(cm)
	e.create(kit.Labelled(kit.Secret(ns, "secret", map[string]string{"key": "one"}), "bundle", "platform"))
	e.create(kit.ConfigMap(ns, "unrelated", map[string]string{"key": "one"}))
	bySelector := func(ref *triggerv1.SourceReference) { ref.Selector = kit.Selecting("bundle", "platform") }
	e.create(kit.Trigger(ns, "platform", kit.From(cmKind, "", bySelector), kit.From(secretKind, "", bySelector),
		kit.To("", func(ref *triggerv1.TargetReference) {
			ref.Selector, ref.NamespaceSelector = kit.Selecting("platform", "yes"), kit.Selecting("env", ns)
		})))
	e.Eventually(e.deliveredRevision(ns, "platform", "a")).Should(BeEquivalentTo(2), "content that is not known to run counts as a change")
	e.Eventually(e.deliveredRevision(ns, "platform", "b")).Should(BeEquivalentTo(2))
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 2 HelmReleases"))

	e.setData(cm, "key", "two")
	e.Eventually(e.deliveredRevision(ns, "platform", "a")).Should(BeEquivalentTo(3))
	e.Eventually(e.deliveredRevision(ns, "platform", "b")).Should(BeEquivalentTo(3))

	e.create(kit.Labelled(kit.ConfigMap(ns, "another", map[string]string{"key": "one"}), "bundle", "platform"))
	e.Eventually(e.deliveredRevision(ns, "platform", "a")).Should(BeEquivalentTo(4), "a source that matches later")
	e.Eventually(e.deliveredRevision(ns, "platform", "b")).Should(BeEquivalentTo(4))

	env(late)
	e.Eventually(e.deliveredRevision(ns, "platform", "late")).Should(BeEquivalentTo(2), "a release whose namespace matches later")
	e.releases(platform(north, "c"))
	e.Eventually(e.state(ns, "platform", "c")).Should(Equal(triggerv1.TargetDelivered), "a release that is created later")
	before, err := e.revision(north, "c")()
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 4 HelmReleases"))

	e.setData(cm, "key", "three")
	e.Eventually(e.deliveredRevision(ns, "platform", "c")).Should(BeEquivalentTo(before + 1))
	e.Eventually(e.deliveredRevision(ns, "platform", "late")).Should(BeEquivalentTo(3))
	e.Eventually(e.deliveredRevision(ns, "platform", "a")).Should(BeEquivalentTo(5))
	e.Eventually(e.deliveredRevision(ns, "platform", "b")).Should(BeEquivalentTo(5))
	e.Expect(e.get(south, "other").Annotations).NotTo(HaveKey(meta.ReconcileRequestAnnotation))

	table, err := e.w.Kubectl(e.ctx, "get", "vt", "-n", ns)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(table).To(MatchRegexp("platform +True +4/4 .+ Delivered\n"))
}

func TestDeclared_only_the_given_keys_count(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("keys")
	e.releases(kit.Release(ns, "app"))
	cm := kit.ConfigMap(ns, "settings", map[string]string{"in": "one", "out": "one"})
	e.create(cm)
	e.create(kit.Trigger(ns, "keyed", kit.To("app"), kit.From(cmKind, "settings", func(ref *triggerv1.SourceReference) { ref.Keys = []string{"in"} })))
	e.Eventually(e.deliveredRevision(ns, "keyed", "app")).Should(BeEquivalentTo(2))

	mark := e.mark()
	e.setData(cm, "out", "two")
	e.setData(cm, "new", "one")
	e.Consistently(e.asked(standard, ns, mark), patience).Should(BeEmpty())
	e.setData(cm, "in", "two")
	e.Eventually(e.deliveredRevision(ns, "keyed", "app")).Should(BeEquivalentTo(3))
	e.Expect(e.asked(standard, ns, mark)()).To(HaveLen(1))

	edit(e, cm, func(cm *corev1.ConfigMap) { delete(cm.Data, "in") })
	e.Eventually(e.condition(ns, "keyed", meta.ReadyCondition)).Should(And(
		HavePrefix("False SourceNotFound: "), ContainSubstring("ConfigMap %s/settings has no key in", ns), ContainSubstring("spec.sources[0].keys")))
	e.stay(ns, map[string]int{"app": 3})
}

func TestDeclared_an_optional_source_coming_and_going_is_a_change(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("optional")
	e.releases(kit.Release(ns, "reader", kit.Reads(cmKind, "maybe", kit.Optional)), kit.Release(ns, "other"))
	e.create(kit.Trigger(ns, "optional", kit.To("reader"), kit.To("other"),
		kit.From(cmKind, "maybe", func(ref *triggerv1.SourceReference) { ref.Optional = true })))
	both := func(revision int) {
		e.t.Helper()
		e.Eventually(e.deliveredRevision(ns, "optional", "reader")).Should(BeEquivalentTo(revision))
		e.Eventually(e.deliveredRevision(ns, "optional", "other")).Should(BeEquivalentTo(revision))
	}
	both(1)

	maybe := kit.Values(ns, "maybe", "a: 1\n")
	e.create(maybe)
	both(2)
	e.Expect(e.rendered(ns, "reader")()).To(ContainSubstring("a: 1"))
	e.delete(maybe)
	both(3)
	e.Expect(e.rendered(ns, "reader")()).NotTo(ContainSubstring("a: 1"))
	e.Expect(e.get(ns, "other").Annotations).To(HaveKeyWithValue(triggerv1.CauseAnnotation,
		"ConfigMap "+ns+"/maybe absent via ValuesTrigger "+ns+"/optional"))
	e.stay(ns, map[string]int{"reader": 3, "other": 3})
}

func TestDeclared_force(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("force")
	policies := []triggerv1.ForcePolicy{triggerv1.ForceAuto, triggerv1.ForceAlways, triggerv1.ForceNever}
	cm := kit.Values(ns, "values", "a: 1\n")
	var readers, others []*helmv2.HelmRelease
	for _, policy := range policies {
		readers = append(readers, kit.Release(ns, "reader-"+lower(policy), kit.Reads(cmKind, "values")))
		others = append(others, kit.Release(ns, "other-"+lower(policy)))
	}
	e.releases(others...)
	e.create(cm)
	e.releases(readers...)
	for _, policy := range policies {
		name := lower(policy)
		e.create(kit.Trigger(ns, name, kit.From(cmKind, "values"), kit.To("reader-"+name), kit.To("other-"+name),
			func(vt *triggerv1.ValuesTrigger) { vt.Spec.Force = policy }))
	}
	deliver := func(reader, forced, never int) {
		e.t.Helper()
		for _, policy := range policies {
			name, other := lower(policy), forced
			if policy == triggerv1.ForceNever {
				other = never
			}
			e.Eventually(e.deliveredRevision(ns, name, "reader-"+name)).Should(BeEquivalentTo(reader), "reader, %s", policy)
			e.Eventually(e.deliveredRevision(ns, name, "other-"+name)).Should(BeEquivalentTo(other), "other, %s", policy)
		}
	}
	deliver(1, 2, 1)
	for _, policy := range policies {
		e.Eventually(e.gone(kit.Trigger(ns, auto("reader-"+lower(policy))))).Should(BeTrue(), "taken over")
	}

	e.setValues(cm, "a: 2\n")
	deliver(2, 3, 1)
	for name, forced := range map[string]bool{
		"reader-auto": false, "other-auto": true, "reader-always": true, "other-always": true, "reader-never": false, "other-never": false,
	} {
		annotations := e.get(ns, name).Annotations
		e.Expect(annotations).To(HaveKey(meta.ReconcileRequestAnnotation), name)
		if forced {
			e.Expect(annotations[meta.ForceRequestAnnotation]).To(Equal(annotations[meta.ReconcileRequestAnnotation]), name)
		} else {
			e.Expect(annotations).NotTo(HaveKey(meta.ForceRequestAnnotation), name)
		}
	}
	e.stay(ns, map[string]int{"reader-auto": 2, "other-auto": 3, "reader-always": 2, "other-always": 3, "reader-never": 2, "other-never": 1})
}

func TestDeclared_two_triggers_with_the_same_source_and_target_make_one_revision(t *testing.T) {
	e := parallel(t)
	ns, elsewhere := e.namespace("overlap"), e.namespace("elsewhere")
	e.releases(kit.Release(ns, "app"))
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Release(ns, "reader", kit.Reads(cmKind, "values")))
	e.create(kit.Trigger(ns, "one", kit.From(cmKind, "values"), kit.To("app"), kit.To("reader")))
	e.create(kit.Trigger(elsewhere, "two", kit.From(cmKind, "values", kit.SourceIn(ns)), kit.To("app", kit.TargetIn(ns)), kit.To("reader", kit.TargetIn(ns))))
	both := func(app, reader int) {
		e.t.Helper()
		for name, revision := range map[string]int{"app": app, "reader": reader} {
			e.Eventually(e.deliveredRevision(ns, "one", name)).Should(BeEquivalentTo(revision))
			e.Eventually(e.deliveredRevision(elsewhere, "two", name)).Should(BeEquivalentTo(revision))
		}
		e.stay(ns, map[string]int{"app": app, "reader": reader})
	}
	both(2, 1)
	e.setValues(cm, "a: 2\n")
	both(3, 2)
}

func TestDeclared_a_suspended_trigger_delivers_once_after_it_is_resumed(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("suspend")
	e.releases(kit.Release(ns, "app"))
	cm := kit.ConfigMap(ns, "settings", map[string]string{"key": "one"})
	e.create(cm)
	vt := kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app"))
	e.create(vt)
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))

	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true })
	e.setData(cm, "key", "two")
	e.setData(cm, "key", "three")
	e.stay(ns, map[string]int{"app": 2})
	table, err := e.w.Kubectl(e.ctx, "get", "vt", "-n", ns, "-o", "wide")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(table).To(MatchRegexp("mine +True +1/1 +true "))

	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = false })
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(3))
	e.stay(ns, map[string]int{"app": 3})
}

func TestDeclared_what_a_user_suspends_on_a_generated_trigger_stays(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("suspend")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.releases(kit.Release(ns, "paused", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "paused", "paused")).Should(BeEquivalentTo(1))

	vt := kit.Trigger(ns, auto("paused"))
	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true })
	e.create(kit.Source(kit.ConfigMap(ns, "more", map[string]string{"key": "one"}), "paused", ns))
	e.Eventually(e.sources(ns, "paused")).Should(ConsistOf("values", "more"), "the operator has written the spec")
	e.setValues(cm, "a: 2\n")
	e.stay(ns, map[string]int{"paused": 1})
	after, err := e.trigger(ns, "paused")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(after.Spec.Suspend).To(BeTrue())

	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = false })
	e.Eventually(e.deliveredRevision(ns, "paused", "paused")).Should(BeEquivalentTo(2))
	e.Expect(e.rendered(ns, "paused")()).To(ContainSubstring("a: 2"))
	e.stay(ns, map[string]int{"paused": 2})
}

// A trigger that follows one key of a ConfigMap must not silence the others.
func TestDeclared_takes_over_nothing_without_the_keys_that_the_release_reads(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("partial")
	cm := kit.ConfigMap(ns, "settings", map[string]string{kit.ValuesKey: "a: 1\n", "other": "1"})
	e.create(cm)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "settings")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))
	vt := kit.Trigger(ns, "one-key", kit.From(cmKind, "settings"), kit.To("app"))
	vt.Spec.Sources[0].Keys = []string{"other"}
	vt.Spec.Force = triggerv1.ForceNever
	e.create(vt)
	e.Eventually(e.state(ns, "one-key", "app")).Should(Equal(triggerv1.TargetDelivered))

	e.setData(cm, kit.ValuesKey, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2), "by the generated trigger")

	edit(e, vt, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Keys = []string{"other", kit.ValuesKey} })
	e.Eventually(e.gone(kit.Trigger(ns, auto("app")))).Should(BeTrue(), "all keys are taken over")
	e.setData(cm, kit.ValuesKey, "a: 3\n")
	e.Eventually(e.deliveredRevision(ns, "one-key", "app")).Should(BeEquivalentTo(3))
}
