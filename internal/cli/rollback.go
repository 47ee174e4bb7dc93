// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// rollbacker is the command that goes back to an earlier revision.
type rollbacker struct {
	c        *cli
	to       int64
	override bool
}

func (c *cli) rollbackCommand() *cobra.Command {
	r := &rollbacker{c: c}
	d := &decider{c: c, judge: r.judge}
	cmd := d.command(&cobra.Command{
		Use:   "rollback NAME [--to-revision N] [-n NAMESPACE]",
		Short: "Deliver the content of an earlier revision again",
		Long: `Deliver the content of an earlier revision again, without the stage that made it
waiting for Git. Shows which revision that is, how the values of which HelmReleases
differ, whether it goes through the stages, and how Git gets in line; then asks.

What the sources hold is rejected until they change. It is done by the annotation
trigger.nebius.ai/rollback; trigger.nebius.ai/rolled-back-by names you. A second
rollback goes back further; 'retry' delivers what the sources hold.

Without spec.publish the operator keeps no content, and nothing is written: it shows what
to put into Git, as far as Helm's own history says, and exits with 1.`,
		Example: `  kubectl valuestrigger history platform -n platform
  kubectl valuestrigger rollback platform -n platform --dry-run
  kubectl valuestrigger rollback platform -n platform --to-revision 3`,
	})
	cmd.Flags().Int64Var(&r.to, "to-revision", 0, "the revision to restore, of those that 'history' lists; without, the one before the present")
	cmd.Flags().BoolVar(&r.override, "override", false, "deliver it to all at once, whatever holds changes back")
	_ = cmd.RegisterFlagCompletionFunc("to-revision", c.completeOf(func(vt *triggerv1.ValuesTrigger) []string {
		var numbers []string
		for _, change := range decision.Restorable(vt) {
			numbers = append(numbers, strconv.FormatInt(change.Revision, 10))
		}
		return numbers
	}))
	return cmd
}

// judge says what the rollback means.
func (r *rollbacker) judge(ctx context.Context, vt *triggerv1.ValuesTrigger) (verdict, error) {
	if r.to < 0 {
		return verdict{}, usageError{errors.New("--to-revision: give the number of a revision")}
	}
	if vt.Spec.Publish == nil {
		return verdict{
			refusal: "without spec.publish the operator keeps no content and can roll nothing back: the HelmReleases read the sources themselves; put the earlier content into the sources",
			more: func(ctx context.Context, s layout.Style) string {
				return sheet(s, "How", r.c.gitLines(ctx, vt)) + r.c.helmText(ctx, s, vt)
			},
		}, nil
	}
	back, refusal := decision.RollBack(vt, r.to)
	var kept keptContent
	var err error
	if refusal == "" {
		if refusal, err = r.c.evaluated(ctx, vt); err != nil {
			return verdict{}, err
		}
	}
	if refusal == "" {
		if kept, err = r.c.keptContent(ctx, vt, back.To); err != nil {
			return verdict{}, err
		}
		refusal = kept.missing
	}
	v := verdict{
		refusal: refusal,
		more: func(ctx context.Context, s layout.Style) string {
			return sheet(s, "By the sources", r.c.gitLines(ctx, vt))
		},
		content: back.Rejects, facts: back.Facts(),
		annotations: map[string]any{triggerv1.RollbackAnnotation: back.Value}, by: []string{triggerv1.RolledBackByAnnotation},
		question: fmt.Sprintf("Go back to revision %d?", back.To.Revision),
		done:     fmt.Sprintf("requested to go back to revision %d, content %s", back.To.Revision, digest.Abbreviated(back.To.Digest)),
		show: func(ctx context.Context, s layout.Style) (string, error) {
			out := rollbackText(s, vt, back, r.way(vt), r.c.gitLines(ctx, vt))
			restored, err := r.restored(ctx, vt, kept)
			if err != nil {
				r.c.warn("what would change is not shown: %s", explain(err))
				return out, nil
			}
			return out + restoredText(s, restored), nil
		},
	}
	if r.override {
		maps.Copy(v.annotations, requestedAtOnce(newToken(r.c)))
		v.by = append(v.by, triggerv1.OverriddenByAnnotation)
	}
	return v, nil
}

// keptContent is what is kept of a revision.
type keptContent struct {
	edits []*edit

	// hidden are the sources of which what is kept may not be read, and missing says what is gone.
	hidden  []binding.Object
	missing string
}

// keptContent reads what is kept of a revision, and what the sources hold now.
func (c *cli) keptContent(ctx context.Context, vt *triggerv1.ValuesTrigger, change triggerv1.Change) (keptContent, error) {
	var out keptContent
	for _, k := range change.Kept {
		source := binding.Object{Kind: k.Kind, Namespace: k.Namespace, Name: k.Name}
		e := &edit{Object: source, subject: graph.Subject{Object: source}, ChangedKeys: []string{}}
		out.edits = append(out.edits, e)
		var err error
		if e.before, err = readLive(ctx, c.client, source); err != nil && !apierrors.IsForbidden(err) {
			return out, err
		}
		hidden := err != nil
		if e.before != nil {
			e.subject.Labels, e.subject.Annotations = e.before.GetLabels(), e.before.GetAnnotations()
		}
		if k.Digest != "" {
			kept := publish.Kept(vt, source.ID(), k.Digest)
			e.after, err = readLive(ctx, c.client, binding.Object{Kind: kept.Kind, Namespace: kept.Namespace, Name: kept.Name})
			switch {
			case apierrors.IsForbidden(err):
				hidden = true
			case err != nil:
				return out, err
			case e.after == nil:
				out.missing = fmt.Sprintf("revision %d cannot be restored: %s %s/%s, which kept what %s held, is gone", change.Revision, kept.Kind, kept.Namespace, kept.Name, source)
			default:
				e.after.SetLabels(nil) // They opt it out as a source, not the content that it keeps.
			}
		}
		if hidden {
			out.hidden = append(out.hidden, source)
			continue
		}
		e.ChangedKeys = append(e.ChangedKeys, digest.Changed(e.before, e.after)...)
	}
	return out, nil
}

// restored previews what each HelmRelease gets. Those that read a source itself keep what that holds.
func (r *rollbacker) restored(ctx context.Context, vt *triggerv1.ValuesTrigger, kept keptContent) (previewed, error) {
	cluster, err := r.c.clusterOf(ctx, vt.Namespace, []triggerv1.ValuesTrigger{*vt})
	if err != nil {
		return previewed{}, err
	}
	return r.restoredIn(ctx, cluster, vt, kept)
}

// restoredIn is restored for the HelmReleases of a cluster.
func (r *rollbacker) restoredIn(ctx context.Context, cluster graph.Cluster, vt *triggerv1.ValuesTrigger, kept keptContent) (previewed, error) {
	c := r.c
	values := newComposer(c.client, kept.edits, cluster)
	for _, source := range kept.hidden {
		values.hidden[source] = true
		delete(values.live, source)
	}
	out, err := c.outcomes(ctx, cluster, kept.edits, nil, values)
	if err != nil {
		return out, err
	}
	described := cluster.Describe(vt)
	for _, p := range out.Releases {
		if r.override && p.Outcome == compare.Later && p.Message == p.situation.Turn {
			p.Outcome, p.Message = compare.Upgrades, ""
		}
	}
	out.Pending = &pendingTrigger{Object: described.Object}
	stages := vt.Spec.Rollout
	if stages != nil {
		order := func(p *releasePreview) int {
			return slices.IndexFunc(stages.Stages, func(s triggerv1.Stage) bool { return s.Name == p.Stage })
		}
		slices.SortStableFunc(out.Releases, func(a, b *releasePreview) int { return order(a) - order(b) })
	}
	return out, nil
}

// changes reports whether a HelmRelease gets other values by a rollback.
func changes(p *releasePreview) bool { return p.Outcome != compare.Same }
