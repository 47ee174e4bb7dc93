// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/ssa"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Object applies an object with labels by the library of Flux's controllers: after a dry run, as
// the operator's field manager. The caller has compared it with what there is, and found that it
// differs. If it has the version of that, it is applied to that version only. Otherwise nothing
// is taken from an object that the caller has not seen: that is a conflict. It returns the
// metadata of what is stored. An answer of the API server is returned in its own words.
func Object(ctx context.Context, c client.Client, obj *unstructured.Unstructured) (*metav1.PartialObjectMetadata, error) {
	to := &conditional{Client: c, force: obj.GetResourceVersion() != ""}
	manager := ssa.NewResourceManager(to, nil, ssa.Owner{Field: triggerv1.FieldManager, Group: triggerv1.GroupVersion.Group})
	if _, err := manager.Apply(ctx, obj, ssa.DefaultApplyOptions()); err != nil {
		if answer, found := errors.AsType[*apierrors.StatusError](err); found {
			return nil, answer
		}
		return nil, err
	}
	return to.stored, nil
}

// conditional is the client that the library applies one object with. It adds what the library
// lacks: whether to take fields from others depends on whether the object was seen, and of what
// is stored, the caller needs the version.
type conditional struct {
	client.Client
	force  bool
	stored *metav1.PartialObjectMetadata
}

// Get shows the library nothing. What it would compare is known to differ, also where it would
// not look: in owner references, and in who owns a field.
func (c *conditional) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: obj.GetObjectKind().GroupVersionKind().Kind}, key.Name)
}

// Patch asks for metadata alone in the answer: of the content, there is enough in memory.
func (c *conditional) Patch(ctx context.Context, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
	body, err := patch.Data(obj)
	if err != nil {
		return err
	}
	if !c.force {
		opts = append(opts, unforced{})
	}
	c.stored = &metav1.PartialObjectMetadata{}
	c.stored.SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	c.stored.SetNamespace(obj.GetNamespace())
	c.stored.SetName(obj.GetName())
	return c.Client.Patch(ctx, c.stored, client.RawPatch(patch.Type(), body), opts...)
}

// unforced undoes client.ForceOwnership.
type unforced struct{}

// ApplyToPatch implements client.PatchOption.
func (unforced) ApplyToPatch(o *client.PatchOptions) { o.Force = nil }
