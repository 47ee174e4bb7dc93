// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// syncCheckTimeout bounds one look at the caches; a probe asks again.
	syncCheckTimeout = 200 * time.Millisecond

	// kindsCheckTimeout bounds one look at what the API server serves: less than a
	// kubelet waits for a probe.
	kindsCheckTimeout = 500 * time.Millisecond
)

// errNotReady is what the probe reports until the caches are filled.
var errNotReady = errors.New("caches are not synced")

// kinds are those without which there is nothing to do. Their caches stay as they were
// when a CustomResourceDefinition is deleted.
var kinds = []schema.GroupVersionKind{
	triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind),
	helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind),
}

// readiness reports ready from when all caches are synced until the manager
// stops, on replicas that do not lead too: they are ready to take over.
type readiness struct {
	cache   cache.Cache
	running atomic.Bool

	// live reads from the API server, in the namespace that is watched, if it is one.
	live      client.Reader
	namespace string
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*readiness) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. The manager calls it once the caches known
// by then are synced.
func (r *readiness) Start(ctx context.Context) error {
	r.running.Store(true)
	defer r.running.Store(false)
	<-ctx.Done()
	return nil
}

// Check implements healthz.Checker. The caches are checked again, since watches of
// the controllers may have added some.
func (r *readiness) Check(req *http.Request) error {
	if !r.running.Load() {
		return errNotReady
	}
	ctx, cancel := context.WithTimeout(req.Context(), syncCheckTimeout)
	defer cancel()
	if !r.cache.WaitForCacheSync(ctx) {
		return errNotReady
	}
	return r.checkKinds(req.Context())
}

// checkKinds returns an error if a CustomResourceDefinition is gone. That the API server
// does not answer leaves the operator ready: another replica could do no more.
func (r *readiness) checkKinds(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kindsCheckTimeout)
	defer cancel()
	for _, kind := range kinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		err := r.live.List(ctx, list, client.Limit(1), client.InNamespace(r.namespace))
		if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
			return fmt.Errorf("the CustomResourceDefinition of %s in %s is not installed", kind.Kind, kind.GroupVersion())
		}
	}
	return nil
}
