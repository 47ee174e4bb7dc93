// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"maps"
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// copied is what a ValuesTrigger makes for a HelmRelease of the manifests.
type copied struct {
	publish.Copy
	release *resource
	sources []*resource

	// perhaps is true if the labels of the namespace are not among the manifests.
	perhaps bool
}

// copies returns what a ValuesTrigger makes, of the sources among the manifests for the
// targets among them.
func (s *set) copies(r *resource) []copied {
	spec := r.trigger.Spec
	if spec.Publish == nil || isVariable(spec.Publish.Name) {
		return nil
	}
	sources := map[string]*resource{}
	var published []publish.Source
	for _, ref := range spec.Sources {
		if (ref.Name == "") == (ref.Selector == nil) {
			continue // Reported as such.
		}
		for _, source := range s.sources(r, ref) {
			if key := id(source.kind, source.key); sources[key] == nil {
				sources[key] = source
				published = append(published, publish.Source{ID: key, Suffix: binding.Suffix(r.trigger, ref.PublishAs)})
			}
		}
	}
	releases, perhaps := map[string]*resource{}, map[string]*resource{}
	for _, ref := range spec.Targets {
		found := s.targets(r, ref)
		for _, hr := range found.releases {
			releases[hr.String()] = hr
		}
		for _, hr := range found.perhaps {
			perhaps[hr.String()] = hr
		}
	}
	var out []copied
	maps.DeleteFunc(perhaps, func(name string, _ *resource) bool { return releases[name] != nil })
	all := maps.Clone(perhaps)
	maps.Copy(all, releases)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, c := range publish.Wanted(r.key, all[name].key, published) {
			one := copied{Copy: c, release: all[name], perhaps: perhaps[name] != nil}
			for _, key := range c.Sources {
				one.sources = append(one.sources, sources[key])
			}
			out = append(out, one)
		}
	}
	return out
}

// addCopies makes what ValuesTriggers make known to those that refer to it.
func (s *set) addCopies() {
	for _, r := range s.of(triggerv1.ValuesTriggerKind) {
		for _, c := range s.copies(r) {
			made := &resource{Document: r.Document, kind: c.Kind, made: true, keys: map[string]bool{}}
			made.key.Namespace, made.key.Name = c.Namespace, c.Name
			for _, source := range c.sources {
				if source.keys == nil {
					made.keys = nil
					break
				}
				maps.Copy(made.keys, source.keys)
			}
			if s.byID[id(made.kind, made.key)] == nil {
				s.byID[id(made.kind, made.key)] = made
			}
		}
	}
}

// checkCopies looks at who reads the copies of a ValuesTrigger, and who consents to them.
func (s *set) checkCopies(r *resource) {
	for _, c := range s.copies(r) {
		if c.perhaps {
			continue
		}
		if found := s.find(c.Kind, c.Namespace, c.Name); !found.made && !publish.IsOf(found.labels, c.Copy) {
			s.report(r, Error, "name-conflict", "publish", "%s is among the manifests, and would be the copy for %s; choose another spec.publish.name", c, c.release)
		}
		s.checkConsent(r, c)
		if !binding.Reads(c.release.release, binding.Object{Kind: c.Kind, Namespace: c.Namespace, Name: c.Name}) {
			s.report(r, Warning, "unread-copy", "publish", "%s does not list its copy %s %s in valuesFrom, and so does not get the values from it", c.release, c.Kind, c.Name)
		}
		for _, source := range c.sources {
			if binding.Reads(c.release.release, source.object()) {
				s.report(r, Warning, "unread-copy", source.key.Name, "%s reads %s itself: helm-controller takes changes of it up before their turn; list only the copy", c.release, source)
			}
			if isVariable(source.annotations[triggerv1.PublishToAnnotation]) {
				continue
			}
			err := publish.Crossing{
				Source: id(source.kind, source.key), From: source.key.Namespace, To: c.Namespace, Trigger: r.key.Namespace,
				PublishTo: source.annotations[triggerv1.PublishToAnnotation], Account: r.trigger.Spec.ServiceAccountName != "", Consented: true,
			}.Check()
			if err != nil {
				s.report(r, Warning, "publish-to", source.key.Name, "%s", err)
			}
		}
	}
}
