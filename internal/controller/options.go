// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package controller holds the reconcilers. They orchestrate: what is decided
// is decided in the pure packages beside this one, what is read and written
// goes through the adapters.
package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/event"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"

	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
)

// Options are what the reconcilers need to know of the flags.
type Options struct {
	// Concurrent is the number of objects of each kind reconciled at a time.
	Concurrent int

	// CacheSyncTimeout bounds how long a controller waits for its caches.
	CacheSyncTimeout time.Duration

	// NewRateLimiter makes the rate limiter of one work queue; sharing one
	// between controllers would mix the back-off of equal names.
	NewRateLimiter func() workqueue.TypedRateLimiter[ctrl.Request]

	// Autodiscovery makes every ConfigMap and Secret in spec.valuesFrom of a
	// HelmRelease a source of it.
	Autodiscovery bool

	// RuntimeNamespace is the operator's own, where the key of the digests of Secrets is.
	RuntimeNamespace string

	// Secrets allows reading Secrets. Without it Secret sources are reported.
	Secrets bool

	// AllNamespaces reports that all namespaces are watched, so that namespaces can
	// be selected by label.
	AllNamespaces bool

	// NoCrossNamespaceRefs denies references to other namespaces unless the
	// HelmRelease consents by annotation.
	NoCrossNamespaceRefs bool

	// DefaultServiceAccount is impersonated by triggers that name no account.
	// Empty means the operator's own account.
	DefaultServiceAccount string

	// WatchSelector restricts which HelmReleases and ValuesTriggers this instance
	// serves. Nil means all.
	WatchSelector labels.Selector

	// SettleTime is how long a change settles that a GitOps tool or Helm has applied, 0 if
	// it is delivered at once.
	SettleTime time.Duration

	// Measurer asks the providers of analysis. Measured are the triggers for which
	// answers have come, nil if none do.
	Measurer delivery.Measurer
	Measured <-chan event.TypedGenericEvent[types.NamespacedName]

	// Events records Kubernetes events and forwards them to Flux's
	// notification-controller.
	Events record.EventRecorder

	// Metrics are the gotk_* metrics of Flux.
	Metrics runtimectrl.Metrics

	// Meter holds the metrics of this operator.
	Meter *metrics.Metrics
}
