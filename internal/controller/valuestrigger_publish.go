// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/target"
)

var (
	// errMoved tells that a source has changed since it was looked at: what it holds now
	// has not been decided on.
	errMoved = errors.New("a source has just changed")

	// errCopy tells that the content of sources cannot be in one copy.
	errCopy = errors.New("invalid spec")
)

// publication is what a trigger copies, as its sources are now.
type publication struct {
	owner   *triggerv1.ValuesTrigger
	actor   copies.Actor
	sources []plan.Source
	suffix  string

	// get reads an object, nil if there is none. Restored tells that the sources are read
	// from where they are kept.
	get      func(source.Ref) (client.Object, error)
	restored bool

	// contentOf returns the content of such an object, from which digests are made.
	contentOf func(client.Object) (digest.Content, error)

	mu       sync.Mutex
	contents map[string]*content
}

// content is that of copies of the same sources: of each target's, all are equal.
type content struct {
	once    sync.Once
	content publish.Content
	err     error
}

// newPublication returns nil if nothing is copied. Of a generated trigger nothing is: what
// it delivers comes from elsewhere than its spec.
func (r *ValuesTriggerReconciler) newPublication(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation) *publication {
	if vt.Spec.Publish == nil || e.generated {
		return nil
	}
	actor := copies.Actor{Name: e.account.Name, Reader: e.account.Reader, Writer: e.writer}
	if actor.Reader == nil {
		actor.Reader = r.live
	}
	return &publication{
		owner: vt, actor: actor, sources: e.sources, suffix: vt.Spec.Publish.Name, restored: e.refused != "",
		get:       func(ref source.Ref) (client.Object, error) { return r.store.Read(ctx, e.account, ref) },
		contentOf: func(obj client.Object) (digest.Content, error) { return r.store.ContentOf(ctx, obj) },
		contents:  map[string]*content{},
	}
}

// copiesOf returns the copies that a target is to have.
func (p *publication) copiesOf(release types.NamespacedName) []publish.Copy {
	sources := make([]publish.Source, 0, len(p.sources))
	for _, s := range p.sources {
		suffix := s.PublishAs
		if suffix == "" {
			suffix = p.suffix
		}
		sources = append(sources, publish.Source{ID: s.ID, Suffix: suffix})
	}
	return publish.Wanted(client.ObjectKeyFromObject(p.owner), release, sources)
}

// wanted returns a copy with its content.
func (p *publication) wanted(c publish.Copy) copies.Wanted {
	var sources []plan.Source
	for _, s := range p.sources {
		if slices.Contains(c.Sources, s.ID) {
			sources = append(sources, s)
		}
	}
	key := strings.Join(c.Sources, ",")
	return copies.Wanted{Copy: c, Digest: plan.Combined(sources), Content: func() (publish.Content, error) {
		p.mu.Lock()
		known, found := p.contents[key]
		if !found {
			known = &content{}
			p.contents[key] = known
		}
		p.mu.Unlock()
		known.once.Do(func() { known.content, known.err = p.load(sources) })
		return known.content, known.err
	}}
}

// read returns what holds the content of a source, nil if there is nothing, and what it
// means if that holds other content.
func (p *publication) read(s plan.Source) (obj client.Object, lost, err error) {
	if p.restored {
		obj, err = p.readKept(s)
		return obj, errKept, err
	}
	obj, err = p.get(source.RefOf(s.ID))
	return obj, errMoved, err
}

// load reads what sources hold. It must be what was decided on: content that nobody has
// approved is not for anybody.
func (p *publication) load(sources []plan.Source) (publish.Content, error) {
	parts := map[string]publish.Content{}
	for _, s := range sources {
		if s.Digest == "" {
			continue // Optional, and not there.
		}
		obj, lost, err := p.read(s)
		if err != nil {
			return publish.Content{}, err
		}
		moved := fmt.Errorf("%w: %s", lost, source.RefOf(s.ID))
		if obj == nil {
			return publish.Content{}, moved
		}
		content, err := p.contentOf(obj)
		if err != nil {
			return publish.Content{}, err
		}
		if !content.Is(s.Digest, s.Keys...) {
			return publish.Content{}, moved
		}
		parts[s.ID] = publish.Of(obj, s.Keys...)
	}
	merged, err := publish.Merge(parts)
	if err != nil {
		return merged, fmt.Errorf("%w: %w", errCopy, err)
	}
	return merged, nil
}

// sharing returns why copies of two targets would be one object, or nil.
func (p *publication) sharing(e evaluation) error {
	all := make(map[string][]publish.Copy, len(e.targets))
	for _, t := range e.targets {
		all[t.String()] = p.copiesOf(t.NamespacedName)
	}
	if err := publish.Shared(all); err != nil {
		return fmt.Errorf("%w: %w", errCopy, err)
	}
	return nil
}

// reads returns which sources a release reads by which copy.
func reads(all []publish.Copy) map[string][]string {
	by := make(map[string][]string, len(all))
	for _, c := range all {
		by[plan.ID(c.Kind, c.Namespace, c.Name)] = c.Sources
	}
	return by
}

// crossing returns the way of a source's content into a namespace.
func (p *publication) crossing(s plan.Source, to string) publish.Crossing {
	return publish.Crossing{
		Source: s.ID, From: source.RefOf(s.ID).Namespace, To: to, PublishTo: s.PublishTo,
		Account: p.actor.Name != "", Trigger: p.owner.Namespace,
	}
}

// consent says why a target must not have its copies, or nothing. Unasked tells that
// there is no release yet that would ask for them.
func (p *publication) consent(key types.NamespacedName, hr *helmv2.HelmRelease, all []publish.Copy) (denied string, unasked bool) {
	for _, c := range all {
		listed := hr == nil || slices.ContainsFunc(hr.Spec.ValuesFrom, func(ref helmv2.ValuesReference) bool {
			return ref.Kind == c.Kind && ref.Name == c.Name
		})
		for _, s := range p.sources {
			if !slices.Contains(c.Sources, s.ID) {
				continue
			}
			crossing := p.crossing(s, key.Namespace)
			crossing.Copy, crossing.Listed = c, listed
			if err := crossing.Check(); err != nil {
				return err.Error(), false
			}
		}
	}
	return "", hr == nil && key.Namespace != p.owner.Namespace && p.actor.Name == ""
}

// observeCopies adds to what is observed of a target what its copies say.
func (r *ValuesTriggerReconciler) observeCopies(ctx context.Context, e evaluation, c *targetCase) error {
	release := &c.input.Release
	c.copies = e.publication.copiesOf(c.NamespacedName)
	var denied string
	if denied, c.unasked = e.publication.consent(c.NamespacedName, c.hr, c.copies); release.Denied == "" {
		release.Denied = denied
	}
	target.ObserveCopies(release, c.hr, reads(c.copies))
	if release.Denied != "" || c.unasked {
		c.state, c.looked = publish.Outdated, false
		return nil
	}
	err := r.look(ctx, e, c)
	c.looked = err == nil
	c.input.Unpublished = c.state != publish.Current && len(release.Reads) > 0
	return err
}

// look compares the copies of a target with what they are to hold.
func (r *ValuesTriggerReconciler) look(ctx context.Context, e evaluation, c *targetCase) error {
	c.state = publish.Current
	for _, one := range c.copies {
		state, err := r.copies.Look(ctx, e.publication.actor, e.publication.wanted(one))
		if err != nil {
			c.state = publish.Outdated
			return err
		}
		c.state = publish.Worst(c.state, state)
		if state == publish.Foreign {
			return copies.Foreign(one)
		}
	}
	return nil
}

// publish writes the copies of a target if it is their time.
func (r *ValuesTriggerReconciler) publish(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation, c *targetCase, held string) error {
	if e.publication == nil {
		return nil
	}
	status := c.decision.Status
	moment := publish.Moment{
		Copies: c.state, Denied: c.input.Release.Denied != "" || c.unasked, Due: c.decision.Request != nil, Held: held != "",
		Exists: c.input.Release.Exists, Installed: c.input.Release.Revision > 0 || status.DeliveredAt != nil, Gated: vt.IsGated(),
		Delivered: c.decision.Request == nil && status.State == triggerv1.TargetDelivered && status.Digest == e.diff.To,
	}
	if !moment.Now() {
		return nil
	}
	for _, one := range c.copies {
		if err := r.copies.Write(ctx, e.publication.actor, e.publication.wanted(one)); err != nil {
			if apierrors.IsNotFound(err) && !moment.Exists {
				return nil // There is no namespace yet, either.
			}
			return err
		}
	}
	c.state = publish.Current
	return nil
}

// published returns what to record of the copies of a target.
func (c *targetCase) published(e evaluation) string {
	switch {
	case e.publication == nil, c.state == publish.Absent:
		return ""
	case len(c.copies) > 0 && c.looked && c.state == publish.Current:
		return e.diff.To
	case c.previous != nil:
		return c.previous.Published
	}
	return ""
}

// refusal returns the reason of a condition for an error that only a person can mend, or
// nothing.
func refusal(err error) string {
	switch {
	case errors.Is(err, copies.ErrForeign):
		return triggerv1.NameConflictReason
	case errors.Is(err, errCopy):
		return triggerv1.InvalidSpecReason
	case errors.Is(err, errKept):
		return triggerv1.RollbackHaltedReason
	}
	return ""
}
