// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"encoding/binary"
	"hash"
	"maps"
	"slices"
	"strings"
	"testing"
)

// tape is a hash that remembers what it was given.
type tape struct {
	hash.Hash
	written []byte
}

func (t *tape) Write(p []byte) (int, error) {
	t.written = append(t.written, p...)
	return len(p), nil
}

// What is written of a list of parts can be read back: no two lists are written alike.
func FuzzFrame(f *testing.F) {
	f.Add("a", "bc", "")
	f.Add("", "", "")
	f.Add("\x00\x00\x00\x00\x00\x00\x00\x01a", "\xff", "b")
	f.Add(strings.Repeat("a", 511), strings.Repeat("b", 512), strings.Repeat("c", 1025))
	f.Fuzz(func(t *testing.T, one, two, three string) {
		parts := []string{one, two, three}
		w := &tape{}
		framed := &framer{hash: w}
		for _, part := range parts {
			frame(framed, part)
		}
		var read []string
		for rest := w.written; len(rest) > 0; {
			n := binary.BigEndian.Uint64(rest)
			read, rest = append(read, string(rest[8:8+n])), rest[8+n:]
		}
		if !slices.Equal(read, parts) {
			t.Errorf("%q is written as %q", parts, w.written)
		}
	})
}

// pairs reads a map from a text: a key, its value, a key, its value, …
func pairs(in string) text {
	out := text{}
	words := strings.Split(in, "|")
	for i := 0; i+1 < len(words); i += 2 {
		out[words[i]] = words[i+1]
	}
	return out
}

func only(all text, keys []string) text {
	out := text{}
	for _, key := range keys {
		if value, found := all[key]; found {
			out[key] = value
		}
	}
	return out
}

// Two contents have different digests exactly if they differ, in all keys or in some, wherever they
// are and in whatever order; and what changed is what differs.
func FuzzContents(f *testing.F) {
	f.Add("a|bc", "ab|c", "a")
	f.Add("a|", "|a", "")
	f.Add("a|b\x00c", "a\x00b|c", "a\x00b|a")
	f.Add("a|\x00\x00\x00\x00\x00\x00\x00\x01b", "a|b|b|", "a|a|zz")
	f.Add("a|1|b|2|c|3", "c|3|b|x|a|1", "c|a")
	f.Fuzz(func(t *testing.T, first, second, selected string) {
		one, two := pairs(first), pairs(second)
		c1, c2 := configMap(one, nil), configMap(two, nil)
		if (c1.Digest() == c2.Digest()) != maps.Equal(one, two) {
			t.Errorf("%q and %q", one, two)
		}
		if (Combine(one) == Combine(two)) != maps.Equal(one, two) {
			t.Errorf("%q and %q combined", one, two)
		}

		keys := strings.Split(selected, "|")
		back := slices.Clone(keys)
		slices.Reverse(back)
		some1, some2 := only(one, keys), only(two, keys)
		if (c1.Digest(keys...) == c2.Digest(back...)) != maps.Equal(some1, some2) {
			t.Errorf("%q and %q in %q", one, two, keys)
		}
		if c1.Digest(keys...) != configMap(some1, nil).Digest() {
			t.Errorf("%q in %q is not %q", one, keys, some1)
		}
		for _, key := range keys {
			if _, found := one[key]; found == slices.Contains(c1.Missing(keys), key) {
				t.Errorf("%q misses %q", one, c1.Missing(keys))
			}
		}

		differing := map[string]bool{}
		for key := range maps.Keys(one) {
			if value, found := two[key]; !found || value != one[key] {
				differing[key] = true
			}
		}
		for key := range maps.Keys(two) {
			if _, found := one[key]; !found {
				differing[key] = true
			}
		}
		if want := slices.Sorted(maps.Keys(differing)); !slices.Equal(c1.ChangedSince(c2), want) || !slices.Equal(c2.ChangedSince(c1), want) {
			t.Errorf("%q and %q differ in %q", one, two, c1.ChangedSince(c2))
		}

		raw := bytes{}
		for key, value := range one {
			raw[key] = []byte(value)
		}
		if len(one) > 0 {
			if configMap(nil, raw).Digest() == c1.Digest() {
				t.Errorf("%q is the same in data and binaryData", one)
			}
			if secret(first, raw).Digest(keys...) != secret(second, raw).Digest(back...) {
				t.Errorf("a Secret %q is another one when it is created again", one)
			}
			if (named(first, second, raw).Digest() == named(second, first, raw).Digest()) != (first == second) {
				t.Errorf("the Secrets %q/%q and %q/%q have one digest", first, second, second, first)
			}
			if secret(second, raw).Digest(keys...) == c1.Digest(keys...) {
				t.Errorf("a Secret %q has the digest of a ConfigMap", one)
			}
		}
	})
}
