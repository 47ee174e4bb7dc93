// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// triggering triggers all targets: when their turn comes or, with override, at once.
func (c *cli) triggering(override *bool) *action {
	a := &action{c: c, verb: "trigger", done: "triggered", judged: true, named: true}
	a.patch = func(token string) map[string]any {
		if *override {
			annotations := requestedAtOnce(token)
			annotations[triggerv1.OverriddenByAnnotation] = orNull(a.user)
			return map[string]any{"metadata": map[string]any{"annotations": annotations}}
		}
		return annotationPatch(token, triggerv1.TriggerAtAnnotation)
	}
	a.judge = func(vt *triggerv1.ValuesTrigger) judgement {
		if *override {
			return a.overrides(vt)
		}
		return triggers(vt)
	}
	a.namesOnly = func() string {
		if *override {
			return "--override is for ValuesTriggers that are named"
		}
		return ""
	}
	return a
}

func (c *cli) triggerCommand() *cobra.Command {
	override := false
	cmd := &cobra.Command{
		Use:   "trigger",
		Short: "Trigger all HelmReleases of a ValuesTrigger, even if nothing changed",
		Long: `Trigger all HelmReleases of a ValuesTrigger, even if nothing changed. Each gets
a forced upgrade, unless spec.force is Never, when its turn comes: the request
keeps to the quiet period, the windows, and the stages with their approvals and
bounds. It is done by the annotation trigger.nebius.ai/triggerAt. 'wait' follows it.

With --override all are requested at once, by reconcile.fluxcd.io/forceAt. What is
overridden is said first, and put on record in an event and in status.history.

With --all, what is suspended, has halted or was rolled back is left out.`,
		Example: `  kubectl valuestrigger trigger platform -n apps && kubectl valuestrigger wait platform -n apps
  kubectl valuestrigger trigger platform -n apps --override --dry-run`,
	}
	cmd.Flags().BoolVar(&override, "override", false, "request all at once, whatever holds them back")
	return c.triggering(&override).command(cmd)
}

// retrying retries what has failed.
func (c *cli) retrying() *action {
	return &action{
		c: c, verb: "retry", done: "requested to retry", judge: retries, judged: true,
		patch: func(token string) map[string]any { return annotationPatch(token, helmv2.ResetRequestAnnotation) },
	}
}

func (c *cli) retryCommand() *cobra.Command {
	return c.retrying().command(&cobra.Command{
		Use:   "retry",
		Short: "Retry the failed deliveries of a ValuesTrigger",
		Long: `Request failed deliveries again, let helm-controller count its retries from the
start, and continue with what has halted. HelmReleases that have not failed are left
alone. It is done by the annotations reconcile.fluxcd.io/requestedAt and resetAt.

Content that was rolled back is delivered again only if the ValuesTrigger is named:
--all leaves it out.`,
		Example: `  kubectl valuestrigger retry platform -n apps
  kubectl valuestrigger retry --all -A --dry-run`,
	})
}

// annotationPatch sets a pair of annotations to one value, as elsewhere in Flux. An override of before, which
// had another value, does not count any more, and no one is named for it.
func annotationPatch(token, annotation string) map[string]any {
	return map[string]any{"metadata": map[string]any{"annotations": map[string]any{
		triggerv1.OverriddenByAnnotation: nil, meta.ReconcileRequestAnnotation: token, annotation: token,
	}}}
}

// triggers judges a trigger that keeps to what holds changes back.
func triggers(vt *triggerv1.ValuesTrigger) judgement {
	j := judgement{}
	if gates := rollout.Gates(vt); len(gates) > 0 {
		j.then = "; keeps to " + strings.Join(gates, ", ")
	}
	switch {
	case vt.Spec.Suspend:
		j.leave, j.first = "it is suspended", "is suspended: nothing is requested before it is resumed"
	case rejected(vt) != "":
		j.leave = "content " + rejected(vt) + " is rejected"
		j.first = "rejects content " + rejected(vt) + ": nothing is requested before the sources change or 'retry' lifts that"
	case phase(vt) == triggerv1.RolloutHalted:
		j.leave, j.first = "its rollout has halted", "has halted: nothing is requested before 'retry' continues it or the sources change"
	}
	return j
}

// overrides judges a request for all targets at once.
func (a *action) overrides(vt *triggerv1.ValuesTrigger) judgement {
	verb := "overrides "
	if a.dryRun {
		verb = "would override "
	}
	overridden := a.overridden(vt)
	j := judgement{}
	if len(overridden) > 0 {
		j.first = verb + strings.Join(overridden, "; ")
	}
	if vt.Spec.Suspend {
		j.first = strings.TrimPrefix(j.first+"; is suspended: nothing is requested before it is resumed", "; ")
	}
	return j
}

// overridden is what a request for all targets at once overrides.
func (a *action) overridden(vt *triggerv1.ValuesTrigger) []string {
	return rollout.OverridesByStatus(vt, windowOpen(vt, a.c))
}

// windowOpen is true unless the operator would wait for a window.
func windowOpen(vt *triggerv1.ValuesTrigger, c *cli) bool {
	s, err := rollout.ScheduleOf(vt)
	return err == nil && s.Open(c.Now()) // What cannot be parsed opens never.
}

// retries judges another try of what has failed.
func retries(vt *triggerv1.ValuesTrigger) judgement {
	failed := int(graph.SummaryOf(vt).Failed)
	halted := phase(vt) == triggerv1.RolloutHalted || phase(vt) == triggerv1.RolloutRollbackHalted
	j := judgement{idle: failed == 0 && !halted}
	switch {
	case vt.Status.Restored != nil && failed == 0:
		j.leave = fmt.Sprintf("content %s is rejected by the rollback to revision %d; give its name to deliver that", rejected(vt), vt.Status.Restored.Revision)
		j.first = fmt.Sprintf("delivers content %s, which the rollback to revision %d rejects", rejected(vt), vt.Status.Restored.Revision)
	case phase(vt) == triggerv1.RolloutRolledBack:
		j.leave = "content " + rejected(vt) + " is rejected; give its name to deliver that again"
		j.first = "delivers content " + rejected(vt) + " again, which " + rejection(vt)
	case j.idle:
		j.first = "has nothing that failed"
	case vt.Spec.Suspend:
		j.leave, j.first = "it is suspended", "is suspended: nothing is requested before it is resumed"
	case halted && failed == 0:
		j.first = "continues with what has halted"
	case halted:
		j.first = fmt.Sprintf("retries %s and continues with what has halted", layout.Plural(failed, "HelmRelease"))
	default:
		j.first = fmt.Sprintf("retries %s", layout.Plural(failed, "HelmRelease"))
	}
	return j
}

func phase(vt *triggerv1.ValuesTrigger) triggerv1.RolloutPhase {
	if vt.Status.Rollout == nil {
		return ""
	}
	return vt.Status.Rollout.Phase
}

// rejection says what content that was rolled back is rejected for: a person may have said no.
func rejection(vt *triggerv1.ValuesTrigger) string {
	by := vt.Status.Rollout.RejectedBy
	if by == nil {
		return "failed and was rolled back"
	}
	if who := cmp.Or(by.User, by.Manager); who != "" {
		return "was rejected by " + who
	}
	return "was rejected"
}

// rejected returns the content of the sources that is not delivered since it was rolled back, in short.
func rejected(vt *triggerv1.ValuesTrigger) string {
	if s := vt.Status.Rollout; vt.Status.Restored != nil || s != nil && s.Rollback != nil {
		return digest.Abbreviated(decision.Present(vt))
	}
	return ""
}
