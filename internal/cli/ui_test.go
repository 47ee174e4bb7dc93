// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/ui"
)

// page returns the commands of the pages, and the call by which the cluster is read.
func page(t *testing.T) (pageCommands, *call) {
	t.Helper()
	k := &call{objects: awaiting(), user: "anna"}
	NewWithT(t).Expect(k.run(t, "tree", "-n", "platform").code).To(BeZero())
	return pageCommands{&cli{Env: Env{Now: func() time.Time { return now }, Getenv: func(string) string { return "" }}, client: k.client}}, k
}

func onPlatform(name string) ui.Action {
	return ui.Action{Name: name, ObjectKey: client.ObjectKey{Namespace: "platform", Name: "platform"}}
}

func TestPageCommands_say_and_do_what_the_command_does(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p, k := page(t)
	q, err := p.Ask(t.Context(), onPlatform(ui.Approve))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(q.Refusal).To(BeEmpty())
	command := k.run(t, "approve", "platform", "-n", "platform", "--dry-run")
	g.Expect(command.out).To(HavePrefix(q.Text[:len("ValuesTrigger platform/platform: approve")]))
	g.Expect(command.out).To(ContainSubstring(q.Text[:200]))
	g.Expect(q.Asks).To(HavePrefix("Approve content "))
	g.Expect(stagedTrigger(t, k).Annotations).NotTo(HaveKey(triggerv1.ApproveAnnotation))

	said, err := p.Do(t.Context(), onPlatform(ui.Approve), q.Facts)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(said).To(And(HavePrefix("valuestrigger/platform in platform approved content "), HaveSuffix(" by anna")))
	g.Expect(stagedTrigger(t, k).Annotations).To(HaveKeyWithValue(triggerv1.ApprovedByAnnotation, "anna"))
}

func TestPageCommands_do_nothing_by_other_facts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p, k := page(t)
	_, err := p.Do(t.Context(), onPlatform(ui.Approve), []decision.Fact{{What: "content", Is: "another"}})
	g.Expect(err).To(MatchError(HavePrefix("the content changed while you looked: content was another, and is ")))
	_, err = p.Do(t.Context(), onPlatform(ui.Approve), nil)
	g.Expect(err).To(HaveOccurred(), "nothing was seen")
	_, err = p.Do(t.Context(), onPlatform(ui.Retry), []decision.Fact{{What: first, Is: "retries 9 HelmReleases"}})
	g.Expect(err).To(MatchError(HavePrefix("this changed while you looked")))
	g.Expect(stagedTrigger(t, k).Annotations).To(BeEmpty())
}

func TestPageCommands_act(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p, k := page(t)
	for _, action := range []string{ui.Suspend, ui.Resume, ui.Override} {
		q, err := p.Ask(t.Context(), onPlatform(action))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(q.Text).To(ContainSubstring("(dry run)"))
		before := stagedTrigger(t, k).ResourceVersion
		said, err := p.Do(t.Context(), onPlatform(action), q.Facts)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(said).To(HavePrefix("valuestrigger/platform in platform "))
		g.Expect(stagedTrigger(t, k).ResourceVersion).NotTo(Equal(before))
	}
	_, err := p.Ask(t.Context(), onPlatform("delete"))
	g.Expect(err).To(MatchError(`there is no action "delete"`))
	_, err = p.Do(t.Context(), onPlatform("delete"), nil)
	g.Expect(err).To(MatchError(`there is no action "delete"`))
}

func TestPageCommands_refuse_in_the_words_of_the_command(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p, k := page(t)
	vt := stagedTrigger(t, k)
	members := graph.Directory{}.Members(vt)
	for action, want := range map[string]string{
		ui.Approve: "", ui.Reject: "", ui.Suspend: "", ui.Override: "", ui.Retry: "nothing has failed",
		ui.Rollback: "no other revision is kept",
	} {
		g.Expect(p.Refuse(onPlatform(action), vt, members)).To(ContainSubstring(want), action)
	}
	g.Expect(p.Refuse(onPlatform(ui.Approve), vt, members)).To(BeEmpty())
	vt.Spec.Publish = nil
	g.Expect(p.Refuse(onPlatform(ui.Rollback), vt, members)).To(Equal("without spec.publish the operator keeps no content"))
}

func TestPageCommands_differences(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p, k := page(t)
	text, err := p.Differences(t.Context(), onPlatform("").ObjectKey)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(k.run(t, "preview", "--pending", "platform", "-n", "platform").out).To(ContainSubstring(text))
}

func TestUI_refuses_a_port_that_is_none(t *testing.T) {
	t.Parallel()
	a := (&call{}).run(t, "ui", "--port", "70000")
	NewWithT(t).Expect(a.code).To(Equal(2))
	NewWithT(t).Expect(a.err).To(ContainSubstring("--port: give a number from 1 to 65535"))
}

// It shows all namespaces by itself. Who has the flag of the other commands in their fingers is not refused.
func TestUI_takes_the_flag_for_all_namespaces(t *testing.T) {
	t.Parallel()
	NewWithT(t).Expect((&call{}).run(t, "ui", "-A", "--port", "99999")).To(Equal(answer{"", "error: --port: give a number from 1 to 65535\n", 2}))
}
