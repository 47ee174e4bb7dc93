// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package digest turns the content of ConfigMaps and Secrets into digests that
// report whether it changed, and which keys did, without keeping the content.
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

// entry is the sum of one key. Of a Secret it stays in memory, beside the content that it
// is of: what leaves the package is made of all of them under a key.
type entry struct {
	key string
	sum [sha256.Size]byte
}

// Content is what is kept of the content of an object: a sum per key, sorted by key.
type Content struct {
	entries []entry

	// sealed makes the digests of a Secret, nil for anything else.
	sealed *sealed
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
	return Content{entries: sorted(entries)}
}

// Changed returns the keys that differ between two versions of a ConfigMap or Secret,
// sorted. Either may be nil.
func Changed(before, after runtime.Object) []string {
	var none Keys // Sums are compared, and no digest is made.
	return none.Of(after).ChangedSince(none.Of(before))
}

func sorted(entries []entry) []entry {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	return entries
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
	if c.sealed != nil {
		n += c.sealed.size()
	}
	return n
}

// Digest returns the digest of the given keys, of all when none are given.
// Neither their order nor their repetition matters. A key that does not exist
// adds nothing, so that its coming and going changes the digest.
func (c Content) Digest(keys ...string) string {
	if c.sealed != nil {
		return c.sealed.digest(c.sealed.keys.Current, c.entries, keys)
	}
	return plain(c.entries, keys)
}

// Former returns the digests under which the same content may be on record since before:
// one for each way in which digests of Secrets were made, always in the same order. There
// are none of a ConfigMap, whose digest is the same for ever.
func (c Content) Former(keys ...string) []string {
	if c.sealed == nil {
		return nil
	}
	return c.sealed.former(c.entries, keys)
}

// Is reports whether a digest on record means this content, whichever way it was made.
func (c Content) Is(recorded string, keys ...string) bool {
	return recorded == c.Digest(keys...) || slices.Contains(c.Former(keys...), recorded)
}

// plain returns the digest of entries without a key.
func plain(entries []entry, keys []string) string {
	f := newFramer()
	frameEntries(f, entries, keys)
	return f.text()
}

func frameEntries(f *framer, entries []entry, keys []string) {
	for _, e := range entries {
		if len(keys) == 0 || slices.Contains(keys, e.key) {
			frame(f, e.key)
			frame(f, e.sum[:])
		}
	}
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

// Abbreviated returns a digest as messages have it: the name of the algorithm and the first 12 digits. Of none it is empty.
func Abbreviated(digest string) string {
	if digest == "" {
		return ""
	}
	return Prefix + Short(digest)
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
