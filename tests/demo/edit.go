// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// edit is a change of one key of a ConfigMap.
type edit struct {
	title      string
	object     types.NamespacedName
	key, value string

	// renders is what the rendered object comes to hold, nothing if it does not
	// change.
	renders string
}

var edits = []edit{
	{"autodiscovered: listed in valuesFrom, no label", values, "values.yaml", "greeting: bonjour", "greeting: bonjour"},
	{"labelled: another namespace, read by lookup", config, "motd", "mind the gap", "mind the gap"},
	{"only a comment: no other values, no upgrade", values, "values.yaml", "greeting: bonjour # French", ""},
}

// result is how long after the edit each thing was seen.
type result struct {
	edit
	triggered, rendered, delivered time.Duration

	// before and after are Helm revisions.
	before, after int64
	cause         string
}

// sightings are what an edit leads to, in this order.
type sightings struct {
	edited    *sighting[*corev1.ConfigMap]
	triggered *sighting[*helmv2.HelmRelease]
	rendered  *sighting[*corev1.ConfigMap]
	delivered *sighting[*triggerv1.ValuesTrigger]
}

// watch starts all watches for an edit that is yet to be made, given what there is
// before it.
func (d *demo) watch(ctx context.Context, e edit, hr *helmv2.HelmRelease, vt *triggerv1.ValuesTrigger) (s sightings, err error) {
	requestedAt, digest := hr.Annotations[meta.ReconcileRequestAnnotation], vt.Status.LastDigest

	s.edited, err = d.onConfigMap(ctx, e.object, "the edit", func(cm *corev1.ConfigMap) bool {
		return cm.Data[e.key] == e.value
	})
	if err != nil {
		return s, err
	}
	s.triggered, err = d.onRelease(ctx, "a new "+meta.ReconcileRequestAnnotation+" on HelmRelease my-app", func(hr *helmv2.HelmRelease) bool {
		return hr.Annotations[meta.ReconcileRequestAnnotation] != requestedAt
	})
	if err != nil {
		return s, err
	}
	s.rendered, err = d.onConfigMap(ctx, rendered, "the new content in the rendered ConfigMap", func(cm *corev1.ConfigMap) bool {
		return strings.Contains(cm.Data["values"]+cm.Data["lookup"], e.renders)
	})
	if err != nil {
		return s, err
	}
	s.delivered, err = d.onTrigger(ctx, "Delivered in ValuesTrigger my-app-auto", func(vt *triggerv1.ValuesTrigger) bool {
		return vt.Status.LastDigest != digest && isDelivered(vt)
	})
	return s, err
}

// follow makes an edit and watches it arrive. Time counts from the moment at which
// the API server announces the edit.
func (d *demo) follow(ctx context.Context, e edit) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	hr, vt := &helmv2.HelmRelease{}, &triggerv1.ValuesTrigger{}
	if err := errors.Join(d.client.Get(ctx, release, hr), d.client.Get(ctx, trigger, vt)); err != nil {
		return result{}, err
	}
	r := result{edit: e, before: latest(hr)}
	see, err := d.watch(ctx, e, hr, vt)
	if err != nil {
		return r, err
	}
	if _, err := d.shell(ctx, e.command()); err != nil {
		return r, err
	}

	_, start, err := see.edited.wait(ctx)
	if err != nil {
		return r, err
	}
	hr, at, err := see.triggered.wait(ctx)
	if err != nil {
		return r, err
	}
	r.triggered, r.cause = at.Sub(start), hr.Annotations[triggerv1.CauseAnnotation]
	if _, at, err = see.rendered.wait(ctx); err != nil {
		return r, err
	}
	r.rendered = at.Sub(start)
	if vt, at, err = see.delivered.wait(ctx); err != nil {
		return r, err
	}
	r.delivered, r.after = at.Sub(start), vt.Status.Targets[0].Revision

	if upgraded := r.after > r.before; upgraded != (e.renders != "") {
		return r, fmt.Errorf("%s: Helm revision %d became %d", e.title, r.before, r.after)
	}
	return r, d.atRest(ctx)
}

func (e edit) command() string { return patch(e.object, e.key, e.value) }

// patch returns the command that sets a key of a ConfigMap, none of which has a quote in it.
func patch(object types.NamespacedName, key, value string) string {
	data, err := json.Marshal(map[string]map[string]string{"data": {key: value}})
	if err != nil {
		panic(err) // Strings can be encoded.
	}
	return fmt.Sprintf("kubectl patch configmap %s -n %s -p '%s'", object.Name, object.Namespace, data)
}

// latest returns the revision that Helm made last.
func latest(hr *helmv2.HelmRelease) int64 {
	if snapshot := hr.Status.History.Latest(); snapshot != nil {
		return int64(snapshot.Version)
	}
	return 0
}
