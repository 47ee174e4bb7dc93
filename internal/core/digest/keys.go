// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"crypto/hmac"
	"crypto/sha256"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// KeySize is the least number of bytes of a key.
const KeySize = sha256.Size

// Keys are those of the digests of Secrets. Without one, who sees a digest could confirm a
// guess of the content.
type Keys struct {
	// Current makes digests. Digests made without one are empty.
	Current []byte

	// Previous is the key before, whose digests are still recognised. Empty if there is
	// none.
	Previous []byte
}

// Of returns the content of a ConfigMap or Secret, and none of anything else.
func (k Keys) Of(obj runtime.Object) Content {
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		return OfConfigMap(obj)
	case *corev1.Secret:
		return k.OfSecret(obj)
	}
	return Content{}
}

// OfSecret returns the content of a Secret. Its digests are the same for the same content
// under the same namespace and name, also if the Secret was deleted and created again. They
// differ for other names: who can see the digest of another Secret learns nothing by
// writing guesses into one of his own.
func (k Keys) OfSecret(obj *corev1.Secret) Content {
	f := newFramer()
	entries := make([]entry, 0, len(obj.Data))
	salted := make([]entry, 0, len(obj.Data))
	for key, value := range obj.Data {
		entries = append(entries, newEntry(f, "", sectionData, key, value))
		salted = append(salted, newEntry(f, string(obj.UID), sectionData, key, value))
	}
	return Content{entries: sorted(entries), sealed: &sealed{
		keys: k, namespace: obj.Namespace, name: obj.Name, salted: sorted(salted),
	}}
}

// sealed is what makes the digests of a Secret.
type sealed struct {
	keys            Keys
	namespace, name string

	// salted are the entries salted with the UID, as digests of Secrets were made before
	// there was a key.
	salted []entry
}

// digest returns the digest of entries under a key.
func (s *sealed) digest(key []byte, entries []entry, keys []string) string {
	if len(key) == 0 {
		return ""
	}
	f := &framer{hash: hmac.New(sha256.New, key)}
	frame(f, s.namespace)
	frame(f, s.name)
	frameEntries(f, entries, keys)
	return f.text()
}

// former returns the digests that were made before: with the UID, and under the previous
// key.
func (s *sealed) former(entries []entry, keys []string) []string {
	former := []string{plain(s.salted, keys)}
	if len(s.keys.Previous) > 0 {
		former = append(former, s.digest(s.keys.Previous, entries, keys))
	}
	return former
}

func (s *sealed) size() int {
	n := 128 + len(s.namespace) + len(s.name)
	for range s.salted {
		n += 64
	}
	return n
}
