// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package request requests the reconciliation of a HelmRelease from helm-controller.
package request

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// Send writes the request, its cause and its record in one patch. The patch holds
// only if the HelmRelease is the version that the decision was made on: a
// conflict error means that something happened since, and to decide again.
func Send(ctx context.Context, c client.Writer, hr *helmv2.HelmRelease, req plan.Request) error {
	annotations := map[string]string{
		meta.ReconcileRequestAnnotation: req.Token,
		triggerv1.CauseAnnotation:       req.Cause,
		triggerv1.RequestAnnotation:     req.Record.String(),
	}
	if req.Force {
		annotations[meta.ForceRequestAnnotation] = req.Token
	}
	if req.Reset {
		annotations[helmv2.ResetRequestAnnotation] = req.Token
	}
	return annotate(ctx, c, hr, annotations)
}

// Keep writes the record alone: what is known of the release, where nothing is requested. Like a
// request, it holds only for the version that was decided on.
func Keep(ctx context.Context, c client.Writer, hr *helmv2.HelmRelease, record plan.Record) error {
	return annotate(ctx, c, hr, map[string]string{triggerv1.RequestAnnotation: record.String()})
}

// annotate sets annotations on a HelmRelease in the version that it was read in.
func annotate(ctx context.Context, c client.Writer, hr *helmv2.HelmRelease, annotations map[string]string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             hr.UID,
		"resourceVersion": hr.ResourceVersion,
		"annotations":     annotations,
	}})
	if err != nil {
		return fmt.Errorf("annotations of HelmRelease %s/%s: %w", hr.Namespace, hr.Name, err)
	}

	// Only the metadata of the answer is of interest.
	into := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: hr.Namespace, Name: hr.Name}}
	into.SetGroupVersionKind(helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
	if err := c.Patch(ctx, into, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(triggerv1.FieldManager)); err != nil {
		return fmt.Errorf("patch HelmRelease %s/%s: %w", hr.Namespace, hr.Name, err)
	}
	return nil
}

// Annotate sets one annotation on an object in the given version. A conflict error
// means that the object has changed since.
func Annotate(ctx context.Context, c client.Writer, obj *metav1.PartialObjectMetadata, resourceVersion, key, value string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid":             obj.UID,
		"resourceVersion": resourceVersion,
		"annotations":     map[string]string{key: value},
	}})
	if err != nil {
		return fmt.Errorf("annotation %s: %w", key, err)
	}
	if err := c.Patch(ctx, obj.DeepCopy(), client.RawPatch(types.MergePatchType, patch), client.FieldOwner(triggerv1.FieldManager)); err != nil {
		return fmt.Errorf("annotate %s %s/%s: %w", obj.Kind, obj.Namespace, obj.Name, err)
	}
	return nil
}
