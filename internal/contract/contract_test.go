// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package contract_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/contract"
)

func TestParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 253)
	for _, tc := range []struct {
		name, names, namespace string
		want                   []string
		problems               []string
	}{
		{name: "one name", names: "app", want: []string{"flux-system/app"}},
		{name: "blanks around names", names: " my-hr1,\tmy-hr2 \n", want: []string{"flux-system/my-hr1", "flux-system/my-hr2"}},
		{name: "a namespace with blanks", names: "app", namespace: " production ", want: []string{"production/app"}},
		{name: "a blank namespace is none", names: "app", namespace: " ", want: []string{"flux-system/app"}},
		{name: "repetition", names: "a,a,b,a", want: []string{"flux-system/a", "flux-system/b"}},
		{name: "commas too many", names: ",a,,b,", want: []string{"flux-system/a", "flux-system/b"}},
		{name: "dots", names: "a.b", want: []string{"flux-system/a.b"}},
		{name: "as long as can be", names: long, want: []string{"flux-system/" + long}},
		{name: "nothing", names: "", problems: []string{"helmreleases-name is missing or empty"}},
		{name: "only commas", names: " , ,", problems: []string{"helmreleases-name is missing or empty"}},
		{name: "too long", names: long + "a,b", want: []string{"flux-system/b"}, problems: []string{"cannot be the name"}},
		{name: "malformed ones beside a good one", names: "A,b_c,-d,e", want: []string{"flux-system/e"}, problems: []string{`"A", "b_c", "-d" cannot be the name`}},
		{name: "many malformed ones", names: "A,B,C,D,E", problems: []string{`"A", "B", "C" and 2 more cannot be`}},
		{name: "unicode and control characters", names: "größe,a\x00b,\u202e", problems: []string{"größe", `a\x00b`, `\u202e`}},
		{name: "a malformed namespace", names: "app", namespace: "a,b", problems: []string{`helmreleases-namespace: "a,b" is no name of a namespace`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			annotations := map[string]string{triggerv1.HRNameAnnotation: tc.names}
			if tc.namespace != "" {
				annotations[triggerv1.HRNSAnnotation] = tc.namespace
			}
			binding := contract.Parse(annotations)
			var got []string
			for _, target := range binding.Targets {
				got = append(got, target.String())
			}
			g.Expect(got).To(Equal(tc.want))
			text := strings.Join(binding.Problems, "\n")
			if len(tc.problems) == 0 {
				g.Expect(text).To(BeEmpty())
			}
			for _, problem := range tc.problems {
				g.Expect(text).To(ContainSubstring(problem))
			}
		})
	}
}

func TestParse_ignores_and_reports_names_beyond_the_limit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var names []string
	for i := range triggerv1.MaxTargetNames + 7 {
		names = append(names, fmt.Sprintf("app-%d", i))
	}
	binding := contract.Parse(map[string]string{triggerv1.HRNameAnnotation: strings.Join(names, ",")})
	g.Expect(binding.Targets).To(HaveLen(triggerv1.MaxTargetNames))
	g.Expect(binding.Problems).To(ConsistOf(ContainSubstring("7 names beyond the first 1000 are ignored")))
	g.Expect(binding.Names(types.NamespacedName{Namespace: "flux-system", Name: "app-0"})).To(BeTrue())
	g.Expect(binding.Names(types.NamespacedName{Namespace: "flux-system", Name: "app-1006"})).To(BeFalse())
}

func TestParseBaseline(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	current := "sha256:" + strings.Repeat("0a", 32)
	parse := func(value string) contract.Baseline {
		return contract.ParseBaseline(map[string]string{triggerv1.HashAnnotation: value})
	}
	g.Expect(parse(current)).To(Equal(contract.Baseline{Digest: current}))
	g.Expect(parse("3f1a09bc")).To(Equal(contract.Baseline{Legacy: true}), "the first operator's")
	for _, unintelligible := range []string{"", "sha256:", "sha256:abc", "sha512:" + strings.Repeat("0a", 64), "yes", "3f1a 09bc"} {
		g.Expect(parse(unintelligible)).To(Equal(contract.Baseline{}), unintelligible)
	}
	g.Expect(parse(current).Covers(current)).To(BeTrue())
	g.Expect(parse(current).Covers("sha256:other")).To(BeFalse())
	g.Expect(parse("3f").Covers("sha256:any")).To(BeTrue())
	g.Expect(parse("").Covers("")).To(BeFalse())
}

func TestLabels(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	labels := func(value string) map[string]string {
		return map[string]string{triggerv1.LabelReconcilerNameSourceKey: value}
	}
	g.Expect(contract.IsSource(labels("true"))).To(BeTrue())
	g.Expect(contract.IsExcluded(labels("false"))).To(BeTrue())
	for _, other := range []string{"", "True", "yes", "1"} {
		g.Expect(contract.IsSource(labels(other))).To(BeFalse(), other)
		g.Expect(contract.IsExcluded(labels(other))).To(BeFalse(), other)
	}
}

// FuzzParse holds what must be true of any annotation.
func FuzzParse(f *testing.F) {
	f.Add("a, b", "apps")
	f.Add("A,,\x00", "")
	f.Add(strings.Repeat("x,", 3000), "n")
	f.Fuzz(func(t *testing.T, names, namespace string) {
		binding := contract.Parse(map[string]string{triggerv1.HRNameAnnotation: names, triggerv1.HRNSAnnotation: namespace})
		if len(binding.Targets) > triggerv1.MaxTargetNames {
			t.Errorf("%d targets", len(binding.Targets))
		}
		seen := map[types.NamespacedName]bool{}
		for _, target := range binding.Targets {
			if seen[target] || strings.ContainsAny(target.Name, " ,/") {
				t.Errorf("target %q", target)
			}
			seen[target] = true
		}
		if len(binding.Targets) == 0 && len(binding.Problems) == 0 {
			t.Error("nothing to trigger and nothing to say")
		}
		for _, problem := range binding.Problems {
			if len(problem) > 4096 || strings.ContainsFunc(problem, unicode.IsControl) {
				t.Errorf("problem %q", problem)
			}
		}
	})
}
