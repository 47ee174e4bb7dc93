// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/validation"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Whatever a user writes: what comes out is well-formed, and what is said about it
// is a line of a bearable length that names the annotation.
func FuzzParse(f *testing.F) {
	f.Add("my-hr1, my-hr2", "apps")
	f.Add(",, a ,A,\x00,\u202e,ü\n", "")
	f.Add(strings.Repeat("a", 254), "flux-system ")
	f.Add("a\xff", "\xff")
	f.Fuzz(func(t *testing.T, names, namespace string) {
		g := NewWithT(t)
		b := Parse(map[string]string{nameKey: names, namespaceKey: namespace})
		g.Expect(len(b.Targets)).To(BeNumerically("<=", triggerv1.MaxTargetNames))
		g.Expect(len(b.Targets)+len(b.Problems)).To(BeNumerically(">", 0), "never silent")
		seen := map[string]bool{}
		for _, target := range b.Targets {
			g.Expect(validation.IsDNS1123Subdomain(target.Name)).To(BeEmpty())
			g.Expect(validation.IsDNS1123Label(target.Namespace)).To(BeEmpty())
			g.Expect(names).To(ContainSubstring(target.Name))
			g.Expect(seen).NotTo(HaveKey(target.Name))
			seen[target.Name] = true
		}
		for _, problem := range b.Problems {
			g.Expect(problem).To(HavePrefix("annotation nebius.ai/helmreleases-name"))
			g.Expect(len(problem)).To(BeNumerically("<", 4096))
			g.Expect(utf8.ValidString(problem)).To(BeTrue())
			g.Expect(strings.IndexFunc(problem, func(r rune) bool { return !unicode.IsPrint(r) })).To(Equal(-1), "%q", problem)
		}
	})
}

func FuzzParseBaseline(f *testing.F) {
	f.Add("9f86d081884c7d65")
	f.Add("sha256:" + strings.Repeat("0a", 32))
	f.Add("sha256:")
	f.Add("\n0")
	f.Fuzz(func(t *testing.T, value string) {
		b := ParseBaseline(map[string]string{digestKey: value})
		if b.Digest != "" && (b.Legacy || b.Digest != value || len(value) != len("sha256:")+64) {
			t.Errorf("%q is read as %+v", value, b)
		}
		if b.Legacy && strings.ContainsAny(value, ":\n ") {
			t.Errorf("%q is taken over as a baseline", value)
		}
	})
}
