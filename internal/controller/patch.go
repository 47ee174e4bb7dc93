// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/types"
	kerrors "k8s.io/apimachinery/pkg/util/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/patch"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// patcher writes what a reconciliation changes of a ValuesTrigger, with Flux's patch helper. What it
// writes holds for the version that was read, and a status is one write: why that matters is in
// docs/internal/decisions/0001-one-status-patch.md.
type patcher struct {
	serial *patch.SerialPatcher
}

// newPatcher returns the patcher of a trigger as it was read.
func newPatcher(vt *triggerv1.ValuesTrigger, c client.Client) patcher {
	return patcher{patch.NewSerialPatcher(vt, &atVersion{Client: c, read: vt.DeepCopy(), version: vt.ResourceVersion})}
}

// patch writes the difference to what was read or last written, if there is one.
func (p patcher) patch(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	err := p.serial.Patch(ctx, vt, patch.WithFieldOwner(triggerv1.FieldManager), patch.WithOwnedConditions{Conditions: []string{
		meta.ReadyCondition, meta.ReconcilingCondition, meta.StalledCondition, triggerv1.GatedCondition,
	}})
	// An aggregate hides what the API server has answered.
	var all kerrors.Aggregate
	if errors.As(err, &all) && len(all.Errors()) == 1 {
		return all.Errors()[0]
	}
	return err
}

// atVersion is the client of the patch helper. The helper writes conditions for the version that it reads
// just before, and then the rest of the status for any. Here both are one write, for the version that the
// reconciliation has read or written last.
type atVersion struct {
	client.Client
	read    *triggerv1.ValuesTrigger
	version string

	// reads is true between the read of the helper and its write of the conditions, which are then
	// kept for its next write.
	reads      bool
	conditions map[string]any
}

// Get returns the version that was read. The helper does so before it writes conditions.
func (c *atVersion) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	vt, is := obj.(*triggerv1.ValuesTrigger)
	if !is {
		return fmt.Errorf("the patch helper reads a %T", obj)
	}
	c.read.DeepCopyInto(vt)
	c.reads = true
	return nil
}

// Patch writes metadata.
func (c *atVersion) Patch(ctx context.Context, obj client.Object, p client.Patch, opts ...client.PatchOption) error {
	change, err := changeOf(obj, p)
	if err != nil {
		return err
	}
	return c.send(obj, change, func(p client.Patch) error { return c.Client.Patch(ctx, obj, p, opts...) })
}

// Status returns the client of the status.
func (c *atVersion) Status() client.SubResourceWriter {
	return statusAtVersion{c.Client.Status(), c}
}

// statusAtVersion writes a status.
type statusAtVersion struct {
	client.SubResourceWriter
	to *atVersion
}

// Patch keeps conditions, and writes them with the rest of the status.
func (s statusAtVersion) Patch(ctx context.Context, obj client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
	change, err := changeOf(obj, p)
	if err != nil {
		return err
	}
	status, _ := change["status"].(map[string]any)
	if s.to.reads {
		s.to.reads, s.to.conditions = false, status
		return nil
	}
	if status == nil {
		status = map[string]any{}
	}
	maps.Copy(status, s.to.conditions)
	change["status"], s.to.conditions = status, nil
	return s.to.send(obj, change, func(p client.Patch) error {
		return s.SubResourceWriter.Patch(ctx, obj, p, opts...)
	})
}

// changeOf returns a merge patch as a value.
func changeOf(obj client.Object, p client.Patch) (map[string]any, error) {
	body, err := p.Data(obj)
	if err != nil {
		return nil, err
	}
	change := map[string]any{}
	return change, json.Unmarshal(body, &change)
}

// send writes a change of an object for the version that was read or written last.
func (c *atVersion) send(obj client.Object, change map[string]any, write func(client.Patch) error) error {
	metadata, _ := change["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	metadata["resourceVersion"] = c.version
	change["metadata"] = metadata
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	if err := write(client.RawPatch(types.MergePatchType, body)); err != nil {
		return err
	}
	c.version = obj.GetResourceVersion()
	return nil
}
