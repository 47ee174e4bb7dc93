// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// TestFourEyes has people edit sources and approve what they hold on a real API server.
func TestFourEyes(t *testing.T) {
	p, served := enforced(t, "approvals: {enforce: true, fourEyes: true}")
	if !served {
		return
	}
	p.Expect(p.as("admin", "create", "cm", "probe", "-n", team)).To(Succeed())
	p.Eventually(func() string {
		p.Expect(p.as("admin", "label", "-n", team, "cm/probe", triggerv1.FourEyesLabel+"-")).To(Succeed())
		p.Expect(p.as("admin", "label", "-n", team, "cm/probe", triggerv1.FourEyesLabel+"=true")).To(Succeed())
		return p.editedBy("probe")
	}, timeout).Should(Equal("admin"), "the policies take effect a moment after they are made")
	t.Run("who edits a source is recorded", p.test((people).editors))
	t.Run("a Secret", p.test((people).secret))
	t.Run("who edited may not approve", p.test((people).fourEyes))
}

func (p people) editedBy(name string) string {
	cm := &corev1.ConfigMap{}
	p.Expect(w.Client().Get(p.t.Context(), client.ObjectKey{Namespace: team, Name: name}, cm)).To(Succeed())
	p.Expect(cm.Labels).To(HaveKeyWithValue(triggerv1.FourEyesLabel, "true"))
	return cm.Annotations[triggerv1.EditedByAnnotation]
}

func (p people) editors() {
	const manifest = `apiVersion: v1
kind: ConfigMap
metadata: {namespace: approvals, name: source, labels: {trigger.nebius.ai/four-eyes: "true"}%s}
data: {values.yaml: "%s"}
`
	const boss = `, annotations: {trigger.nebius.ai/edited-by: boss}`
	patch := func(user, patch string) error {
		return p.as(user, "patch", "-n", team, "cm/source", "--type=merge", "-p", patch)
	}
	by := func() string { return p.editedBy("source") }
	p.Expect(p.apply("editor", fmt.Sprintf(manifest, boss, "1"), "apply", "--server-side")).To(Succeed())
	p.Expect(by()).To(Equal("editor"))
	p.Expect(p.apply("admin", fmt.Sprintf(manifest, boss, "1"), "apply", "--server-side", "--force-conflicts", "--field-manager=other")).To(Succeed())
	p.Expect(by()).To(Equal("editor"), "nothing changed")
	p.Expect(p.apply("admin", fmt.Sprintf(manifest, "", "2"), "replace")).To(Succeed())
	p.Expect(by()).To(Equal("admin"))
	for _, forged := range []string{
		`{"metadata":{"annotations":{"trigger.nebius.ai/edited-by":"boss"}}}`, `{"metadata":{"annotations":{"trigger.nebius.ai/edited-by":null}}}`,
		`{"metadata":{"annotations":null}}`, `{"metadata":{"labels":{"trigger.nebius.ai/four-eyes":null}}}`, `{"metadata":{"labels":null,"annotations":null}}`,
	} {
		p.Expect(patch("editor", forged)).To(Succeed())
		p.Expect(by()).To(Equal("admin"), forged)
	}
	p.Expect(patch("editor", `{"metadata":{"labels":null,"annotations":null},"data":{"values.yaml":"3"}}`)).To(Succeed())
	p.Expect(by()).To(Equal("editor"), "an edit that also removes the label")
	p.Expect(patch("both", `{"binaryData":{"more":"AAAA"}}`)).To(Succeed())
	p.Expect(by()).To(Equal("both"))
	p.Expect(patch("editor", `{"data":null}`)).To(Succeed())
	p.Expect(by()).To(Equal("editor"))

	// Who adds the label answers for what is there, whatever it says.
	unlabelled := strings.NewReplacer("name: source", "name: late", `, labels: {trigger.nebius.ai/four-eyes: "true"}`, "").Replace(fmt.Sprintf(manifest, boss, "1"))
	p.Expect(p.apply("editor", unlabelled, "create")).To(Succeed())
	p.Expect(p.as("both", "label", "-n", team, "cm/late", triggerv1.FourEyesLabel+"=true")).To(Succeed())
	p.Expect(p.editedBy("late")).To(Equal("both"))

	// No content is too large for the policies.
	large := fmt.Sprintf(`{"data":{"values.yaml":%q}}`, strings.Repeat("0123456789", 60_000))
	p.Expect(p.as("admin", "patch", "-n", team, "cm/source", "--type=merge", "--patch-file", valuesFile(p.t, large))).To(Succeed())
	p.Expect(patch("both", `{"data":{"small":"1"}}`)).To(Succeed())
	p.Expect(by()).To(Equal("both"))

	// The operator notes what it has delivered.
	kubeconfig, err := w.KubeconfigForServiceAccount(p.t.Context(), namespace, manager)
	p.Expect(err).NotTo(HaveOccurred())
	_, err = w.Kubectl(p.t.Context(), "--kubeconfig", kubeconfig, "annotate", "-n", team, "cm/source", triggerv1.HashAnnotation+"=sha256:1")
	p.Expect(err).NotTo(HaveOccurred())
	p.Expect(by()).To(Equal("both"))
}

func (p people) secret() {
	p.Expect(p.as("editor", "create", "secret", "generic", "-n", team, "secret", "--from-literal=key=1")).To(Succeed())
	p.Expect(p.as("both", "label", "-n", team, "secret/secret", triggerv1.FourEyesLabel+"=true")).To(Succeed())
	by := func() string {
		secret := &corev1.Secret{}
		p.Expect(w.Client().Get(p.t.Context(), client.ObjectKey{Namespace: team, Name: "secret"}, secret)).To(Succeed())
		return secret.Annotations[triggerv1.EditedByAnnotation]
	}
	p.Expect(by()).To(Equal("both"))
	p.Expect(p.as("editor", "patch", "-n", team, "secret/secret", "-p", `{"stringData":{"key":"1"}}`)).To(Succeed())
	p.Expect(by()).To(Equal("both"), "the same content")
	p.Expect(p.as("editor", "patch", "-n", team, "secret/secret", "-p", `{"stringData":{"key":"2"}}`)).To(Succeed())
	p.Expect(by()).To(Equal("editor"))
}

func (p people) fourEyes() {
	p.create("eyes", false)
	status := func(rollout string) {
		p.Expect(p.patch(world.AdminUser, "eyes", `{"status":{"rollout":`+rollout+`}}`, "--subresource=status")).To(Succeed())
	}
	approve := func(user, value string) error { return p.annotate(user, "eyes", triggerv1.ApproveAnnotation+"="+value) }
	p.Expect(approve("approver", "sha256:a/prod")).To(MatchError(ContainSubstring("that of ValuesTrigger approvals/eyes is none")))

	status(`{"digest":"sha256:a","phase":"AwaitingApproval"}`)
	p.Expect(approve("approver", "sha256:a/prod")).To(MatchError(And(
		ContainSubstring("it is not known who edited the content"), ContainSubstring("label all its sources with trigger.nebius.ai/four-eyes=true"))))
	status(`{"digest":"sha256:a","phase":"AwaitingApproval","editedBy":["","both"]}`)
	p.Expect(approve("approver", "sha256:a/prod")).To(MatchError(ContainSubstring("it is not known who edited the content")))

	status(`{"digest":"sha256:a","phase":"AwaitingApproval","editedBy":["both","tom"]}`)
	p.Expect(approve("both", "sha256:a/prod")).To(MatchError(And(
		ContainSubstring("both edited the content of ValuesTrigger approvals/eyes"), ContainSubstring("another person has to"))))
	p.Expect(approve("editor", "sha256:a/prod")).To(MatchError(ContainSubstring("the verb approve")))
	for _, other := range []string{"sha256:b/prod", "sha256:", "sha256:aa/prod", "x/sha256:a"} {
		p.Expect(approve("approver", other)).To(MatchError(ContainSubstring("is sha256:a (status.rollout.digest)")), other)
	}
	p.Expect(approve("approver", "sha256:a/prod")).To(Succeed())
	p.Expect(p.get("eyes").Annotations).To(HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "approver"))
	p.Expect(approve("approver", "sha256:a")).To(Succeed())

	// It is about approvals. The annotation may stay, go, and stand beside others.
	status(`{"digest":"sha256:b","phase":"AwaitingApproval","editedBy":["both"]}`)
	p.Expect(p.annotate("both", "eyes", "example.com/other=1")).To(Succeed())
	p.Expect(p.annotate("both", "eyes", triggerv1.RejectAnnotation+"=sha256:b")).To(Succeed())
	p.Expect(p.annotate("both", "eyes", triggerv1.ApproveAnnotation+"-")).To(Succeed())

	created := strings.Replace(fmt.Sprintf(gatedTrigger, "eyes-created", false, "Manual"), "metadata:\n", "metadata:\n  annotations: {trigger.nebius.ai/approve: 'sha256:a'}\n", 1)
	p.Expect(p.apply("both", created, "create")).To(MatchError(ContainSubstring("only content that is being rolled out can be approved")))
}
