// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// deletion is what the deletion of an object would do.
type deletion struct {
	binding.Object

	// AppliedBy is what applies the object, and would create it again, empty if that is not known.
	AppliedBy string `json:"appliedBy,omitempty"`

	// CopyOf is the ValuesTrigger that keeps the object as a copy, and would write it again.
	CopyOf graph.Key `json:"copyOf,omitzero"`

	Triggers []deletedSource    `json:"valuesTriggers"`
	Summary  map[graph.Loss]int `json:"summary"`
	Releases []*loss            `json:"helmReleases"`
}

// deletedSource is a ValuesTrigger that has the object as a source.
type deletedSource struct {
	binding.Object

	// Stops is true if it requires the object, and delivers nothing without it.
	Stops bool `json:"stops"`
}

// loss is what would happen to one HelmRelease.
type loss struct {
	binding.Object
	Loss        graph.Loss           `json:"loss"`
	Message     string               `json:"message,omitempty"`
	Differences []compare.Difference `json:"differences,omitempty"`
	LeftOut     []string             `json:"leftOut,omitempty"`
}

func (c *cli) previewDeletion(ctx context.Context, arg string, everything bool) error {
	ref, err := parseReference(arg, "")
	switch {
	case err != nil:
		return err
	case ref.kind != triggerv1.ConfigMapKind && ref.kind != triggerv1.SecretKind:
		return usageError{fmt.Errorf("--delete %q: give configmap/NAME or secret/NAME", arg)}
	}
	if err := c.connect(); err != nil {
		return err
	}
	answer, err := c.deletionOf(ctx, binding.Object{Kind: ref.kind, Namespace: c.namespace, Name: ref.name})
	if err != nil {
		return err
	}
	if c.output == formatName {
		c.saidNames(releaseResource, answer.touched())
	} else if err := c.show(answer, func(s layout.Style) string { return deletionText(s, answer, everything) }); err != nil {
		return err
	}
	if answer.Summary[graph.Breaks] > 0 || slices.ContainsFunc(answer.Triggers, func(t deletedSource) bool { return t.Stops }) {
		return errFound
	}
	return nil
}

// touched returns the names of the HelmReleases to which something happens.
func (d *deletion) touched() []string {
	var names []string
	for _, l := range d.Releases {
		if l.Loss != graph.Untouched {
			names = append(names, l.Name)
		}
	}
	return names
}

// deletionOf says what the deletion of an object would do.
func (c *cli) deletionOf(ctx context.Context, o binding.Object) (deletion, error) {
	out := deletion{Object: o, Triggers: []deletedSource{}, Summary: map[graph.Loss]int{}, Releases: []*loss{}}
	e := &edit{Object: o, subject: graph.Subject{Object: o}}
	var unread error
	e.before, unread = readLive(ctx, c.client, o)
	switch {
	case apierrors.IsForbidden(unread):
		c.warn("you may not read %s: which values it sets is not known", o)
	case unread != nil:
		return out, unread
	case e.before == nil:
		return out, fmt.Errorf("there is no %s", o)
	default:
		e.subject.Labels, e.subject.Annotations = e.before.GetLabels(), e.before.GetAnnotations()
		if by, marked := applier.Of(e.subject.Labels, e.subject.Annotations); marked {
			out.AppliedBy = by.String()
		}
	}
	cluster, err := c.cluster(ctx, o.Namespace)
	if err != nil {
		return out, err
	}
	reach := graph.Reaches(cluster, e.subject)
	out.CopyOf = reach.CopyOf
	going := out.follow(cluster, reach)
	values := newComposer(c.client, []*edit{e}, going)
	if unread != nil {
		values.live[o] = read{err: unread}
	}
	for i := range cluster.Releases {
		hr := &cluster.Releases[i]
		if !slices.ContainsFunc(reach.Edges, func(edge graph.Edge) bool { return edge.Release == binding.ReleaseObject(hr) }) {
			continue
		}
		l, err := out.lossOf(ctx, hr, reach.Edges, values)
		if err != nil {
			return out, err
		}
		out.Releases = append(out.Releases, l)
		out.Summary[l.Loss]++
	}
	slices.SortStableFunc(out.Releases, func(a, b *loss) int { return slices.Index(graph.Losses, a.Loss) - slices.Index(graph.Losses, b.Loss) })
	return out, nil
}

// follow lists the ValuesTriggers that have the object as a source, and returns the cluster with those
// that go on without it: what stops writes no copies.
func (d *deletion) follow(cluster graph.Cluster, reach graph.Reach) graph.Cluster {
	going := cluster
	going.Triggers = nil
	for _, vt := range cluster.Triggers {
		t := deletedSource{Object: binding.TriggerObject(&vt), Stops: graph.Requires(&vt, d.Object)}
		reached := slices.ContainsFunc(reach.Edges, func(edge graph.Edge) bool { return edge.Trigger.NamespacedName == t.NamespacedName() })
		if t.Stops || reached {
			d.Triggers = append(d.Triggers, t)
		}
		if !t.Stops {
			going.Triggers = append(going.Triggers, vt)
		}
	}
	return going
}

// lossOf says what would happen to a HelmRelease.
func (d *deletion) lossOf(ctx context.Context, hr *helmv2.HelmRelease, edges []graph.Edge, values *composer) (*loss, error) {
	l := &loss{Object: binding.ReleaseObject(hr), Loss: graph.Untouched}
	if d.CopyOf != (graph.Key{}) {
		l.Message = "the operator writes the copy again"
		return l, nil
	}
	both, err := values.compose(ctx, hr, hr)
	if err != nil {
		return l, err
	}
	l.LeftOut = both.leftOut
	stopped := slices.ContainsFunc(edges, func(edge graph.Edge) bool {
		return edge.Release == l.Object && slices.ContainsFunc(d.Triggers, func(t deletedSource) bool { return t.Stops && t.NamespacedName() == edge.Trigger.NamespacedName })
	})
	switch {
	case graph.RequiredBy(hr, d.Object):
		l.Loss, l.Message = graph.Breaks, "its valuesFrom requires the object"
	case both.afterProblem != "" && both.afterProblem == both.beforeProblem:
		l.Loss, l.Message = graph.Breaks, "as before: "+both.afterProblem
	case both.afterProblem != "":
		l.Loss, l.Message = graph.Breaks, both.afterProblem
	case both.differ:
		l.Loss, l.Differences = graph.Loses, compare.Values(both.before, both.after, both.secrets...)
	case stopped:
		l.Loss = graph.Stops
	}
	return l, nil
}
