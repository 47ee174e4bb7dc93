// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
)

// publisher writes the copies of a target when it is their time: before its request.
type publisher struct {
	cache  client.Reader
	kinds  []string
	copies *copies.Keeper
	values *comparer
}

// publish writes the copies of a target if it is their time.
func (p *publisher) publish(ctx context.Context, snap snapshot, c *targetCase) error {
	if snap.publication == nil || c.settling {
		return nil
	}
	status := c.decision.Status
	moment := publish.Moment{
		Copies: c.state, Denied: c.input.Release.Denied != "" || c.unasked, Due: c.decision.Request != nil, Held: c.held != "",
		Exists: c.input.Release.Exists, Installed: c.input.Release.Revision > 0 || status.DeliveredAt != nil, Gated: snap.vt.IsGated(),
		Delivered: c.decision.Request == nil && status.State == triggerv1.TargetDelivered && status.Digest == snap.diff.To,
	}
	if err := p.followPolicy(ctx, snap, c); err != nil {
		return err
	}
	if moment.Carried() {
		return p.carry(ctx, snap, c)
	}
	if !moment.Now() {
		return nil
	}
	for _, one := range c.copies {
		if err := p.copies.Write(ctx, snap.publication.actor, snap.publication.wanted(one.Copy)); err != nil {
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
// LetGo has them stay.
func (p *publisher) followPolicy(ctx context.Context, snap snapshot, c *targetCase) error {
	if !snap.publication.goesWith || !c.looked || c.state == publish.Foreign {
		return nil
	}
	for _, one := range c.copies {
		if one.state == publish.Absent {
			continue
		}
		if err := p.copies.Follow(ctx, snap.publication.actor, copies.Wanted{Copy: one.Copy}); err != nil {
			return err
		}
	}
	return nil
}

// carry makes the copies of a target that are not there, as far as what it had is known, while a change
// waits: one may be under another name since spec.publish was edited, or deleted. A release that reads an
// object that is not there can neither be repaired nor upgraded.
func (p *publisher) carry(ctx context.Context, snap snapshot, c *targetCase) error {
	for i := range c.copies {
		one := &c.copies[i]
		if one.state != publish.Absent {
			continue
		}
		want, err := p.earlier(ctx, snap, c, one.Copy)
		if err != nil {
			return err
		}
		if want.Content == nil {
			continue
		}
		if err := p.copies.Write(ctx, snap.publication.actor, want); err != nil {
			return err
		}
		one.state = publish.Outdated
	}
	c.state = publish.Current
	for _, one := range c.copies {
		c.state = publish.Worst(c.state, one.state)
	}
	return nil
}

// earlier returns a copy with what its target had before, without content if that is not
// known: what the copy under an earlier name holds, what is kept of the content that was
// last put into its copies, or the present content if it changes nothing.
func (p *publisher) earlier(ctx context.Context, snap snapshot, c *targetCase, one publish.Copy) (copies.Wanted, error) {
	publication := snap.publication
	found, err := copiesOf(ctx, p.cache, p.kinds, client.ObjectKeyFromObject(snap.vt))
	if err != nil {
		return copies.Wanted{}, err
	}
	var others []publish.Copy
	for _, other := range found {
		was := named(other)
		was.Labels = other.Labels
		if !slices.ContainsFunc(c.copies, func(c targetCopy) bool { return c.Copy.String() == was.String() }) {
			others = append(others, was)
		}
	}
	if i, sure := publish.Predecessor(one, others); sure {
		return copies.Wanted{Copy: one, Digest: "as " + others[i].String(), Content: func() (publish.Content, error) {
			return p.copies.Content(ctx, publication.actor, others[i])
		}}, nil
	}
	if kept, known := publication.keptFor(snap.vt, c, one); known {
		return kept, nil
	}
	if len(c.input.Release.Reads) == 0 {
		return copies.Wanted{}, nil
	}
	// Without a copy, its release cannot be observed: the values that it would be requested with count.
	values, err := p.values.compare(ctx, c.hr, publication.given(c))
	if err == nil && values == plan.ValuesEqual {
		return publication.wanted(one), nil
	}
	return copies.Wanted{}, nil
}

// keptFor returns a copy with what is kept to go back to, if that is what was last put into
// the copies of its target.
func (p *publication) keptFor(vt *triggerv1.ValuesTrigger, c *targetCase, one publish.Copy) (copies.Wanted, bool) {
	contents := plan.Restorable(&vt.Status)
	i := slices.IndexFunc(contents, func(content *triggerv1.DeliveredContent) bool {
		return c.previous != nil && content.Digest == c.previous.Published
	})
	if i < 0 {
		return copies.Wanted{}, false
	}
	restored, sound := plan.Restored(contents[i], p.sources)
	if !sound {
		return copies.Wanted{}, false
	}
	restored = slices.DeleteFunc(slices.Clone(restored), func(s plan.Source) bool { return !slices.Contains(one.Sources, s.ID) })
	past := p.past(restored)
	return copies.Wanted{Copy: one, Digest: plan.Combined(restored), Content: func() (publish.Content, error) { return past.load(restored) }}, true
}
