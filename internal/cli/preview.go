// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

func (c *cli) previewCommand() *cobra.Command {
	var files []string
	var everything bool
	cmd := &cobra.Command{
		Use:   "preview -f FILE... [-n NAMESPACE]",
		Short: "Say what applying an edited ConfigMap or Secret would do to which HelmReleases",
		Long: `Say which HelmReleases would change if the ConfigMaps and Secrets in the files were
applied, and how their composed values differ. Values are composed by the code
of helm-controller. Nothing is written.

What comes out of a Secret is never shown, only that its path changes. Exits with
1 if the values of a HelmRelease could not be composed any more.`,
		Example: `  kubectl valuestrigger preview -f platform-values.yaml
  kustomize build . | kubectl valuestrigger preview -f -
  sops -d secret.yaml | kubectl valuestrigger preview -f -`,
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "file or directory of manifests, or - for standard input")
	cmd.Flags().BoolVar(&everything, "all", false, "name every HelmRelease and show every difference")
	c.withOutput(cmd)
	return c.command(cmd, func(cmd *cobra.Command, _ []string) error {
		if len(files) == 0 {
			return usageError{errors.New("give a file: -f FILE")}
		}
		if err := c.connect(); err != nil {
			return err
		}
		edits, err := c.readEdits(cmd.Context(), files)
		if err != nil {
			return err
		}
		preview, err := c.preview(cmd.Context(), edits)
		if err != nil {
			return err
		}
		if err := c.show(preview, func(s layout.Style) string { return previewText(s, preview, everything) }); err != nil {
			return err
		}
		if preview.Summary[compare.Fails] > 0 {
			return errFound
		}
		return nil
	})
}

// previewed is the answer.
type previewed struct {
	Edits    []*edit                 `json:"edits"`
	Summary  map[compare.Outcome]int `json:"summary"`
	Releases []*releasePreview       `json:"helmReleases"`
}

// releasePreview is what would happen to one release.
type releasePreview struct {
	graph.Object
	Outcome     compare.Outcome      `json:"outcome"`
	Message     string               `json:"message,omitempty"`
	By          []string             `json:"by,omitempty"`
	Differences []compare.Difference `json:"differences,omitempty"`

	// LeftOut are Secrets that the user may not read.
	LeftOut []string `json:"leftOut,omitempty"`

	situation compare.Situation
}

// preview says what the edits would do.
func (c *cli) preview(ctx context.Context, edits []*edit) (previewed, error) {
	out := previewed{Edits: edits, Summary: map[compare.Outcome]int{}, Releases: []*releasePreview{}}
	cluster, err := c.cluster(ctx, edits[0].Namespace)
	if err != nil {
		return out, err
	}
	found := map[types.NamespacedName]*releasePreview{}
	for _, e := range edits {
		reach := graph.Reaches(cluster, e.subject)
		e.Excluded, e.FluxWatched, e.Problems = reach.Excluded, reach.FluxWatched, reach.Problems
		for _, edge := range reach.Edges {
			key := types.NamespacedName{Namespace: edge.Release.Namespace, Name: edge.Release.Name}
			if found[key] == nil {
				found[key] = &releasePreview{Object: edge.Release}
			}
			found[key].follow(edge, e)
		}
	}
	values := newComposer(c.client, edits, cluster.Triggers)
	for i := range cluster.Releases {
		hr := &cluster.Releases[i]
		if r := found[types.NamespacedName{Namespace: hr.Namespace, Name: hr.Name}]; r != nil {
			if err := r.decide(ctx, hr, values); err != nil {
				return out, err
			}
			out.Releases = append(out.Releases, r)
			out.Summary[r.Outcome]++
		}
	}
	slices.SortStableFunc(out.Releases, func(a, b *releasePreview) int {
		return slices.Index(compare.Outcomes, a.Outcome) - slices.Index(compare.Outcomes, b.Outcome)
	})
	return out, nil
}

// follow takes in one way from an edit to the release.
func (r *releasePreview) follow(edge graph.Edge, e *edit) {
	counts := len(edge.Keys) == 0 && len(e.ChangedKeys) > 0 ||
		slices.ContainsFunc(e.ChangedKeys, func(key string) bool { return slices.Contains(edge.Keys, key) })
	switch edge.Effect {
	case graph.Denied, graph.None, graph.Absent, graph.AtInterval:
		return
	case graph.Held:
		if counts {
			r.situation.Held = "after it is resumed"
		}
	}
	if counts {
		r.situation.Followed = true
		r.situation.Force = r.situation.Force || edge.Force
		by := string(edge.How)
		if edge.Trigger != "" {
			by = "ValuesTrigger " + edge.Trigger
		}
		if !slices.Contains(r.By, by) {
			r.By = append(r.By, by)
		}
	}
}

// decide composes the values before and after, and says what follows.
func (r *releasePreview) decide(ctx context.Context, hr *helmv2.HelmRelease, values *composer) error {
	both, err := values.compose(ctx, hr)
	if err != nil {
		return err
	}
	s := &r.situation
	s.Before, s.After, s.Differ = both.beforeProblem, both.afterProblem, both.differ
	r.LeftOut = both.leftOut
	if s.After == "" && len(both.leftOut) == 0 {
		if latest := hr.Status.History.Latest(); latest != nil {
			// A digest of an algorithm that is not built in says nothing.
			s.Runs, _ = source.Matches(both.after, latest.ConfigDigest)
		}
	}
	if s.Before == "" && s.After == "" {
		r.Differences = compare.Values(both.before, both.after, both.secrets...)
	}
	r.Outcome, r.Message = s.Decide()
	return nil
}
