// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file looks whether Flux is new enough.

// fluxCheckInterval is how often to look again: Flux is upgraded under a running operator.
const fluxCheckInterval = 10 * time.Minute

const fluxOutdated = "the HelmRelease CustomResourceDefinition is older than helm-controller 1.5 (Flux 2.8): its history names no action, " +
	"so a forced upgrade that is rolled back looks delivered; upgrade Flux"

// helmReleaseCRD is what the event is about. An event about what has no namespace is in default,
// where an operator that serves one namespace may not write. So it is said to be in that of the
// operator.
func helmReleaseCRD(namespace string) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "helmreleases." + helmv2.GroupVersion.Group},
	}
}

// newOutdatedGauge returns the metric that fluxCheck sets.
func newOutdatedGauge(registry prometheus.Registerer) prometheus.Gauge {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "trigger_helm_controller_outdated",
		Help: "1 if the HelmRelease CustomResourceDefinition is older than what the operator supports, else 0.",
	})
	registry.MustRegister(gauge)
	return gauge
}

// fluxCheck reports a HelmRelease CustomResourceDefinition that is too old, in the log, as an
// event about it and as a metric: once, until it is upgraded.
type fluxCheck struct {
	namespace string
	schemas   openapi.Client
	events    record.EventRecorder
	gauge     prometheus.Gauge
	log       logr.Logger
	interval  time.Duration
}

// newFluxCheck returns a check that writes its event into the namespace of the operator.
func newFluxCheck(cfg *rest.Config, namespace string, events record.EventRecorder, gauge prometheus.Gauge, log logr.Logger) (*fluxCheck, error) {
	client, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot read the schema of HelmReleases: %w", err)
	}
	return &fluxCheck{namespace: namespace, schemas: client.OpenAPIV3(), events: events, gauge: gauge, log: log, interval: fluxCheckInterval}, nil
}

// Start implements manager.Runnable, on the leader.
func (f *fluxCheck) Start(ctx context.Context) error {
	ticker := time.NewTicker(f.interval)
	defer ticker.Stop()
	for reported := false; ; {
		outdated, err := f.outdated()
		switch {
		case err != nil: // The next look will do.
			f.log.V(1).Info("cannot read the schema of HelmReleases", "error", err.Error())
		case outdated && !reported:
			f.gauge.Set(1)
			f.log.Info(fluxOutdated)
			f.events.Event(helmReleaseCRD(f.namespace), corev1.EventTypeWarning, triggerv1.FluxOutdatedReason, fluxOutdated)
			reported = true
		case !outdated:
			f.gauge.Set(0)
			reported = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// outdated reads the schema that the API server serves: everyone may, unlike the definition.
func (f *fluxCheck) outdated() (bool, error) {
	paths, err := f.schemas.Paths()
	if err != nil {
		return false, err
	}
	group, found := paths["apis/"+helmv2.GroupVersion.String()]
	if !found {
		return false, fmt.Errorf("the API server has no schema of %s", helmv2.GroupVersion)
	}
	document, err := group.Schema("application/json")
	if err != nil {
		return false, err
	}
	return lacksAction(document)
}

// jsonSchema is the part of an OpenAPI schema that lacksAction looks at.
type jsonSchema struct {
	Properties map[string]jsonSchema `json:"properties"`
	Items      *jsonSchema           `json:"items"`
}

// lacksAction reports whether an OpenAPI document describes HelmReleases whose history does
// not say by which action a snapshot was made, which helm-controller 1.5 brought.
func lacksAction(document []byte) (bool, error) {
	var parsed struct {
		Components struct {
			Schemas map[string]struct {
				jsonSchema
				Kinds []metav1.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(document, &parsed); err != nil {
		return false, fmt.Errorf("cannot read the schema of HelmReleases: %w", err)
	}
	for _, one := range parsed.Components.Schemas {
		if len(one.Kinds) != 1 || one.Kinds[0].Kind != helmv2.HelmReleaseKind {
			continue
		}
		history := one.Properties["status"].Properties["history"].Items
		if history == nil {
			return true, nil
		}
		_, found := history.Properties["action"]
		return !found, nil
	}
	return false, fmt.Errorf("the API server has no schema of %s", helmv2.HelmReleaseKind)
}
