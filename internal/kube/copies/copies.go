// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package copies compares the copies of sources with what they are to hold, and applies
// and deletes them.
package copies

import (
	"context"
	"encoding/base64"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
)

// Actor is the identity used for copies.
type Actor struct {
	// Name distinguishes actors: what one may read, another may not.
	Name   string
	Reader client.Reader
	Writer client.Client
}

// Wanted is a copy with what it is to hold.
type Wanted struct {
	publish.Copy

	// Digest changes with the content.
	Digest string

	// Content returns it. It is read only if it must be compared or written.
	Content func() (publish.Content, error)
}

// The most content that is in memory for one copy: what it is to hold and what it holds,
// and, to write it, what is sent, as an object and encoded.
const (
	looking = 2 * budget.MaxObject
	writing = 4 * budget.MaxObject
)

// Keeper looks after copies. It is safe for concurrent use.
type Keeper struct {
	// metadata is the cache of watched metadata: a copy whose version has not moved
	// since it was read or written is not read again.
	metadata client.Reader
	memory   *memory

	// budget is for the content that is in memory.
	budget *budget.Budget
}

// NewKeeper returns a Keeper over a cache of metadata.
func NewKeeper(metadata client.Reader, content *budget.Budget) *Keeper {
	return &Keeper{metadata: metadata, memory: newMemory(), budget: content}
}

// Look returns how what there is compares with a copy.
func (k *Keeper) Look(ctx context.Context, actor Actor, want Wanted) (publish.State, error) {
	meta, err := k.seen(ctx, want.Copy)
	if err != nil {
		return publish.Outdated, err
	}
	version := ""
	if meta != nil && publish.IsOf(meta.Labels, want.Copy) && want.IsOwned(meta.OwnerReferences) {
		version = meta.ResourceVersion
		if state, known := k.memory.compared(actor, want, version); known {
			return state, nil
		}
	}
	part, err := k.budget.Take(ctx, looking)
	if err != nil {
		return publish.Outdated, err
	}
	defer part.Return()
	if version != "" {
		if state, known := k.memory.recall(actor, want, version); known {
			return state, nil
		}
	}
	found, err := k.read(ctx, actor, want)
	return found.state, err
}

// seen returns the watched metadata of a copy, nil if there is none.
func (k *Keeper) seen(ctx context.Context, c publish.Copy) (*metav1.PartialObjectMetadata, error) {
	meta := partial(c.Kind)
	err := k.metadata.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: c.Name}, meta)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metadata of %s: %w", c, err)
	}
	return meta, nil
}

// Write brings a copy in line. What is not the trigger's is left alone: a fault.
func (k *Keeper) Write(ctx context.Context, actor Actor, want Wanted) error {
	part, err := k.budget.Take(ctx, writing)
	if err != nil {
		return err
	}
	defer part.Return()
	found, err := k.compare(ctx, actor, want)
	switch {
	case err != nil || found.state == publish.Current:
		return err
	case found.state == publish.Foreign:
		return Foreign(want.Copy)
	}
	if found.content == nil {
		content, err := want.Content()
		if err != nil {
			return err
		}
		found.content = &content
	}
	part.Shrink(writing / budget.MaxObject * found.content.Size())
	stored, err := apply.Object(ctx, actor.Writer, object(want.Copy, found.version, *found.content))
	if err != nil {
		k.memory.forget(actor, want)
		return fmt.Errorf("apply %s: %w", want.Copy, err)
	}
	k.memory.note(actor, want, stored.ResourceVersion, publish.Current, *found.content)
	return nil
}

// Foreign returns a fault that names the object and the fix.
func Foreign(c publish.Copy) error {
	if c.Owner != nil {
		return fault.Conflict("%s is not what this ValuesTrigger has kept of %s; delete or rename it", c, c.Sources[0])
	}
	return fault.Conflict("%s is not a copy of this ValuesTrigger for HelmRelease %s, or its owner applies it; delete or rename it, or choose another spec.publish.name",
		c, c.Labels[triggerv1.PublishedForLabel])
}

// Delete removes a copy in the version that was read.
func (k *Keeper) Delete(ctx context.Context, writer client.Client, found *metav1.PartialObjectMetadata) error {
	err := writer.Delete(ctx, found, client.Preconditions{ResourceVersion: &found.ResourceVersion})
	return client.IgnoreNotFound(err)
}

// found is how what there is under the name of a copy compares with it. The content is
// what it is to hold, if that had to be known.
type found struct {
	state   publish.State
	version string
	content *publish.Content
}

// compare does not read a copy that is known to be outdated. Should it have moved since,
// the API server refuses to write it.
func (k *Keeper) compare(ctx context.Context, actor Actor, want Wanted) (found, error) {
	if version, known := k.memory.outdated(actor, want); known {
		return found{state: publish.Outdated, version: version}, nil
	}
	return k.read(ctx, actor, want)
}

// read compares with what the API server has. What the copy is to hold is read only if
// there is something to compare it with.
func (k *Keeper) read(ctx context.Context, actor Actor, want Wanted) (found, error) {
	obj, err := get(ctx, actor.Reader, want.Copy)
	switch {
	case err != nil:
		return found{state: publish.Outdated}, err
	case obj == nil:
		return found{state: publish.Absent}, nil
	case !publish.IsOf(obj.GetLabels(), want.Copy):
		return found{state: publish.Foreign}, nil
	}
	content, err := want.Content()
	if err != nil {
		return found{state: publish.Outdated}, err
	}
	state := publish.Judge(want.Copy, content, &publish.Existing{
		Labels: obj.GetLabels(), Annotations: obj.GetAnnotations(), Owners: obj.GetOwnerReferences(), Content: publish.Of(obj),
		Applied: applied(obj), Taken: taken(obj),
	})
	k.memory.note(actor, want, obj.GetResourceVersion(), state, content)
	return found{state, obj.GetResourceVersion(), &content}, nil
}

// Content returns what a copy holds, nothing if it is not there any more. The caller holds
// a part of the budget for it.
func (k *Keeper) Content(ctx context.Context, actor Actor, c publish.Copy) (publish.Content, error) {
	obj, err := get(ctx, actor.Reader, c)
	if err != nil || obj == nil {
		return publish.Content{}, err
	}
	return publish.Of(obj), nil
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

// object returns a copy as it is applied: to the version that was read, if there is one.
func object(c publish.Copy, version string, content publish.Content) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	obj.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(c.Kind))
	obj.SetNamespace(c.Namespace)
	obj.SetName(c.Name)
	obj.SetResourceVersion(version)
	obj.SetLabels(c.Labels)
	if len(c.Annotations) > 0 {
		obj.SetAnnotations(c.Annotations)
	}
	if c.Owner != nil {
		obj.SetOwnerReferences([]metav1.OwnerReference{*c.Owner})
		obj.Object["immutable"] = true // What is kept is of its name's content for ever.
	}
	// To what is immutable, none and no section are different content.
	if len(content.Data) > 0 {
		data := make(map[string]any, len(content.Data))
		for key, text := range content.Data {
			data[key] = text
		}
		obj.Object["data"] = data
	}
	if len(content.Binary) > 0 {
		section, binary := "binaryData", make(map[string]any, len(content.Binary))
		if c.Kind == triggerv1.SecretKind {
			section = "data"
		}
		for key, bytes := range content.Binary {
			binary[key] = base64.StdEncoding.EncodeToString(bytes)
		}
		obj.Object[section] = binary
	}
	return obj
}

func partial(kind string) *metav1.PartialObjectMetadata {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return meta
}
