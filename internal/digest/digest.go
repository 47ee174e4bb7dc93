// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package digest turns the content of ConfigMaps and Secrets into digests that
// tell whether it changed, and which keys did, without keeping the content.
package digest

import (
	"crypto/sha256"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Prefix starts every digest and names its algorithm.
const Prefix = "sha256:"

// The sections of an object that hold content. The same bytes in another section
// are other content: helm-controller reads values from data alone.
const (
	sectionData   = "data"
	sectionBinary = "binaryData"
)

// entry is the digest of one key. It is salted like the whole, so that nothing
// that is kept of a Secret allows to confirm a guess of its value.
type entry struct {
	key string
	sum [sha256.Size]byte
}

// Content is what is kept of the content of an object: a digest per key, sorted
// by key.
type Content struct {
	entries []entry
}

// Of returns the content of a ConfigMap or Secret, and none of anything else.
func Of(obj runtime.Object) Content {
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		return OfConfigMap(obj)
	case *corev1.Secret:
		return OfSecret(obj)
	}
	return Content{}
}

// OfConfigMap returns the content of a ConfigMap.
func OfConfigMap(obj *corev1.ConfigMap) Content {
	f := newFramer()
	entries := make([]entry, 0, len(obj.Data)+len(obj.BinaryData))
	for key, value := range obj.Data {
		entries = append(entries, newEntry(f, "", sectionData, key, value))
	}
	for key, value := range obj.BinaryData {
		entries = append(entries, newEntry(f, "", sectionBinary, key, value))
	}
	return newContent(entries)
}

// OfSecret returns the content of a Secret, salted with its UID: only who may
// read the Secret can recompute the digest.
func OfSecret(obj *corev1.Secret) Content {
	f := newFramer()
	entries := make([]entry, 0, len(obj.Data))
	for key, value := range obj.Data {
		entries = append(entries, newEntry(f, string(obj.UID), sectionData, key, value))
	}
	return newContent(entries)
}

func newContent(entries []entry) Content {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return Content{entries: entries}
}

func newEntry[T string | []byte](f *framer, salt, section, key string, value T) entry {
	f.hash.Reset()
	frame(f, salt)
	frame(f, section)
	frame(f, key)
	frame(f, value)
	return entry{key: key, sum: f.sum()}
}

// Len returns the number of keys.
func (c Content) Len() int { return len(c.entries) }

// Size returns the bytes that it takes in memory, roughly.
func (c Content) Size() int {
	n := 0
	for _, e := range c.entries {
		n += len(e.key) + 48
	}
	return n
}

// Digest returns the digest of the given keys, of all when none are given.
// Neither their order nor their repetition matters. A key that does not exist
// adds nothing, so that its coming and going changes the digest.
func (c Content) Digest(keys ...string) string {
	f := newFramer()
	for _, e := range c.entries {
		if len(keys) == 0 || slices.Contains(keys, e.key) {
			frame(f, e.key)
			frame(f, e.sum[:])
		}
	}
	return f.text()
}

// Missing returns those of the keys that do not exist, in their order.
func (c Content) Missing(keys []string) []string {
	var missing []string
	for _, key := range keys {
		if _, found := c.find(key); !found {
			missing = append(missing, key)
		}
	}
	return missing
}

// ChangedSince returns the keys that were added, changed or removed since the
// previous content, sorted.
func (c Content) ChangedSince(previous Content) []string {
	var changed []string
	for _, e := range c.entries {
		if old, found := previous.find(e.key); !found || old.sum != e.sum {
			changed = append(changed, e.key)
		}
	}
	for _, old := range previous.entries {
		if _, found := c.find(old.key); !found {
			changed = append(changed, old.key)
		}
	}
	slices.Sort(changed)
	return changed
}

func (c Content) find(key string) (entry, bool) {
	i, found := slices.BinarySearchFunc(c.entries, key, func(e entry, key string) int {
		return strings.Compare(e.key, key)
	})
	if !found {
		return entry{}, false
	}
	return c.entries[i], true
}

// Combine returns one digest of many, given by identity. Their order does not
// matter.
func Combine(parts map[string]string) string {
	ids := make([]string, 0, len(parts))
	for id := range parts {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	f := newFramer()
	for _, id := range ids {
		frame(f, id)
		frame(f, parts[id])
	}
	return f.text()
}

// Short returns the first 12 hexadecimal digits of a digest, for tokens and
// messages.
func Short(digest string) string {
	digest = strings.TrimPrefix(digest, Prefix)
	if len(digest) > 12 {
		return digest[:12]
	}
	return digest
}
