// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

func (c *cli) approveCommand() *cobra.Command {
	stage := ""
	d := &decider{c: c}
	d.judge = func(ctx context.Context, vt *triggerv1.ValuesTrigger) (verdict, error) {
		return c.approves(ctx, vt, stage)
	}
	cmd := d.command(&cobra.Command{
		Use:   "approve NAME [--stage STAGE] [-n NAMESPACE]",
		Short: "Approve the content that waits for a stage, after showing what it is",
		Long: `Approve the content of a ValuesTrigger for the stage that waits for it. First shows
whose edit it is and from which Git revision, how far the stages before are, which
HelmReleases the approval lets go, and how their values differ; then asks.

The approval is for the content and the stage that are shown. If one of them changes
meanwhile, nothing is written, and what changed is said. It is done by the annotation
trigger.nebius.ai/approve; trigger.nebius.ai/approved-by names you.

Exits with 1 if nothing waits for approval, and says what the state is.`,
		Example: `  kubectl valuestrigger approve platform -n platform
  kubectl valuestrigger approve platform -n platform --digest c80fc15b17da --yes`,
	})
	cmd.Flags().StringVar(&stage, "stage", "", "the stage to approve, also before it is reached; without, the one that waits")
	_ = cmd.RegisterFlagCompletionFunc("stage", c.completeOf(func(vt *triggerv1.ValuesTrigger) []string {
		var names []string
		if vt.Spec.Rollout != nil {
			for _, st := range vt.Spec.Rollout.Stages {
				if st.Approval == triggerv1.ApprovalManual {
					names = append(names, st.Name)
				}
			}
		}
		return names
	}))
	return cmd
}

// approves says what the approval of a stage means.
func (c *cli) approves(ctx context.Context, vt *triggerv1.ValuesTrigger, stage string) (verdict, error) {
	members, err := c.targetsOf(ctx, vt)
	if err != nil {
		return verdict{}, err
	}
	a, refusal := decision.Approve(vt, members.Targets, stage)
	if refusal == "" {
		if refusal, err = c.evaluated(ctx, vt); err != nil {
			return verdict{}, err
		}
	}
	return verdict{
		refusal: refusal, more: func(_ context.Context, s layout.Style) string { return stateText(s, vt) },
		content: a.Content, facts: a.Facts(), annotations: map[string]any{triggerv1.ApproveAnnotation: a.Value}, by: []string{triggerv1.ApprovedByAnnotation},
		question: fmt.Sprintf("Approve content %s for stage %s?", digest.Abbreviated(a.Content), a.Stage),
		done:     fmt.Sprintf("approved content %s for stage %s", digest.Abbreviated(a.Content), a.Stage),
		show: func(ctx context.Context, s layout.Style) (string, error) {
			return approvalText(s, vt, a) + c.waitingText(ctx, s, vt), nil
		},
	}, nil
}

// approvalText shows what is approved.
func approvalText(s layout.Style, vt *triggerv1.ValuesTrigger, a decision.Approval) string {
	lines := causeLines(s, vt, a.Content)
	for _, st := range a.Before {
		lines = append(lines, line{"Before it", stageText(s, st), stageTone(st)})
		for _, finding := range findingsOf(s, vt, st.Name) {
			lines = append(lines, line{"Before it", "  " + finding.word, finding.tone})
		}
	}
	if a.Early != "" {
		lines = append(lines, line{"Not yet", a.Early + "; the stage starts when those before it have finished", layout.Busy})
	}
	letsGo := namesOf(a.LetsGo, a.Count)
	if a.AtOnce != "" {
		letsGo += "; " + a.AtOnce + " at a time"
	}
	lines = append(lines, line{"Lets go", letsGo, layout.Bold})
	if len(a.Then) > 0 {
		lines = append(lines, line{"Then", "stage " + strings.Join(a.Then, ", ") + " by itself", layout.Busy})
	}
	if a.Suspended {
		lines = append(lines, line{"Suspended", "nothing is delivered before it is resumed", layout.Busy})
	}
	title := fmt.Sprintf("ValuesTrigger %s/%s: approve content %s for stage %s", vt.Namespace, vt.Name, digest.Abbreviated(a.Content), a.Stage)
	return sheet(s, title, lines)
}

// findingsOf returns what the analysis of a stage has found.
func findingsOf(s layout.Style, vt *triggerv1.ValuesTrigger, stage string) []line {
	var out []line
	for _, st := range graph.StagesOf(vt) {
		if st.Name != stage || st.Analysis == nil {
			continue
		}
		for _, finding := range st.Analysis.Findings(s.Now) {
			out = append(out, line{"Analysis", clean(finding.Text), board.FindingTone(finding.Result)})
		}
	}
	return out
}

// stageText says how far a stage is.
func stageText(s layout.Style, st triggerv1.StageStatus) string {
	out := fmt.Sprintf("stage %s %s, %d of %s, %d failed", st.Name, st.Phase, st.Delivered, layout.Plural(int(st.Targets), "HelmRelease"), st.Failed)
	if st.Since != nil {
		out += fmt.Sprintf("; since %s", s.Age(st.Since.Time))
	}
	if by := st.ApprovedBy; by != nil && by.User != "" {
		out += "; approved by " + clean(by.User)
	}
	return out
}

func stageTone(st triggerv1.StageStatus) layout.Tone {
	switch {
	case st.Failed > 0, st.Phase == triggerv1.StageUnready:
		return layout.Bad
	case st.Phase == triggerv1.StageFinished, st.Phase == triggerv1.StageUnchanged:
		return layout.Good
	}
	return layout.Busy
}
