// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// observer adds to the case of a target what its copies hold, or why it must not have them.
type observer struct {
	namespaces client.Reader
	copies     *copies.Keeper
}

// observe adds to what is observed of a target what its copies say.
func (o *observer) observe(ctx context.Context, snap snapshot, c *targetCase) error {
	release, wanted := &c.input.Release, snap.publication.copiesOf(c.NamespacedName)
	c.copies, c.state, c.looked = unseen(wanted), publish.Outdated, false
	target.ObserveCopies(release, c.hr, reads(wanted))
	consented, err := o.consented(ctx, snap, c)
	if err != nil {
		return err
	}
	var denied string
	if denied, c.unasked = snap.publication.consent(c.NamespacedName, c.hr, consented, wanted); release.Denied == "" {
		release.Denied = denied
	}
	if release.Denied != "" || c.unasked {
		return nil
	}
	if err := snap.publication.shared[c.String()]; err != nil {
		return err
	}
	err = o.look(ctx, snap, c)
	c.looked = err == nil
	c.input.Unpublished = c.state != publish.Current && len(release.Reads) > 0
	return err
}

// unseen returns copies whose state is not known yet.
func unseen(wanted []publish.Copy) []targetCopy {
	all := make([]targetCopy, 0, len(wanted))
	for _, one := range wanted {
		all = append(all, targetCopy{Copy: one})
	}
	return all
}

// look compares the copies of a target with what they are to hold.
func (o *observer) look(ctx context.Context, snap snapshot, c *targetCase) error {
	c.state = publish.Current
	for i := range c.copies {
		one := &c.copies[i]
		state, err := o.copies.Look(ctx, snap.publication.actor, snap.publication.wanted(one.Copy))
		if err != nil {
			c.state = publish.Outdated
			return err
		}
		one.state, c.state = state, publish.Worst(c.state, state)
		if state == publish.Foreign {
			return copies.Foreign(one.Copy)
		}
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

// consented reports whether the owner of a target consents to its copies by annotation.
func (o *observer) consented(ctx context.Context, snap snapshot, c *targetCase) (bool, error) {
	p := snap.publication
	if c.Namespace == p.owner.Namespace || p.actor.Name != "" {
		return false, nil // It need not.
	}
	var release, namespace map[string]string
	if c.hr != nil {
		release = c.hr.Annotations
	}
	if o.namespaces != nil {
		meta := index.Metadata("Namespace")
		if err := o.namespaces.Get(ctx, client.ObjectKey{Name: c.Namespace}, meta); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("metadata of Namespace %s: %w", c.Namespace, err)
		}
		namespace = meta.Annotations
	}
	return access.ConsentsToCopies(p.owner.Namespace, release, namespace), nil
}

// consent says why a target must not have its copies, or nothing. Unasked is true if the
// release that could consent to them is not there yet.
func (p *publication) consent(key types.NamespacedName, hr *helmv2.HelmRelease, consented bool, all []publish.Copy) (denied string, unasked bool) {
	for _, c := range all {
		for _, s := range p.sources {
			if !slices.Contains(c.Sources, s.ID) {
				continue
			}
			crossing := p.crossing(s, key.Namespace)
			crossing.Copy, crossing.Target, crossing.Consented = c, key.Name, consented || hr == nil
			if err := crossing.Check(); err != nil {
				return err.Error(), false
			}
		}
	}
	return "", hr == nil && !consented && key.Namespace != p.owner.Namespace && p.actor.Name == ""
}

// crossing returns the way of a source's content into a namespace.
func (p *publication) crossing(s plan.Source, to string) publish.Crossing {
	return publish.Crossing{
		Source: s.ID, From: source.RefOf(s.ID).Namespace, To: to, PublishTo: s.PublishTo,
		Account: p.actor.Name != "", Trigger: p.owner.Namespace,
	}
}

// sharing returns, by target, why its copies would be those of another target, too. It is
// their names that decide, and who names a HelmRelease decides on no other.
func (p *publication) sharing(targets []target.Target) map[string]error {
	all := make(map[string][]publish.Copy, len(targets))
	for _, t := range targets {
		all[t.String()] = p.copiesOf(t.NamespacedName)
	}
	shared := publish.Shared(all)
	for name, err := range shared {
		shared[name] = fault.Conflict("%w", err)
	}
	return shared
}
