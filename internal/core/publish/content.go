// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// MaxContent bounds what a copy may hold: the API server stores no more in a ConfigMap
// or Secret.
const MaxContent = 1 << 20

// Content is what is in a copy: of a ConfigMap its data and binaryData, of a Secret its
// data as Binary.
type Content struct {
	Data   map[string]string
	Binary map[string][]byte
}

// Of returns the content of a ConfigMap or Secret, of the given keys or of all if there
// are none.
func Of(obj any, keys ...string) Content {
	var all Content
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		all = Content{Data: obj.Data, Binary: obj.BinaryData}
	case *corev1.Secret:
		all = Content{Binary: obj.Data}
	}
	if len(keys) == 0 {
		return all
	}
	some := Content{Data: map[string]string{}, Binary: map[string][]byte{}}
	for _, key := range keys {
		if value, found := all.Data[key]; found {
			some.Data[key] = value
		}
		if value, found := all.Binary[key]; found {
			some.Binary[key] = value
		}
	}
	return some
}

// Merge returns the content of several sources, given by ID, together. The error names
// sources and keys.
func Merge(parts map[string]Content) (Content, error) {
	merged := Content{Data: map[string]string{}, Binary: map[string][]byte{}}
	from := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(parts)) {
		for _, key := range parts[id].Keys() {
			if other, found := from[key]; found {
				return Content{}, fmt.Errorf("%s and %s both have the key %s and would share a copy; set publishAs of one of them, or keys", other, id, key)
			}
			from[key] = id
			if value, found := parts[id].Data[key]; found {
				merged.Data[key] = value
			} else {
				merged.Binary[key] = parts[id].Binary[key]
			}
		}
	}
	if merged.Size() > MaxContent {
		return Content{}, fmt.Errorf("the sources of one copy hold more than %d KiB together; set publishAs of some of them, or keys", MaxContent>>10)
	}
	return merged, nil
}

// Object returns a ConfigMap or Secret with the content.
func (c Content) Object(kind string) interface {
	metav1.Object
	runtime.Object
} {
	if kind == triggerv1.SecretKind {
		return &corev1.Secret{Data: c.Binary}
	}
	return &corev1.ConfigMap{Data: c.Data, BinaryData: c.Binary}
}

// Size returns the bytes that it takes.
func (c Content) Size() int {
	size := 0
	for key, value := range c.Data {
		size += len(key) + len(value)
	}
	for key, value := range c.Binary {
		size += len(key) + len(value)
	}
	return size
}

// Keys returns the keys, sorted.
func (c Content) Keys() []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(c.Data)), maps.Keys(c.Binary))
	slices.Sort(keys)
	return keys
}

// within reports whether all of it is in other.
func (c Content) within(other Content) bool {
	for key, value := range c.Data {
		if have, found := other.Data[key]; !found || have != value {
			return false
		}
	}
	for key, value := range c.Binary {
		if have, found := other.Binary[key]; !found || !bytes.Equal(have, value) {
			return false
		}
	}
	return true
}

// has reports whether a key is in it.
func (c Content) has(key string) bool {
	_, text := c.Data[key]
	_, binary := c.Binary[key]
	return text || binary
}
