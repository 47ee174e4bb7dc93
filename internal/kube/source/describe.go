// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// describe returns what is kept of an object with this content.
func describe(obj client.Object, content digest.Content) Object {
	object := Object{
		Exists:          true,
		Labels:          contract.Labels(obj.GetLabels()),
		Annotations:     contract.Annotations(obj.GetAnnotations()),
		PublishTo:       publishTo(obj.GetAnnotations()[triggerv1.PublishToAnnotation]),
		Watched:         binding.FluxWatches(obj.GetLabels()),
		ResourceVersion: obj.GetResourceVersion(),
	}
	object.EditedBy = editedBy(obj)
	object.Content = content
	object.Full = content.Digest()
	object.UID = obj.GetUID()
	return object
}

// explain notes who made the object what it is, as far as it is known: by what changed since
// the version that was read before, if one was.
func (o *Object) explain(obj client.Object, previous Object) {
	if previous.Exists && previous.Full == o.Full && previous.UID == o.UID {
		o.ChangedKeys, o.Editor, o.Applier, o.Origin = previous.ChangedKeys, previous.Editor, previous.Applier, previous.Origin
		return
	}
	if previous.Exists && previous.Full != o.Full {
		o.ChangedKeys = o.Content.ChangedSince(previous.Content)
	}
	o.Editor, o.Applier = editor(obj, o.ChangedKeys), appliedBy(obj, o.ChangedKeys)
}

// Kustomizations say by which of them, and by which revision of it, a ConfigMap or Secret was
// changed that was seen to change just now. Empty if that is not known.
type Kustomizations interface {
	Origin(ctx context.Context, kustomization types.NamespacedName, kind string, object types.NamespacedName) string
}

// attribute notes the origin of a change. It is read when the change is seen: later, the
// Kustomization may have gone on.
func (s *Store) attribute(ctx context.Context, ref Ref, object *Object, previous Object) {
	changed := previous.Exists && previous.Full != object.Full
	if s.Kustomizations == nil || !changed || object.Applier.Kind != applier.Kustomization || object.Editor == "" {
		return
	}
	by := types.NamespacedName{Namespace: object.Applier.Namespace, Name: object.Applier.Name}
	object.Origin = s.Kustomizations.Origin(ctx, by, ref.Kind, types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name})
}

// RecordedBy reports whether the annotation of the contract is the digest of the content of
// an object, whichever way that was made.
func (o Object) RecordedBy(baseline contract.Baseline) bool {
	return baseline.Digest == o.Full || slices.Contains(o.Content.Former(), baseline.Digest)
}

// maxUser bounds the name of a user, in bytes as stored.
const maxUser = 256

// editedBy returns the user whom the API server recorded as the last who changed the content. Without the
// label no policy did, and anyone may have written the annotation. A name that could not be
// stored as it is would be that of another user.
func editedBy(obj client.Object) string {
	name := obj.GetAnnotations()[triggerv1.EditedByAnnotation]
	if _, labelled := obj.GetLabels()[triggerv1.FourEyesLabel]; !labelled || text.Line(name, maxUser) != name {
		return ""
	}
	return strings.Clone(name)
}

// maxPublishTo bounds what is kept of the annotation, in bytes: names of hundreds of
// namespaces.
const maxPublishTo = 16 << 10

// publishTo returns the annotation, and of one that is too long nothing: a part of it
// could end within a name.
func publishTo(value string) string {
	if len(value) > maxPublishTo {
		return ""
	}
	return strings.Clone(value)
}

// slim returns the version and content of an object alone. Annotations and managed
// fields can be larger than both.
func slim(obj client.Object) client.Object {
	version := metav1.ObjectMeta{ResourceVersion: obj.GetResourceVersion()}
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{ObjectMeta: version, Data: obj.Data}
	case *corev1.Secret:
		return &corev1.Secret{ObjectMeta: version, Data: obj.Data}
	}
	return nil
}

// size returns the bytes that an object takes in memory, roughly.
func (o Object) size() int {
	n := 512 + o.Content.Size() + len(o.PublishTo) + len(o.EditedBy) + len(o.Applier.Namespace) + len(o.Applier.Name) + len(o.Origin)
	for _, value := range o.Annotations {
		n += len(value)
	}
	for _, key := range o.ChangedKeys {
		n += len(key) + 16
	}
	return n
}

// size returns the bytes of content that an object holds in memory, roughly.
func size(obj client.Object) int {
	n := 1024
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		for key, value := range obj.Data {
			n += len(key) + len(value)
		}
	case *corev1.Secret:
		for key, value := range obj.Data {
			n += len(key) + len(value)
		}
	}
	return n
}
