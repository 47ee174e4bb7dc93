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
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// This file says which targets must not have their copies.

// sharing returns, by target, why its copies would be those of another target, too. It is
// their names that decide, and who names a HelmRelease decides on no other.
func (p *publication) sharing(snap snapshot) map[string]error {
	all := make(map[string][]publish.Copy, len(snap.targets))
	for _, t := range snap.targets {
		all[t.String()] = p.copiesOf(t.NamespacedName)
	}
	shared := publish.Shared(all)
	for target, err := range shared {
		shared[target] = fault.Conflict("%w", err)
	}
	return shared
}

// crossing returns the way of a source's content into a namespace.
func (p *publication) crossing(s plan.Source, to string) publish.Crossing {
	return publish.Crossing{
		Source: s.ID, From: source.RefOf(s.ID).Namespace, To: to, PublishTo: s.PublishTo,
		Account: p.actor.Name != "", Trigger: p.owner.Namespace,
	}
}

// consented reports whether the owner of a target consents to its copies by annotation.
func (e *Engine) consented(ctx context.Context, snap snapshot, c *targetCase) (bool, error) {
	p := snap.publication
	if c.Namespace == p.owner.Namespace || p.actor.Name != "" {
		return false, nil // It need not.
	}
	var release, namespace map[string]string
	if c.hr != nil {
		release = c.hr.Annotations
	}
	if e.Namespaces != nil {
		meta := index.Metadata("Namespace")
		if err := e.Namespaces.Get(ctx, client.ObjectKey{Name: c.Namespace}, meta); client.IgnoreNotFound(err) != nil {
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
