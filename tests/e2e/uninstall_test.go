// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// Without finalizers, nothing waits for the operator: it and what it works on go in any
// order. What is left is what deletionPolicy: Orphan and crds.keep promise, and what goes
// with a trigger while no operator is there goes when there is one again.
func TestUninstall(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	for _, c := range []struct {
		name  string
		order func(*uninstallation)
	}{
		{"the operator, the triggers, their namespace", func(u *uninstallation) { u.operator(); u.triggers(); u.namespace(u.config) }},
		{"all at once", func(u *uninstallation) { u.atOnce() }},
		{"the definition, the operator", func(u *uninstallation) { u.definition(); u.collected(); u.operator() }},
		{"as the README says", func(u *uninstallation) { u.operator(); u.definition(); u.namespace(operator.Namespace) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUninstallation(e.again(t), op)
			c.order(u)
			var err error
			op, err = operator.Install(u.ctx, u.w, manager, operator.Options{Values: []string{"--set=publish.enabled=true"}})
			u.Expect(err).NotTo(HaveOccurred())
			u.collected()
			u.left()
			u.namespace(u.apps)
			u.namespace(u.config)
		})
	}
}

// uninstallation is what there is before something is removed.
type uninstallation struct {
	*env
	op           *operator.Operator
	config, apps string
}

// newUninstallation delivers by two triggers, of which one takes its copies along, and by a
// generated one.
func newUninstallation(e *env, op *operator.Operator) *uninstallation {
	e.t.Helper()
	u := &uninstallation{env: e, op: op, config: e.namespace("config"), apps: e.namespace("apps")}
	source := kit.Values(u.config, "values", "a: 1\n")
	source.Annotations = map[string]string{triggerv1.PublishToAnnotation: u.apps}
	e.create(source)
	e.create(kit.Values(u.apps, "plain", "a: 1\n"))
	annotate(e, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: u.apps}}, map[string]string{triggerv1.AllowFromAnnotation: u.config})
	for name, policy := range map[string]triggerv1.DeletionPolicy{"goes": triggerv1.DeletionDelete, "stays": triggerv1.DeletionOrphan} {
		e.create(kit.Trigger(u.config, name, kit.From(cmKind, "values"), kit.To(name, kit.TargetIn(u.apps)), published(policy), func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback, Stages: []triggerv1.Stage{{Name: "all"}}}
		}))
		e.Eventually(e.copied(u.apps, name+"-shared")).Should(Equal("a: 1\n"))
	}
	e.releases(kit.Release(u.apps, "goes", kit.Reads(cmKind, "goes-shared")), kit.Release(u.apps, "stays", kit.Reads(cmKind, "stays-shared")),
		kit.Release(u.apps, "plain", kit.Reads(cmKind, "plain")))
	for _, name := range []string{"goes", "stays"} {
		e.Eventually(e.condition(u.config, name, meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
	}
	e.Eventually(e.kept(u.config)).Should(Equal([]string{"ConfigMap a: 1\n", "ConfigMap a: 1\n"}))
	e.Eventually(func() (int, error) {
		list := &triggerv1.ValuesTriggerList{}
		err := e.c.List(e.ctx, list, client.InNamespace(u.apps))
		return len(list.Items), err
	}).Should(Equal(1), "a generated one")
	u.collectable()
	return u
}

// collectable waits until Kubernetes knows what a ValuesTrigger is: it looks for new kinds
// every 30 seconds, and removes nothing that an object of another one owns.
func (u *uninstallation) collectable() {
	u.t.Helper()
	owner := kit.Trigger(u.config, "owner", kit.From(cmKind, "values"), kit.To("none"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true })
	u.create(owner)
	owned := kit.ConfigMap(u.config, "owned", nil)
	u.Expect(controllerutil.SetOwnerReference(owner, owned, u.c.Scheme())).To(Succeed())
	u.create(owned)
	u.delete(owner)
	u.Eventually(u.gone(owned), 2*time.Minute).Should(BeTrue())
}

// operator removes it as helm does. A kubelet then ends the process.
func (u *uninstallation) operator() {
	u.t.Helper()
	_, err := u.w.Helm(u.ctx, "uninstall", operator.Release, "--namespace", operator.Namespace, "--wait")
	u.Expect(err).NotTo(HaveOccurred())
	u.Expect(u.op.Stop(u.ctx)).To(Succeed())
}

func (u *uninstallation) triggers() {
	u.t.Helper()
	for _, name := range []string{"goes", "stays"} {
		u.delete(kit.Trigger(u.config, name))
		u.Eventually(u.gone(kit.Trigger(u.config, name))).Should(BeTrue())
	}
}

func (u *uninstallation) definition() {
	u.t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName("valuestriggers." + triggerv1.GroupVersion.Group)
	u.delete(crd)
	u.Eventually(u.gone(crd)).Should(BeTrue())
	u.Eventually(u.kept(u.config)).Should(BeEmpty(), "Kubernetes removes what the triggers own")
}

func (u *uninstallation) namespace(name string) {
	u.t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if u.gone(namespace)() {
		return
	}
	u.delete(namespace)
	u.Eventually(u.gone(namespace)).Should(BeTrue())
}

// atOnce is a commit that removes operator, triggers and their namespace together.
func (u *uninstallation) atOnce() {
	u.t.Helper()
	for _, name := range []string{"goes", "stays"} {
		u.delete(kit.Trigger(u.config, name))
	}
	u.delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: u.config}})
	u.operator()
	u.Eventually(u.gone(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: u.config}})).Should(BeTrue())
}

// collected waits until the copies that go with their trigger are gone.
func (u *uninstallation) collected() {
	u.t.Helper()
	u.Eventually(u.gone(kit.ConfigMap(u.apps, "goes-shared", nil)), 2*time.Minute).Should(BeTrue())
}

// left expects what is promised to be left, and nothing in the way of what there is.
func (u *uninstallation) left() {
	u.t.Helper()
	u.Expect(u.copied(u.apps, "stays-shared")()).To(Equal("a: 1\n"))
	u.stay(u.apps, map[string]int{"goes": 1, "stays": 1, "plain": 1})
	for _, name := range []string{"goes", "stays", "plain"} {
		u.Expect(u.get(u.apps, name).Finalizers).To(Equal([]string{"finalizers.fluxcd.io"}), name)
	}
}
