// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// hostileAuthor is an account that may edit nothing but ValuesTriggers in one namespace,
// with an operator that keeps namespaces apart.
func hostileAuthor(e *env, op *operator.Operator) {
	tenant, victim := e.namespace("hostile"), e.namespace("victim")
	hidden := kit.Secret(victim, "hidden", map[string]string{"key": "hunter2"})
	e.create(hidden)
	good := kit.Values(victim, "values", "a: 1\n")
	e.create(good)
	e.releases(kit.Labelled(kit.Release(victim, "app", kit.Reads(cmKind, "values")), "app", "app"), kit.Release(victim, "other"), kit.Release(tenant, "own"))
	e.create(settings(tenant))
	e.account(tenant, "powerless")
	e.Eventually(e.deliveredRevision(victim, "app", "app")).Should(BeEquivalentTo(1))
	editor := e.editor(tenant, triggerv1.GroupVersion.Group, "valuestriggers")
	mark := e.mark()

	attacks := map[string]*triggerv1.ValuesTrigger{
		"reads a Secret":          kit.Trigger(tenant, "reads", kit.From(secretKind, "hidden", kit.SourceIn(victim)), kit.To("own")),
		"reads what is not there": kit.Trigger(tenant, "guesses", kit.From(secretKind, "missing", kit.SourceIn(victim)), kit.To("own")),
		"reads all Secrets": kit.Trigger(tenant, "reads-all", kit.From(secretKind, "", kit.SourceIn(victim), func(ref *triggerv1.SourceReference) {
			ref.Selector = kit.Selecting("tier", "gold")
		}), kit.To("own")),
		"triggers a release":         kit.Trigger(tenant, "triggers", kit.From(cmKind, "settings"), kit.To("app", kit.TargetIn(victim))),
		"triggers what is not there": kit.Trigger(tenant, "knocks", kit.From(cmKind, "settings"), kit.To("missing", kit.TargetIn(victim))),
		"triggers all releases": kit.Trigger(tenant, "triggers-all", kit.From(cmKind, "settings"), kit.To("", func(ref *triggerv1.TargetReference) {
			ref.Selector, ref.NamespaceSelector = kit.Selecting("app", "app"), kit.Selecting("kubernetes.io/metadata.name", victim)
		})),
		"acts as another account": kit.Trigger(tenant, "acts", kit.From(cmKind, "settings"), kit.To("app", kit.TargetIn(victim)), kit.As("powerless")),
	}
	for name, vt := range attacks {
		e.Expect(editor.Create(e.ctx, vt)).To(Succeed(), name)
	}
	for name, vt := range attacks {
		e.Eventually(e.condition(tenant, vt.Name, meta.StalledCondition)).Should(HavePrefix("True "+acl.AccessDeniedReason+": "), name)
	}
	// What is denied says the same of what is there and of what is not.
	said := func(name, about string) string {
		message, err := e.condition(tenant, name, meta.ReadyCondition)()
		e.Expect(err).NotTo(HaveOccurred())
		return strings.ReplaceAll(message, about, "it")
	}
	e.Expect(said("reads", "hidden")).To(Equal(said("guesses", "missing")))
	e.Expect(said("triggers", victim+"/app")).To(Equal(said("knocks", victim+"/missing")))

	// The status is not his, and neither are the marks of what the operator has made.
	vt, err := e.trigger(tenant, "triggers")
	e.Expect(err).NotTo(HaveOccurred())
	vt.Status.Targets = nil
	e.Expect(editor.Status().Update(e.ctx, vt)).To(Satisfy(apierrors.IsForbidden))
	controller := metav1.NewControllerRef(e.get(victim, "app"), helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
	for i, modify := range []func(*triggerv1.ValuesTrigger){
		kit.To("app", kit.TargetIn(victim)), // of a release of the same name elsewhere
		kit.To("own"),
	} {
		forged := kit.Trigger(tenant, fmt.Sprint("forged-", i), kit.From(secretKind, "hidden", kit.SourceIn(victim)), modify)
		forged.Labels = map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager}
		forged.OwnerReferences = []metav1.OwnerReference{*controller}
		e.Expect(client.IgnoreAlreadyExists(editor.Create(e.ctx, forged))).To(Succeed())
	}

	// Meanwhile the other namespace works as before, and nothing of it was read
	// that no one there refers to.
	edit(e, hidden, func(s *corev1.Secret) { s.StringData = map[string]string{"key": "hunter3"} })
	e.setData(settings(tenant), "key", "two")
	e.setValues(good, "a: 2\n")
	e.Eventually(e.deliveredRevision(victim, "app", "app")).Should(BeEquivalentTo(2))
	e.Consistently(e.asked(op, victim, mark), patience).Should(HaveLen(1), "of its own trigger")
	e.untouched(victim, "other")
	e.untouched(tenant, "own")
	seen, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return event.User == op.User() && event.Namespace == victim && event.Resource == "secrets" && event.Verb == "get"
	})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(seen).To(BeEmpty())
}
