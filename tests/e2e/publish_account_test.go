// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// mayOnConfigMaps are rights on copies, and on sources.
func mayOnConfigMaps(verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: verbs}
}

// The operator itself may write no copies here: what is written, the accounts may write.
func TestPublish_as_an_account(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=impersonation.enabled=true"}})
	for name, test := range map[string]func(*env, *operator.Operator){
		"what may read the source and write the copies delivers across namespaces": accountThatPublishes,
		"what may not create copies learns so and disturbs no one":                 accountThatMayNotCreate,
		"what may not delete copies keeps them and is in the way of no one":        accountThatMayNotDelete,
		"what may not read what is kept goes on with what the sources hold":        accountThatMayNotReadKept,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(e.again(t), op)
		})
	}
}

func accountThatPublishes(e *env, op *operator.Operator) {
	ns, config, other := e.namespace("account"), e.namespace("config"), e.namespace("other")
	deployer := types.NamespacedName{Namespace: ns, Name: "deployer"}
	cm := kit.Values(config, "values", "a: 1\n") // Its owner consents by a Role, not by an annotation.
	e.create(cm)
	e.account(ns, "deployer", mayOnReleases("get", "patch"), mayOnConfigMaps("get", "create", "patch"))
	e.grant(config, deployer, mayRead("configmaps"))
	e.grant(other, deployer, mayOnReleases("get", "patch"), mayOnConfigMaps("get", "create", "patch"))
	mark := e.mark()
	e.create(kit.Trigger(ns, "mine", published(""), kit.From(cmKind, "values", kit.SourceIn(config)), kit.To("app"), kit.To("app", kit.TargetIn(other)), kit.As("deployer")))
	in := []string{ns, other}
	for _, namespace := range in {
		e.Eventually(e.copied(namespace, "app-shared")).Should(Equal("a: 1\n"), "there before its release, in whatever namespace")
		e.releases(kit.Release(namespace, "app", kit.Reads(cmKind, "app-shared")))
	}
	e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 2 HelmReleases"))

	e.setValues(cm, "a: 2\n")
	for _, namespace := range in {
		e.Eventually(e.rendered(namespace, "app")).Should(ContainSubstring("a: 2"))
	}
	e.Eventually(e.condition(ns, "mine", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 2 HelmReleases"))
	writes, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return world.WritesBy(op.User())(event) && event.Name == "app-shared" && slices.Contains(in, event.Namespace)
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(writes).To(And(HaveLen(4), HaveEach(HaveField("Impersonated", world.ServiceAccountUser(ns, "deployer")))))
	for _, namespace := range in {
		e.stay(namespace, map[string]int{"app": 2})
	}
}

func accountThatMayNotCreate(e *env, _ *operator.Operator) {
	ns := e.namespace("account")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.account(ns, "deployer", mayOnReleases("get", "patch"), mayOnConfigMaps("get", "patch"))
	e.create(kit.Trigger(ns, "mine", published(""), kit.From(cmKind, "values"), kit.To("app"), kit.As("deployer")))
	e.stalled(ns, "mine", acl.AccessDeniedReason, "ServiceAccount "+ns+"/deployer was refused", `cannot create resource "configmaps"`,
		"with spec.publish get, create, patch and delete on the copies")

	e.releases(kit.Release(ns, "neighbour", kit.Reads(cmKind, "values")))
	e.create(kit.Trigger(ns, "theirs", kit.From(cmKind, "values"), kit.To("neighbour")))
	e.Eventually(e.deliveredRevision(ns, "theirs", "neighbour")).Should(BeEquivalentTo(1))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "theirs", "neighbour")).Should(BeEquivalentTo(2))
	e.Expect(e.copied(ns, "app-shared")()).To(BeEmpty())

	e.grant(ns, types.NamespacedName{Namespace: ns, Name: "deployer"}, mayOnConfigMaps("create"))
	e.request(ns, "mine", "now")
	e.Eventually(e.copied(ns, "app-shared")).Should(Equal("a: 2\n"))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(1))
	e.stay(ns, map[string]int{"app": 1, "neighbour": 2})
}

func accountThatMayNotDelete(e *env, _ *operator.Operator) {
	ns := e.namespace("account")
	e.create(kit.Values(ns, "values", "a: 1\n"))
	e.account(ns, "deployer", mayOnReleases("get", "patch"), mayOnConfigMaps("get", "create", "patch"))
	e.create(kit.Trigger(ns, "mine", published(triggerv1.DeletionDelete), kit.From(cmKind, "values"), kit.To("app"), kit.To("gone"), kit.As("deployer")))
	for _, name := range []string{"app-shared", "gone-shared"} {
		e.Eventually(e.copied(ns, name)).Should(Equal("a: 1\n"))
	}
	kept := e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "mine", corev1.EventTypeWarning, triggerv1.CopiesKeptReason)
	edit(e, kit.Trigger(ns, "mine"), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets = vt.Spec.Targets[:1] })
	e.Eventually(kept).Should(ContainElement("Copies are kept: ServiceAccount " + ns + "/deployer may not delete ConfigMaps in namespace " + ns + "; grant it, or delete them"))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(1), "what is left over holds up nothing")

	e.delete(kit.Trigger(ns, "mine"))
	e.Eventually(e.gone(kit.Trigger(ns, "mine"))).Should(BeTrue())
	for _, name := range []string{"app-shared", "gone-shared"} {
		e.Consistently(e.copied(ns, name), patience).Should(Equal("a: 1\n"))
	}
	e.stay(ns, map[string]int{"app": 1})
}

func accountThatMayNotReadKept(e *env, _ *operator.Operator) {
	ns := e.namespace("account")
	deployer := types.NamespacedName{Namespace: ns, Name: "deployer"}
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	named := mayOnConfigMaps("get")
	named.ResourceNames = []string{"values", "app-shared"}
	e.account(ns, deployer.Name, mayOnReleases("get", "patch"), mayOnConfigMaps("create", "patch", "delete"), named)
	reader := metav1.ObjectMeta{Namespace: ns, Name: "reader"}
	role := &rbacv1.Role{ObjectMeta: reader, Rules: []rbacv1.PolicyRule{mayOnConfigMaps("get")}}
	e.create(role)
	e.create(&rbacv1.RoleBinding{
		ObjectMeta: reader, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: reader.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: deployer.Name}},
	})
	e.create(kit.Trigger(ns, "platform", published(""), kit.From(cmKind, "values"), kit.To("app"), kit.As(deployer.Name)))
	e.Eventually(e.copied(ns, "app-shared")).Should(Equal("a: 1\n"))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "app-shared")))
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(1))
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(2))

	e.delete(role)
	e.Eventually(func() bool {
		answer, _ := e.w.Kubectl(e.ctx, "auth", "can-i", "get", "configmaps", "-n", ns, "--as", world.ServiceAccountUser(ns, deployer.Name))
		return strings.HasPrefix(answer, "no")
	}).Should(BeTrue())
	value := "1/" + e.platform(ns).Status.LastDigest
	e.decide(ns, triggerv1.RollbackAnnotation, value)
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", corev1.EventTypeWarning, triggerv1.RollbackRefusedReason)).Should(ConsistOf(And(
		ContainSubstring("what is kept of revision 1 cannot be read: ServiceAccount "+ns+"/deployer was refused"), ContainSubstring(`cannot get resource "configmaps"`))))
	e.Eventually(func() string { return e.platform(ns).Status.LastHandledRollback }).Should(Equal(value))
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
	e.setValues(cm, "a: 3\n")
	e.Eventually(e.deliveredRevision(ns, "platform", "app")).Should(BeEquivalentTo(3))
}
