// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
)

var platform = types.NamespacedName{Namespace: "config", Name: "platform"}

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "apps", Name: name}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Wanted(platform, key("app"), []Source{
		{"Secret/config/s", "values"}, {"ConfigMap/config/b", "values"}, {"ConfigMap/config/a", "values"}, {"ConfigMap/apps/c", "more"},
	})).To(Equal([]Copy{
		{Kind: "ConfigMap", Namespace: "apps", Name: "app-more", Labels: Labels(platform, "app"), Sources: []string{"ConfigMap/apps/c"}},
		{Kind: "ConfigMap", Namespace: "apps", Name: "app-values", Labels: Labels(platform, "app"), Sources: []string{"ConfigMap/config/a", "ConfigMap/config/b"}},
		{Kind: "Secret", Namespace: "apps", Name: "app-values", Labels: Labels(platform, "app"), Sources: []string{"Secret/config/s"}},
	}))
	g.Expect(Wanted(platform, key("app"), nil)).To(BeEmpty())
	g.Expect(Labels(platform, "app")).To(Equal(map[string]string{
		"app.kubernetes.io/managed-by": "helmrelease-trigger-operator", "nebius.ai/helmrelease-trigger-operator": "false",
		"trigger.nebius.ai/name": "platform", "trigger.nebius.ai/namespace": "config", "trigger.nebius.ai/target": "app",
	}))
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	by, ok := Trigger(Labels(platform, "app"))
	g.Expect(ok).To(BeTrue())
	g.Expect(by).To(Equal(platform))
	for _, missing := range []string{"app.kubernetes.io/managed-by", "trigger.nebius.ai/name", "trigger.nebius.ai/namespace"} {
		labels := Labels(platform, "app")
		delete(labels, missing)
		_, ok = Trigger(labels)
		g.Expect(ok).To(BeFalse(), missing)
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	copies := map[string][]Copy{}
	for _, target := range []string{"a", "a-b"} {
		copies[target] = Wanted(platform, key(target), []Source{{"ConfigMap/config/a", "c"}})
	}
	g.Expect(Shared(copies)).To(BeEmpty())
	for _, target := range []string{"a", "a-b", "other"} {
		copies[target] = Wanted(platform, key(target), []Source{{"ConfigMap/config/a", "c"}, {"ConfigMap/config/b", "b-c"}})
	}
	shared := Shared(copies)
	g.Expect(shared).To(HaveLen(2), "those of others go on")
	for _, target := range []string{"a", "a-b"} {
		g.Expect(shared[target]).To(MatchError(ContainSubstring("a and a-b would have the same copy ConfigMap apps/a-b-c")))
	}
}

// FuzzName: every name and label is one that the API server takes, and different targets
// have different ones.
func FuzzName(f *testing.F) {
	f.Add("app", "other", "values")
	f.Add(strings.Repeat("a", 253), strings.Repeat("a", 252)+"b", strings.Repeat("v", 63))
	f.Add(strings.Repeat("a", 190)+"-.-", strings.Repeat("a.", 120)+"b", "v")
	f.Fuzz(func(t *testing.T, a, b, suffix string) {
		if len(validation.IsDNS1123Subdomain(a)) > 0 || len(validation.IsDNS1123Subdomain(b)) > 0 || len(validation.IsDNS1123Label(suffix)) > 0 {
			return
		}
		g := NewWithT(t)
		g.Expect(validation.IsDNS1123Subdomain(Name(a, suffix))).To(BeEmpty())
		g.Expect(validation.IsValidLabelValue(LabelValue(a))).To(BeEmpty())
		g.Expect(Name(a, suffix)).To(HaveSuffix("-" + suffix))
		g.Expect(Name(a, suffix) == Name(b, suffix)).To(Equal(a == b))
		g.Expect(LabelValue(a) == LabelValue(b)).To(Equal(a == b))
	})
}
