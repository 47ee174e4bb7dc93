// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

const platformCause = "ConfigMap platform/values sha256:11 (values.yaml) by kustomize-controller (Kustomization flux-system/apps main@sha1:2b9c0e7a1d34) via ValuesTrigger platform/platform"

// earlier is the digest of what prod still has.
const earlier = "sha256:7dce03f745790d4c2f1b"

// awaiting are the rings while prod waits for an approval: the operator has evaluated what the sources hold.
func awaiting() []client.Object {
	objects := rings()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	values := configMap("platform", "values", map[string]string{"values.yaml": "greeting: two\n"})
	vt.Spec.Sources = vt.Spec.Sources[:1]
	vt.Status.Sources = []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "platform", Name: "values", Digest: digest.OfConfigMap(values).Digest("values.yaml")}}
	content := plan.Combined([]plan.Source{{ID: "ConfigMap/platform/values", Digest: vt.Status.Sources[0].Digest}})
	vt.Status.LastDigest = content
	for i := range vt.Status.Targets {
		t := &vt.Status.Targets[i]
		t.Stage = t.Namespace
		if t.Namespace == "platform" {
			t.Stage = "prod"
		}
		if t.Digest, t.Published = content, content; t.State == triggerv1.TargetHeld {
			t.Digest, t.Published = earlier, earlier
		}
	}
	vt.Status.Targets[1].State = triggerv1.TargetDelivered
	vt.Status.Rollout = &triggerv1.RolloutStatus{
		Digest: content, Phase: triggerv1.RolloutAwaitingApproval, Stage: "prod",
		Stages: []triggerv1.StageStatus{
			{Name: "dev", Phase: triggerv1.StageFinished, Since: ago(20 * time.Minute), Targets: 1, Delivered: 1},
			{Name: "staging", Phase: triggerv1.StageFinished, Since: ago(5 * time.Minute), Targets: 1, Delivered: 1},
			{Name: "canary", Phase: triggerv1.StageUnchanged}, {Name: "prod", Phase: triggerv1.StageWaiting, Targets: 5}, {Name: "last", Phase: triggerv1.StageWaiting},
		},
	}
	vt.Status.History = []triggerv1.Change{
		{Digest: content, Time: *ago(25 * time.Minute), Cause: platformCause, GitRevision: "main@sha1:2b9c0e7a1d34f00d2b9c0e7a1d34f00d2b9c0e7a", Outcome: triggerv1.ChangeInProgress},
		{Digest: earlier, Revision: 1, Time: *ago(48 * time.Hour), Cause: "ConfigMap platform/values sha256:00 (values.yaml) by anna via ValuesTrigger platform/platform", Outcome: triggerv1.ChangeDelivered},
	}
	return objects
}

func stagedTrigger(t *testing.T, c *call) *triggerv1.ValuesTrigger {
	t.Helper()
	vt := &triggerv1.ValuesTrigger{}
	NewWithT(t).Expect(c.client.Get(t.Context(), client.ObjectKey{Namespace: "platform", Name: "platform"}, vt)).To(Succeed())
	return vt
}

func TestApprove(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: awaiting(), user: "anna@example.com", interactive: true, in: "y\n"}
	content := call.objects[0].(*triggerv1.ValuesTrigger).Status.LastDigest
	got := call.run(t, "approve", "platform", "-n", "platform", "--digest", digest.Short(content))
	g.Expect(got.out).NotTo(ContainSubstring("hunter"))
	golden(t, "approve.txt", got.out+got.err)
	g.Expect(got.code).To(Equal(0))
	vt := stagedTrigger(t, call)
	g.Expect(vt.Annotations).To(Equal(map[string]string{
		triggerv1.ApproveAnnotation: content + "/prod", triggerv1.ApprovedByAnnotation: "anna@example.com",
	}))
}

func TestApprove_writes_only_what_a_person_agrees_to(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, in string
		interactive    bool
		code           int
		written        bool
		err            string
	}{
		{"yes", "", "YES\n", true, 0, true, "[y/N] "},
		{"no", "", "n\n", true, 1, false, "Nothing is written."},
		{"anything else", "", "sure\n", true, 1, false, "Nothing is written."},
		{"nothing", "", "", true, 1, false, "Nothing is written."},
		{"no terminal", "", "y\n", false, 2, false, "error: standard input is not a terminal, so no one can answer: give --yes"},
		{"--yes", "--yes", "", false, 0, true, ""},
		{"a dry run", "--dry-run", "", false, 0, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: awaiting(), interactive: c.interactive, in: c.in}
			got := call.run(t, append(strings.Fields("approve vt/platform -n platform"), strings.Fields(c.args)...)...)
			g.Expect(got.code).To(Equal(c.code))
			g.Expect(got.err).To(ContainSubstring(c.err))
			annotations := stagedTrigger(t, call).Annotations
			if g.Expect(annotations).NotTo(HaveKey(triggerv1.ApprovedByAnnotation), "the API server does not say who it is"); c.written {
				g.Expect(annotations).To(HaveKey(triggerv1.ApproveAnnotation))
			} else {
				g.Expect(annotations).To(BeEmpty())
			}
		})
	}
}

func TestApprove_says_why_there_is_nothing_to_approve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, want string
		set              func(*triggerv1.ValuesTrigger)
	}{
		{"a stage soaks", "", "nothing waits for approval: the rollout is Soaking in stage staging; to approve stage prod before it is reached, name it: --stage prod\n  Progressing: Stage 2/5 staging\n", func(vt *triggerv1.ValuesTrigger) {
			ready(vt, metav1.ConditionUnknown, meta.ProgressingReason, "Stage 2/5 staging", false)
			vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = triggerv1.RolloutSoaking, "staging"
		}},
		{"all is delivered", "", "nothing waits for approval: the present content has passed all stages\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Phase = triggerv1.RolloutFinished }},
		{"it has halted", "", "nothing waits for approval: the rollout has halted; edit the source, or 'retry' it\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Phase = triggerv1.RolloutHalted }},
		{"it is rejected", "", "was rolled back and is rejected; edit the source, or 'retry' it by name\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Rollback = &triggerv1.RollbackStatus{} }},
		{"no stage needs one", "", "no stage of spec.rollout has approval Manual\n", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Rollout = nil }},
		{"another stage", "--stage dev", `"dev" is not a stage with approval Manual; these are: prod` + "\n", func(*triggerv1.ValuesTrigger) {}},
		{"it is approved", "--stage prod", "stage prod is approved for this content already\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Stages[3].Approved = true }},
		{"an approval waits", "", "the operator has not acted on the annotation trigger.nebius.ai/approve that is there: try again in a moment\n", func(vt *triggerv1.ValuesTrigger) {
			vt.Annotations = map[string]string{triggerv1.ApproveAnnotation: "other"}
		}},
		{"the sources have changed", "", "the sources hold content that the operator has not evaluated yet: try again in a moment\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Sources[0].Digest = "sha256:other" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: awaiting()}
			c.set(call.objects[0].(*triggerv1.ValuesTrigger))
			got := call.run(t, append(strings.Fields("approve platform -n platform --yes"), strings.Fields(c.args)...)...)
			g.Expect(got.out).To(ContainSubstring(c.want))
			g.Expect(got.code).To(Equal(1))
			g.Expect(stagedTrigger(t, call).Annotations).NotTo(HaveKey(triggerv1.ApprovedByAnnotation))
		})
	}
}

func TestApprove_before_the_stage_is_reached(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: awaiting()}
	vt := call.objects[0].(*triggerv1.ValuesTrigger)
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = triggerv1.RolloutSoaking, "staging"
	vt.Status.LastHandledApproval = vt.Status.LastDigest + "/prod"
	got := call.run(t, strings.Fields("approve platform -n platform --stage prod --yes")...)
	g.Expect(got.out).To(ContainSubstring("the rollout is Soaking in stage staging; the stage starts when those before it have finished\n"))
	g.Expect(stagedTrigger(t, call).Annotations).To(HaveKeyWithValue(triggerv1.ApproveAnnotation, vt.Status.LastDigest+"/prod/2"))
}

func TestApprove_refuses_content_that_is_not_the_one_given(t *testing.T) {
	t.Parallel()
	call := &call{objects: awaiting()}
	got := call.run(t, "approve", "platform", "-n", "platform", "--yes", "--digest", "sha256:0123456789ab")
	NewWithT(t).Expect(got.err).To(MatchRegexp("^error: the content is not sha256:0123456789ab, but sha256:[0-9a-f]{12}: ConfigMap platform/values .* by kustomize-controller"))
	NewWithT(t).Expect(got.code).To(Equal(1))
	content := digest.Short(call.objects[0].(*triggerv1.ValuesTrigger).Status.LastDigest)
	for _, given := range []string{content[:11], "sha256:" + content[:4], "latest"} {
		got := call.run(t, "approve", "platform", "-n", "platform", "--yes", "--digest", given)
		NewWithT(t).Expect(got.err).To(MatchRegexp("^error: --digest %s: give at least 12 hexadecimal digits, as in sha256:[0-9a-f]{12}\n$", given))
		NewWithT(t).Expect(got.code).To(Equal(2))
	}
}

// A retry lifts what a person has rejected: it is content like any other then, and who decides about it
// sees what was decided before.
func TestDecisions_after_a_retry_of_rejected_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := func() []client.Object {
		objects := awaiting()
		objects[0].(*triggerv1.ValuesTrigger).Status.History[0].Rejection = new(person("bob", time.Hour))
		return objects
	}
	for _, command := range []string{"approve", "reject"} {
		got := (&call{objects: objects()}).run(t, command, "platform", "-n", "platform", "--yes")
		g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
		g.Expect(got.out).To(MatchRegexp("  Rejected +by bob 60m ago; a retry has lifted that\n"))
	}
	g.Expect((&call{objects: objects()}).run(t, "tree", "platform", "-n", "platform").out).To(And(
		ContainSubstring("next: kubectl valuestrigger approve platform -n platform\n"), ContainSubstring("next: kubectl valuestrigger reject platform -n platform\n")))
}

// analysed are the rings with an analysis of staging, which the rollout is in.
func analysed() []client.Object {
	objects := awaiting()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	vt.Spec.Rollout.Stages[1].Analysis = &triggerv1.Analysis{
		Interval: metav1.Duration{Duration: time.Minute}, Threshold: 3,
		Metrics: []triggerv1.AnalysisMetric{{Name: "error-rate", ThresholdRange: triggerv1.ThresholdRange{Max: new(0.05)}}},
	}
	vt.Status.Rollout.Stages[1].Analysis = &triggerv1.AnalysisStatus{
		Measurements: 4, MeasuredAt: ago(20 * time.Second), Result: triggerv1.AnalysisFailed, Failures: 1,
		Metrics: []triggerv1.MetricStatus{{Name: "error-rate", Result: triggerv1.AnalysisFailed, Value: "0.31", Failures: 1, Message: "0.31 is above 0.05"}},
	}
	return objects
}

func TestAnalysis_is_shown_by_each_command(t *testing.T) {
	t.Parallel()
	const all, one = "measured every 1m: failed 20s ago, 1 of 3 failures\n", "error-rate: 0.31 is above 0.05 (at most 0.05); failed once\n"
	for _, c := range []struct {
		args, indent string
		present      bool // The rollout is in the stage.
	}{
		{"approve platform -n platform --dry-run", "               ", false},
		{"why cm/values -n platform", "      ", true},
		{"why shop -n prod", "   ", true},
		{"tree platform -n platform", "├─ ", true},
		{"preview --pending platform -n platform", "  staging: ", true},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			objects := analysed()
			if vt := objects[0].(*triggerv1.ValuesTrigger); c.present {
				vt.Status.Rollout.Phase, vt.Status.Rollout.Stage, vt.Status.Rollout.Stages[1].Phase = triggerv1.RolloutSoaking, "staging", triggerv1.StageSoaking
			}
			got := (&call{objects: objects}).run(t, strings.Fields(c.args)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			g.Expect(got.out).To(And(ContainSubstring(c.indent+all), ContainSubstring(c.indent+one)))
		})
	}
	g := NewWithT(t)
	for _, of := range []string{"cm/values -n platform", "shop -n prod"} {
		got := (&call{objects: analysed()}).run(t, append(strings.Fields("why -o json"), strings.Fields(of)...)...)
		g.Expect(got.out).NotTo(ContainSubstring(`"thresholdRange"`), "it has passed")
	}
}

// Between the look and the write anything may happen: the status alone is written many times in a
// rollout, which changes nothing that a person has seen.
func TestApprove_judges_again_what_changed_meanwhile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, want string
		change     func(*triggerv1.ValuesTrigger)
	}{
		{"the status", "", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Message = "other" }},
		{"the content", "the content changed while you looked: content was sha256:[0-9a-f]{12}, and is sha256:9999; the last change: ConfigMap platform/values by bob\n", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Rollout.Digest = "sha256:9999"
			vt.Status.History = append([]triggerv1.Change{{Digest: "sha256:9999", Cause: "ConfigMap platform/values by bob"}}, vt.Status.History...)
		}},
		{"a canary", "the content changed while you looked: the number of failures in the stages before was 0, and is 1; ", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Stages[0].Failed = 1 }},
		{"the rollout", "this changed while you looked: nothing waits for approval: the rollout has halted; ", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Phase = triggerv1.RolloutHalted }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			once := sync.Once{}
			call := &call{objects: awaiting()}
			call.funcs = interceptor.Funcs{Patch: func(ctx context.Context, w client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
				once.Do(func() {
					vt := &triggerv1.ValuesTrigger{}
					g.Expect(w.Get(ctx, client.ObjectKeyFromObject(obj), vt)).To(Succeed())
					c.change(vt)
					g.Expect(w.Status().Update(ctx, vt)).To(Succeed())
				})
				return w.Patch(ctx, obj, patch, opts...)
			}}
			got := call.run(t, strings.Fields("approve platform -n platform --yes")...)
			annotations := stagedTrigger(t, call).Annotations
			if c.want == "" {
				g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
				g.Expect(annotations).To(HaveKey(triggerv1.ApproveAnnotation))
				return
			}
			g.Expect(got.err).To(MatchRegexp("^error: " + c.want))
			g.Expect([]any{got.code, annotations}).To(Equal([]any{1, map[string]string(nil)}))
		})
	}
}

func TestReject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden string
		set    func(*triggerv1.ValuesTrigger)
	}{
		{"reject-halts.txt", func(*triggerv1.ValuesTrigger) {}},
		{"reject-rolls-back.txt", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout.OnFailure = triggerv1.FailureRollback
			vt.Status.LastDelivered = &triggerv1.DeliveredContent{Digest: earlier}
		}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: awaiting(), user: "bob", interactive: true, in: "y\n"}
			vt := call.objects[0].(*triggerv1.ValuesTrigger)
			c.set(vt)
			got := call.run(t, "reject", "platform", "-n", "platform")
			golden(t, c.golden, got.out+got.err)
			g.Expect(stagedTrigger(t, call).Annotations).To(Equal(map[string]string{
				triggerv1.RejectAnnotation: vt.Status.LastDigest, triggerv1.RejectedByAnnotation: "bob",
			}))
		})
	}
}

func TestReject_says_why_there_is_nothing_to_reject(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want string
		set  func(*triggerv1.ValuesTrigger)
	}{
		{"is delivered; 'rollback' restores an earlier revision\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Phase = triggerv1.RolloutFinished }},
		{"is rejected already, since it failed\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.Rollback = &triggerv1.RollbackStatus{} }},
		{" is rejected already\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.Rollout.RejectedBy = &triggerv1.PersonRecord{} }},
		{"content sha256:77 is rejected already, by the rollback to revision 1\n", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Restored = &triggerv1.RestoreRecord{Revision: 1, Rejects: "sha256:77"}
		}},
	} {
		g := NewWithT(t)
		call := &call{objects: awaiting()}
		c.set(call.objects[0].(*triggerv1.ValuesTrigger))
		got := call.run(t, "reject", "platform", "-n", "platform", "--yes")
		g.Expect(got.out).To(ContainSubstring(c.want))
		g.Expect(got.code).To(Equal(1))
	}
}

// Only the operator can make the digests of Secrets: what it has evaluated is believed.
func TestApprove_of_content_with_Secrets(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: awaiting()}
	vt := call.objects[0].(*triggerv1.ValuesTrigger)
	vt.Spec.Sources = append(vt.Spec.Sources, from("Secret", "", "keys"))
	vt.Status.Sources = append(vt.Status.Sources, triggerv1.SourceStatus{Kind: "Secret", Namespace: "platform", Name: "keys", Digest: "sha256:hmac"})
	got := call.run(t, "approve", "platform", "-n", "platform", "--yes")
	g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
	g.Expect(got.out).To(And(ContainSubstring("  ~ key: changed (Secret platform/keys, not shown)\n"), Not(ContainSubstring("hunter"))))
	g.Expect(stagedTrigger(t, call).Annotations).To(HaveKey(triggerv1.ApproveAnnotation))
}
