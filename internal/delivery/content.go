// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// This file reads what copies are to hold, and retains as much of it as there is room for.

// content is that of copies of the same sources: of each target's, all are equal.
type content struct {
	mu      sync.Mutex
	known   bool
	content publish.Content
	err     error
}

// MaxRetained bounds the content that triggers retain during a pass, all of
// them together. What finds no room is read for each target again.
const MaxRetained = 4 << 20

// forget gives back what is retained.
func (p *publication) forget() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.contents)
	for _, part := range p.parts {
		part.Return()
	}
	p.parts = nil
}

// wanted returns a copy with its content. Who asks for that holds a part of the budget.
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
		known.mu.Lock()
		defer known.mu.Unlock()
		if known.known {
			return known.content, known.err
		}
		loaded, err := p.load(sources)
		if err != nil || p.retain(loaded) {
			known.known, known.content, known.err = true, loaded, err
		}
		return loaded, err
	}}
}

// retain reports whether content may stay in memory until the end of the pass.
func (p *publication) retain(c publish.Content) bool {
	part := p.retained.Try(c.Size())
	if part == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts = append(p.parts, part)
	return true
}

// read returns what holds the content of a source, nil if there is nothing.
func (p *publication) read(s plan.Source) (client.Object, error) {
	if p.restored {
		return p.readKept(s)
	}
	return p.get(source.RefOf(s.ID))
}

// lost reports that what holds a source holds other content than what was decided on.
func (p *publication) lost(s plan.Source) error {
	if p.restored {
		return fault.Stalled(triggerv1.RollbackHaltedReason, "the content that was kept for a rollback is gone or was changed; edit the sources instead: %s", source.RefOf(s.ID))
	}
	return fault.Outdated("a source has just changed: %s", source.RefOf(s.ID))
}

// holds reports whether an object has the content of a source, false if there is none.
func (p *publication) holds(obj client.Object, s plan.Source) (bool, error) {
	if obj == nil {
		return false, nil
	}
	content, err := p.contentOf(obj)
	return err == nil && content.Is(s.Digest, s.Keys...), err
}

// load reads what sources hold. It must be what was decided on: content that is not
// approved is not for any target.
func (p *publication) load(sources []plan.Source) (publish.Content, error) {
	parts := map[string]publish.Content{}
	size := 0
	for _, s := range sources {
		if size > publish.MaxContent {
			break // Merge will say so.
		}
		if s.Digest == "" {
			continue // Optional, and not there.
		}
		obj, err := p.read(s)
		if err != nil {
			return publish.Content{}, err
		}
		same, err := p.holds(obj, s)
		if err != nil {
			return publish.Content{}, err
		}
		if !same {
			return publish.Content{}, p.lost(s)
		}
		parts[s.ID] = publish.Of(obj, s.Keys...)
		size += parts[s.ID].Size()
	}
	merged, err := publish.Merge(parts)
	if err != nil {
		return merged, fault.Invalid("invalid spec: %w", err)
	}
	return merged, nil
}
