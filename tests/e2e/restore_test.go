// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// The kinds of a backup.
var (
	configMaps = corev1.SchemeGroupVersion.WithKind(cmKind)
	secrets    = corev1.SchemeGroupVersion.WithKind(secretKind)
	releases   = helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind)
	triggers   = triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind)
)

// backup is what there was of each kind in a namespace.
type backup map[schema.GroupVersionKind][]unstructured.Unstructured

// dump reads a namespace, without what Kubernetes puts there, and without what Helm makes:
// what a release renders then shows what helm-controller has read since.
func (e *env) dump(namespace string) backup {
	e.t.Helper()
	all := backup{}
	for _, kind := range []schema.GroupVersionKind{configMaps, secrets, releases, triggers} {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(kind)
		e.Expect(e.c.List(e.ctx, list, client.InNamespace(namespace))).To(Succeed())
		all[kind] = slices.DeleteFunc(list.Items, func(obj unstructured.Unstructured) bool {
			return obj.GetName() == "kube-root-ca.crt" || obj.Object["type"] == "helm.sh/release.v1" || obj.GetLabels()[triggerv1.ManagedByLabel] == "Helm"
		})
	}
	return all
}

// clear removes all that a backup has from its namespace, the way it was made.
func (e *env) clear(namespace string, all backup) {
	e.t.Helper()
	for _, kind := range []schema.GroupVersionKind{releases, triggers, configMaps, secrets} {
		for _, obj := range all[kind] {
			e.Expect(client.IgnoreNotFound(e.c.Delete(e.ctx, obj.DeepCopy()))).To(Succeed())
		}
		e.Eventually(func() []unstructured.Unstructured { return e.dump(namespace)[kind] }).Should(BeEmpty(), kind.Kind)
	}
}

// restore creates what a backup has of a kind: as Velero does, without owners and with the
// status, or as Git does, without what controllers have written on HelmReleases either.
func (e *env) restore(all backup, kind schema.GroupVersionKind, withStatus bool) {
	e.t.Helper()
	for _, saved := range all[kind] {
		obj := saved.DeepCopy()
		status, hasStatus := obj.Object["status"]
		delete(obj.Object, "status")
		for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "ownerReferences", "finalizers"} {
			unstructured.RemoveNestedField(obj.Object, "metadata", field)
		}
		if !withStatus && kind == releases {
			unstructured.RemoveNestedField(obj.Object, "metadata", "annotations")
		}
		// What a trigger of this backup was made for may have been generated already.
		err := e.c.Create(e.ctx, obj)
		e.Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
		if err != nil || !withStatus || !hasStatus {
			continue
		}
		patch, err := json.Marshal(map[string]any{"status": status})
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(client.IgnoreNotFound(e.c.Status().Patch(e.ctx, obj, client.RawPatch(types.MergePatchType, patch)))).To(Succeed())
	}
}

// looks has the chart look a ConfigMap up that no valuesFrom shows.
func looks(name string) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) { setInline(hr, map[string]any{"lookup": name}) }
}

// lookedUp returns what a release of the test chart has found.
func (e *env) lookedUp(namespace, name string) func() (string, error) {
	return func() (string, error) {
		cm := &corev1.ConfigMap{}
		err := e.c.Get(e.ctx, client.ObjectKey{Namespace: namespace, Name: name}, cm)
		return cm.Data["lookup"], client.IgnoreNotFound(err)
	}
}

// A cluster is lost and comes back from a backup, in whatever order. Every release ends on
// what was restored, and each has one trigger.
func TestRestore(t *testing.T) {
	e, _ := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	for name, order := range map[string][]schema.GroupVersionKind{
		"sources first":  {configMaps, secrets, releases, triggers},
		"triggers first": {triggers, configMaps, secrets, releases},
		"releases first": {releases, triggers, secrets, configMaps},
	} {
		for _, withStatus := range []bool{false, true} {
			if once := order[0] != releases; withStatus != once && !*allFlag {
				continue // Each order once.
			}
			t.Run(name+map[bool]string{false: " without status", true: " with status"}[withStatus], func(t *testing.T) {
				t.Parallel()
				e := e.again(t)
				ns := e.namespace("restore")
				e.create(kit.Values(ns, "values", "a: 1\n"))
				e.create(kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"f": "1"}), "finds", ns))
				e.create(kit.Source(kit.Secret(ns, "token", map[string]string{"t": "1"}), "found", ns))
				e.create(kit.ConfigMap(ns, "looked-up", map[string]string{"l": "1"}))
				e.releases(
					kit.Release(ns, "found", kit.Reads(cmKind, "values"), kit.Reads(cmKind, "values", kit.Optional, func(ref *meta.ValuesReference) { ref.ValuesKey = "more" })),
					kit.Release(ns, "finds", looks("flags")), kit.Release(ns, "declared", looks("looked-up")),
					kit.Labelled(kit.Release(ns, "canary", kit.Reads(cmKind, "canary-shared", kit.Optional)), stageLabel, "canary"),
					kit.Labelled(kit.Release(ns, "prod", kit.Reads(cmKind, "prod-shared", kit.Optional)), stageLabel, "prod"),
				)
				e.create(kit.Trigger(ns, "looks", kit.From(cmKind, "looked-up"), kit.To("declared")))
				e.create(kit.Trigger(ns, "platform", published(""), kit.From(cmKind, "values"), kit.To("canary"), kit.To("prod"), inStages("canary"), inStages("prod")))
				ends := func(content string) {
					t.Helper()
					for _, name := range []string{"found", "canary", "prod"} {
						e.Eventually(e.rendered(ns, name)).Should(ContainSubstring("a: "+content), name)
					}
					e.Eventually(e.lookedUp(ns, "finds")).Should(Equal(`{"f":"` + content + `"}`))
					e.Eventually(e.lookedUp(ns, "declared")).Should(Equal(`{"l":"` + content + `"}`))
					for trigger, of := range map[string]string{"found": "found", "finds": "finds", "looks": "declared", "platform": "prod"} {
						e.Eventually(e.state(ns, trigger, of)).Should(Equal(triggerv1.TargetDelivered), trigger)
					}
					e.Eventually(func() ([]triggerv1.ValuesTrigger, error) {
						list := &triggerv1.ValuesTriggerList{}
						err := e.c.List(e.ctx, list, client.InNamespace(ns))
						return list.Items, err
					}).Should(ConsistOf(HaveField("Name", auto("found")), HaveField("Name", auto("finds")), HaveField("Name", "looks"), HaveField("Name", "platform")))
				}
				ends("1")

				all := e.dump(ns)
				e.clear(ns, all)
				restored := "1"
				if withStatus && order[0] != releases { // The sources are newer than the rest of the backup.
					restored = "2"
					for _, obj := range all[configMaps] {
						if data, _, _ := unstructured.NestedStringMap(obj.Object, "data"); obj.GetLabels()[triggerv1.PublishedForLabel] == "" {
							for key, value := range data {
								data[key] = map[string]string{"a: 1\n": "a: 2\n", "1": "2"}[value]
							}
							e.Expect(unstructured.SetNestedStringMap(obj.Object, data, "data")).To(Succeed())
						}
					}
				}
				for i, kind := range order {
					e.restore(all, kind, withStatus)
					for _, name := range []string{"finds", "declared"} {
						if i == 0 && kind == releases { // They are installed without what they look up.
							e.Eventually(e.lookedUp(ns, name)).Should(Equal("null"), name)
						}
					}
				}
				ends(restored)
				e.oneOwned(ns, "found")
				e.oneOwned(ns, "finds")

				e.setData(kit.ConfigMap(ns, "flags", nil), "f", "3")
				e.setData(kit.ConfigMap(ns, "looked-up", nil), "l", "3")
				e.setValues(kit.ConfigMap(ns, "values", nil), "a: 3\n")
				ends("3")
			})
		}
	}
}

// oneOwned expects the generated trigger of a release to belong to it.
func (e *env) oneOwned(namespace, release string) {
	e.t.Helper()
	e.Eventually(func() (bool, error) {
		vt, err := e.trigger(namespace, release)
		return err == nil && metav1.IsControlledBy(vt, e.get(namespace, release)), err
	}).Should(BeTrue(), release)
}
