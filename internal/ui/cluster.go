// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/follow"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// Seen is what was last seen of the cluster. It is shared: nothing in it is changed.
type Seen struct {
	// Cluster has the ValuesTriggers, the HelmReleases without their values, and the labels of namespaces.
	graph.Cluster

	// Where they are, in words.
	Where string

	// Stale is since when the cluster does not answer, zero while it does, and Why.
	Stale time.Time
	Why   string

	// Notes say what may not be read.
	Notes []string

	// samples are the values that analyses have measured, as far as they were seen.
	samples map[metricKey][]sample

	// Complete is false until everything has been listed once.
	Complete bool
}

// cluster follows the cluster for all pages.
type cluster struct {
	options Options

	mu       sync.Mutex
	triggers part[*triggerv1.ValuesTrigger]
	releases part[*helmv2.HelmRelease]
	spaces   part[*metav1.PartialObjectMetadata]

	// vts and hrs are the same, by value.
	vts     []triggerv1.ValuesTrigger
	hrs     []helmv2.HelmRelease
	samples map[metricKey][]sample

	seen    Seen
	changed chan struct{}
}

// part is what is seen of one kind.
type part[T client.Object] struct {
	follow.Seen[T]
	listed bool

	// in is the namespace that is listed, "" for all, and note what may not be.
	in, note string
}

func newCluster(o Options) *cluster {
	return &cluster{options: o, changed: make(chan struct{})}
}

// now returns what is seen, and a channel that is closed when that has changed.
func (c *cluster) now() (seen Seen, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen = c.seen
	seen.Now = c.options.Now()
	return seen, c.changed
}

// follow follows until ctx ends. The error is why ValuesTriggers cannot be followed.
func (c *cluster) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		_ = followKind(ctx, c, &c.releases, "HelmReleases", "", c.options.Fallback, kind[*helmv2.HelmRelease]{
			list: func() client.ObjectList { return &helmv2.HelmReleaseList{} }, strip: stripRelease,
			take: func(objects []*helmv2.HelmRelease) { c.hrs = valuesOf(objects) },
		})
	})
	running.Go(func() {
		_ = followKind(ctx, c, &c.spaces, "Namespaces", "", "", kind[*metav1.PartialObjectMetadata]{
			list: func() client.ObjectList {
				list := &metav1.PartialObjectMetadataList{}
				list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
				return list
			},
			strip: func(m *metav1.PartialObjectMetadata) { m.ManagedFields, m.Annotations = nil, nil },
			take:  func([]*metav1.PartialObjectMetadata) {},
		})
	})
	err := followKind(ctx, c, &c.triggers, "ValuesTriggers", c.options.Namespace, c.options.Fallback, kind[*triggerv1.ValuesTrigger]{
		list: func() client.ObjectList { return &triggerv1.ValuesTriggerList{} },
		take: func(objects []*triggerv1.ValuesTrigger) {
			c.vts = valuesOf(objects)
			c.samples = sampled(c.samples, c.vts)
		},
	})
	cancel()
	running.Wait()
	return err
}

// kind is how objects of a kind are followed.
type kind[T client.Object] struct {
	list  func() client.ObjectList
	strip func(T)

	// take is called with the objects, before what is seen is put together.
	take func([]T)
}

// followKind follows a kind in a namespace, "" for all, or in another one if that is forbidden.
func followKind[T client.Object](ctx context.Context, c *cluster, p *part[T], what, in, fallback string, k kind[T]) error {
	for {
		f := &follow.Follower[T]{Client: c.options.Client, List: k.list, Namespace: in, Now: c.options.Now, Patience: follow.RetryAfter, Strip: k.strip}
		err := f.Follow(ctx, func(seen follow.Seen[T]) {
			c.set(func() {
				p.Seen, p.listed, p.in = seen, p.listed || seen.Stale.IsZero(), in
				k.take(seen.Objects)
			})
		})
		note := ""
		switch {
		case err == nil:
			return nil
		case apierrors.IsForbidden(err) && in == "" && fallback != "":
			note = fmt.Sprintf("%s are shown of namespace %s only: you may not list them in all namespaces.", what, fallback)
			in = fallback
			c.set(func() { p.note = note })
			continue
		}
		note = fmt.Sprintf("%s are not shown: you may not list and watch them.", what)
		if !apierrors.IsForbidden(err) {
			note = fmt.Sprintf("%s are not shown: %s", what, err)
		}
		c.set(func() { p.note, p.listed, p.in = note, true, "-" })
		return err
	}
}

// stripRelease drops what no page reads.
func stripRelease(hr *helmv2.HelmRelease) {
	hr.ManagedFields, hr.Spec.Values, hr.Spec.PostRenderers, hr.Spec.Test = nil, nil, nil, nil
}

// set changes what is known of a kind, and wakes the pages.
func (c *cluster) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.seen = c.build()
	close(c.changed)
	c.changed = make(chan struct{})
}

// build puts together what is known of all kinds.
func (c *cluster) build() Seen {
	seen := Seen{Where: "all namespaces", Complete: c.triggers.listed && c.releases.listed && c.spaces.listed}
	if in := c.triggers.in; in != "" {
		seen.Where = "namespace " + in
	}
	seen.Triggers, seen.Releases, seen.samples = c.vts, c.hrs, c.samples
	seen.All, seen.Directory.Namespace = c.releases.listed && c.releases.in == "", c.releases.in
	if c.spaces.listed && c.spaces.note == "" {
		seen.Namespaces = make(map[string]labels.Set, len(c.spaces.Objects))
		for _, m := range c.spaces.Objects {
			seen.Namespaces[m.Name] = m.Labels
		}
	}
	seen.add(c.triggers.note, c.triggers.Stale, c.triggers.Why)
	seen.add(c.releases.note, c.releases.Stale, c.releases.Why)
	seen.add(c.spaces.note, c.spaces.Stale, c.spaces.Why)
	return seen
}

// add takes in what is said of one kind.
func (s *Seen) add(note string, stale time.Time, why string) {
	if note != "" {
		s.Notes = append(s.Notes, note)
	}
	if !stale.IsZero() && (s.Stale.IsZero() || stale.Before(s.Stale)) {
		s.Stale, s.Why = stale, why
	}
}

// valuesOf returns objects as what they are about takes them.
func valuesOf[T any](objects []*T) []T {
	out := make([]T, 0, len(objects))
	for _, obj := range objects {
		out = append(out, *obj)
	}
	return out
}

// trigger returns a ValuesTrigger, nil if there is none.
func (s Seen) trigger(namespace, name string) *triggerv1.ValuesTrigger {
	for i := range s.Triggers {
		if s.Triggers[i].Namespace == namespace && s.Triggers[i].Name == name {
			return &s.Triggers[i]
		}
	}
	return nil
}
