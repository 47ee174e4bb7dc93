// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// look is what a trigger has delivered: the content of a source to a release. Of what it has
// not, the age of the object is all it goes by, if helm-controller has made a revision by
// itself or nothing is recorded: see "first sight" in the documentation of ValuesTriggers.
type look struct {
	by, source, release string
}

// generated stands for the generated trigger of a release.
const generated = "generated"

// looks returns what the triggers have delivered.
func (d *driver) looks() (map[look]bool, error) {
	triggers, releases := &triggerv1.ValuesTriggerList{}, &helmv2.HelmReleaseList{}
	err := d.wait("list", func() error {
		if err := d.c.List(d.ctx, triggers); err != nil {
			return err
		}
		return d.c.List(d.ctx, releases)
	})
	created := map[types.NamespacedName]time.Time{}
	for _, hr := range releases.Items {
		created[client.ObjectKeyFromObject(&hr)] = hr.CreationTimestamp.Time
	}
	edited := map[string]time.Time{}
	for _, s := range d.fleet.sources {
		edited[s.id()] = s.edited
	}
	looks := map[look]bool{}
	for _, vt := range triggers.Items {
		if vt.Status.ObservedGeneration != vt.Generation {
			continue
		}
		by := vt.Namespace + "/" + vt.Name
		if vt.IsGenerated() {
			by = generated
		}
		for _, t := range vt.Status.Targets {
			at := t.DeliveredAt
			if t.TriggeredAt != nil && (at == nil || at.Before(t.TriggeredAt)) {
				at = t.TriggeredAt
			}
			// What it says of another release of the name is no look at this one.
			key := types.NamespacedName{Namespace: t.Namespace, Name: t.Name}
			if t.Digest == "" || at == nil || at.Time.Before(created[key]) {
				continue
			}
			for _, s := range vt.Status.Sources {
				id := s.Kind + "/" + s.Namespace + "/" + s.Name
				looks[look{by, id, key.String()}] = !at.Time.Before(edited[id].Truncate(time.Second))
			}
		}
	}
	return looks, err
}

// touching returns the number of triggers with forced dependencies that were written
// since, before they had delivered it to the release.
func (f *fleet) touching(r *release) int {
	touched := map[string]bool{}
	for _, b := range append(f.declared(r), f.derived(r)...) {
		by := b.by
		if by == "" {
			by = generated
		}
		if b.forces(r) && b.source.state() != r.states[b.source] && !f.looks[look{by, b.source.id(), r.id()}] {
			touched[by] = true
		}
	}
	for _, s := range f.sources {
		r.states[s] = s.state()
	}
	return len(touched)
}

// state is everything that can be written of a source.
func (s *source) state() string {
	state := *s
	state.written, state.edited = time.Time{}, time.Time{}
	return fmt.Sprintf("%+v", state)
}
