// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
)

// triggersAreRight returns an error if there are other triggers than there should be,
// or one is not Ready with everything delivered.
func (d *driver) triggersAreRight() error {
	list := &triggerv1.ValuesTriggerList{}
	if err := d.c.List(d.ctx, list); err != nil {
		return err
	}
	found := map[string]*triggerv1.ValuesTrigger{}
	for i := range list.Items {
		found[list.Items[i].Namespace+"/"+list.Items[i].Name] = &list.Items[i]
	}
	for _, g := range d.fleet.gates {
		if err := d.gateIsRight(g, found[g.id()]); err != nil {
			return err
		}
		delete(found, g.id())
	}
	for _, t := range d.fleet.triggers {
		vt := found[t.id()]
		delete(found, t.id())
		if (vt != nil) != t.exists {
			return fmt.Errorf("declared trigger %s: exists %t", t.id(), vt != nil)
		}
		if !t.exists {
			continue
		}
		var targets []*release
		for _, r := range d.fleet.releases {
			if d.fleet.hasTarget(t, r) {
				targets = append(targets, r)
			}
		}
		if err := d.triggerIsRight(vt, d.fleet.resolve(t), targets); err != nil {
			return err
		}
	}
	for _, r := range d.fleet.releases {
		id, bindings := r.ns+"/"+generated.Names(r.name)[0], d.fleet.generated(r)
		vt := found[id]
		delete(found, id)
		if (vt != nil) != (len(bindings) > 0) {
			return about(r, "has a generated trigger: %t, and %d sources for it", vt != nil, len(bindings))
		}
		if vt == nil {
			continue
		}
		if err := d.triggerIsGenerated(vt, r, bindings); err != nil {
			return err
		}
		if err := d.triggerIsRight(vt, bindings, []*release{r}); err != nil {
			return err
		}
	}
	for name := range found {
		return fmt.Errorf("there is a trigger %s that no one declared and that belongs to no release", name)
	}
	return nil
}

// triggerIsGenerated looks at what the operator writes into the spec.
func (d *driver) triggerIsGenerated(vt *triggerv1.ValuesTrigger, r *release, bindings []binding) error {
	var want []triggerv1.SourceReference
	for _, b := range bindings {
		want = append(want, triggerv1.SourceReference{
			Kind: b.source.kind, Namespace: b.source.ns, Name: b.source.name, Keys: b.keys, Optional: b.optional, Force: b.force,
		})
	}
	slices.SortFunc(want, func(a, b triggerv1.SourceReference) int {
		return strings.Compare(a.Kind+a.Namespace+a.Name, b.Kind+b.Namespace+b.Name)
	})
	if !generated.Is(vt) || !equality.Semantic.DeepEqual(vt.Spec.Sources, want) {
		return about(r, "the generated trigger (%t) has sources %v, not %v", generated.Is(vt), vt.Spec.Sources, want)
	}
	if len(vt.Spec.Targets) != 1 || vt.Spec.Targets[0].Name != r.name {
		return about(r, "the generated trigger has targets %v", vt.Spec.Targets)
	}
	return nil
}

// triggerIsRight looks at the status of a trigger.
func (d *driver) triggerIsRight(vt *triggerv1.ValuesTrigger, bindings []binding, targets []*release) error {
	id := vt.Namespace + "/" + vt.Name
	r := &release{ns: vt.Namespace, name: vt.Name}
	if len(targets) > 0 {
		r = targets[0]
	}
	wrong := func(format string, args ...any) error {
		return problem{release: r, text: "trigger " + id + ": " + fmt.Sprintf(format, args...)}
	}
	if vt.Status.ObservedGeneration != vt.Generation || !conditions.IsReady(vt) {
		return wrong("not ready: %s", conditions.GetMessage(vt, meta.ReadyCondition))
	}
	parts := map[string]string{}
	for _, b := range bindings {
		part := ""
		if b.source.exists && (!b.source.excluded || b.by == "") {
			_, content, err := d.contentOf(b.source)
			if err != nil {
				return err
			}
			part = content.Digest(b.keys...)
		}
		parts[b.source.id()] = part
	}
	status := map[string]string{}
	for _, s := range vt.Status.Sources {
		status[s.Kind+"/"+s.Namespace+"/"+s.Name] = s.Digest
	}
	if !equality.Semantic.DeepEqual(parts, status) {
		return wrong("has sources %v, not %v", status, parts)
	}
	if len(vt.Status.Targets) != len(targets) {
		return wrong("has %d targets, not %d", len(vt.Status.Targets), len(targets))
	}
	for _, r := range targets {
		i := slices.IndexFunc(vt.Status.Targets, func(t triggerv1.TargetStatus) bool { return t.Namespace == r.ns && t.Name == r.name })
		if i < 0 {
			return wrong("has no target %s", r.id())
		}
		if t := vt.Status.Targets[i]; t.State != triggerv1.TargetDelivered || t.Digest != vt.Status.LastDigest {
			return wrong("%s is %s with %s, and the sources have %s: %s", r.id(), t.State, t.Digest, vt.Status.LastDigest, t.Message)
		}
	}
	return nil
}
