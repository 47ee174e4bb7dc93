// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package apply writes the objects and labels that the operator owns, by server-side apply.
package apply

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Applier applies as the operator's field manager.
type Applier struct {
	client client.Client
}

// New returns an Applier that writes with the client.
func New(c client.Client) *Applier {
	return &Applier{client: c}
}

// Apply creates the trigger or, if it carries the version of one that the caller has compared
// it with, brings the fields that are set in line. Zero fields are left to others. It is a
// conflict if there is a trigger that the caller has not seen: what another applies is not
// overwritten. It returns the metadata of what is stored, which admission may have changed.
func (a *Applier) Apply(ctx context.Context, vt *triggerv1.ValuesTrigger) (*metav1.PartialObjectMetadata, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(vt)
	if err != nil {
		return nil, fmt.Errorf("convert ValuesTrigger: %w", err)
	}
	obj := &unstructured.Unstructured{Object: content}
	obj.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
	unstructured.RemoveNestedField(obj.Object, "status")
	unstructured.RemoveNestedField(obj.Object, "metadata", "creationTimestamp")
	return Object(ctx, a.client, obj)
}

// ApplyMetadata brings the labels that are set in obj in line and withdraws those
// applied before. obj must carry the UID of an existing object: it is not created.
func (a *Applier) ApplyMetadata(ctx context.Context, obj *metav1.PartialObjectMetadata) error {
	patch, err := json.Marshal(map[string]any{
		"apiVersion": obj.APIVersion,
		"kind":       obj.Kind,
		"metadata": map[string]any{
			"name": obj.Name, "namespace": obj.Namespace, "uid": obj.UID, "labels": obj.Labels,
		},
	})
	if err != nil {
		return fmt.Errorf("labels: %w", err)
	}
	apply := client.RawPatch(types.ApplyPatchType, patch)
	return a.client.Patch(ctx, obj, apply, client.FieldOwner(triggerv1.FieldManager), client.ForceOwnership)
}
