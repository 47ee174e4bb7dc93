// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// publication is what a trigger copies, as its sources are now.
type publication struct {
	owner   *triggerv1.ValuesTrigger
	actor   copies.Actor
	sources []plan.Source

	// get reads an object, nil if there is none. Restored is true if the sources are read
	// from where they are kept.
	get      func(source.Ref) (client.Object, error)
	restored bool

	// contentOf returns the content of such an object, from which digests are made.
	contentOf func(client.Object) (digest.Content, error)
	// goesWith has the copies go with the trigger, deleted as its account.
	goesWith bool
	account  string

	// shared says, by target, why its copies must not be.
	shared map[string]error

	// retained bounds the content that is not read again for each target. The parts are
	// those that are held of it.
	retained *budget.Budget

	mu       sync.Mutex
	contents map[string]*content
	parts    []*budget.Part
}

// newPublication returns nil if nothing is copied. Of a generated trigger nothing is: what
// it delivers comes from elsewhere than its spec.
func (e *Engine) newPublication(ctx context.Context, snap snapshot) *publication {
	if snap.vt.Spec.Publish == nil || snap.generated() {
		return nil
	}
	actor := copies.Actor{Name: snap.account.Name, Reader: snap.account.Reader, Writer: snap.writer}
	if actor.Reader == nil {
		actor.Reader = e.Live
	}
	return &publication{
		owner: snap.vt, actor: actor, sources: snap.sources, restored: snap.rejected != "",
		get:       func(ref source.Ref) (client.Object, error) { return e.Store.Read(ctx, snap.account, ref) },
		contentOf: func(obj client.Object) (digest.Content, error) { return e.Store.ContentOf(ctx, obj) },
		goesWith:  deletesCopies(snap.vt), account: e.Accounts.name(snap.vt), retained: e.Retained, contents: map[string]*content{},
	}
}

// copiesOf returns the copies that a target is to have.
func (p *publication) copiesOf(release types.NamespacedName) []publish.Copy {
	sources := make([]publish.Source, 0, len(p.sources))
	for _, s := range p.sources {
		sources = append(sources, publish.Source{ID: s.ID, Suffix: binding.Suffix(p.owner, s.PublishAs)})
	}
	all := publish.Wanted(client.ObjectKeyFromObject(p.owner), release, sources)
	for i := range all {
		if p.goesWith {
			all[i].GoWithTrigger(p.account)
		}
	}
	return all
}

// reads returns which sources a release reads by which copy.
func reads(all []publish.Copy) map[string][]string {
	by := make(map[string][]string, len(all))
	for _, c := range all {
		by[plan.ID(c.Kind, c.Namespace, c.Name)] = c.Sources
	}
	return by
}

// observeCopies adds to what is observed of a target what its copies say.
func (e *Engine) observeCopies(ctx context.Context, snap snapshot, c *targetCase) error {
	release := &c.input.Release
	c.copies, c.state, c.looked = snap.publication.copiesOf(c.NamespacedName), publish.Outdated, false
	target.ObserveCopies(release, c.hr, reads(c.copies))
	consented, err := e.consented(ctx, snap, c)
	if err != nil {
		return err
	}
	var denied string
	if denied, c.unasked = snap.publication.consent(c.NamespacedName, c.hr, consented, c.copies); release.Denied == "" {
		release.Denied = denied
	}
	if release.Denied != "" || c.unasked {
		return nil
	}
	if err := snap.publication.shared[c.String()]; err != nil {
		return err
	}
	err = e.look(ctx, snap, c)
	c.looked = err == nil
	c.input.Unpublished = c.state != publish.Current && len(release.Reads) > 0
	return err
}

// look compares the copies of a target with what they are to hold.
func (e *Engine) look(ctx context.Context, snap snapshot, c *targetCase) error {
	c.state, c.states = publish.Current, make([]publish.State, len(c.copies))
	for i, one := range c.copies {
		state, err := e.Copies.Look(ctx, snap.publication.actor, snap.publication.wanted(one))
		if err != nil {
			c.state = publish.Outdated
			return err
		}
		c.states[i], c.state = state, publish.Worst(c.state, state)
		if state == publish.Foreign {
			return copies.Foreign(one)
		}
	}
	return nil
}

// publish writes the copies of a target if it is their time.
func (e *Engine) publish(ctx context.Context, snap snapshot, c *targetCase) error {
	if snap.publication == nil || c.settling {
		return nil
	}
	status := c.decision.Status
	moment := publish.Moment{
		Copies: c.state, Denied: c.input.Release.Denied != "" || c.unasked, Due: c.decision.Request != nil, Held: c.held != "",
		Exists: c.input.Release.Exists, Installed: c.input.Release.Revision > 0 || status.DeliveredAt != nil, Gated: snap.vt.IsGated(),
		Delivered: c.decision.Request == nil && status.State == triggerv1.TargetDelivered && status.Digest == snap.diff.To,
	}
	if err := e.followPolicy(ctx, snap, c); err != nil {
		return err
	}
	if moment.Carried() {
		return e.carry(ctx, snap, c)
	}
	if !moment.Now() {
		return nil
	}
	for _, one := range c.copies {
		if err := e.Copies.Write(ctx, snap.publication.actor, snap.publication.wanted(one)); err != nil {
			if apierrors.IsNotFound(err) && !moment.Exists {
				return nil // There is no namespace yet, either.
			}
			return err
		}
	}
	c.state = publish.Current
	return nil
}

// followPolicy has the copies of a target that are there go with the trigger, if they are to:
// letGo has them stay.
func (e *Engine) followPolicy(ctx context.Context, snap snapshot, c *targetCase) error {
	if !snap.publication.goesWith || !c.looked || c.state == publish.Foreign {
		return nil
	}
	for i, one := range c.copies {
		if c.states[i] == publish.Absent {
			continue
		}
		if err := e.Copies.Follow(ctx, snap.publication.actor, copies.Wanted{Copy: one}); err != nil {
			return err
		}
	}
	return nil
}

// published returns what to record of the copies of a target.
func (c *targetCase) published(snap snapshot) string {
	switch {
	case snap.publication == nil, c.state == publish.Absent:
		return ""
	case len(c.copies) > 0 && c.looked && c.state == publish.Current:
		return snap.diff.To
	case c.previous != nil:
		return c.previous.Published
	}
	return ""
}
