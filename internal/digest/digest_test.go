// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest_test

import (
	"maps"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
)

func configMap(data map[string]string, binary map[string][]byte) digest.Content {
	return digest.OfConfigMap(&corev1.ConfigMap{Data: data, BinaryData: binary})
}

func secret(uid string, data map[string][]byte) digest.Content {
	return digest.OfSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}, Data: data})
}

func TestDigest_no_two_contents_are_alike(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seen := map[string]string{}
	for name, content := range map[string]digest.Content{
		"nothing":                          configMap(nil, nil),
		"an empty value":                   configMap(map[string]string{"a": ""}, nil),
		"a value":                          configMap(map[string]string{"a": "bc"}, nil),
		"the border of key and value":      configMap(map[string]string{"ab": "c"}, nil),
		"one key that looks like two":      configMap(map[string]string{"a": "b\x00c"}, nil),
		"two keys":                         configMap(map[string]string{"a": "b", "c": ""}, nil),
		"values that changed places":       configMap(map[string]string{"a": "", "c": "b"}, nil),
		"the same bytes as binary data":    configMap(nil, map[string][]byte{"a": []byte("bc")}),
		"the same bytes in a Secret":       secret("", map[string][]byte{"b": []byte("bc")}),
		"a Secret":                         secret("u1", map[string][]byte{"a": []byte("bc")}),
		"the same Secret of another UID":   secret("u2", map[string][]byte{"a": []byte("bc")}),
		"equally spaced bytes, moved":      configMap(map[string]string{"a": "2.0.131"}, nil),
		"equally spaced bytes, moved back": configMap(map[string]string{"a": "2.0.212"}, nil),
	} {
		d := content.Digest()
		g.Expect(d).To(MatchRegexp("^sha256:[0-9a-f]{64}$"))
		g.Expect(seen).NotTo(HaveKey(d), "%s and %s", name, seen[d])
		seen[d] = name
	}
}

func TestDigest_selects_keys(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before := configMap(map[string]string{"a": "1", "b": "1"}, nil)
	after := configMap(map[string]string{"a": "1", "b": "2"}, nil)
	g.Expect(before.Digest("a")).To(Equal(after.Digest("a")), "another key does not matter")
	g.Expect(before.Digest("b")).NotTo(Equal(after.Digest("b")))
	g.Expect(before.Digest("a", "b")).To(Equal(before.Digest("b", "a", "a")), "nor order, nor repetition")
	g.Expect(before.Digest("a", "b")).To(Equal(before.Digest()))
	g.Expect(before.Digest("a", "c")).To(Equal(before.Digest("a")))
	with := configMap(map[string]string{"a": "1", "c": ""}, nil)
	g.Expect(with.Digest("a", "c")).NotTo(Equal(before.Digest("a", "c")), "a key that comes is a change")
	g.Expect(before.Missing([]string{"c", "a", "d"})).To(Equal([]string{"c", "d"}))
}

func TestDigest_tells_which_keys_changed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before := configMap(map[string]string{"same": "1", "gone": "1", "other": "1"}, nil)
	after := configMap(map[string]string{"same": "1", "new": "1", "other": "2"}, nil)
	g.Expect(after.ChangedSince(before)).To(Equal([]string{"gone", "new", "other"}))
	g.Expect(after.ChangedSince(after)).To(BeEmpty())
}

func TestCombine(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	parts := map[string]string{"a": "1", "b": "2"}
	g.Expect(digest.Combine(parts)).To(Equal(digest.Combine(maps.Clone(parts))))
	g.Expect(digest.Combine(parts)).NotTo(Equal(digest.Combine(map[string]string{"a": "2", "b": "1"})))
	g.Expect(digest.Combine(parts)).NotTo(Equal(digest.Combine(map[string]string{"a": "1"})))
	g.Expect(digest.Combine(map[string]string{"a": ""})).NotTo(Equal(digest.Combine(nil)), "a missing source counts")
	g.Expect(digest.Short(digest.Combine(parts))).To(MatchRegexp("^[0-9a-f]{12}$"))
	g.Expect(digest.Short("")).To(BeEmpty())
}

// FuzzDigest splits the input into keys and values in two ways. They must be alike
// exactly when the contents are.
func FuzzDigest(f *testing.F) {
	f.Add("a", "b", "c", "d")
	f.Add("a", "", "", "a")
	f.Add("k", "\x00\x00", "k", "\x00")
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		one, other := map[string]string{key1: value1}, map[string]string{key2: value2}
		equal := maps.Equal(one, other)
		if got := configMap(one, nil).Digest() == configMap(other, nil).Digest(); got != equal {
			t.Errorf("%q and %q: digests equal: %t", one, other, got)
		}
		if got := len(configMap(one, nil).ChangedSince(configMap(other, nil))) == 0; got != equal {
			t.Errorf("%q and %q: no key changed: %t", one, other, got)
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	data := map[string]string{}
	for _, key := range []string{"a", "b", "c", "d"} {
		data[key] = string(make([]byte, 1024))
	}
	cm := &corev1.ConfigMap{Data: data}
	b.ReportAllocs()
	for b.Loop() {
		digest.OfConfigMap(cm).Digest()
	}
}
