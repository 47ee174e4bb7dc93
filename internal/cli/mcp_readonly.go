// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// readOnly is a client that writes nothing, whatever a command wants: an assistant must not change a cluster
// because of what someone has written into a message.
type readOnly struct{ client.Client }

func refusedWrite(of string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: of}, "", errors.New("this server only reads"))
}

// Apply implements client.Writer.
func (readOnly) Apply(context.Context, runtime.ApplyConfiguration, ...client.ApplyOption) error {
	return refusedWrite("apply")
}

// Create implements client.Writer.
func (readOnly) Create(context.Context, client.Object, ...client.CreateOption) error {
	return refusedWrite("create")
}

// Delete implements client.Writer.
func (readOnly) Delete(context.Context, client.Object, ...client.DeleteOption) error {
	return refusedWrite("delete")
}

// DeleteAllOf implements client.Writer.
func (readOnly) DeleteAllOf(context.Context, client.Object, ...client.DeleteAllOfOption) error {
	return refusedWrite("delete")
}

// Update implements client.Writer.
func (readOnly) Update(context.Context, client.Object, ...client.UpdateOption) error {
	return refusedWrite("update")
}

// Patch implements client.Writer.
func (readOnly) Patch(context.Context, client.Object, client.Patch, ...client.PatchOption) error {
	return refusedWrite("patch")
}

// Status implements client.StatusClient.
func (readOnly) Status() client.SubResourceWriter { return readOnlyPart{} }

// SubResource implements client.SubResourceClientConstructor.
func (readOnly) SubResource(string) client.SubResourceClient { return readOnlyPart{} }

// readOnlyPart is the client of a subresource, which no command reads.
type readOnlyPart struct{}

// Get implements client.SubResourceReader.
func (readOnlyPart) Get(context.Context, client.Object, client.Object, ...client.SubResourceGetOption) error {
	return refusedWrite("get")
}

// Apply implements client.SubResourceWriter.
func (readOnlyPart) Apply(context.Context, runtime.ApplyConfiguration, ...client.SubResourceApplyOption) error {
	return refusedWrite("apply")
}

// Create implements client.SubResourceWriter.
func (readOnlyPart) Create(context.Context, client.Object, client.Object, ...client.SubResourceCreateOption) error {
	return refusedWrite("create")
}

// Update implements client.SubResourceWriter.
func (readOnlyPart) Update(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return refusedWrite("update")
}

// Patch implements client.SubResourceWriter.
func (readOnlyPart) Patch(context.Context, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
	return refusedWrite("patch")
}
