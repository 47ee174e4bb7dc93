// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// kustomizationLabel is on all that kustomize-controller applies.
const kustomizationLabel = "kustomize.toolkit.fluxcd.io/name"

// apply does what kustomize-controller does with what is in Git, as itself or as another tool.
func (e *env) apply(manager string, objects ...client.Object) {
	e.t.Helper()
	for _, obj := range objects {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
		e.Expect(err).NotTo(HaveOccurred())
		manifest := &unstructured.Unstructured{Object: content}
		gvk, err := e.c.GroupVersionKindFor(obj)
		e.Expect(err).NotTo(HaveOccurred())
		manifest.SetGroupVersionKind(gvk)
		manifest.SetLabels(map[string]string{kustomizationLabel: "apps"})
		delete(manifest.Object, "status")
		unstructured.RemoveNestedField(manifest.Object, "metadata", "creationTimestamp")
		e.Expect(e.c.Apply(e.ctx, client.ApplyConfigurationFromUnstructured(manifest), client.FieldOwner(manager), client.ForceOwnership)).To(Succeed())
	}
}

// writesTo returns the writes of the operator to ValuesTriggers of a namespace.
func (e *env) writesTo(namespace string, since world.AuditMark) func() ([]world.AuditEvent, error) {
	return func() ([]world.AuditEvent, error) {
		return e.w.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
			return world.WritesBy(standard.User())(event) && event.Namespace == namespace && event.Resource == "valuestriggers"
		})
	}
}

// triggers returns the names of the ValuesTriggers of a namespace.
func (e *env) triggers(namespace string) func() ([]string, error) {
	return func() ([]string, error) {
		list := &triggerv1.ValuesTriggerList{}
		err := e.c.List(e.ctx, list, client.InNamespace(namespace))
		var names []string
		for _, vt := range list.Items {
			names = append(names, vt.Name)
		}
		return names, err
	}
}

// A tool that applies what is in Git comes upon the trigger that was generated before.
func TestNames_what_others_apply_over_a_generated_trigger_is_theirs(t *testing.T) {
	for _, c := range []struct {
		name     string
		managers []string
	}{
		{"one applier", []string{"kustomize-controller"}},
		{"two appliers", []string{"kustomize-controller", "argocd-controller"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := parallel(t)
			ns := e.namespace("git")
			e.create(kit.Values(ns, "cart-values", "a: 1\n"))
			tax := kit.Values(ns, "tax-values", "a: 1\n")
			e.create(tax)
			e.create(kit.Values(ns, "more-values", "b: 1\n"))
			e.releases(kit.Release(ns, "cart", kit.Reads(cmKind, "cart-values"), kit.Reads(cmKind, "more-values")), kit.Release(ns, "tax"))
			e.Eventually(e.deliveredRevision(ns, "cart", "cart")).Should(BeEquivalentTo(1))
			_, err := e.w.Kubectl(e.ctx, "patch", "vt", auto("cart"), "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":true}}`)
			e.Expect(err).NotTo(HaveOccurred())
			e.Consistently(e.triggers(ns)).Should(ConsistOf(auto("cart")), "who suspends it does not declare it")
			_, err = e.w.Kubectl(e.ctx, "patch", "vt", auto("cart"), "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":false}}`)
			e.Expect(err).NotTo(HaveOccurred())

			inGit := func() *triggerv1.ValuesTrigger {
				return kit.Trigger(ns, auto("cart"), kit.From(cmKind, "cart-values"), kit.From(cmKind, "tax-values"), kit.To("cart"), kit.To("tax"))
			}
			applyAll := func() {
				e.t.Helper()
				for _, manager := range c.managers {
					e.apply(manager, inGit())
				}
			}
			applyAll()
			other := generated.Names("cart")[1]
			e.Eventually(func() (*triggerv1.ValuesTrigger, error) { return e.trigger(ns, auto("cart")) }).Should(And(
				HaveField("OwnerReferences", BeEmpty()),
				HaveField("Labels", Equal(map[string]string{kustomizationLabel: "apps"})),
				HaveField("ManagedFields", Not(ContainElement(And(HaveField("Manager", triggerv1.FieldManager), HaveField("Subresource", "")))))))
			e.Expect(e.sources(ns, auto("cart"))()).To(Equal([]string{"cart-values", "tax-values"}))
			e.Eventually(e.sources(ns, other)).Should(Equal([]string{"more-values"}), "what is left is generated under another name")
			e.Eventually(e.state(ns, other, "cart")).Should(Equal(triggerv1.TargetDelivered))
			e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, auto("cart"), corev1.EventTypeNormal, triggerv1.DeclaredReason)).
				Should(ConsistOf(And(ContainSubstring("-controller applies this ValuesTrigger"), HaveSuffix("by ValuesTrigger "+ns+"/"+other))))
			e.Eventually(e.deliveredRevision(ns, auto("cart"), "tax")).Should(BeEquivalentTo(2))
			e.Eventually(e.condition(ns, auto("cart"), "Ready")).Should(HavePrefix("True "))
			e.Eventually(e.deliveredRevision(ns, auto("cart"), "cart")).Should(BeEquivalentTo(2), "which does not read tax-values")
			e.stay(ns, map[string]int{"cart": 2, "tax": 2})

			mark := e.mark()
			for range 10 {
				applyAll()
			}
			e.Consistently(e.writesTo(ns, mark), patience).Should(BeEmpty(), "nothing is put back, and nothing is reported again")
			e.setValues(tax, "a: 2\n")
			e.Eventually(e.deliveredRevision(ns, auto("cart"), "tax")).Should(BeEquivalentTo(3))
			e.Expect(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, auto("cart"), corev1.EventTypeNormal, triggerv1.DeclaredReason)()).To(HaveLen(1))

			// The file is removed from Git.
			e.Eventually(e.deliveredRevision(ns, auto("cart"), "cart")).Should(BeEquivalentTo(3))
			e.Expect(e.c.Delete(e.ctx, kit.Trigger(ns, auto("cart")))).To(Succeed())
			e.oneTrigger(ns, "cart", "cart-values", "more-values")
			e.Eventually(e.state(ns, "cart", "cart")).Should(Equal(triggerv1.TargetDelivered))
			e.stay(ns, map[string]int{"cart": 3, "tax": 3})
		})
	}
}

// kustomize-controller applies HelmReleases before ValuesTriggers, and the operator comes in
// between. It does not matter which is first.
func TestNames_of_triggers_in_Git_do_not_matter(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("commit")
	const count = 6
	names := map[string]func(string) string{
		"same": func(release string) string { return release }, "auto": auto, "other": func(release string) string { return generated.Names(release)[1] },
	}
	mark := e.mark()
	for kind, name := range names {
		for i := range count {
			cart := fmt.Sprintf("%s-%d", kind, i)
			objects := []client.Object{
				kit.Values(ns, cart, "a: 1\n"), kit.Release(ns, cart, kit.Reads(cmKind, cart)),
				kit.Trigger(ns, name(cart), kit.From(cmKind, cart), kit.To(cart)),
			}
			if i%2 == 1 {
				objects[1], objects[2] = objects[2], objects[1]
			}
			e.apply("kustomize-controller", objects...)
		}
	}
	inGit := func(kind string, i int) (cart, name string) {
		cart = fmt.Sprintf("%s-%d", kind, i)
		return cart, names[kind](cart)
	}
	var all []string
	for kind := range names {
		for i := range count {
			cart, name := inGit(kind, i)
			all = append(all, name)
			e.Eventually(e.deliveredRevision(ns, name, cart)).Should(BeEquivalentTo(1), name)
			vt, err := e.trigger(ns, name)
			e.Expect(err).NotTo(HaveOccurred())
			e.Expect(vt.Spec.Sources).To(ConsistOf(And(HaveField("Name", cart), HaveField("Keys", BeEmpty()))), "the operator would list the key that %s reads", cart)
		}
	}
	e.Eventually(e.triggers(ns)).Should(ConsistOf(all), "what is declared has taken over all of it")
	e.Eventually(func(g Gomega) {
		list := &triggerv1.ValuesTriggerList{}
		g.Expect(e.c.List(e.ctx, list, client.InNamespace(ns))).To(Succeed())
		g.Expect(list.Items).To(HaveEach(And(HaveField("OwnerReferences", BeEmpty()), HaveField("Labels", Equal(map[string]string{kustomizationLabel: "apps"})))))
	}).Should(Succeed())
	deleted, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return world.WritesBy(standard.User())(event) && event.Namespace == ns && event.Resource == "valuestriggers" && event.Verb == "delete"
	})
	e.Expect(err).NotTo(HaveOccurred())
	for _, event := range deleted {
		e.Expect(all).NotTo(ContainElement(event.Name), "what is in Git is not deleted")
	}
}

// A name that is free again is taken, with all that was recorded and set meanwhile.
func TestNames_a_renamed_trigger_keeps_what_it_knows(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("renamed")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.create(kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"f": "1"}), "app", ns))
	foreign := kit.Trigger(ns, auto("app"), kit.From(cmKind, "other"), kit.To("stranger"))
	e.create(foreign)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	other := generated.Names("app")[1]
	e.Eventually(e.state(ns, other, "app")).Should(Equal(triggerv1.TargetDelivered))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.rendered(ns, "app")).Should(ContainSubstring("a: 2"))
	e.Eventually(e.state(ns, other, "app")).Should(Equal(triggerv1.TargetDelivered))
	_, err := e.w.Kubectl(e.ctx, "patch", "vt", other, "-n", ns, "--type=merge", "-p", `{"spec":{"suspend":true,"quietPeriod":"1s"}}`)
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(func() (bool, error) { vt, err := e.trigger(ns, other); return vt.Spec.Suspend, err }).Should(BeTrue())
	before, err := e.trigger(ns, other)
	e.Expect(err).NotTo(HaveOccurred())
	revision, err := e.revision(ns, "app")()
	e.Expect(err).NotTo(HaveOccurred())

	e.Expect(e.c.Delete(e.ctx, foreign)).To(Succeed())
	e.Eventually(e.triggers(ns)).Should(ConsistOf(auto("app")))
	renamed, err := e.trigger(ns, "app")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(renamed.Spec).To(Equal(before.Spec))
	e.Expect(renamed.Status.UID).To(Equal(renamed.UID))
	e.Expect(renamed.Status.Targets).To(Equal(before.Status.Targets))
	e.Expect(renamed.Status.Sources).To(Equal(before.Status.Sources))
	e.Expect(renamed.Status.History).To(Equal(before.Status.History))

	e.setValues(cm, "a: 3\n")
	e.stay(ns, map[string]int{"app": revision})
	edit(e, kit.Trigger(ns, auto("app")), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = false })
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(revision + 1))
}

// asEarlierVersion has the trigger generated for a release be what an earlier version of the
// operator, which is down, has left: under the name of the release.
func (e *env) asEarlierVersion(namespace, release string) {
	e.t.Helper()
	vt, err := e.trigger(namespace, auto(release))
	e.Expect(err).NotTo(HaveOccurred())
	manifest := map[string]any{
		"apiVersion": triggerv1.GroupVersion.String(), "kind": triggerv1.ValuesTriggerKind,
		"metadata": map[string]any{"namespace": namespace, "name": release, "labels": vt.Labels, "ownerReferences": vt.OwnerReferences},
		"spec":     map[string]any{"sources": vt.Spec.Sources, "targets": vt.Spec.Targets},
	}
	text, err := json.Marshal(manifest)
	e.Expect(err).NotTo(HaveOccurred())
	former := kit.Trigger(namespace, release)
	e.Expect(e.c.Patch(e.ctx, former, client.RawPatch(types.ApplyPatchType, text), client.FieldOwner(triggerv1.FieldManager))).To(Succeed())
	status := vt.Status.DeepCopy()
	status.UID = former.UID
	text, err = json.Marshal(map[string]any{"status": status})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(e.c.Status().Patch(e.ctx, former, client.RawPatch(types.MergePatchType, text), client.FieldOwner(triggerv1.FieldManager))).To(Succeed())
	e.delete(vt)
}

// renamed expects the trigger generated for a release to be what an earlier version has left, and
// nothing else to be there.
func (e *env) renamed(namespace, release string, was *triggerv1.ValuesTrigger) {
	e.t.Helper()
	e.Eventually(e.gone(kit.Trigger(namespace, release))).Should(BeTrue(), release)
	vt, err := e.trigger(namespace, auto(release))
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Spec).To(Equal(was.Spec), release)
	e.Expect(vt.Status.Targets).To(Equal(was.Status.Targets), release)
	e.Expect(vt.Status.History).To(Equal(was.Status.History), release)
	e.Expect(vt.Status.LastDigest).To(Equal(was.Status.LastDigest), release)
	e.Expect(metav1.IsControlledBy(vt, e.get(namespace, release))).To(BeTrue(), release)
}
