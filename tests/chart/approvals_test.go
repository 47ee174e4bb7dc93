// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// TestApprovals has people do on a real API server what approvals.enforce is about.
func TestApprovals(t *testing.T) {
	p, served := enforced(t, "approvals: {enforce: true}")
	if !served {
		return
	}
	t.Run("takes the verb, and records the name", p.test((people).verbs))
	t.Run("no name is forged", p.test((people).forgeries))
	t.Run("an override is one only beside requestedAt", p.test((people).overrides))
	t.Run("a retry", p.test((people).retries))
	t.Run("suspend", p.test((people).suspends))
	t.Run("what holds changes back", p.test((people).gates))
	t.Run("Flux", p.test((people).flux))
	t.Run("the operator", p.test((people).operator))
	t.Run("objects that have little", p.test((people).empty))
	t.Run("without MutatingAdmissionPolicies", p.test((people).byHand))
}

func (p people) test(f func(people)) func(*testing.T) {
	return func(t *testing.T) { f(people{Gomega: NewWithT(t), t: t}) }
}

// by are the annotations that name who did what, by the one with which it is done.
var by = map[string]string{
	triggerv1.ApproveAnnotation:  triggerv1.ApprovedByAnnotation,
	triggerv1.RejectAnnotation:   triggerv1.RejectedByAnnotation,
	triggerv1.RollbackAnnotation: triggerv1.RolledBackByAnnotation,
}

func (p people) verbs() {
	p.create("verbs", false)
	for annotation, name := range by {
		err := p.annotate("editor", "verbs", annotation+"=1")
		p.Expect(err).To(MatchError(And(
			ContainSubstring("editor may not approve, reject or roll back ValuesTrigger approvals/verbs"),
			ContainSubstring("the verb approve on valuestriggers.trigger.nebius.ai"),
			ContainSubstring("RoleBinding in namespace approvals to ClusterRole "+release+"-valuestrigger-approver-role"))))
		p.Expect(p.annotate("approver", "verbs", annotation+"=1")).To(Succeed())
		p.Expect(p.get("verbs").Annotations).To(HaveKeyWithValue(name, "approver"))
		p.Expect(p.annotate("admin", "verbs", "example.com/other=1")).To(Succeed())
		p.Expect(p.annotate("admin", "verbs", annotation+"=1")).To(Succeed(), "the same again")
		p.Expect(p.get("verbs").Annotations).To(HaveKeyWithValue(name, "approver"))
		p.Expect(p.annotate("admin", "verbs", annotation+"=2")).To(Succeed())
		p.Expect(p.get("verbs").Annotations).To(HaveKeyWithValue(name, "admin"))

		// What was seen counts, whatever becomes of the annotation: it takes no verb to remove it.
		p.Expect(p.annotate("editor", "verbs", annotation+"-")).To(Succeed())
		p.Expect(p.get("verbs").Annotations).NotTo(HaveKey(name))
	}
	for user, verbs := range map[string][]string{
		"admin": {"approve", "override", "suspend"}, "editor": {"suspend"}, "approver": {"approve"}, "no one": nil,
	} {
		for _, verb := range []string{"approve", "override", "suspend"} {
			may := ContainElement(verb)
			matches, err := may.Match(verbs)
			p.Expect(err).NotTo(HaveOccurred())
			p.Expect(p.as(user, "auth", "can-i", verb, "vt/verbs", "-n", team) == nil).To(Equal(matches), "%s %s", user, verb)
		}
	}
}

func (p people) forgeries() {
	p.create("forged", false)
	for annotation, name := range by {
		p.Expect(p.annotate("approver", "forged", annotation+"=1", name+"=boss")).To(Succeed())
		p.Expect(p.get("forged").Annotations).To(HaveKeyWithValue(name, "approver"), "beside what it is about")
		for _, forger := range []string{"editor", "admin", world.AdminUser} {
			p.Expect(p.annotate(forger, "forged", name+"=boss")).To(Succeed())
			p.Expect(p.annotate(forger, "forged", name+"-")).To(Succeed())
			p.Expect(p.get("forged").Annotations).To(HaveKeyWithValue(name, "approver"), "alone")
		}
	}
	manifest := fmt.Sprintf(gatedTrigger, "forged", false, "Manual")
	with := func(annotations ...string) string {
		return strings.Replace(manifest, "metadata:\n", "metadata:\n  annotations: {"+strings.Join(annotations, ", ")+"}\n", 1)
	}
	const approve, boss = triggerv1.ApproveAnnotation + ": '1'", triggerv1.ApprovedByAnnotation + ": boss"
	for _, args := range [][]string{{"apply", "--server-side", "--force-conflicts"}, {"replace"}, {"apply"}} {
		p.Expect(p.apply("both", with(approve, boss), args...)).To(Succeed())
		p.Expect(p.get("forged").Annotations).To(HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "approver"), "%v", args)
		p.Expect(p.apply("editor", with(approve[:len(approve)-1]+"2'", boss), args...)).To(MatchError(ContainSubstring("the verb approve")), "%v", args)
	}
	p.Expect(p.apply("both", with(boss), "replace")).To(Succeed())
	p.Expect(p.get("forged").Annotations).NotTo(Or(HaveKey(triggerv1.ApproveAnnotation), HaveKey(triggerv1.ApprovedByAnnotation)))

	p.Expect(p.as("admin", "delete", "-n", team, "vt/forged")).To(Succeed())
	for i, args := range [][]string{{"apply", "--server-side"}, {"create"}, {"apply"}} {
		name := fmt.Sprintf("created-%d", i)
		created := strings.Replace(with(approve, boss), "name: forged", "name: "+name, 1)
		p.Expect(p.apply("editor", created, args...)).To(MatchError(ContainSubstring("the verb approve")), "%v", args)
		p.Expect(p.apply("both", created, args...)).To(Succeed(), "%v", args)
		p.Expect(p.get(name).Annotations).To(HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "both"), "%v", args)
	}

	// Who writes the status writes nothing but the status.
	p.Expect(p.patch(world.AdminUser, "created-0", `{"metadata":{"annotations":{"`+triggerv1.ApproveAnnotation+`":"2","`+
		triggerv1.ApprovedByAnnotation+`":"boss"}},"spec":{"suspend":true},"status":{"lastDigest":"written"}}`, "--subresource=status")).To(Succeed())
	vt := p.get("created-0")
	p.Expect(vt.Status.LastDigest).To(Equal("written"))
	p.Expect(vt.Spec.Suspend).To(BeFalse())
	p.Expect(vt.Annotations).To(And(HaveKeyWithValue(triggerv1.ApproveAnnotation, "1"), HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "both")))
	p.Expect(p.patch("both", "created-0", `{"status":{"lastDigest":"forged"}}`, "--subresource=status")).NotTo(Succeed())

	// Who may impersonate is the one whom he impersonates; who may not is no one else.
	p.Expect(p.as("both", "annotate", "--as-group=system:masters", "--overwrite", "-n", team, "vt/created-1", "trigger.nebius.ai/approve=9")).To(Succeed())
	p.Expect(p.get("created-1").Annotations).To(HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "both"))
}

func (p people) overrides() {
	const requested, force = "reconcile.fluxcd.io/requestedAt", "reconcile.fluxcd.io/forceAt"
	p.create("override", false)
	name := func() string { return p.get("override").Annotations[triggerv1.OverriddenByAnnotation] }
	p.Expect(p.annotate("editor", "override", requested+"=1")).To(Succeed())
	p.Expect(p.annotate("editor", "override", requested+"=2", force+"=2")).To(MatchError(And(
		ContainSubstring("editor may not force ValuesTrigger approvals/override"), ContainSubstring("the verb override"))))
	p.Expect(p.annotate("editor", "override", force+"=2")).To(Succeed(), "it counts for nothing")
	p.Expect(name()).To(BeEmpty())
	p.Expect(p.annotate("editor", "override", requested+"=2")).To(MatchError(ContainSubstring("the verb override")), "now it would")
	p.Expect(p.annotate("admin", "override", requested+"=2")).To(Succeed())
	p.Expect(name()).To(Equal("admin"))
	p.Expect(p.annotate("editor", "override", "example.com/other=1")).To(Succeed())
	p.Expect(name()).To(Equal("admin"))
	p.Expect(p.annotate("editor", "override", requested+"=3")).To(Succeed())
	p.Expect(name()).To(BeEmpty(), "it counts for nothing any more")
	p.Expect(p.annotate("editor", "override", requested+"=2")).To(MatchError(ContainSubstring("the verb override")))
	p.Expect(p.annotate("editor", "override", "trigger.nebius.ai/triggerAt=1")).To(Succeed(), "it overrides nothing")
}

// retries go on with what has halted, and withdraw what a person has decided.
func (p people) retries() {
	const requested, reset = "reconcile.fluxcd.io/requestedAt", "reconcile.fluxcd.io/resetAt"
	p.create("retry", false)
	p.Expect(p.annotate("editor", "retry", requested+"=1", reset+"=1")).To(Succeed())
	p.Expect(p.patch(world.AdminUser, "retry", `{"status":{"restored":{"revision":1,"digest":"sha256:a","rejects":"sha256:b","time":"2026-01-01T00:00:00Z"}}}`,
		"--subresource=status")).To(Succeed())
	p.Expect(p.annotate("editor", "retry", "example.com/other=1")).To(Succeed(), "the retry was there before")
	p.Expect(p.annotate("editor", "retry", requested+"=2")).To(Succeed(), "it is not a retry")
	p.Expect(p.annotate("editor", "retry", reset+"=2")).To(MatchError(And(
		ContainSubstring("editor may not retry ValuesTrigger approvals/retry, whose content a person has rejected"), ContainSubstring("the verb approve"))))
	p.Expect(p.annotate("approver", "retry", reset+"=2")).To(Succeed())

	p.Expect(p.patch(world.AdminUser, "retry", `{"status":{"restored":null,"rollout":{"digest":"sha256:b","phase":"Halted","rejectedBy":{"time":"2026-01-01T00:00:00Z"}}}}`,
		"--subresource=status")).To(Succeed())
	p.Expect(p.annotate("editor", "retry", requested+"=3", reset+"=3")).To(MatchError(ContainSubstring("the verb approve")))
	p.Expect(p.annotate("approver", "retry", requested+"=3", reset+"=3")).To(Succeed())
}

func (p people) suspends() {
	p.create("suspend", false)
	name := func() string { return p.get("suspend").Annotations[triggerv1.SuspendedByAnnotation] }
	p.Expect(name()).To(BeEmpty())
	p.Expect(p.patch("approver", "suspend", `{"spec":{"suspend":true}}`)).To(MatchError(And(
		ContainSubstring("approver may not suspend or resume ValuesTrigger approvals/suspend"), ContainSubstring("the verb suspend"))))
	p.Expect(p.patch("editor", "suspend", `{"spec":{"suspend":true},"metadata":{"annotations":{"`+triggerv1.SuspendedByAnnotation+`":"boss"}}}`)).To(Succeed())
	p.Expect(name()).To(Equal("editor"))
	p.Expect(p.patch("admin", "suspend", `{"spec":{"suspend":true}}`)).To(Succeed())
	p.Expect(name()).To(Equal("editor"), "it was suspended before")
	p.Expect(p.patch("approver", "suspend", `{"spec":{"suspend":null}}`)).To(MatchError(ContainSubstring("the verb suspend")))
	p.Expect(p.patch("admin", "suspend", `{"spec":{"suspend":null}}`)).To(Succeed())
	p.Expect(name()).To(Equal("admin"), "who resumed it")

	// The plugin is a client like others.
	err := p.plugin("approver", "suspend", "suspend", "-n", team)
	p.Expect(err).To(MatchError(ContainSubstring("approver may not suspend or resume ValuesTrigger approvals/suspend")))
	p.Expect(p.plugin("editor", "suspend", "suspend", "-n", team)).To(Succeed())
	p.Expect(name()).To(Equal("editor"))
	p.Expect(p.plugin("admin", "resume", "suspend", "-n", team)).To(Succeed())
	p.Expect(name()).To(Equal("admin"))

	p.create("suspended", true)
	p.Expect(p.get("suspended").Annotations).To(HaveKeyWithValue(triggerv1.SuspendedByAnnotation, world.AdminUser))
	p.Expect(p.apply("both", fmt.Sprintf(gatedTrigger, "suspended-too", true, "Manual"), "create")).To(Succeed())
	p.Expect(p.get("suspended-too").Annotations).To(HaveKeyWithValue(triggerv1.SuspendedByAnnotation, "both"))
}

func (p people) gates() {
	p.create("gated", false)
	const denied = "may not change the spec of ValuesTrigger approvals/gated, which holds changes back"
	for _, patch := range []string{
		`{"spec":{"rollout":{"stages":[{"name":"prod","approval":"Automatic"}]}}}`,
		`{"spec":{"rollout":null}}`, `{"spec":{"sources":[{"kind":"ConfigMap","name":"other"}]}}`, `{"spec":{"interval":"1m"}}`,
	} {
		p.Expect(p.patch("both", "gated", patch)).To(MatchError(ContainSubstring(denied)), patch)
	}
	p.Expect(p.patch("both", "gated", `{"spec":{"suspend":true}}`)).To(Succeed())
	p.Expect(p.patch("admin", "gated", `{"spec":{"rollout":null}}`)).To(Succeed(), "with the verb override")
	p.Expect(p.patch("both", "gated", `{"spec":{"interval":"1m"}}`)).To(Succeed(), "it holds nothing back")
	p.Expect(p.patch("both", "gated", `{"spec":{"quietPeriod":"1m"}}`)).To(Succeed(), "to hold something back takes nothing")
	p.Expect(p.patch("both", "gated", `{"spec":{"quietPeriod":"1s"}}`)).To(MatchError(ContainSubstring(denied)))

	// What a person has decided about the content ends with the content, also where nothing holds changes back.
	p.Expect(p.patch("admin", "gated", `{"spec":{"quietPeriod":null,"publish":{"name":"shared"}}}`)).To(Succeed())
	p.Expect(p.patch("editor", "gated", `{"spec":{"interval":"2m"}}`)).To(Succeed())
	p.Expect(p.patch(world.AdminUser, "gated", `{"status":{"restored":{"revision":1,"digest":"sha256:a","rejects":"sha256:b","time":"2026-01-01T00:00:00Z"}}}`,
		"--subresource=status")).To(Succeed())
	for _, patch := range []string{
		`{"spec":{"publish":null}}`, `{"spec":{"sources":[{"kind":"ConfigMap","name":"values"},{"kind":"ConfigMap","name":"other","optional":true}]}}`,
	} {
		p.Expect(p.patch("editor", "gated", patch)).To(MatchError(And(
			ContainSubstring("editor may not change the spec of ValuesTrigger approvals/gated, whose content a person has rejected"),
			ContainSubstring("the verb approve"))), patch)
	}
	p.Expect(p.annotate("editor", "gated", "example.com/other=1")).To(Succeed())
	p.Expect(p.patch("editor", "gated", `{"spec":{"suspend":true}}`)).To(Succeed())
	p.Expect(p.patch("both", "gated", `{"spec":{"publish":null}}`)).To(Succeed(), "with the verb approve")
}

// TestPoliciesAgree: what one policy records is what the other one demands.
func TestPoliciesAgree(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	variables := func(file string) map[string]string {
		policy := decode(g, contents(g, filepath.Dir(file), filepath.Base(file))[filepath.Base(file)])[0]
		list, _, err := unstructured.NestedSlice(policy.Object, "spec", "variables")
		g.Expect(err).NotTo(HaveOccurred())
		out := map[string]string{}
		for _, v := range list {
			out[v.(map[string]any)["name"].(string)] = v.(map[string]any)["expression"].(string)
		}
		return out
	}
	for records, checks := range map[string]string{
		"../../config/approvals/record-users.yaml":   "../../config/approvals/check-users.yaml",
		"../../config/four-eyes/record-editors.yaml": "../../config/four-eyes/check-editors.yaml",
	} {
		demanded := variables(checks)
		recorded := variables(records)
		g.Expect(recorded).NotTo(BeEmpty())
		for name, expression := range recorded {
			g.Expect(demanded).To(HaveKeyWithValue(name, expression), "%s of %s", name, checks)
		}
	}
}
