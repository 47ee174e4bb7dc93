// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package kustomization reads Kustomizations of Flux, as far as the operator may. That it
// may not, and that there are none, is not an error: nothing depends on them.
package kustomization

import (
	"context"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
)

// maxAge is how long a Kustomization is not read again, for all ValuesTriggers that ask, and
// maxKept for how many of them: one may apply the sources of thousands.
const (
	maxAge  = 100 * time.Millisecond
	maxKept = 1000
)

var kind = schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: applier.Kustomization}

// Reader reads Kustomizations from the API server. It is safe for concurrent use.
type Reader struct {
	live client.Reader
	now  func() time.Time

	mu   sync.Mutex
	kept map[types.NamespacedName]progress
}

// progress is what was last read of a Kustomization.
type progress struct {
	applying bool
	at       time.Time
}

// NewReader returns a Reader over the API server.
func NewReader(live client.Reader) *Reader {
	return &Reader{live: live, now: time.Now, kept: map[types.NamespacedName]progress{}}
}

// IsApplying reports whether kustomize-controller is known to apply a Kustomization. What
// cannot be read is not known.
func (r *Reader) IsApplying(ctx context.Context, key types.NamespacedName) bool {
	at := r.now()
	r.mu.Lock()
	last, found := r.kept[key]
	r.mu.Unlock()
	if found && at.Sub(last.at) < maxAge {
		return last.applying
	}
	status, _ := r.read(ctx, key)
	applying := applier.IsApplying(status.Conditions)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		clear(r.kept)
	}
	r.kept[key] = progress{applying: applying, at: at}
	return applying
}

// Origin returns the Kustomization and the revision by which it has changed a ConfigMap or Secret,
// as "Kustomization flux-system/apps main@sha1:<hash>". It is empty if the Kustomization does not
// have the object in its inventory, since anyone may write its labels, or cannot be read. The change
// must have been seen before.
func (r *Reader) Origin(ctx context.Context, key types.NamespacedName, kind string, object types.NamespacedName) string {
	status, found := r.read(ctx, key)
	if !found || !status.Applies(kind, object) {
		return ""
	}
	by := applier.Applier{Kind: applier.Kustomization, Namespace: key.Namespace, Name: key.Name}
	return strings.TrimSuffix(by.String()+" "+status.Revision(), " ")
}

func (r *Reader) read(ctx context.Context, key types.NamespacedName) (applier.Status, bool) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(kind)
	if err := r.live.Get(ctx, key, obj); err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("cannot read a Kustomization: what it applies settles by time alone, and is not in causes",
			"kustomization", key, "error", err.Error())
		return applier.Status{}, false
	}
	var read struct {
		Status applier.Status `json:"status"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &read); err != nil {
		return applier.Status{}, false
	}
	return read.Status, true
}
