// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// allowing makes a HelmRelease accept triggers from namespaces.
func allowing(namespaces string) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) {
		hr.Annotations = map[string]string{triggerv1.AllowFromAnnotation: namespaces}
	}
}

// settings returns a ConfigMap that no release reads.
func settings(namespace string) *corev1.ConfigMap {
	return kit.ConfigMap(namespace, "settings", map[string]string{"key": "one"})
}

// untouched expects that no one has asked anything of a release.
func (e *env) untouched(namespace, name string) {
	e.t.Helper()
	e.Expect(e.get(namespace, name).Annotations).NotTo(Or(HaveKey(meta.ReconcileRequestAnnotation), HaveKey(triggerv1.CauseAnnotation)))
}

func TestAccess_a_release_that_names_who_may_trigger_it_denies_all_others(t *testing.T) {
	e := parallel(t)
	home, friend, stranger := e.namespace("home"), e.namespace("friend"), e.namespace("stranger")
	e.releases(kit.Release(home, "app", allowing("elsewhere, "+friend)))

	denied := kit.Source(settings(stranger), "app", home)
	e.create(denied)
	e.Eventually(e.eventsAbout(cmKind, stranger, "settings", corev1.EventTypeWarning, acl.AccessDeniedReason)).Should(ConsistOf(
		"HelmRelease " + home + "/app does not accept triggers from namespace " + stranger + "; add it to its annotation trigger.nebius.ai/allow-from"))
	e.create(kit.Trigger(stranger, "mine", kit.From(cmKind, "settings"), kit.To("app", kit.TargetIn(home))))
	e.stalled(stranger, "mine", acl.AccessDeniedReason, home+"/app does not accept triggers from namespace "+stranger)
	e.untouched(home, "app")

	e.create(settings(friend))
	e.create(kit.Trigger(friend, "mine", kit.From(cmKind, "settings"), kit.To("app", kit.TargetIn(home))))
	e.Eventually(e.deliveredRevision(friend, "mine", "app")).Should(BeEquivalentTo(2))
	e.create(kit.Source(kit.ConfigMap(home, "own", map[string]string{"key": "one"}), "app", home))
	e.Eventually(e.deliveredRevision(home, "app", "app")).Should(BeEquivalentTo(3), "the own namespace need not be listed")
	e.Expect(e.sources(home, "app")()).To(ConsistOf("own"))

	e.setData(denied, "key", "two") // Newer than what the release runs.
	edit(e, kit.Release(home, "app"), func(hr *helmv2.HelmRelease) { delete(hr.Annotations, triggerv1.AllowFromAnnotation) })
	e.Eventually(e.deliveredRevision(stranger, "mine", "app")).Should(BeEquivalentTo(4))
	e.Eventually(e.annotation(denied, triggerv1.HashAnnotation)).ShouldNot(BeEmpty())
	e.Eventually(e.sources(home, "app")).Should(ConsistOf("own"), "what the contract names too is left to the declared trigger")
	e.stay(home, map[string]int{"app": 4})
}

func TestAccess_an_account_needs_an_operator_that_may_impersonate(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("account")
	e.releases(kit.Release(ns, "app"))
	e.create(settings(ns))
	e.account(ns, "deployer", mayRead("configmaps"), mayOnReleases("get", "list", "patch"))
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app"), kit.As("deployer")))
	e.stalled(ns, "mine", acl.AccessDeniedReason, "the operator may not act as ServiceAccount "+ns+"/deployer", "chart value impersonation.enabled")
	e.untouched(ns, "app")
}

func TestAccess(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=noCrossNamespaceRefs=true,impersonation.enabled=true"}})

	t.Run("restricted", func(t *testing.T) {
		for name, test := range map[string]func(*env, *operator.Operator){
			"a declared trigger with a target in another namespace": deniedTarget,
			"a declared trigger with a source in another namespace": deniedSource,
			"the contract across namespaces":                        deniedContract,
			"an account without rights":                             accountWithoutRights,
			"an account that may only read":                         accountThatMayOnlyRead,
			"a forged generated trigger":                            forgedTrigger,
			"an account that selects all Secrets":                   accountThatSelectsSecrets,
			"an author who may edit nothing but ValuesTriggers":     hostileAuthor,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(e.again(t), op)
			})
		}
	})

	t.Run("with a default account", func(t *testing.T) {
		e := e.again(t)
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		_, err := operator.Install(e.ctx, e.w, manager, operator.Options{Values: []string{"--set=defaultServiceAccount=deployer"}})
		e.Expect(err).NotTo(HaveOccurred())
		defaultAccount(e)
	})
}

func deniedTarget(e *env, _ *operator.Operator) {
	tenant, other := e.namespace("tenant"), e.namespace("other")
	e.releases(kit.Release(tenant, "app"), kit.Release(tenant, "undisturbed"), kit.Release(other, "app"))
	cm := settings(tenant)
	e.create(cm)
	e.create(kit.Trigger(tenant, "mine", kit.From(cmKind, "settings"), kit.To("app"), kit.To("app", kit.TargetIn(other))))
	e.create(kit.Trigger(tenant, "undisturbed", kit.From(cmKind, "settings"), kit.To("undisturbed")))
	e.stalled(tenant, "mine", acl.AccessDeniedReason, "HelmRelease "+other+"/app is in another namespace than "+tenant,
		"--no-cross-namespace-refs", "consent with the annotation trigger.nebius.ai/allow-from: "+tenant+" on the HelmRelease")
	for _, name := range []string{"app", "undisturbed"} {
		e.Eventually(e.revision(tenant, name)).Should(Equal(2))
	}
	e.setData(cm, "key", "two")
	e.Eventually(e.deliveredRevision(tenant, "undisturbed", "undisturbed")).Should(BeEquivalentTo(3))
	e.Eventually(e.revision(tenant, "app")).Should(Equal(3), "the target beside the denied one")
	e.untouched(other, "app")

	annotate(e, kit.Release(other, "app"), map[string]string{triggerv1.AllowFromAnnotation: tenant})
	e.Eventually(e.condition(tenant, "mine", meta.ReadyCondition)).Should(Equal("True Succeeded: Delivered to all 2 HelmReleases"))
	e.Expect(e.revision(other, "app")()).To(Equal(2))
	e.stay(tenant, map[string]int{"app": 3, "undisturbed": 3})
}

func deniedSource(e *env, _ *operator.Operator) {
	tenant, other := e.namespace("tenant"), e.namespace("other")
	e.releases(kit.Release(tenant, "app"))
	e.create(settings(other))
	e.create(kit.Trigger(tenant, "mine", kit.From(cmKind, "settings", kit.SourceIn(other)), kit.To("app")))
	e.stalled(tenant, "mine", acl.AccessDeniedReason, "spec.sources[0]: namespace "+other, "--no-cross-namespace-refs", "create the ValuesTrigger in "+other)
	e.untouched(tenant, "app")

	// It is not for the release to say who may read what is in another namespace, and
	// nothing of that is disclosed: not even whether it exists.
	annotate(e, kit.Release(tenant, "app"), map[string]string{triggerv1.AllowFromAnnotation: other})
	e.create(kit.Trigger(tenant, "guess", kit.From(cmKind, "does-not-exist", kit.SourceIn(other)), kit.To("app")))
	e.stalled(tenant, "guess", acl.AccessDeniedReason, "spec.sources[0]: namespace "+other)
	vt, err := e.trigger(tenant, "mine")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Status.Sources).To(BeEmpty())
	e.untouched(tenant, "app")
}

func deniedContract(e *env, op *operator.Operator) {
	tenant, other := e.namespace("tenant"), e.namespace("other")
	e.releases(kit.Release(other, "app"), kit.Release(other, "own"))
	cm := kit.Source(settings(tenant), "app, own", other)
	mark := e.mark()
	e.create(cm)
	for _, name := range []string{"app", "own"} {
		e.Eventually(e.eventsAbout(cmKind, tenant, "settings", corev1.EventTypeWarning, acl.AccessDeniedReason)).
			Should(ContainElement(And(ContainSubstring(other+"/"+name), ContainSubstring("--no-cross-namespace-refs"))))
	}
	e.setData(cm, "key", "two")
	e.Consistently(e.asked(op, other, mark), patience).Should(BeEmpty())
	e.untouched(other, "app")
	e.Expect(e.gone(kit.Trigger(other, auto("app")))()).To(BeTrue(), "nothing is generated for it")

	annotate(e, kit.Release(other, "app"), map[string]string{triggerv1.AllowFromAnnotation: tenant})
	e.Eventually(e.deliveredRevision(other, "app", "app")).Should(BeEquivalentTo(2))
	e.untouched(other, "own")
}

// impersonated returns the requests that an operator makes as a service account.
func (e *env) impersonated(op *operator.Operator, namespace, account string, since world.AuditMark) func() ([]world.AuditEvent, error) {
	return func() ([]world.AuditEvent, error) {
		return e.w.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
			return event.User == op.User() && event.Impersonated == world.ServiceAccountUser(namespace, account)
		})
	}
}

func accountWithoutRights(e *env, op *operator.Operator) {
	ns := e.namespace("account")
	e.releases(kit.Release(ns, "app"))
	e.create(settings(ns))
	e.account(ns, "deployer")
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app"), kit.As("deployer")))
	e.create(kit.Trigger(ns, "stranger", kit.From(cmKind, "settings"), kit.To("app"), kit.As("stranger")))
	for trigger, account := range map[string]string{"mine": "deployer", "stranger": "stranger"} {
		e.stalled(ns, trigger, acl.AccessDeniedReason, "ServiceAccount "+ns+"/"+account+" was refused",
			`configmaps "settings" is forbidden`, "grant it get on the sources, get, list and patch on the HelmReleases")
	}
	mark := e.mark()
	e.Consistently(e.impersonated(op, ns, "deployer", mark), 2*patience).Should(BeEmpty(), "no storm of retries")
	e.untouched(ns, "app")

	e.grant(ns, types.NamespacedName{Namespace: ns, Name: "deployer"}, mayRead("configmaps"), mayOnReleases("get", "list", "patch"))
	e.request(ns, "mine", "now")
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))
	e.setData(settings(ns), "key", "two")
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(3))
	e.Expect(e.asked(op, ns, mark)()).To(And(HaveLen(2),
		HaveEach(HaveField("Impersonated", world.ServiceAccountUser(ns, "deployer")))))
}

func accountThatMayOnlyRead(e *env, op *operator.Operator) {
	ns := e.namespace("account")
	e.releases(kit.Release(ns, "app"))
	e.create(settings(ns))
	e.account(ns, "reader", mayRead("configmaps"), mayOnReleases("get", "list"))
	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app"), kit.As("reader")))
	e.stalled(ns, "mine", acl.AccessDeniedReason, "ServiceAccount "+ns+"/reader was refused", `cannot patch resource "helmreleases"`)
	mark := e.mark()
	e.Consistently(e.impersonated(op, ns, "reader", mark), 2*patience).Should(BeEmpty(), "no storm of retries")
	e.untouched(ns, "app")

	e.grant(ns, types.NamespacedName{Namespace: ns, Name: "reader"}, mayOnReleases("patch"))
	e.request(ns, "mine", "now")
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))
}

// forgedTrigger writes triggers that present themselves as generated by the operator.
func forgedTrigger(e *env, op *operator.Operator) {
	tenant, other := e.namespace("tenant"), e.namespace("other")
	e.releases(kit.Release(tenant, "app"), kit.Release(other, "app"))
	hidden := kit.Secret(other, "hidden", map[string]string{"key": "one"})
	e.create(hidden)
	e.create(settings(tenant))
	forged := func(name string, modify ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		vt := kit.Trigger(tenant, name, modify...)
		vt.Labels = map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager}
		vt.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(e.get(tenant, "app"), helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))}
		return vt
	}
	mark := e.mark()
	e.create(forged("target", kit.From(cmKind, "settings"), kit.To("app", kit.TargetIn(other))))
	e.stalled(tenant, "target", triggerv1.InvalidSpecReason, "remove the label app.kubernetes.io/managed-by")
	e.create(forged("source", kit.From(secretKind, "hidden", kit.SourceIn(other)), kit.To("app")))
	e.Eventually(e.gone(kit.Trigger(tenant, "source"))).Should(BeTrue(), "the operator takes it for a leftover of its own")
	e.create(forged("app", kit.From(secretKind, "hidden", kit.SourceIn(other)), kit.To("app"), kit.To("app", kit.TargetIn(other))))
	e.Eventually(e.gone(kit.Trigger(tenant, "app"))).Should(BeTrue())
	edit(e, hidden, func(s *corev1.Secret) { s.StringData = map[string]string{"key": "two"} })

	e.Consistently(e.asked(op, tenant, mark), patience).Should(BeEmpty())
	e.Expect(e.asked(op, other, mark)()).To(BeEmpty())
	reads, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return event.User == op.User() && event.Resource == "secrets" && event.Name == "hidden"
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(reads).To(BeEmpty())
}

func defaultAccount(e *env) {
	ns := e.namespace("default")
	deployer := types.NamespacedName{Namespace: ns, Name: "deployer"}
	e.releases(kit.Release(ns, "app"), kit.Release(ns, "other"))
	e.create(kit.Source(settings(ns), "app", ns))
	e.stalled(ns, "app", acl.AccessDeniedReason, "ServiceAccount "+ns+"/deployer was refused", `cannot patch resource "helmreleases"`)
	e.untouched(ns, "app")

	e.account(ns, "deployer", mayOnReleases("patch"))
	e.request(ns, auto("app"), "now")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2), "the contract says what is read")

	e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("other")))
	e.stalled(ns, "mine", acl.AccessDeniedReason, "ServiceAccount "+ns+"/deployer was refused", `configmaps "settings" is forbidden`)
	e.create(kit.Trigger(ns, "theirs", kit.From(cmKind, "settings"), kit.To("other"), kit.As("admin")))
	e.stalled(ns, "theirs", acl.AccessDeniedReason, "the operator may not act as ServiceAccount "+ns+"/admin")
	e.untouched(ns, "other")
	e.grant(ns, deployer, mayRead("configmaps"), mayOnReleases("get", "list"))
	e.request(ns, "mine", "now")
	e.Eventually(e.deliveredRevision(ns, "mine", "other")).Should(BeEquivalentTo(2))
}

// Helm keeps each revision in a Secret. Were that a source, each revision would make the
// next.
func accountThatSelectsSecrets(e *env, _ *operator.Operator) {
	ns := e.namespace("account")
	e.releases(kit.Release(ns, "app"))
	mine := kit.Secret(ns, "mine", map[string]string{"key": "one"})
	e.create(mine)
	e.account(ns, "deployer", mayRead("secrets"), mayOnReleases("get", "list", "patch"))
	vt := kit.Trigger(ns, "mine", kit.To("app"), kit.As("deployer"))
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: secretKind, Selector: &triggerv1.Selector{}}}
	e.create(vt)
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))
	e.stay(ns, map[string]int{"app": 2})
}
