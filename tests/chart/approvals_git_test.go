// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"strings"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// flux applies as an account that has none of the verbs.
func (p people) flux() {
	flux := world.ServiceAccountUser("flux-system", "kustomize-controller")
	tenant := world.ServiceAccountUser(team, "tenant")
	p.Expect(w.Client().Create(p.t.Context(), &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "applier"},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{triggerv1.GroupVersion.Group}, Resources: []string{"valuestriggers"}, Verbs: []string{"get", "create", "patch"}}},
	})).To(Succeed())
	p.Expect(w.Client().Create(p.t.Context(), &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, Name: "applier"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "applier"},
		Subjects: []rbacv1.Subject{
			{APIGroup: rbacv1.GroupName, Kind: "User", Name: flux}, {APIGroup: rbacv1.GroupName, Kind: "User", Name: tenant}},
	})).To(Succeed())
	apply := func(user, manifest string) error {
		return p.apply(user, manifest, "apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
	}
	manifest := func(suspend bool, approval string) string {
		return fmt.Sprintf(gatedTrigger, "applied", suspend, approval)
	}
	p.Eventually(func() error { return apply(flux, manifest(false, "Manual")) }, timeout).Should(Succeed())
	p.Expect(apply(flux, manifest(false, "Manual"))).To(Succeed()) // Now the API server stores its defaults.
	version := p.get("applied").ResourceVersion
	p.Expect(apply(flux, manifest(false, "Manual"))).To(Succeed())
	p.Expect(apply(tenant, manifest(false, "Manual"))).To(Succeed())
	p.Expect(p.get("applied").ResourceVersion).To(Equal(version), "nothing changed")

	// Annotations of people stay, and Flux puts back what Git says.
	p.Expect(p.annotate("approver", "applied", "trigger.nebius.ai/approve=1", "--field-manager=flux-client-side-apply")).To(Succeed())
	p.Expect(p.patch("editor", "applied", `{"spec":{"suspend":true}}`)).To(Succeed())
	p.Expect(apply(tenant, manifest(false, "Manual"))).To(MatchError(ContainSubstring("the verb suspend")), "not one of approvals.appliers")
	p.Expect(apply(flux, manifest(false, "Manual"))).To(Succeed())
	p.Expect(p.get("applied").Spec.Suspend).To(BeFalse())
	p.Expect(p.get("applied").Annotations).To(And(
		HaveKeyWithValue(triggerv1.ApproveAnnotation, "1"), HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "approver"),
		HaveKeyWithValue(triggerv1.SuspendedByAnnotation, flux)))
	p.Expect(apply(tenant, manifest(false, "Automatic"))).To(MatchError(ContainSubstring("may not change the spec")))
	p.Expect(apply(flux, manifest(false, "Automatic"))).To(Succeed())

	approving := strings.Replace(manifest(false, "Automatic"), "metadata:\n", "metadata:\n  annotations: {trigger.nebius.ai/approve: '2'}\n", 1)
	p.Expect(apply(flux, approving)).To(MatchError(ContainSubstring(flux+" may not approve")), "a manifest approves nothing")
	p.Expect(apply(flux, strings.ReplaceAll(approving, "applied", "approved"))).To(MatchError(ContainSubstring("the verb approve")), "nor a new one")
	p.Expect(apply(flux, strings.Replace(approving, "'2'", "'1'", 1))).To(Succeed(), "what is there already")
}

// operator acts as the account that the chart has made, by its real token.
func (p people) operator() {
	kubeconfig, err := w.KubeconfigForServiceAccount(p.t.Context(), namespace, manager)
	p.Expect(err).NotTo(HaveOccurred())
	p.create("operated", true)
	run := func(args ...string) error {
		_, err := w.Kubectl(p.t.Context(), append([]string{"--kubeconfig", kubeconfig, "-n", team}, args...)...)
		return err
	}
	p.Expect(run("patch", "vt/operated", "--subresource=status", "--type=merge", "-p", `{"status":{"lastDigest":"seen"}}`)).To(Succeed())
	p.Expect(p.get("operated").Status.LastDigest).To(Equal("seen"))

	// A generated trigger whose name changes is made again, with who suspended it.
	again := strings.Replace(fmt.Sprintf(gatedTrigger, "renamed", true, "Manual"), "metadata:\n",
		"metadata:\n  annotations: {"+triggerv1.SuspendedByAnnotation+": editor}\n", 1)
	_, err = w.KubectlInput(p.t.Context(), again, "--kubeconfig", kubeconfig, "apply", "--server-side", "--field-manager=helmrelease-trigger-operator", "-f", "-")
	p.Expect(err).NotTo(HaveOccurred())
	p.Expect(p.get("renamed").Annotations).To(HaveKeyWithValue(triggerv1.SuspendedByAnnotation, "editor"))
	p.Expect(p.annotate("editor", "renamed", "example.com/other=1")).To(Succeed())
	p.Expect(p.get("renamed").Annotations).To(HaveKeyWithValue(triggerv1.SuspendedByAnnotation, "editor"))
}

// empty has objects without annotations and without most of a spec.
func (p people) empty() {
	const bare = `{"apiVersion":"trigger.nebius.ai/v1beta1","kind":"ValuesTrigger","metadata":{"namespace":"approvals","name":"bare"%s},
		"spec":{"sources":[{"kind":"ConfigMap","name":"a"}],"targets":[{"name":"a"}]}}`
	p.Expect(p.apply("editor", fmt.Sprintf(bare, ""), "create")).To(Succeed())
	p.Expect(p.get("bare").Annotations).To(BeEmpty())
	p.Expect(p.as("editor", "label", "-n", team, "vt/bare", "a=b")).To(Succeed())
	p.Expect(p.get("bare").Annotations).To(BeEmpty())
	p.Expect(p.patch("editor", "bare", `{"metadata":{"annotations":null},"spec":{"suspend":false}}`)).To(Succeed())
	p.Expect(p.patch("editor", "bare", `{"spec":{"suspend":true}}`)).To(Succeed())
	p.Expect(p.get("bare").Annotations).To(Equal(map[string]string{triggerv1.SuspendedByAnnotation: "editor"}))
	p.Expect(p.annotate("editor", "bare", "trigger.nebius.ai/approve=")).To(Succeed(), "it asks for nothing")
	for _, broken := range []string{`{"spec":null}`, `{"spec":{"suspend":"yes"}}`, `{"spec":{"suspend":[]}}`, `{"spec":{"targets":null}}`} {
		p.Expect(p.patch(world.AdminUser, "bare", broken)).To(MatchError(Not(ContainSubstring("AdmissionPolicy"))), broken)
	}
}

// byHand is about API servers that have no MutatingAdmissionPolicies: the client writes who did what, and no one else.
func (p people) byHand() {
	p.create("by-hand", false)
	p.Expect(p.as(world.AdminUser, "delete", "mutatingadmissionpolicybinding", release+"-record-users")).To(Succeed())
	const approve, name = triggerv1.ApproveAnnotation, triggerv1.ApprovedByAnnotation
	p.Eventually(func() error {
		p.Expect(p.annotate("admin", "by-hand", approve+"-", name+"-")).To(Succeed())
		return p.annotate("admin", "by-hand", approve+"=1")
	}, timeout).Should(MatchError(
		ContainSubstring("the annotations of ValuesTrigger approvals/by-hand have to name who did what: set " + name + ` to "admin"`)))
	p.Expect(p.annotate("admin", "by-hand", approve+"=2", name+"=boss")).NotTo(Succeed())
	p.Expect(p.annotate("admin", "by-hand", approve+"=2", name+"=admin")).To(Succeed())
	p.Expect(p.annotate("both", "by-hand", name+"=both")).To(MatchError(ContainSubstring(`to "admin"`)))
	p.Expect(p.annotate("both", "by-hand", approve+"=3")).To(MatchError(ContainSubstring(`to "both"`)), "it would be in the name of another")
	p.Expect(p.annotate("both", "by-hand", approve+"-")).To(MatchError(ContainSubstring("remove " + name)))
	p.Expect(p.annotate("both", "by-hand", approve+"-", name+"-")).To(Succeed())

	flux := world.ServiceAccountUser("flux-system", "kustomize-controller")
	apply := func(suspend bool) error {
		return p.apply(flux, fmt.Sprintf(gatedTrigger, "by-hand", suspend, "Manual"), "apply", "--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
	}
	p.Expect(p.patch("editor", "by-hand", `{"spec":{"suspend":true},"metadata":{"annotations":{"`+triggerv1.SuspendedByAnnotation+`":"editor"}}}`)).To(Succeed())
	p.Expect(apply(false)).To(Succeed(), "who applies writes no annotation")
	p.Expect(apply(true)).To(Succeed())
}
