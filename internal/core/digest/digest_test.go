// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// testKeys are those of all tests.
var testKeys = Keys{Current: []byte("0123456789abcdef0123456789abcdef")}

func configMap(data map[string]string, binary map[string][]byte) Content {
	return OfConfigMap(&corev1.ConfigMap{Data: data, BinaryData: binary})
}

func secret(uid string, data map[string][]byte) Content {
	return testKeys.OfSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}, Data: data})
}

type (
	text  = map[string]string
	bytes = map[string][]byte
)

// No two of these are alike.
func TestDigest_differentContentsDiffer(t *testing.T) {
	t.Parallel()
	contents := []struct {
		name    string
		content Content
	}{
		{"nothing", configMap(nil, nil)},
		{"an empty value", configMap(text{"a": ""}, nil)},
		{"an empty binary value", configMap(nil, bytes{"a": {}})},
		{"a value", configMap(text{"a": "b"}, nil)},
		{"the same as binary", configMap(nil, bytes{"a": []byte("b")})},
		{"key and value swapped", configMap(text{"b": "a"}, nil)},
		{"split behind the key", configMap(text{"ab": ""}, nil)},
		{"split into two keys", configMap(text{"a": "", "b": ""}, nil)},
		{"values split differently", configMap(text{"a": "bc", "b": "d"}, nil)},
		{"values split differently again", configMap(text{"a": "b", "b": "cd"}, nil)},
		{"values exchanged", configMap(text{"a": "d", "b": "bc"}, nil)},
		{"a NUL byte", configMap(text{"a": "b\x00"}, nil)},
		{"a NUL byte in front", configMap(text{"a": "\x00b"}, nil)},
		{"a NUL byte between what could be keys", configMap(text{"a": "b\x00c\x00d"}, nil)},
		{"a value that looks like a frame", configMap(text{"a": "\x00\x00\x00\x00\x00\x00\x00\x01b"}, nil)},
		{"a line break at the end", configMap(text{"a": "b\n"}, nil)},
		{"both sections", configMap(text{"a": "b"}, bytes{"c": []byte("d")})},
		{"both sections exchanged", configMap(text{"c": "d"}, bytes{"a": []byte("b")})},
		{"a Secret", secret("uid", bytes{"a": []byte("b")})},
		{"a Secret with another value", secret("uid", bytes{"a": []byte("c")})},
		{"a Secret with no key", secret("uid", nil)},
		{"a Secret of another name", named("apps", "b", bytes{"a": []byte("b")})},
		{"a Secret of another namespace", named("b", "", bytes{"a": []byte("b")})},
		{"a Secret whose namespace ends where its name begins", named("app", "sb", bytes{"a": []byte("b")})},
		{"a Secret under another key", Keys{Current: []byte("another key")}.OfSecret(&corev1.Secret{Data: bytes{"a": []byte("b")}})},
	}
	g := NewWithT(t)
	seen := map[string]string{}
	for _, c := range contents {
		digest := c.content.Digest()
		g.Expect(digest).To(MatchRegexp("^sha256:[0-9a-f]{64}$"))
		g.Expect(seen).NotTo(HaveKey(digest), "%s and %s are alike", c.name, seen[digest])
		seen[digest] = c.name
	}
}

// Another digest after an upgrade of the operator would trigger every release.
func TestDigest_isTheSameForever(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(configMap(text{"values.yaml": "replicas: 2\n"}, bytes{"logo": {0, 255}}).Digest()).To(Equal(
		"sha256:21349910b8ffe619fbb2539c9c1340221d1c8896161513a8bbdcd6e63e87db02"))
	g.Expect(secret("11111111-2222-3333-4444-555555555555", bytes{"password": []byte("secret")}).Digest()).To(Equal(
		"sha256:f8831d97bc18f99314ed8c8b0a778ab6eb887c407b7c34b0c301830853ba2f57"))
	g.Expect(secret("11111111-2222-3333-4444-555555555555", bytes{"password": []byte("secret")}).Former()).To(Equal([]string{
		"sha256:94c516458e0c6a0c211cfe7bba24acc9c200fc5bfadaaa991e7320a0c95bc2eb"}), "as it was before there was a key")
	g.Expect(Combine(map[string]string{"ConfigMap/a/b": "sha256:1", "Secret/a/b": ""})).To(Equal(
		"sha256:b1abe52c05264c2fcb4602a72bdbc0044ad3b351283ae8c7d87e35c176ff195b"))
}

func TestDigest_ofSelectedKeys(t *testing.T) {
	t.Parallel()
	content := configMap(text{"a": "1", "b": "2"}, bytes{"c": []byte("3")})
	for _, c := range []struct {
		name     string
		keys     []string
		like     Content
		likeKeys []string
	}{
		{"no selection selects all", nil, content, []string{"a", "b", "c"}},
		{"the others do not count", []string{"a"}, configMap(text{"a": "1", "z": "9"}, nil), []string{"a"}},
		{"their order does not count", []string{"c", "a"}, content, []string{"a", "c"}},
		{"their repetition does not count", []string{"a", "a"}, content, []string{"a"}},
		{"a key that does not exist adds nothing", []string{"a", "missing"}, content, []string{"a"}},
		{"the whole of one is the selection of another", nil, configMap(text{"a": "1", "b": "2", "d": "4"}, bytes{"c": []byte("3")}), []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(content.Digest(c.keys...)).To(Equal(c.like.Digest(c.likeKeys...)))
		})
	}

	g := NewWithT(t)
	g.Expect(content.Digest("a")).NotTo(Equal(content.Digest("b")))
	g.Expect(content.Digest("a")).NotTo(Equal(content.Digest("a", "b")))
	g.Expect(content.Digest("missing")).To(Equal(configMap(nil, nil).Digest()))
	g.Expect(configMap(text{"a": "1", "missing": ""}, nil).Digest("a", "missing")).NotTo(
		Equal(content.Digest("a", "missing")), "the coming of a key is a change")
}

func named(namespace, name string, data map[string][]byte) Content {
	return testKeys.OfSecret(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data})
}

// Who knows all but the key cannot make the digest of a guess, and who creates a Secret
// again as it was changes nothing.
func TestDigest_ofSecretsIsMadeUnderAKey(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	one, again := secret("one", bytes{"a": []byte("guess"), "b": nil}), secret("two", bytes{"a": []byte("guess"), "b": nil})
	g.Expect(again.Digest()).To(Equal(one.Digest()))
	g.Expect(again.Digest("a")).To(Equal(one.Digest("a")))
	g.Expect(again.ChangedSince(one)).To(BeEmpty())

	guess := configMap(text{"a": "guess", "b": ""}, nil)
	g.Expect(one.Digest()).NotTo(Equal(guess.Digest()))
	g.Expect(one.Digest("a")).NotTo(Equal(guess.Digest("a")))
	g.Expect(Keys{}.Of(&corev1.Secret{Data: bytes{"a": []byte("guess")}}).Digest()).To(BeEmpty(), "without a key there is none")
}

// A digest on record means the same content whichever way it was made.
func TestContent_Is(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	obj := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "s", UID: "uid"}, Data: bytes{"a": []byte("1"), "b": []byte("2")}}
	older, newer := Keys{Current: []byte("older")}, Keys{Current: []byte("newer"), Previous: []byte("older")}
	now := newer.OfSecret(obj)
	for _, keys := range [][]string{nil, {"a"}, {"missing"}} {
		before := older.OfSecret(obj)
		g.Expect(now.Digest(keys...)).NotTo(Equal(before.Digest(keys...)))
		g.Expect(now.Is(now.Digest(keys...), keys...)).To(BeTrue())
		g.Expect(now.Is(before.Digest(keys...), keys...)).To(BeTrue(), "under the previous key")
		g.Expect(now.Is(before.Former(keys...)[0], keys...)).To(BeTrue(), "with the UID")
		g.Expect(now.Former(keys...)).To(Equal([]string{before.Former(keys...)[0], before.Digest(keys...)}), "always in this order")
		g.Expect(before.Is(now.Digest(keys...), keys...)).To(BeFalse(), "a key that is not known")
		g.Expect(now.Is("", keys...)).To(BeFalse())
	}
	g.Expect(now.Is(now.Digest("b"), "a")).To(BeFalse())
	obj.Data["a"] = []byte("3")
	g.Expect(now.Is(older.OfSecret(obj).Digest())).To(BeFalse(), "other content")
	obj.Data["a"], obj.UID = []byte("1"), "another"
	g.Expect(now.Is(older.OfSecret(obj).Digest())).To(BeTrue(), "created again")
	g.Expect(configMap(text{"a": "1"}, nil).Former()).To(BeNil())
}

func TestChanged(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: "one"}, Data: bytes{"a": []byte("1"), "b": []byte("2")}}
	after := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: "two"}, Data: bytes{"a": []byte("1"), "b": []byte("3")}}
	g.Expect(Changed(before, after)).To(Equal([]string{"b"}))
	g.Expect(Changed(nil, after)).To(Equal([]string{"a", "b"}))
}

func TestContent_Missing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	content := configMap(text{"a": "", "c": "3"}, bytes{"b": nil})
	g.Expect(content.Missing(nil)).To(BeEmpty())
	g.Expect(content.Missing([]string{"a", "b", "c"})).To(BeEmpty(), "an empty value is there")
	g.Expect(content.Missing([]string{"z", "a", "d"})).To(Equal([]string{"z", "d"}), "in their order")
	g.Expect(Content{}.Missing([]string{"a"})).To(Equal([]string{"a"}))
	g.Expect(content.Len()).To(Equal(3))
}

func TestContent_ChangedSince(t *testing.T) {
	t.Parallel()
	before := configMap(text{"kept": "1", "changed": "1", "removed": "1"}, bytes{"binary": {1}})
	for _, c := range []struct {
		name string
		now  Content
		want []string
	}{
		{"nothing", before, nil},
		{"a value", configMap(text{"kept": "1", "changed": "2", "removed": "1"}, bytes{"binary": {1}}), []string{"changed"}},
		{"one removed and one added", configMap(text{"kept": "1", "changed": "1", "added": "1"}, bytes{"binary": {1}}), []string{"added", "removed"}},
		{"a binary value", configMap(text{"kept": "1", "changed": "1", "removed": "1"}, bytes{"binary": {2}}), []string{"binary"}},
		{"a value that moved to another section", configMap(text{"kept": "1", "changed": "1", "removed": "1", "binary": "\x01"}, nil), []string{"binary"}},
		{"everything removed", Content{}, []string{"binary", "changed", "kept", "removed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(c.now.ChangedSince(before)).To(Equal(c.want))
		})
	}
}

func TestCombine_keepsPartsApart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seen := map[string]text{}
	for _, parts := range []text{
		nil, {"a": ""}, {"": "a"}, {"a": "b"}, {"b": "a"}, {"ab": ""}, {"": "ab"}, {"a": "", "b": ""},
		{"a": "b", "c": "d"}, {"a": "d", "c": "b"}, {"a": "bc", "d": ""}, {"a": "b\x00"},
	} {
		digest := Combine(parts)
		g.Expect(seen).NotTo(HaveKey(digest), "%v and %v are alike", parts, seen[digest])
		seen[digest] = parts
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Short("sha256:0123456789abcdef")).To(Equal("0123456789ab"))
	g.Expect(Short("0123456789abcdef")).To(Equal("0123456789ab"))
	g.Expect(Short("sha256:0123")).To(Equal("0123"))
	g.Expect(Short("")).To(BeEmpty())
}
