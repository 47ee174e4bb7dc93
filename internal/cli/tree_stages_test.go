// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// minShown is how much of a message is shown on the narrowest terminal.
const minShown = 20

const rolledOut = "sha256:5f3c0a1b2c3d4e5f60718293a4b5c6d7e8f90123456789abcdef0123456789ab"

// rollingOut is a rollout of three stages, the last of which waits for an approval; of its twelve
// releases one is suspended.
func rollingOut() *triggerv1.ValuesTrigger {
	var targets []triggerv1.TargetStatus
	in := func(stage string, t triggerv1.TargetStatus) { t.Stage = stage; targets = append(targets, t) }
	in("dev", target("dev", "shop", triggerv1.TargetDelivered, ""))
	in("staging", target("staging", "shop", triggerv1.TargetDelivered, ""))
	for i := range 12 {
		message := "waits for the approval of stage prod; the values of the release would change"
		if i == 11 {
			message = "HelmRelease is suspended; the change is delivered when spec.suspend is removed"
		}
		in("prod", target("prod", fmt.Sprintf("shop-%02d", i), triggerv1.TargetHeld, message))
	}
	vt := ready(trigger("platform", "platform", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, targets...),
		metav1.ConditionFalse, triggerv1.AwaitingApprovalReason, "Stage 3/3 staging→prod, 0/12, 0 failed; waits for approval: kubectl annotate …", false)
	vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 2 * * *", TimeZone: "Europe/Berlin", Window: metav1.Duration{Duration: 2 * time.Hour}}}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{
		{Name: "dev"}, {Name: "staging", MinSuccessTime: metav1.Duration{Duration: 10 * time.Minute}, Approval: triggerv1.ApprovalManual},
		{Name: "prod", Approval: triggerv1.ApprovalManual},
	}}
	vt.Status.Rollout = &triggerv1.RolloutStatus{
		Digest: rolledOut, Phase: triggerv1.RolloutAwaitingApproval, Stage: "prod",
		Stages: []triggerv1.StageStatus{
			{Name: "dev", Phase: triggerv1.StageFinished, Since: ago(20 * time.Minute), Targets: 1, Delivered: 1},
			{Name: "staging", Phase: triggerv1.StageFinished, Since: ago(5 * time.Minute), Targets: 1, Delivered: 1, Approved: true,
				ApprovedBy: &triggerv1.PersonRecord{Time: *ago(18 * time.Minute), User: "alice@example.com"}},
			{Name: "prod", Phase: triggerv1.StageWaiting, Since: ago(5 * time.Minute), Targets: 12},
		},
	}
	return vt
}

// soaking is the same while the second stage soaks.
func soaking() *triggerv1.ValuesTrigger {
	vt := ready(rollingOut(), metav1.ConditionUnknown, meta.ProgressingReason, "Stage 2/3 dev→staging, 1/1, 0 failed; must stay ready until 2026-01-02T04:09:05+01:00", false)
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = triggerv1.RolloutSoaking, "staging"
	vt.Status.Rollout.Stages[1].Phase = triggerv1.StageSoaking
	return vt
}

// halted is the same after the second stage has failed, with a message that no terminal is wide enough for.
func halted() *triggerv1.ValuesTrigger {
	const why = "UpgradeFailed: Helm upgrade failed for release staging/shop with chart shop@6.7.0: cannot patch \"shop\" with kind Deployment: " +
		"Deployment.apps \"shop\" is invalid: spec.template.spec.containers[0].image: Required value"
	vt := ready(rollingOut(), metav1.ConditionFalse, triggerv1.RolloutHaltedReason, "Stage 2/3 dev→staging, 0/1, 1 failed; halted: staging/shop: "+why+
		"; change the sources, or try the same again: kubectl valuestrigger retry platform -n platform", true)
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = triggerv1.RolloutHalted, "staging"
	vt.Status.Rollout.Stages[1].Phase, vt.Status.Rollout.Stages[1].Delivered, vt.Status.Rollout.Stages[1].Failed = triggerv1.StageProgressing, 0, 1
	vt.Status.Targets[1].State, vt.Status.Targets[1].Message, vt.Status.Targets[1].DeliveredAt = triggerv1.TargetFailed, why, nil
	for i := range vt.Status.Targets[2:] {
		vt.Status.Targets[2+i].Message = "the rollout has halted; the values of the release would change"
	}
	return vt
}

func TestTree_of_stages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden string
		vt     *triggerv1.ValuesTrigger
		args   string
		width  int
	}{
		{"stages-approval.txt", rollingOut(), "tree -n platform", 0},
		{"stages-approval-100.txt", rollingOut(), "tree -n platform", 100},
		{"stages-approval.json", rollingOut(), "tree platform -n platform -o json", 0},
		{"stages-soak.txt", soaking(), "tree -n platform", 0},
		{"stages-halted-80.txt", halted(), "tree platform -n platform", 80},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			got := (&call{objects: []client.Object{c.vt}, terminal: c.width > 0, width: c.width, env: map[string]string{"NO_COLOR": "1"}}).run(t, strings.Fields(c.args)...)
			g := NewWithT(t)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			golden(t, c.golden, got.out)
			if !strings.HasSuffix(c.golden, ".json") {
				for _, message := range []string{"HelmRelease is suspended; the change", "image: Required value"} {
					if strings.Contains(fmt.Sprint(c.vt.Status.Targets), message) {
						g.Expect(strings.Join(strings.FieldsFunc(got.out, func(r rune) bool { return strings.ContainsRune(" \n│├└─", r) }), " ")).To(ContainSubstring(message))
					}
				}
			}
			for line := range strings.Lines(got.out) {
				g.Expect(c.width == 0 || len([]rune(line)) <= c.width+minShown).To(BeTrue(), line) // Of what is cut, a part is always shown.
			}
		})
	}
}

func TestTree_puts_what_waits_for_a_person_before_what_waits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	window := ready(trigger("a", "window", nil), metav1.ConditionFalse, triggerv1.AwaitingWindowReason, "waits for the window", false)
	got := (&call{objects: []client.Object{window, rollingOut()}}).run(t, "tree", "-A", "-o", "json")
	var out struct {
		Triggers []struct{ Name, State string } `json:"valuesTriggers"`
	}
	g.Expect(json.Unmarshal([]byte(got.out), &out)).To(Succeed())
	g.Expect(out.Triggers).To(HaveExactElements(
		And(HaveField("Name", "platform"), HaveField("State", "AwaitingApproval")), And(HaveField("Name", "window"), HaveField("State", "Waiting"))))
}
