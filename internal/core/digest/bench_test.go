// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Sizes as they occur: a values file, a directory of small files, and as much as fits
// into one object.
var shapes = []struct {
	name        string
	keys, bytes int
}{
	{"1 key of 4 KiB", 1, 4 << 10},
	{"50 keys of 1 KiB", 50, 1 << 10},
	{"1 key of 1 MiB", 1, 1 << 20},
}

func BenchmarkOfConfigMap(b *testing.B) {
	for _, shape := range shapes {
		obj := &corev1.ConfigMap{Data: map[string]string{}}
		for i := range shape.keys {
			obj.Data[fmt.Sprintf("key-%02d", i)] = strings.Repeat("x", shape.bytes)
		}
		b.Run(shape.name, func(b *testing.B) {
			b.SetBytes(int64(shape.keys * shape.bytes))
			b.ReportAllocs()
			for b.Loop() {
				OfConfigMap(obj)
			}
		})
	}
}

func BenchmarkOfSecret(b *testing.B) {
	for _, shape := range shapes {
		obj := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{UID: "0c5e5a0c-0000-4000-8000-000000000000"}, Data: map[string][]byte{}}
		for i := range shape.keys {
			obj.Data[fmt.Sprintf("key-%02d", i)] = []byte(strings.Repeat("x", shape.bytes))
		}
		b.Run(shape.name, func(b *testing.B) {
			b.SetBytes(int64(shape.keys * shape.bytes))
			b.ReportAllocs()
			for b.Loop() {
				testKeys.OfSecret(obj)
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	data := map[string]string{}
	for i := range 50 {
		data[fmt.Sprintf("key-%02d", i)] = "value"
	}
	content := OfConfigMap(&corev1.ConfigMap{Data: data})
	b.Run("all of 50 keys", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			content.Digest()
		}
	})
	b.Run("3 of 50 keys", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			content.Digest("key-07", "key-21", "key-49")
		}
	})
}

func BenchmarkCombine(b *testing.B) {
	for _, n := range []int{1, 64} {
		parts := map[string]string{}
		for i := range n {
			parts[fmt.Sprintf("ConfigMap/apps/source-%02d", i)] = Prefix + strings.Repeat("0", 64)
		}
		b.Run(fmt.Sprintf("%d sources", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Combine(parts)
			}
		})
	}
}
