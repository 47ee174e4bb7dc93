// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// problem is something wrong about an object.
type problem struct {
	// release is the one to tell more about, if there is one.
	release *release
	text    string
}

func (p problem) Error() string { return p.text }

func about(r *release, format string, args ...any) error {
	return problem{release: r, text: r.id() + ": " + fmt.Sprintf(format, args...)}
}

// delivered returns what is missing to the end: every release runs the newest content
// of its sources (G1), the triggers say so (G3) and are the right ones, and labelled
// sources carry their digest.
func (d *driver) delivered() error {
	for _, r := range d.fleet.releases {
		if err := d.runs(r); err != nil {
			return err
		}
	}
	for _, m := range d.fleet.members() {
		if err := d.memberRuns(m); err != nil {
			return err
		}
	}
	if err := d.triggersAreRight(); err != nil {
		return err
	}
	for _, s := range d.fleet.sources {
		if err := d.annotated(s); err != nil {
			return err
		}
	}
	return nil
}

// running returns the values that a release runs, with what it has looked up, or an error
// if it is not ready.
func (d *driver) running(r *release) (values map[string]any, rendered map[string]string, err error) {
	hr := r.object()
	if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(hr), hr); err != nil {
		return nil, nil, err
	}
	if !conditions.IsReady(hr) || hr.Status.ObservedGeneration != hr.Generation {
		return nil, nil, about(r, "not ready: %s", conditions.GetMessage(hr, meta.ReadyCondition))
	}
	if err := labelled(r, len(hr.Spec.ValuesFrom) > 0, hr.Labels); err != nil {
		return nil, nil, err
	}
	cm := &corev1.ConfigMap{}
	if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(hr), cm); err != nil {
		return nil, nil, about(r, "%v", err)
	}
	if err := yaml.Unmarshal([]byte(cm.Data["values"]), &values); err != nil {
		return nil, nil, about(r, "%v", err)
	}
	if fmt.Sprint(values["inline"]) != fmt.Sprint(r.inline) {
		return nil, nil, about(r, "runs inline %v, not %d", values["inline"], r.inline)
	}
	return values, cm.Data, nil
}

// runs returns what is old in a release.
func (d *driver) runs(r *release) error {
	values, rendered, err := d.running(r)
	if err != nil {
		return err
	}
	errs := []error{d.runsValues(r, values)}
	for _, b := range d.fleet.bindings(r) {
		if b.forces(r) && !r.stale[b.source] {
			errs = append(errs, runsLookup(r, b, rendered[b.source.name]))
		}
	}
	return errors.Join(errs...)
}

// labelled returns an error if a release does not carry the labels of autodiscovery.
func labelled(r *release, wanted bool, have map[string]string) error {
	if r.optOut {
		return nil
	}
	for key, value := range map[string]string{
		triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled,
		triggerv1.HRNSAnnotation:               r.ns,
		triggerv1.HRNameAnnotation:             r.name,
	} {
		// A label that someone has given another value is someone's.
		if wanted != (have[key] == value) {
			return about(r, "label %s is %q, and it reads values from sources: %t", key, have[key], wanted)
		}
	}
	return nil
}

// runsValues looks at the sources that a release reads. Those that it reads and no one
// delivers come whenever helm-controller looks.
func (d *driver) runsValues(r *release, values map[string]any) error {
	for _, s := range d.fleet.sources {
		want, wanted := fmt.Sprint(s.values), s.exists && r.readsFrom(s)
		have, found := values[s.name]
		// It loses what it no longer reads by its own spec.
		bound := !r.readsFrom(s) || d.fleet.bound(r, s)
		if bound && (wanted != found || wanted && fmt.Sprint(have) != want) {
			return about(r, "runs values %v of %s, which holds %s (read and there: %t)", have, s.id(), want, wanted)
		}
	}
	return nil
}

// runsLookup looks at what a release has looked up of a source.
func runsLookup(r *release, b binding, text string) error {
	data := map[string]string{}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		return about(r, "lookup of %s: %v", b.source.id(), err)
	}
	for key, want := range b.source.data() {
		if !b.selects(key) {
			continue
		}
		if !b.source.exists || b.source.excluded && b.by != "" {
			// What is excluded is there to be looked up all the same.
			if !b.source.exists && len(data) > 0 {
				return about(r, "has looked up %s of %s, which does not exist", data[key], b.source.id())
			}
			continue
		}
		if b.source.kind == triggerv1.SecretKind {
			want = base64.StdEncoding.EncodeToString([]byte(want))
		}
		if data[key] != want {
			return about(r, "has looked up %q of %s, whose %s is %q", data[key], b.source.id(), key, want)
		}
	}
	return nil
}

// annotated returns an error if a labelled source does not carry its present digest.
func (d *driver) annotated(s *source) error {
	if !s.exists || s.contract == nil {
		return nil
	}
	targets := 0
	for _, r := range d.fleet.releases {
		if s.names(r) && r.exists && !r.optOut {
			targets++
		}
	}
	if targets == 0 {
		return nil
	}
	obj, content, err := d.contentOf(s)
	if err != nil {
		return err
	}
	if have := obj.GetAnnotations()[triggerv1.HashAnnotation]; have != content.Digest() {
		return fmt.Errorf("%s: annotation %s is %q and the content has %s", s.id(), triggerv1.HashAnnotation, have, content.Digest())
	}
	return nil
}

// contentOf returns a source as the API server has it.
func (d *driver) contentOf(s *source) (client.Object, digest.Content, error) {
	obj := s.object()
	if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
		return nil, digest.Content{}, err
	}
	return obj, keys.Of(obj), nil
}
