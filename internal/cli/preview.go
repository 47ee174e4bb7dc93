// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

func (c *cli) previewCommand() *cobra.Command {
	var files []string
	var everything, pending bool
	deleted := ""
	cmd := &cobra.Command{
		Use:   "preview -f FILE... | --pending NAME | --delete KIND/NAME [-n NAMESPACE]",
		Short: "Say what applying an edited ConfigMap or Secret would do to which HelmReleases",
		Long: `Say which HelmReleases would change if the ConfigMaps, Secrets and HelmReleases in
the files were applied, and how their composed values differ. Values are composed
by the code of helm-controller. Nothing is written. Of a directory, what is built
from it is taken, as with lint.

With --pending: what a ValuesTrigger has not delivered yet, by stage, such as what
waits for an approval, against what each HelmRelease has.

With --delete: what would happen if a ConfigMap or Secret was deleted. Exits with 1 if a
HelmRelease or a ValuesTrigger requires it.

What comes out of a Secret is never shown, only that its path changes. Exits with
1 if the values of a HelmRelease could not be composed any more.`,
		Example: `  kubectl valuestrigger preview -f platform-values.yaml
  kubectl valuestrigger preview -f clusters/prod
  kubectl valuestrigger preview --pending platform -n platform
  kubectl valuestrigger preview --delete configmap/platform-values -n config
  sops -d secret.yaml | kubectl valuestrigger preview -f -`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeNames(triggerv1.ValuesTriggerKind),
	}
	cmd.Flags().StringArrayVarP(&files, "filename", "f", nil, "file or directory of manifests, or - for standard input")
	cmd.Flags().BoolVar(&pending, "pending", false, "preview what the named ValuesTrigger has not delivered yet")
	cmd.Flags().StringVar(&deleted, "delete", "", "preview the deletion of this object: configmap/NAME or secret/NAME")
	_ = cmd.RegisterFlagCompletionFunc("delete", c.completeNames("", "configmap", "secret"))
	cmd.Flags().BoolVar(&everything, "all", false, "name every HelmRelease and show every difference")
	c.withOutput(cmd, formatName)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error {
		if err := checkPreview(args, files, pending, deleted); err != nil {
			return err
		}
		if deleted != "" {
			return c.previewDeletion(cmd.Context(), deleted, everything)
		}
		if err := c.connect(); err != nil {
			return err
		}
		var preview previewed
		var err error
		if pending {
			preview, err = c.pending(cmd.Context(), args[0])
		} else {
			var in inputs
			if in, err = c.readInputs(cmd.Context(), files); err == nil {
				preview, err = c.preview(cmd.Context(), in)
			}
		}
		if err != nil {
			return err
		}
		if c.output == formatName {
			c.saidNames(releaseResource, preview.changing())
		} else if err := c.show(preview, func(s layout.Style) string { return previewText(s, preview, everything) }); err != nil {
			return err
		}
		if preview.Summary[compare.Fails] > 0 {
			return errFound
		}
		return nil
	})
}

// checkPreview returns an error if what is given does not go together.
func checkPreview(args, files []string, pending bool, deleted string) error {
	switch {
	case deleted != "" && (pending || len(args)+len(files) > 0):
		return usageError{errors.New("--delete is for one object by itself: preview --delete configmap/NAME")}
	case deleted != "":
		return nil
	case pending && (len(args) != 1 || len(files) > 0):
		return usageError{errors.New("give one name and no file: preview --pending NAME")}
	case !pending && len(args) > 0:
		return usageError{errors.New("give a file, or --pending: preview --pending " + args[0])}
	case !pending && len(files) == 0:
		return usageError{errors.New("give a file: -f FILE")}
	}
	return nil
}

// previewed is the answer.
type previewed struct {
	// Pending is the ValuesTrigger of which the undelivered content is shown.
	Pending *pendingTrigger `json:"pending,omitempty"`

	Edits    []*edit                 `json:"edits"`
	Summary  map[compare.Outcome]int `json:"summary"`
	Releases []*releasePreview       `json:"helmReleases"`

	// Later says how many HelmReleases wait, by what they wait for.
	Later map[string]int `json:"later,omitempty"`
}

// releasePreview is what would happen to one release.
type releasePreview struct {
	binding.Object
	Stage       string               `json:"stage,omitempty"`
	Outcome     compare.Outcome      `json:"outcome"`
	Message     string               `json:"message,omitempty"`
	By          []string             `json:"by,omitempty"`
	Differences []compare.Difference `json:"differences,omitempty"`

	// LeftOut are Secrets that the user may not read.
	LeftOut []string `json:"leftOut,omitempty"`

	situation compare.Situation

	// itself is what it reads past what holds the trigger back.
	itself string
}

// preview says what applying objects would do.
func (c *cli) preview(ctx context.Context, in inputs) (previewed, error) {
	namespace := c.namespace
	if len(in.edits) > 0 {
		namespace = in.edits[0].Namespace
	}
	cluster, err := c.cluster(ctx, namespace)
	if err != nil {
		return previewed{}, err
	}
	before := applied(&cluster, in.releases)
	return c.outcomes(ctx, cluster, in.edits, before, newComposer(c.client, in.edits, cluster))
}

// outcomes says what edits would do, and HelmReleases that are applied with them; before
// has what those are now.
func (c *cli) outcomes(ctx context.Context, cluster graph.Cluster, edits []*edit, before map[binding.Object]*helmv2.HelmRelease, values *composer) (previewed, error) {
	out := previewed{Edits: edits, Summary: map[compare.Outcome]int{}, Releases: []*releasePreview{}, Later: map[string]int{}}
	if out.Edits == nil {
		out.Edits = []*edit{}
	}
	found := map[binding.Object]*releasePreview{}
	for _, e := range edits {
		reach := graph.Reaches(cluster, e.subject)
		e.Excluded, e.FluxWatched, e.Problems = reach.Excluded, reach.FluxWatched, reach.Problems
		for _, edge := range reach.Edges {
			key := edge.Release
			if found[key] == nil {
				found[key] = &releasePreview{Object: edge.Release}
			}
			found[key].follow(edge, e)
		}
	}
	for i := range cluster.Releases {
		hr := &cluster.Releases[i]
		key := binding.ReleaseObject(hr)
		old, given := before[key]
		r := found[key]
		if r == nil && given {
			r = &releasePreview{Object: key}
		}
		if r == nil {
			continue
		}
		if !given {
			old = hr
		}
		r.own(old, hr, given)
		if err := r.decide(ctx, old, hr, values); err != nil {
			return out, err
		}
		if found[key] == nil && r.Outcome == compare.Same {
			continue // Nothing of it changes.
		}
		out.Releases = append(out.Releases, r)
		out.Summary[r.Outcome]++
		if r.Outcome == compare.Later {
			out.Later[r.Message]++
		}
	}
	slices.SortStableFunc(out.Releases, func(a, b *releasePreview) int {
		return slices.Index(compare.Outcomes, a.Outcome) - slices.Index(compare.Outcomes, b.Outcome)
	})
	return out, nil
}

// applied puts HelmReleases in the place of those of the cluster, and returns what those
// are, nil for one that is new.
func applied(cluster *graph.Cluster, releases []*helmv2.HelmRelease) map[binding.Object]*helmv2.HelmRelease {
	before := map[binding.Object]*helmv2.HelmRelease{}
	for _, given := range releases {
		key := binding.ReleaseObject(given)
		i := slices.IndexFunc(cluster.Releases, func(hr helmv2.HelmRelease) bool { return binding.ReleaseObject(&hr) == key })
		if i < 0 {
			before[key] = nil
			cluster.Releases = append(cluster.Releases, *given)
			continue
		}
		hr := &cluster.Releases[i]
		before[key] = hr.DeepCopy()
		hr.Spec.Values, hr.Spec.ValuesFrom, hr.Spec.Suspend = given.Spec.Values, given.Spec.ValuesFrom, given.Spec.Suspend
		hr.Labels, hr.Annotations = both(hr.Labels, given.Labels), both(hr.Annotations, given.Annotations)
	}
	return before
}

// both returns what only the cluster has, and what is applied.
func both(live, given map[string]string) map[string]string {
	out := maps.Clone(live)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, given)
	return out
}

// own takes in what is applied to the HelmRelease itself.
func (r *releasePreview) own(before, after *helmv2.HelmRelease, given bool) {
	s := &r.situation
	s.New = before == nil
	s.Own = given && !s.New && (!reflect.DeepEqual(before.GetValues(), after.GetValues()) || !slices.Equal(before.Spec.ValuesFrom, after.Spec.ValuesFrom))
	if (s.New || s.Own) && after.Spec.Suspend {
		s.Held = "after it is resumed"
	}
}

// follow takes in one way from an edit to the release.
func (r *releasePreview) follow(edge graph.Edge, e *edit) {
	s := &r.situation
	if edge.Itself {
		r.itself = e.String()
	}
	r.Stage = cmp.Or(edge.Turn.Stage, r.Stage)
	counts := e.counts(edge.Keys)
	if !edge.IsFollowed() {
		return
	}
	if edge.Effect == graph.Held {
		edge.Waits = "after it is resumed"
		if counts {
			s.Held = edge.Waits
		}
	}
	if !counts {
		if edge.Trigger != (graph.Key{}) && edge.Waits != "" && len(e.ChangedKeys) == 0 {
			s.Waits, s.Force = edge.Waits, s.Force || edge.Force
		}
		return
	}
	if !s.Followed || s.Turn != "" { // Else it comes at once by another way.
		s.Turn = edge.Turn.After
	}
	s.Followed, s.Force = true, s.Force || edge.Force
	by := string(edge.How)
	if edge.Trigger != (graph.Key{}) {
		by = "ValuesTrigger " + edge.Trigger.String()
	}
	if !slices.Contains(r.By, by) {
		r.By = append(r.By, by)
	}
}

// runs compares values with the digest of what a release runs. One of an algorithm that is
// not built in says nothing.
func runs(values map[string]any, digest string) (same, other bool) {
	same, err := source.Matches(values, digest)
	return same, err == nil && !same
}

// decide composes the values before and after, and says what follows.
func (r *releasePreview) decide(ctx context.Context, before, after *helmv2.HelmRelease, values *composer) error {
	both, err := values.compose(ctx, before, after)
	if err != nil {
		return err
	}
	s := &r.situation
	s.Before, s.After, s.Differ = both.beforeProblem, both.afterProblem, both.differ
	r.LeftOut = both.leftOut
	if s.After == "" && len(both.leftOut) == 0 {
		if latest := after.Status.History.Latest(); latest != nil {
			s.Runs, s.Stale = runs(both.after, latest.ConfigDigest)
		}
	}
	if s.Before == "" && s.After == "" {
		r.Differences = compare.Values(both.before, both.after, both.secrets...)
	}
	r.Outcome, r.Message = s.Decide()
	if r.Outcome == compare.Later && (r.Message == s.Turn || r.Message == s.Waits) && r.itself != "" && !after.Spec.Suspend {
		r.Message += "; it reads " + r.itself + " itself, and takes it up at its next interval at the latest"
	}
	return nil
}
