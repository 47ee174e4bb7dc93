// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// fix ends all trouble and makes everything possible that the users want.
func (d *driver) fix() error {
	d.fleet.changes++
	d.note("--- fix ---")
	if err := d.calm(); err != nil {
		return err
	}
	for ns, c := range d.fleet.charts {
		if !c.broken && !c.notReady {
			continue
		}
		if _, err := d.act("fix the chart in "+ns, func() { c.broken, c.notReady = false, false }, func() error { return d.writeChart(ns) }); err != nil {
			return err
		}
	}
	for _, s := range d.fleet.sources {
		if err := d.fixSource(s); err != nil {
			return err
		}
	}
	for _, r := range d.fleet.releases {
		if r.exists && !r.suspended {
			continue
		}
		if !r.exists {
			if err := d.remove(r.object()); err != nil {
				return err
			}
		}
		if _, err := d.act("create or resume "+r.id(), func() { r.exists, r.suspended = true, false }, func() error { return d.writeRelease(r) }); err != nil {
			return err
		}
	}
	for _, t := range d.fleet.triggers {
		if t.exists && t.suspended {
			if _, err := d.act("resume "+t.id(), func() { t.suspended = false }, func() error { return d.writeTrigger(t) }); err != nil {
				return err
			}
		}
	}
	if err := d.wait("resume the generated triggers", d.resumeGenerated); err != nil {
		return err
	}
	if err := d.fixGates(false); err != nil {
		return err
	}
	return d.fixUnbound()
}

// fixUnbound has helm-controller read, by hand, what no one delivers to a release: a
// source that is excluded, or in a key that does not count.
func (d *driver) fixUnbound() error {
	for _, r := range d.fleet.releases {
		for _, read := range r.reads {
			if d.fleet.bound(r, read.source) {
				continue
			}
			d.note("reconcile %s by hand, since %s is not bound to it", r.id(), read.source.id())
			if err := d.patch(r.object(), d.annotation("person", false)); err != nil {
				return err
			}
		}
	}
	return nil
}

// fixSource has a source exist if it is required, with content that can be used.
func (d *driver) fixSource(s *source) error {
	missing := !s.exists && d.fleet.required(s)
	excluded := s.excluded && d.fleet.requiredByTrigger(s)
	if !missing && !excluded && s.broken == "" {
		return nil
	}
	_, err := d.act("fix "+s.id(), func() {
		if missing {
			s.exists = true
			s.incarnation++
		}
		s.excluded = s.excluded && !excluded
		if s.broken != "" {
			s.broken = ""
			d.fleet.edit(s, true, false)
		}
		d.fleet.changedContent(s)
	}, func() error { return d.writeSource(s) })
	return err
}

// required reports whether a release or a declared trigger cannot do without a source.
func (f *fleet) required(s *source) bool {
	for _, r := range f.releases {
		for _, read := range r.reads {
			if read.source == s && !read.optional {
				return true
			}
		}
	}
	return f.requiredByTrigger(s)
}

func (f *fleet) requiredByTrigger(s *source) bool {
	for _, t := range f.triggers {
		for _, ref := range t.sources {
			if t.exists && ref.source == s && !ref.optional {
				return true
			}
		}
	}
	return false
}

// resumeGenerated undoes what people did to generated triggers that stays.
func (d *driver) resumeGenerated() error {
	list := &triggerv1.ValuesTriggerList{}
	if err := d.c.List(d.ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		vt := &list.Items[i]
		if !vt.Spec.Suspend {
			continue
		}
		d.note("resume the trigger %s/%s", vt.Namespace, vt.Name)
		if err := d.patch(vt, map[string]any{"spec": map[string]any{"suspend": false}}); err != nil {
			return err
		}
	}
	return nil
}

// unstall does what a person does about a release on which helm-controller has given up
// because an upgrade failed while the API server or itself was away, or of which it has not
// said since then what became of an upgrade: that is not the operator's to fix.
func (d *driver) unstall() error {
	if len(d.outages) == 0 {
		return nil
	}
	for _, r := range d.fleet.all() {
		hr := r.object()
		if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(hr), hr); err != nil {
			return client.IgnoreNotFound(err)
		}
		if abandoned(hr) && time.Since(r.forcedAt) > patience/3 {
			r.forcedAt = time.Now()
			if err := d.force(r); err != nil {
				return err
			}
			continue
		}
		if conditions.GetReason(hr, meta.StalledCondition) != "RetriesExceeded" || hr.Status.LastHandledReconcileAt != hr.Annotations[meta.ReconcileRequestAnnotation] {
			continue
		}
		revisions, err := d.revisions(r)
		if err != nil {
			return err
		}
		if len(revisions) == 0 || revisions[len(revisions)-1].refused(r) {
			continue // What its values failed by is fixed, which is the operator's to deliver.
		}
		if err := d.reset(r); err != nil {
			return err
		}
	}
	return nil
}

// force has helm-controller make another revision. Nothing else makes a release ready of whose
// first installation it could not note that it was made.
func (d *driver) force(r *release) error {
	text := "force " + r.id() + ", since helm-controller has not said what became of it"
	r.entitle(effective{at: time.Now(), forced: true, lasting: true, why: text})
	d.note("%s", text)
	d.count("releases forced after an outage")
	return d.patch(r.object(), d.annotation("person", true))
}

// abandoned reports that a release has long not been ready and no one works on it.
func abandoned(hr *helmv2.HelmRelease) bool {
	ready := conditions.Get(hr, meta.ReadyCondition)
	return ready != nil && ready.Status == metav1.ConditionUnknown && time.Since(ready.LastTransitionTime.Time) > 3*upgrade &&
		!conditions.IsReconciling(hr) && hr.Status.LastHandledReconcileAt == hr.Annotations[meta.ReconcileRequestAnnotation]
}

// reset has helm-controller try again.
func (d *driver) reset(r *release) error {
	text := "reset " + r.id()
	r.entitle(effective{at: time.Now(), forced: true, why: text})
	d.note("%s", text)
	d.count("releases reset")
	patch := d.annotation("person", false)
	annotations := patch["metadata"].(map[string]any)["annotations"].(map[string]any)
	annotations[helmv2.ResetRequestAnnotation] = annotations[meta.ReconcileRequestAnnotation]
	err := d.patch(r.object(), patch)
	return err
}
