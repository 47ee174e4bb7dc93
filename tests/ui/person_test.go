// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// person returns the kubeconfig of someone with a role in a namespace.
func (e *env) person(ns, name, role string) string {
	e.t.Helper()
	account := &corev1.ServiceAccount{}
	account.Namespace, account.Name = ns, name
	binding := &rbacv1.RoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: name}},
	}
	binding.Namespace, binding.Name = ns, name
	e.create(account, binding)
	path, err := e.w.KubeconfigForServiceAccount(e.ctx, ns, name)
	e.Expect(err).NotTo(HaveOccurred())
	return path
}

func TestPerson_sees_and_does_what_they_may(t *testing.T) {
	e := in(t, shared)
	ns, other := e.namespace("team"), e.namespace("other")
	e.staged(ns, stage("only", triggerv1.ApprovalManual))
	e.staged(other, stage("only", ""))
	e.edit(ns, "prices", "discount: 20\n")

	t.Run("who may only look", func(t *testing.T) {
		e := in(t, shared)
		tb := e.open(e.serve(e.person(ns, "viewer", "view")))
		tb.shows("body", "ValuesTriggers are shown of namespace team only: you may not list them in all namespaces.", "Needs a person 1")
		tb.Expect(tb.text("main")).NotTo(ContainSubstring("other"))
		tb.visit("/board/" + ns + "/prices")
		tb.shows(".head", "AwaitingApproval")
		tb.shows(".actions", "Approve needs the verb patch", "Suspend needs the verb patch")
		tb.Expect(evaluate[int](tb, `document.querySelectorAll(".actions a").length`)).To(BeZero())
		tb.accessible()
		tb.picture("ui-viewer", 1280, 620, "light")
	})
	t.Run("who may edit, and not approve", func(t *testing.T) {
		e := in(t, shared)
		tb := e.open(e.serve(e.person(ns, "editor", "edit")))
		tb.visit("/board/" + ns + "/prices")
		tb.shows(".actions", "Approve needs the verb approve", "Reject needs the verb approve", "Suspend", "Override needs the verb override")
		tb.Expect(tb.text(".actions")).NotTo(ContainSubstring("Suspend needs"))
		tb.accessible()
		tb.Expect(e.trigger(ns).Annotations).NotTo(HaveKey(triggerv1.ApproveAnnotation), "what was tried is not written")
	})
}
