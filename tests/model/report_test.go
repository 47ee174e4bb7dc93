// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// report returns an error with the story, and with what there is about the release that
// it is about.
func (d *driver) report(cause error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n", cause)
	var p problem
	if d.c != nil && errors.As(cause, &p) && p.release != nil {
		d.timeline(p.release)
		d.describe(&b, p.release)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(&b, "--- story:\n")
	slices.SortStableFunc(d.lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range d.lines {
		fmt.Fprintf(&b, "%8.3f %s\n", l.at.Sub(d.begun).Seconds(), l.text)
	}
	return errors.New(b.String())
}

// timeline adds to the story what the operator and Helm did to a release.
func (d *driver) timeline(r *release) {
	revisions, err := d.revisions(r)
	if err != nil {
		d.note("no revisions: %v", err)
	}
	events, err := d.w.AuditEvents(d.ctx, 0, func(event world.AuditEvent) bool {
		return event.User == d.user() && event.Verb != "get" && event.Namespace == r.ns && event.Name == r.name &&
			(event.Resource == "helmreleases" || event.Resource == "valuestriggers")
	})
	if err != nil {
		d.note("no audit log: %v", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, rev := range revisions {
		d.lines = append(d.lines, line{rev.Info.LastDeployed, "        Helm: " + rev.String()})
	}
	for _, e := range events {
		d.lines = append(d.lines, line{e.Time, fmt.Sprintf("        operator: %s %s/%s %s/%s -> %d", e.Verb, e.Resource, e.Subresource, e.Namespace, e.Name, e.Code)})
	}
	for _, c := range d.entitlements(r) {
		d.lines = append(d.lines, line{c.at, fmt.Sprintf("        effective for %s, forced %t: %s", r.id(), c.forced, c.why)})
	}
}

func (d *driver) user() string {
	if len(d.managers) == 0 {
		return ""
	}
	return d.managers[0].op.User()
}

// describe prints a release and the triggers about it.
func (d *driver) describe(b *strings.Builder, r *release) {
	hr := r.object()
	if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(hr), hr); err == nil {
		hr.ManagedFields = nil
		hr.Spec.Values = nil
		hr.Status.History = hr.Status.History[:min(1, len(hr.Status.History))]
		dump(b, "HelmRelease "+r.id(), map[string]any{
			"annotations": hr.Annotations, "labels": hr.Labels, "spec": hr.Spec, "status": hr.Status,
		})
	}
	list := &triggerv1.ValuesTriggerList{}
	if err := d.c.List(d.ctx, list); err != nil {
		return
	}
	for _, vt := range list.Items {
		for _, t := range vt.Status.Targets {
			if t.Namespace == r.ns && t.Name == r.name {
				dump(b, "ValuesTrigger "+vt.Namespace+"/"+vt.Name, map[string]any{"annotations": vt.Annotations, "spec": vt.Spec, "status": vt.Status})
			}
		}
	}
}

func dump(b *strings.Builder, what string, object any) {
	text, err := yaml.Marshal(object)
	if err != nil {
		text = []byte(err.Error())
	}
	fmt.Fprintf(b, "--- %s:\n%s", what, text)
}

// summary puts counts into one line.
func summary(counts map[string]int, took time.Duration) string {
	var parts []string
	for what, n := range counts {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(parts)
	return fmt.Sprintf("%s in %s", strings.Join(parts, ", "), took.Round(time.Second))
}
