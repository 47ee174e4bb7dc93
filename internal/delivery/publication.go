// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
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

// read returns what holds the content of a source, nil if there is nothing.
func (p *publication) read(s plan.Source) (client.Object, error) {
	if p.restored {
		return p.readKept(s)
	}
	return p.get(source.RefOf(s.ID))
}

// readKept returns what is kept of a source as if it was the source, which the digest of a
// Secret depends on: on its name, and before there was a key on its UID.
func (p *publication) readKept(s plan.Source) (client.Object, error) {
	kept := p.keptBy(s)
	obj, err := p.get(source.Ref{Kind: kept.Kind, Namespace: kept.Namespace, Name: kept.Name})
	if obj == nil || err != nil {
		return nil, err
	}
	ref := source.RefOf(s.ID)
	obj.SetNamespace(ref.Namespace)
	obj.SetName(ref.Name)
	obj.SetUID(types.UID(obj.GetAnnotations()[triggerv1.KeptUIDAnnotation]))
	return obj, nil
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

// past is a publication of content that is kept.
func (p *publication) past(sources []plan.Source) *publication {
	return &publication{owner: p.owner, actor: p.actor, sources: sources, restored: true, get: p.get, contentOf: p.contentOf}
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
				content, err := p.wanted(one.Copy).Content()
				return content.Object(one.Kind), err
			}
		}
		return nil, nil
	}
}
