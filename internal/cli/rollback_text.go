// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// rollbackText shows which revision takes the place of what.
func rollbackText(s layout.Style, vt *triggerv1.ValuesTrigger, r decision.Rollback, way, git []line) string {
	revision := func(content string) string {
		if change := decision.ChangeTo(vt, content); change != nil && change.Revision > 0 {
			return fmt.Sprintf("revision %d, content %s", change.Revision, digest.Abbreviated(content))
		}
		return "content " + digest.Abbreviated(content)
	}
	lines := []line{{"Now", revision(r.Delivered), layout.Plain}}
	for _, l := range causeLines(s, vt, r.Delivered) {
		lines = append(lines, line{"Now", strings.ToLower(l.label) + ": " + l.word, l.tone})
	}
	lines = append(lines, line{"Back to", fmt.Sprintf("revision %d, content %s", r.To.Revision, digest.Abbreviated(r.To.Digest)), layout.Bold})
	for _, l := range causeLines(s, vt, r.To.Digest) {
		lines = append(lines, line{"Back to", strings.ToLower(l.label) + ": " + l.word, l.tone})
	}
	lines = append(lines, way...)
	lines = append(lines, line{"Rejects", "content " + digest.Abbreviated(r.Rejects) + ", which the sources hold, until they change", layout.Busy})
	lines = slices.DeleteFunc(lines, func(l line) bool { return strings.HasSuffix(l.word, ": ") })
	title := fmt.Sprintf("ValuesTrigger %s/%s: go back to revision %d", vt.Namespace, vt.Name, r.To.Revision)
	return sheet(s, title, append(lines, git...))
}

// way says what the rollback keeps to, or overrides.
func (r *rollbacker) way(vt *triggerv1.ValuesTrigger) []line {
	gates := rollout.Gates(vt)
	switch {
	case vt.Spec.Suspend:
		return []line{{"Goes", "nowhere before the ValuesTrigger is resumed", layout.Bad}}
	case len(gates) == 0:
		return []line{{"Goes", "to all at once", layout.Plain}}
	case r.override:
		overridden := rollout.OverridesByStatus(vt, windowOpen(vt, r.c))
		return []line{{"Goes", "to all at once, and overrides " + strings.Join(overridden, "; "), layout.Bad}}
	}
	return []line{{"Goes", "through " + strings.Join(gates, ", ") + " (--override: to all at once)", layout.Plain}}
}

// restoredText shows what each HelmRelease gets.
func restoredText(s layout.Style, p previewed) string {
	var itself, same []*releasePreview
	p.Releases = slices.DeleteFunc(slices.Clone(p.Releases), func(r *releasePreview) bool {
		switch {
		case r.itself != "":
			itself = append(itself, r)
		case !changes(r):
			same = append(same, r)
		default:
			return false
		}
		return true
	})
	p.Summary = map[compare.Outcome]int{}
	for _, r := range p.Releases {
		p.Summary[r.Outcome]++
	}
	out := fmt.Sprintf("\n%s", layout.Plural(len(p.Releases), "HelmRelease"))
	if len(p.Releases) > 0 {
		out += ": " + painted(s, compare.Outcomes, p.Summary, outcomeTone)
	}
	out += "\n" + groupsText(s, p, false)
	if len(same) > 0 {
		out += "\nStay as they are: " + named(same, false) + "\n"
	}
	if len(itself) > 0 {
		out += "\n" + s.Paint(layout.Bad, "Not rolled back, since they read a source itself and not a copy") + ": " + named(itself, false) + "\n"
	}
	return out
}

// requestedAtOnce are the annotations that have all targets requested, whatever holds them back.
func requestedAtOnce(token string) map[string]any {
	return map[string]any{meta.ReconcileRequestAnnotation: token, meta.ForceRequestAnnotation: token}
}

// gitLines say how the sources get in line with what is restored.
func (c *cli) gitLines(ctx context.Context, vt *triggerv1.ValuesTrigger) []line {
	appliers := map[string]bool{}
	var byHand []string
	for _, source := range (graph.Directory{}).Describe(vt).Sources {
		if source.Name == "" {
			continue
		}
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(source.Kind))
		if c.client.Get(ctx, source.NamespacedName(), object) != nil {
			continue // It is gone, or may not be read.
		}
		if by, marked := applier.Of(object.Labels, object.Annotations); marked {
			appliers[by.String()] = true
		} else {
			byHand = append(byHand, source.String())
		}
	}
	revision := ""
	if change := decision.ChangeTo(vt, decision.Present(vt)); change != nil && change.GitRevision != "" {
		revision = " at " + clean(change.GitRevision)
	}
	var out []line
	for _, by := range slices.Sorted(maps.Keys(appliers)) {
		out = append(out, line{"Then in Git", fmt.Sprintf("%s applies the sources%s: revert that there; what it applies next is delivered", clean(by), revision), layout.Plain})
	}
	if len(byHand) > 0 {
		out = append(out, line{"Then", "edit " + strings.Join(byHand, ", ") + ": what it holds next is delivered", layout.Plain})
	}
	return out
}
