// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"maps"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// maxShared bounds what is remembered of each kind for sharing, and maxSharedBytes
	// how long each of it is: what differs everywhere must not cost more than it saves.
	maxShared      = 2048
	maxSharedBytes = 512
)

// shared interns label sets and strings of cached objects. The labels of an object that nothing refers to are half of what is cached of it, and many
// have the same: all objects of a Helm release, all generated triggers. A trigger says the
// same names and digests several times. Objects in the cache are never changed.
type shared struct {
	mu     sync.Mutex
	texts  memory[string]
	labels memory[map[string]string]
	fields memory[*metav1.FieldsV1]
}

// after returns a transformation of the cache that ends with sharing.
func (s *shared) after(strip toolscache.TransformFunc) toolscache.TransformFunc {
	return func(in any) (any, error) {
		out, err := strip(in)
		if obj, ok := out.(client.Object); ok && err == nil {
			s.share(obj)
		}
		return out, err
	}
}

func (s *shared) share(obj client.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	obj.SetNamespace(s.text(obj.GetNamespace()))
	obj.SetLabels(s.labelSet(obj.GetLabels()))
	switch obj := obj.(type) {
	case *helmv2.HelmRelease:
		s.release(obj)
	case *triggerv1.ValuesTrigger:
		s.trigger(obj)
	}
}

// release shares what many HelmReleases say: which labels are the operator's, above all.
func (s *shared) release(hr *helmv2.HelmRelease) {
	hr.Name = s.text(hr.Name)
	for i := range hr.ManagedFields {
		entry := &hr.ManagedFields[i]
		s.all(&entry.Manager, &entry.APIVersion, &entry.FieldsType)
		if raw := entry.FieldsV1.GetRawString(); raw != "" && len(raw) <= maxSharedBytes {
			entry.FieldsV1 = s.fields.get(raw, entry.FieldsV1)
		}
	}
	for i := range hr.Spec.ValuesFrom {
		reference := &hr.Spec.ValuesFrom[i]
		s.all(&reference.Kind, &reference.Name, &reference.ValuesKey)
	}
	for i := range hr.Status.Conditions {
		condition := &hr.Status.Conditions[i]
		s.all(&condition.Type, &condition.Reason)
	}
	for _, snapshot := range hr.Status.History {
		s.all(&snapshot.Name, &snapshot.Namespace, &snapshot.Status)
	}
}

// trigger shares what a ValuesTrigger says more than once, or as others do.
func (s *shared) trigger(vt *triggerv1.ValuesTrigger) {
	vt.Name = s.text(vt.Name)
	for i := range vt.OwnerReferences {
		owner := &vt.OwnerReferences[i]
		s.all(&owner.APIVersion, &owner.Kind, &owner.Name)
	}
	for i := range vt.Spec.Sources {
		source := &vt.Spec.Sources[i]
		s.all(&source.Kind, &source.Namespace, &source.Name)
	}
	for i := range vt.Spec.Targets {
		target := &vt.Spec.Targets[i]
		s.all(&target.Namespace, &target.Name)
	}
	s.all(&vt.Status.LastDigest, &vt.Status.Delivered)
	for i := range vt.Status.Conditions {
		condition := &vt.Status.Conditions[i]
		s.all(&condition.Type, &condition.Reason, &condition.Message)
	}
	for i := range vt.Status.Sources {
		source := &vt.Status.Sources[i]
		s.all(&source.Kind, &source.Namespace, &source.Name, &source.Digest)
	}
	for i := range vt.Status.Targets {
		target := &vt.Status.Targets[i]
		s.all(&target.Namespace, &target.Name, &target.Digest, &target.Published, &target.Message, &target.Cause)
	}
	for i := range vt.Status.History {
		change := &vt.Status.History[i]
		s.all(&change.Digest, &change.Cause, &change.Delivered)
	}
}

func (s *shared) all(texts ...*string) {
	for _, text := range texts {
		*text = s.text(*text)
	}
}

func (s *shared) text(text string) string {
	if text == "" || len(text) > maxSharedBytes {
		return text
	}
	return s.texts.get(text, text)
}

func (s *shared) labelSet(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	var all strings.Builder
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if all.Len()+len(key)+len(labels[key]) > maxSharedBytes {
			return labels
		}
		// Neither holds such a character.
		all.WriteString(key + "=" + labels[key] + ",")
	}
	return s.labels.get(all.String(), labels)
}

// memory is a two-generation cache of the first value of each key. When it is full, it drops the
// older half of what was not used since.
type memory[V any] struct {
	young, old map[string]V
}

func (m *memory[V]) get(key string, value V) V {
	if known, found := m.young[key]; found {
		return known
	}
	if known, found := m.old[key]; found {
		value = known
	}
	if m.young == nil || len(m.young) >= maxShared/2 {
		m.young, m.old = map[string]V{}, m.young
	}
	m.young[key] = value
	return value
}
