// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	nameKey      = "nebius.ai/helmreleases-name"
	namespaceKey = "nebius.ai/helmreleases-namespace"
	digestKey    = "nebius.ai/config-digest"
)

// targets returns namespace/name of the targets.
func targets(b Binding) []string {
	var names []string
	for _, target := range b.Targets {
		names = append(names, target.String())
	}
	return names
}

func TestParse_targets(t *testing.T) {
	t.Parallel()
	label, subdomain := strings.Repeat("n", 63), strings.Repeat("a", 63)+"."+strings.Repeat("b", 63)+"."+strings.Repeat("c", 63)+"."+strings.Repeat("d", 61)
	for _, c := range []struct {
		name        string
		annotations map[string]string
		want        []string
	}{
		{"one name", map[string]string{nameKey: "app"}, []string{"flux-system/app"}},
		{"the namespace", map[string]string{nameKey: "app", namespaceKey: "apps"}, []string{"apps/app"}},
		{"blanks around the namespace", map[string]string{nameKey: "app", namespaceKey: " apps\n"}, []string{"apps/app"}},
		{"an empty namespace is the default", map[string]string{nameKey: "app", namespaceKey: ""}, []string{"flux-system/app"}},
		{"a blank namespace is the default", map[string]string{nameKey: "app", namespaceKey: " \t"}, []string{"flux-system/app"}},
		{"a namespace of 63 characters", map[string]string{nameKey: "app", namespaceKey: label}, []string{label + "/app"}},
		{"blanks around names", map[string]string{nameKey: "my-hr1, my-hr2"}, []string{"flux-system/my-hr1", "flux-system/my-hr2"}},
		{"any white space around names", map[string]string{nameKey: "\tone\n,\r\n two "}, []string{"flux-system/one", "flux-system/two"}},
		{"commas without a name", map[string]string{nameKey: ",one,,two, ,"}, []string{"flux-system/one", "flux-system/two"}},
		{"the order of the annotation", map[string]string{nameKey: "b,a,c"}, []string{"flux-system/b", "flux-system/a", "flux-system/c"}},
		{"each name once", map[string]string{nameKey: "a,b,a, b"}, []string{"flux-system/a", "flux-system/b"}},
		{"names with dots and digits", map[string]string{nameKey: "0.a-1.b"}, []string{"flux-system/0.a-1.b"}},
		{"a name of 253 characters", map[string]string{nameKey: subdomain}, []string{"flux-system/" + subdomain}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b := Parse(c.annotations)
			g.Expect(targets(b)).To(Equal(c.want))
			g.Expect(b.Problems).To(BeEmpty())
		})
	}
}

func TestParse_problems(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		annotations map[string]string
		targets     []string
		problems    []string
	}{{
		name:     "no annotation at all",
		problems: []string{"annotation nebius.ai/helmreleases-name is missing or empty; give the names of the HelmReleases to trigger, comma separated"},
	}, {
		name:        "no name among the commas",
		annotations: map[string]string{nameKey: " , ,", namespaceKey: "apps"},
		problems:    []string{"annotation nebius.ai/helmreleases-name is missing or empty; give the names of the HelmReleases to trigger, comma separated"},
	}, {
		name:        "a malformed name does not hold back the others",
		annotations: map[string]string{nameKey: "one,My_App,two"},
		targets:     []string{"flux-system/one", "flux-system/two"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "My_App" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "names that are separated by blanks",
		annotations: map[string]string{nameKey: "one two"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "one two" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "a name with its namespace",
		annotations: map[string]string{nameKey: "apps/one"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "apps/one" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "a name in another script",
		annotations: map[string]string{nameKey: "über"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "über" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "many malformed names are named once each, and not all",
		annotations: map[string]string{nameKey: "A,B,A,C,D,E"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "A", "B", "C" and 2 more cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "a name of 254 characters",
		annotations: map[string]string{nameKey: strings.Repeat("a", 254)},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "` + strings.Repeat("a", 64) + `…" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "control characters",
		annotations: map[string]string{nameKey: "a\nERROR b\x1b[31m\x00"},
		problems:    []string{`annotation nebius.ai/helmreleases-name: "a\nERROR b\x1b[31m\x00" cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names`},
	}, {
		name:        "a malformed namespace",
		annotations: map[string]string{nameKey: "one,Two", namespaceKey: "Apps"},
		problems:    []string{`annotation nebius.ai/helmreleases-namespace: "Apps" is not a valid namespace name; set the namespace of the HelmReleases, or remove the annotation to use flux-system`},
	}, {
		name:        "two namespaces",
		annotations: map[string]string{nameKey: "one", namespaceKey: "a,b"},
		problems:    []string{`annotation nebius.ai/helmreleases-namespace: "a,b" is not a valid namespace name; set the namespace of the HelmReleases, or remove the annotation to use flux-system`},
	}, {
		name:        "a namespace of 64 characters",
		annotations: map[string]string{nameKey: "one", namespaceKey: strings.Repeat("n", 64)},
		problems:    []string{`annotation nebius.ai/helmreleases-namespace: "` + strings.Repeat("n", 64) + `" is not a valid namespace name; set the namespace of the HelmReleases, or remove the annotation to use flux-system`},
	}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			b := Parse(c.annotations)
			g.Expect(targets(b)).To(Equal(c.targets))
			g.Expect(b.Problems).To(Equal(c.problems))
		})
	}
}

func TestParse_limit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var names []string
	for i := range triggerv1.MaxTargetNames + 2 {
		names = append(names, fmt.Sprintf("app-%04d", i))
	}

	within := Parse(map[string]string{nameKey: strings.Join(append(names[:1000:1000], names[0], "app-0001"), ",")})
	g.Expect(within.Targets).To(HaveLen(1000))
	g.Expect(within.Problems).To(BeEmpty(), "repetitions do not count")

	g.Expect(Names(map[string]string{nameKey: strings.Join(names, ",")}, types.NamespacedName{Namespace: "flux-system", Name: names[999]})).To(BeTrue())
	g.Expect(Names(map[string]string{nameKey: strings.Join(names, ",")}, types.NamespacedName{Namespace: "flux-system", Name: names[1000]})).To(BeFalse())

	beyond := Parse(map[string]string{nameKey: strings.Join(append(names, "Malformed"), ",")})
	g.Expect(beyond.Targets).To(Equal(within.Targets), "the first ones hold")
	g.Expect(beyond.Problems).To(ConsistOf(
		"annotation nebius.ai/helmreleases-name: 2 names beyond the first 1000 are ignored; move them to a ValuesTrigger with a selector",
		ContainSubstring(`"Malformed" cannot be the name`),
	))
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		names, namespace string
		namespacedName   string
		want             bool
	}{
		{"one, two ,", "apps", "apps/two", true},
		{"one,two", " apps\n", "apps/two", true},
		{"one,two", "apps", "flux-system/two", false},
		{"one,two", "", "flux-system/two", true},
		{"one,two", "apps", "apps/three", false},
		{"one,two", "apps", "apps/tw", false},
		{"", "apps", "apps/", false},
		{"My_App", "apps", "apps/My_App", false},
		{"one", "My_Apps", "My_Apps/one", false},
		{strings.Repeat("x,", 2000) + "two", "apps", "apps/two", true},
		{strings.Repeat("X,", 2000) + "two", "apps", "apps/two", true},
		{strings.Repeat(strings.Repeat("x", 100)+",", 700) + "two", "apps", "apps/two", false},
	} {
		namespace, name, _ := strings.Cut(c.namespacedName, "/")
		annotations := map[string]string{nameKey: c.names, namespaceKey: c.namespace}
		got := Names(annotations, types.NamespacedName{Namespace: namespace, Name: name})
		NewWithT(t).Expect(got).To(Equal(c.want), "%.40q in %q names %s", c.names, c.namespace, c.namespacedName)
	}
}

func TestLabel(t *testing.T) {
	t.Parallel()
	const key = "nebius.ai/helmrelease-trigger-operator"
	for _, c := range []struct {
		name               string
		labels             map[string]string
		isSource, excluded bool
	}{
		{"no labels", nil, false, false},
		{"true makes a source", map[string]string{key: "true"}, true, false},
		{"false excludes", map[string]string{key: "false"}, false, true},
		{"another case means nothing", map[string]string{key: "True"}, false, false},
		{"no value means nothing", map[string]string{key: ""}, false, false},
		{"another value means nothing", map[string]string{key: "yes"}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(IsSource(c.labels)).To(Equal(c.isSource))
			g.Expect(IsExcluded(c.labels)).To(Equal(c.excluded))
		})
	}
}

func TestParseBaseline(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, c := range []struct {
		name  string
		value string
		want  Baseline
	}{
		{"none", "", Baseline{}},
		{"a digest", digest, Baseline{Digest: digest}},
		{"a number of the first operator", "9f86d081884c7d65", Baseline{Legacy: true}},
		{"one digit", "0", Baseline{Legacy: true}},
		{"a whole sha256 without its name", strings.Repeat("0a", 32), Baseline{Legacy: true}},
		{"capital digits", "9F86", Baseline{Legacy: true}},
		{"too many digits", strings.Repeat("0", 65), Baseline{}},
		{"a short digest", "sha256:0a", Baseline{}},
		{"a long digest", digest + "0", Baseline{}},
		{"a digest in capitals", strings.ToUpper(digest), Baseline{}},
		{"a digest of another kind", "sha512:" + strings.Repeat("0a", 64), Baseline{}},
		{"a blank behind it", digest + " ", Baseline{}},
		{"a line break behind it", digest + "\n", Baseline{}},
		{"a line break behind a number", "9f86\n", Baseline{}},
		{"a word", "delivered", Baseline{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(ParseBaseline(map[string]string{digestKey: c.value})).To(Equal(c.want))
		})
	}
	NewWithT(t).Expect(ParseBaseline(nil)).To(Equal(Baseline{}))
}

func TestUnheard(t *testing.T) {
	t.Parallel()
	names := map[string]string{"nebius.ai/helmreleases-name": "app"}
	labelled := func(value string) map[string]string {
		return map[string]string{"nebius.ai/helmrelease-trigger-operator": value}
	}
	for _, c := range []struct {
		name        string
		labels      map[string]string
		annotations map[string]string
		want        string
	}{
		{"nothing that concerns the contract", map[string]string{"a": "b"}, map[string]string{"c": "d"}, ""},
		{"a source", labelled("true"), names, ""},
		{"an excluded object", labelled("false"), names, ""},
		{"a value that was not quoted well", labelled("True"), names, `label nebius.ai/helmrelease-trigger-operator has the value "True", which means nothing; set it to "true" to make this object a source`},
		{"an empty value", labelled(""), nil, `label nebius.ai/helmrelease-trigger-operator has the value "", which means nothing; set it to "true" to make this object a source`},
		{"names without a label", nil, names, `annotation nebius.ai/helmreleases-name has no effect without the label nebius.ai/helmrelease-trigger-operator: "true"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(Unheard(c.labels, c.annotations)).To(Equal(c.want))
		})
	}
}
