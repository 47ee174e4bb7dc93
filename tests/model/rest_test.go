// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/json"
	"fmt"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// atTheEnd is what everything is to have arrived at.
const atTheEnd = "the end"

// Times of the end.
const (
	// rest is how long the operator must not have written for its work to be done.
	rest = time.Second
	// quiet is how long it must then not write at all.
	quiet = 3 * time.Second
)

// verify waits for the end and looks at it.
func (d *driver) verify() error {
	begun := time.Now()
	if err := d.wait(atTheEnd, func() error {
		if err := d.keep(); err != nil {
			return err
		}
		if err := d.unstall(); err != nil {
			return err
		}
		if err := d.tend(); err != nil {
			return err
		}
		return d.delivered()
	}); err != nil {
		return err
	}
	d.note("delivered after %s", time.Since(begun).Round(time.Millisecond))
	if err := d.wait("settling", func() error { return d.silent(rest) }); err != nil {
		return err
	}
	if err := d.silent(quiet); err != nil {
		return fmt.Errorf("settled: %w", err)
	}
	// A release with a short interval is not ready in the moment of its reconciliation.
	if err := d.wait("after the rest", d.delivered); err != nil {
		return err
	}
	d.fixed()
	for _, g := range d.fleet.gates {
		if err := d.kept(g); err != nil {
			return err
		}
	}
	if err := d.counted(); err != nil {
		return err
	}
	return d.logged()
}

// silent returns an error if the operator writes anything in a time.
func (d *driver) silent(during time.Duration) error {
	before, err := d.statuses()
	if err != nil {
		return err
	}
	mark, err := d.w.AuditMark(d.ctx)
	if err != nil {
		return err
	}
	select {
	case <-d.ctx.Done():
	case <-time.After(during):
	}
	writes, err := d.w.AuditEvents(d.ctx, mark, d.writes)
	if err != nil || len(writes) == 0 {
		return err
	}
	w := writes[0]
	text := fmt.Sprintf("%d writes in %s, the first: %s %s/%s %s/%s", len(writes), during, w.Verb, w.Resource, w.Subresource, w.Namespace, w.Name)
	if after, err := d.statuses(); err == nil && w.Resource == "valuestriggers" {
		id := w.Namespace + "/" + w.Name
		text += fmt.Sprintf("\n%s\n%s", before[id], after[id])
	}
	return problem{release: &release{ns: w.Namespace, name: w.Name}, text: text}
}

// statuses returns the status of each trigger.
func (d *driver) statuses() (map[string]string, error) {
	list := &triggerv1.ValuesTriggerList{}
	if err := d.c.List(d.ctx, list); err != nil {
		return nil, err
	}
	statuses := map[string]string{}
	for i := range list.Items {
		text, err := json.Marshal(list.Items[i].Status)
		if err != nil {
			return nil, err
		}
		statuses[list.Items[i].Namespace+"/"+list.Items[i].Name] = string(text)
	}
	return statuses, nil
}

// writes matches the writes of the operator, except those of its lease, and of events
// where it had to try again: client-go does so after ten seconds.
func (d *driver) writes(event world.AuditEvent) bool {
	if !world.WritesBy(d.managers[0].op.User())(event) || event.Resource == "leases" {
		return false
	}
	return event.Resource != "events" || !d.events
}
