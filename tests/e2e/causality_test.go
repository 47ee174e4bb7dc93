// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// Content that a chart looks up is delivered whatever clocks, managed fields and annotations
// say about its age.

// lookupOf returns what a release of the test chart has looked up.
func (e *env) lookupOf(namespace, name string) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		cm := &corev1.ConfigMap{}
		if err := e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, cm); err != nil {
			return nil, err
		}
		var data map[string]string
		return data, json.Unmarshal([]byte(cm.Data["lookup"]), &data)
	}
}

// looksUp makes a HelmRelease of the test chart look up a ConfigMap.
func looksUp(name string) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) { setInline(hr, map[string]any{"lookup": name}) }
}

// upgradeOfAnotherCause has helm-controller make a revision by itself.
func (e *env) upgradeOfAnotherCause(namespace, name, lookup string, revision int) {
	e.t.Helper()
	edit(e, e.get(namespace, name), func(hr *helmv2.HelmRelease) {
		setInline(hr, map[string]any{"lookup": lookup, "cause": fmt.Sprint("another-", revision)})
	})
	e.Eventually(e.revision(namespace, name)).Should(Equal(revision))
	hr := e.get(namespace, name)
	e.Eventually(e.ready(hr)).Should(BeTrue())
}

// The API server does not renew the time of an edit that only removes a key.
func TestCausality_a_key_that_is_removed_is_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("removed")
	patch := func(kind types.PatchType, text string) func(client.Object) error {
		return func(obj client.Object) error {
			return e.c.Patch(e.ctx, obj, client.RawPatch(kind, []byte(text)), client.FieldOwner("kubectl-create"))
		}
	}
	ways := map[string]func(client.Object) error{
		"remove": patch(types.JSONPatchType, `[{"op":"remove","path":"/data/g"}]`),
		"merge":  patch(types.MergePatchType, `{"data":{"g":null}}`),
		"replace": func(obj client.Object) error {
			cm := obj.(*corev1.ConfigMap)
			delete(cm.Data, "g")
			return e.c.Update(e.ctx, cm, client.FieldOwner("kubectl-edit"))
		},
		"secret": patch(types.JSONPatchType, `[{"op":"remove","path":"/data/g"}]`),
	}
	flags := func(name string) client.Object {
		data := map[string]string{"f": "1", "g": "1"}
		if name == "secret" {
			return kit.Source(kit.Secret(ns, "flags-"+name, data), name, ns)
		}
		return kit.Source(kit.ConfigMap(ns, "flags-"+name, data), name, ns)
	}
	for name := range ways {
		e.Expect(e.c.Create(e.ctx, flags(name), client.FieldOwner("kubectl-create"))).To(Succeed())
		e.create(kit.Release(ns, name, looksUp("flags-"+name)))
	}
	// A declared trigger does the same.
	ways["declared"] = ways["remove"]
	e.Expect(e.c.Create(e.ctx, kit.ConfigMap(ns, "flags-declared", map[string]string{"f": "1", "g": "1"}), client.FieldOwner("kubectl-create"))).To(Succeed())
	e.create(kit.Release(ns, "declared", looksUp("flags-declared")))
	e.create(kit.Trigger(ns, "follows", kit.From(triggerv1.ConfigMapKind, "flags-declared"), kit.To("declared")))

	for name, remove := range ways {
		trigger := name
		if name == "declared" {
			trigger = "follows"
		}
		e.Eventually(e.deliveredRevision(ns, trigger, name)).Should(BeEquivalentTo(2), "%s: first sight delivers once", name)
		e.upgradeOfAnotherCause(ns, name, "flags-"+name, 3)
		obj := flags(name)
		e.Expect(e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj)).To(Succeed())
		e.Expect(remove(obj)).To(Succeed(), name)
		e.Eventually(e.deliveredRevision(ns, trigger, name)).Should(BeEquivalentTo(4), name)
		if name != "secret" {
			e.Expect(e.lookupOf(ns, name)()).To(Equal(map[string]string{"f": "1"}), name)
		}
		hr := e.get(ns, name)
		e.Expect(hr.Annotations[triggerv1.CauseAnnotation]).NotTo(ContainSubstring(" by "), "%s: no one is on record for it", name)
	}
}

func TestCausality_whatever_the_clock_of_helm_controller_says(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("clock")
	for name, skew := range map[string]time.Duration{"ahead": time.Minute, "behind": -time.Minute} {
		flags := kit.Source(kit.ConfigMap(ns, "flags-"+name, map[string]string{"f": "1"}), name, ns)
		e.create(flags)
		e.releases(kit.Release(ns, name, looksUp(flags.Name)))
		e.Eventually(e.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(2))
		e.upgradeOfAnotherCause(ns, name, flags.Name, 3)
		e.Eventually(func() error {
			hr := e.get(ns, name)
			hr.Status.History[0].LastDeployed = metav1.NewTime(time.Now().Add(skew))
			return e.c.Status().Update(e.ctx, hr)
		}).Should(Succeed())
		e.setData(flags, "f", "2")
		e.Eventually(e.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(4), name)
		e.Expect(e.lookupOf(ns, name)()).To(Equal(map[string]string{"f": "2"}), name)
	}
}

// slowChart looks up first, and then takes its time to render.
func slowChart() world.Chart {
	chart := world.TestChart()
	chart.Files["templates/slow.yaml"] = `{{ range until 4 }}{{ $key := genPrivateKey "rsa" }}{{ end }}`
	return chart
}

func TestCausality_an_edit_while_a_chart_renders_is_delivered(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("slow")
	e.Expect(e.w.PublishChart(e.ctx, ns, "slow", slowChart())).To(Succeed())
	flags := kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"f": "1"}), "app", ns)
	e.create(flags)
	e.releases(kit.Release(ns, "app", looksUp("flags"), func(hr *helmv2.HelmRelease) { hr.Spec.ChartRef.Name = "slow" }))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))

	// Helm stamps the revision when it has rendered: later than the second edit.
	e.setData(flags, "f", "2")
	e.Eventually(e.readyConditionOf(ns, "app")).Should(HavePrefix("Unknown"), "the upgrade is in progress")
	e.setData(flags, "f", "3")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(4))
	e.Expect(e.lookupOf(ns, "app")()).To(Equal(map[string]string{"f": "3"}))
}

// exported returns an object as an export or a backup has it.
func exported(cm *corev1.ConfigMap, namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: cm.Name, Labels: cm.Labels, Annotations: cm.Annotations},
		Data:       cm.Data,
	}
}

// The digest on a labelled object travels with exports and backups.
func TestCausality_a_digest_that_was_exported_proves_nothing(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("exported")
	flags := kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"f": "1"}), "app", ns)
	e.create(flags)
	e.releases(kit.Release(ns, "app", looksUp("flags")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	e.Eventually(e.annotation(flags, triggerv1.HashAnnotation)).Should(HavePrefix("sha256:"))

	// It is deleted by mistake, and restored after a revision that looked up nothing.
	e.delete(flags)
	e.upgradeOfAnotherCause(ns, "app", "flags", 3)
	e.create(exported(flags, ns))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(4))
	e.Expect(e.lookupOf(ns, "app")()).To(Equal(map[string]string{"f": "1"}))

	// In another namespace the release comes first.
	other := e.namespace("imported")
	e.releases(kit.Release(other, "app", looksUp("flags")))
	imported := exported(flags, other)
	imported.Annotations[triggerv1.HRNSAnnotation] = other
	e.create(imported)
	e.Eventually(e.deliveredRevision(other, "app", "app")).Should(BeEquivalentTo(2))
	e.Expect(e.lookupOf(other, "app")()).To(Equal(map[string]string{"f": "1"}))
}
