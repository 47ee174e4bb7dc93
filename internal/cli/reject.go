// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

func (c *cli) rejectCommand() *cobra.Command {
	d := &decider{c: c, judge: c.rejects}
	return d.command(&cobra.Command{
		Use:   "reject NAME [-n NAMESPACE]",
		Short: "Reject the content that is being rolled out",
		Long: `Reject the content that a ValuesTrigger is rolling out. Shows whose edit it is and
which HelmReleases have it, and what happens: with onFailure Rollback those that have
it get the earlier content again, otherwise the rollout halts. Then asks.

It is done by the annotation trigger.nebius.ai/reject; trigger.nebius.ai/rejected-by
names you. If the content changes meanwhile, nothing is written. To go back after a
rollout has finished, use 'rollback'.

Exits with 1 if nothing is being rolled out.`,
		Example: "  kubectl valuestrigger reject platform -n platform",
	})
}

// rejects says what the rejection of the content means.
func (c *cli) rejects(ctx context.Context, vt *triggerv1.ValuesTrigger) (verdict, error) {
	members, err := c.targetsOf(ctx, vt)
	if err != nil {
		return verdict{}, err
	}
	r, refusal := decision.Reject(vt, members.Targets, int(members.Summary.Total))
	return verdict{
		refusal: refusal, more: func(_ context.Context, s layout.Style) string { return stateText(s, vt) },
		content: r.Content, facts: r.Facts(), annotations: map[string]any{triggerv1.RejectAnnotation: r.Value}, by: []string{triggerv1.RejectedByAnnotation},
		question: fmt.Sprintf("Reject content %s?", digest.Abbreviated(r.Content)),
		done:     fmt.Sprintf("rejected content %s", digest.Abbreviated(r.Content)),
		show:     func(_ context.Context, s layout.Style) (string, error) { return rejectionText(s, vt, r), nil },
	}, nil
}

// rejectionText shows what is rejected, and what happens then.
func rejectionText(s layout.Style, vt *triggerv1.ValuesTrigger, r decision.Rejection) string {
	lines := causeLines(s, vt, r.Content)
	have := "no HelmRelease"
	if len(r.Have) > 0 {
		have = namesOf(r.Have, 0)
	}
	lines = append(lines, line{"Have it", have, layout.Bold}, line{"Do not", layout.Plural(r.Others, "HelmRelease"), layout.Plain})
	if r.RollsBack != "" {
		lines = append(lines, line{"Then", fmt.Sprintf("those that have it get content %s again, and it is rejected until the sources change", digest.Abbreviated(r.RollsBack)), layout.Busy})
	} else {
		lines = append(lines, line{"Then", "the rollout halts: those that have it keep it, since " + r.KeepsIt, layout.Busy})
	}
	return sheet(s, fmt.Sprintf("ValuesTrigger %s/%s: reject content %s", vt.Namespace, vt.Name, digest.Abbreviated(r.Content)), lines)
}

// stateText says how a ValuesTrigger is.
func stateText(s layout.Style, vt *triggerv1.ValuesTrigger) string {
	t := graph.Directory{}.Describe(vt)
	out := "  " + s.Paint(triggerTone(t.State), string(t.State))
	if t.Message != "" {
		out += ": " + clean(t.Message)
	}
	return out
}
