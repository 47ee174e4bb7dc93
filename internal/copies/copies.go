// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package copies compares the copies of sources with what they are to hold, and applies
// and deletes them.
package copies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
)

// ErrForeign tells that an object has the name of a copy and is none of the trigger.
var ErrForeign = errors.New("name conflict")

// Actor is as whom copies are read and written.
type Actor struct {
	// Name tells actors apart: what one may read, another may not.
	Name   string
	Reader client.Reader
	Writer client.Client
}

// Wanted is a copy with what it is to hold.
type Wanted struct {
	publish.Copy

	// Digest changes with the content.
	Digest string

	// Content returns it. It is asked only if it must be compared or written.
	Content func() (publish.Content, error)
}

// Keeper looks after copies. It is safe for concurrent use.
type Keeper struct {
	// metadata is the cache of watched metadata: a copy whose version has not moved
	// since it was read or written is not read again.
	metadata client.Reader
	memory   *memory
}

// NewKeeper returns a Keeper over a cache of metadata.
func NewKeeper(metadata client.Reader) *Keeper {
	return &Keeper{metadata: metadata, memory: newMemory()}
}

// Look returns how what there is compares with a copy.
func (k *Keeper) Look(ctx context.Context, actor Actor, want Wanted) (publish.State, error) {
	meta := partial(want.Kind)
	err := k.metadata.Get(ctx, client.ObjectKey{Namespace: want.Namespace, Name: want.Name}, meta)
	if client.IgnoreNotFound(err) != nil {
		return publish.Outdated, fmt.Errorf("metadata of %s: %w", want.Copy, err)
	}
	if err == nil && publish.IsOf(meta.Labels, want.Copy) && want.IsOwned(meta.OwnerReferences) {
		if state, known := k.memory.recall(actor, want, meta.ResourceVersion); known {
			return state, nil
		}
	}
	state, _, _, err := k.read(ctx, actor, want)
	return state, err
}

// Write brings a copy in line. What is none of the trigger is left alone: ErrForeign.
func (k *Keeper) Write(ctx context.Context, actor Actor, want Wanted) error {
	state, version, content, err := k.compare(ctx, actor, want)
	switch {
	case err != nil:
		return err
	case state == publish.Current:
		return nil
	case state == publish.Foreign:
		return Foreign(want.Copy)
	}
	body, err := encode(want.Copy, version, content)
	if err != nil {
		return err
	}
	obj := partial(want.Kind)
	obj.Namespace, obj.Name = want.Namespace, want.Name
	options := []client.PatchOption{client.FieldOwner(triggerv1.FieldManager)}
	if state != publish.Absent {
		// Of the version that was looked at, all fields are the operator's. An object
		// that was made since then is not: to apply without force takes nothing from it.
		options = append(options, client.ForceOwnership)
	}
	if err := actor.Writer.Patch(ctx, obj, client.RawPatch(types.ApplyPatchType, body), options...); err != nil {
		k.memory.forget(actor, want)
		return fmt.Errorf("apply %s: %w", want.Copy, err)
	}
	k.memory.note(actor, want, obj.ResourceVersion, publish.Current, content)
	return nil
}

// Foreign returns an ErrForeign that names the object and the mend.
func Foreign(c publish.Copy) error {
	if c.Owner != nil {
		return fmt.Errorf("%w: %s is not what this ValuesTrigger has kept of %s; delete or rename it", ErrForeign, c, c.Sources[0])
	}
	return fmt.Errorf("%w: %s is no copy of this ValuesTrigger for HelmRelease %s; delete or rename it, or choose another spec.publish.name",
		ErrForeign, c, c.Labels[triggerv1.PublishedForLabel])
}

// Delete removes a copy in the version that was looked at.
func (k *Keeper) Delete(ctx context.Context, writer client.Client, found *metav1.PartialObjectMetadata) error {
	err := writer.Delete(ctx, found, client.Preconditions{ResourceVersion: &found.ResourceVersion})
	return client.IgnoreNotFound(err)
}

// List returns the objects with labels, of the given kinds.
func (k *Keeper) List(ctx context.Context, kinds []string, labels client.MatchingLabels, options ...client.ListOption) ([]*metav1.PartialObjectMetadata, error) {
	var found []*metav1.PartialObjectMetadata
	for _, kind := range kinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
		if err := k.metadata.List(ctx, list, append(options, labels)...); err != nil {
			return nil, fmt.Errorf("copies of ValuesTrigger %s/%s: %w", labels[triggerv1.PublishedByNamespaceLabel], labels[triggerv1.PublishedByLabel], err)
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
			found = append(found, &list.Items[i])
		}
	}
	return found, nil
}

// compare does not read a copy that is known to be outdated. Should it have moved since,
// the API server refuses to write it.
func (k *Keeper) compare(ctx context.Context, actor Actor, want Wanted) (publish.State, string, publish.Content, error) {
	version, known := k.memory.outdated(actor, want)
	if !known {
		return k.read(ctx, actor, want)
	}
	content, err := want.Content()
	return publish.Outdated, version, content, err
}

// read compares with what the API server has.
func (k *Keeper) read(ctx context.Context, actor Actor, want Wanted) (publish.State, string, publish.Content, error) {
	content, err := want.Content()
	if err != nil {
		return publish.Outdated, "", content, err
	}
	obj, err := get(ctx, actor.Reader, want.Copy)
	switch {
	case err != nil:
		return publish.Outdated, "", content, err
	case obj == nil:
		return publish.Absent, "", content, nil
	}
	state := publish.Judge(want.Copy, content, &publish.Existing{
		Labels: obj.GetLabels(), Annotations: obj.GetAnnotations(), Owners: obj.GetOwnerReferences(), Content: publish.Of(obj), Applied: applied(obj),
	})
	k.memory.note(actor, want, obj.GetResourceVersion(), state, content)
	return state, obj.GetResourceVersion(), content, nil
}

// get returns a copy as the API server has it, nil if there is none.
func get(ctx context.Context, reader client.Reader, c publish.Copy) (client.Object, error) {
	var obj client.Object = &corev1.ConfigMap{}
	if c.Kind == triggerv1.SecretKind {
		obj = &corev1.Secret{}
	}
	err := reader.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: c.Name}, obj)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c, err)
	}
	return obj, nil
}

// encode returns a copy as it is applied.
func encode(c publish.Copy, version string, content publish.Content) ([]byte, error) {
	metadata := map[string]any{"name": c.Name, "namespace": c.Namespace, "labels": c.Labels}
	if version != "" {
		metadata["resourceVersion"] = version
	}
	if len(c.Annotations) > 0 {
		metadata["annotations"] = c.Annotations
	}
	body := map[string]any{"apiVersion": "v1", "kind": c.Kind, "metadata": metadata}
	if c.Owner != nil {
		metadata["ownerReferences"] = []*metav1.OwnerReference{c.Owner}
		body["immutable"] = true // What is kept is of its name's content for ever.
	}
	// To what is immutable, none and no section are different content.
	if len(content.Data) > 0 {
		body["data"] = content.Data
	}
	switch {
	case len(content.Binary) == 0:
	case c.Kind == triggerv1.SecretKind:
		body["data"] = content.Binary
	default:
		body["binaryData"] = content.Binary
	}
	out, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", c, err)
	}
	return out, nil
}

// applied returns the keys of an object that the operator has applied.
func applied(obj client.Object) []string {
	var keys []string
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager != triggerv1.FieldManager || entry.Operation != metav1.ManagedFieldsOperationApply || entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]json.RawMessage
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		for _, section := range []string{"f:data", "f:binaryData"} {
			var of map[string]json.RawMessage
			if json.Unmarshal(fields[section], &of) != nil {
				continue
			}
			for key := range of {
				if len(key) > 2 && key[:2] == "f:" {
					keys = append(keys, key[2:])
				}
			}
		}
	}
	return keys
}

func partial(kind string) *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return meta
}
