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
		c.saidNames(releaseResource, answer.Touched())
	} else if err := c.show(answer, func(s layout.Style) string { return deletionText(s, answer, everything) }); err != nil {
		return err
	}
	if answer.Summary[graph.Breaks] > 0 || slices.ContainsFunc(answer.Triggers, func(t compare.DeletedSource) bool { return t.Stops }) {
		return errFound
	}
	return nil
}

// deletionOf says what the deletion of an object would do.
func (c *cli) deletionOf(ctx context.Context, o binding.Object) (compare.Deletion, error) {
	out := compare.Deletion{Object: o, Triggers: []compare.DeletedSource{}, Summary: map[graph.Loss]int{}, Releases: []*compare.Loss{}}
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
	going := goesOn(&out, cluster, reach)
	values := newComposer(c.client, []*edit{e}, going)
	if unread != nil {
		values.live[o] = read{err: unread}
	}
	for i := range cluster.Releases {
		hr := &cluster.Releases[i]
		if !slices.ContainsFunc(reach.Edges, func(edge graph.Edge) bool { return edge.Release == binding.ReleaseObject(hr) }) {
			continue
		}
		l, err := lossOf(ctx, out, hr, reach.Edges, values)
		if err != nil {
			return out, err
		}
		out.Releases = append(out.Releases, l)
		out.Summary[l.Loss]++
	}
	slices.SortStableFunc(out.Releases, func(a, b *compare.Loss) int {
		return slices.Index(graph.Losses, a.Loss) - slices.Index(graph.Losses, b.Loss)
	})
	return out, nil
}

// goesOn lists the ValuesTriggers that have the object as a source, and returns the cluster with those
// that go on without it: what stops writes no copies.
func goesOn(d *compare.Deletion, cluster graph.Cluster, reach graph.Reach) graph.Cluster {
	going := cluster
	going.Triggers = nil
	for _, vt := range cluster.Triggers {
		t := compare.DeletedSource{Object: binding.TriggerObject(&vt), Stops: graph.Requires(&vt, d.Object)}
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
func lossOf(ctx context.Context, d compare.Deletion, hr *helmv2.HelmRelease, edges []graph.Edge, values *composer) (*compare.Loss, error) {
	l := &compare.Loss{Object: binding.ReleaseObject(hr), Loss: graph.Untouched}
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
		return edge.Release == l.Object && slices.ContainsFunc(d.Triggers, func(t compare.DeletedSource) bool {
			return t.Stops && t.NamespacedName() == edge.Trigger.NamespacedName
		})
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
