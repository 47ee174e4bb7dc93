// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// This file gives a release what it had before where a copy is missing while a change
// waits: under another name since spec.publish was edited, or deleted. A release that reads
// an object that is not there can neither be repaired nor upgraded.

// carry makes the copies of a target that are not there, as far as what it had is known.
func (e *Engine) carry(ctx context.Context, snap snapshot, c *targetCase) error {
	for i, one := range c.copies {
		if c.states[i] != publish.Absent {
			continue
		}
		want, err := e.earlier(ctx, snap, c, one)
		if err != nil {
			return err
		}
		if want.Content == nil {
			continue
		}
		if err := e.Copies.Write(ctx, snap.publication.actor, want); err != nil {
			return err
		}
		c.states[i] = publish.Outdated
	}
	c.state = publish.Worst(c.states...)
	return nil
}

// earlier returns a copy with what its target had before, without content if that is not
// known: what the copy under an earlier name holds, what is kept of the content that was
// last put into its copies, or the present content if it changes nothing.
func (e *Engine) earlier(ctx context.Context, snap snapshot, c *targetCase, one publish.Copy) (copies.Wanted, error) {
	p := snap.publication
	found, err := e.copiesOf(ctx, client.ObjectKeyFromObject(snap.vt))
	if err != nil {
		return copies.Wanted{}, err
	}
	var others []publish.Copy
	for _, other := range found {
		was := named(other)
		was.Labels = other.Labels
		if !slices.ContainsFunc(c.copies, func(c publish.Copy) bool { return c.String() == was.String() }) {
			others = append(others, was)
		}
	}
	if i, sure := publish.Predecessor(one, others); sure {
		return copies.Wanted{Copy: one, Digest: "as " + others[i].String(), Content: func() (publish.Content, error) {
			return e.Copies.Content(ctx, p.actor, others[i])
		}}, nil
	}
	if kept, known := p.keptFor(snap.vt, c, one); known {
		return kept, nil
	}
	if len(c.input.Release.Reads) == 0 {
		return copies.Wanted{}, nil
	}
	// Without a copy, its release cannot be observed: the values that it would be requested with count.
	values, err := e.compareValues(ctx, c.hr, p.given(c))
	if err == nil && values == plan.ValuesEqual {
		return p.wanted(one), nil
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

// given returns the copies of a target as they will be when its request is made: what it
// reads now is what is held back.
func (p *publication) given(c *targetCase) source.Given {
	if p == nil {
		return nil
	}
	return func(ref source.Ref) (client.Object, error) {
		for _, one := range c.copies {
			if ref == (source.Ref{Kind: one.Kind, Namespace: one.Namespace, Name: one.Name}) {
				content, err := p.wanted(one).Content()
				return content.Object(one.Kind), err
			}
		}
		return nil, nil
	}
}
