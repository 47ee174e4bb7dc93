// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func targeting(targets ...triggerv1.TargetReference) *triggerv1.ValuesTrigger {
	return trigger(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets = targets })
}

func TestSelect(t *testing.T) {
	t.Parallel()
	all := []*helmv2.HelmRelease{
		release("apps", "b", nil), release("apps", "a", tiered("web")), release("prod", "a", tiered("web")), release("prod", "b", nil), release("apps-2", "a", tiered("web")),
	}
	web, every := tier("web"), &triggerv1.Selector{}
	for _, c := range []struct {
		name       string
		targets    []triggerv1.TargetReference
		namespaces [][]string // Of each reference: for one by namespaceSelector, those that it matches.
		want       []string   // With a question mark behind those that do not exist.
		nothing    []string
	}{
		{"a name, in the namespace of the trigger", []triggerv1.TargetReference{{Name: "a"}}, [][]string{{"apps"}}, []string{"apps/a"}, nil},
		{"a name in another namespace", []triggerv1.TargetReference{{Name: "b", Namespace: "prod"}}, [][]string{{"prod"}}, []string{"prod/b"}, nil},
		{"a name that does not exist", []triggerv1.TargetReference{{Name: "z"}}, [][]string{{"apps"}}, []string{"apps/z?"}, nil},
		{"an optional name that does not exist", []triggerv1.TargetReference{{Name: "z", Optional: true}}, [][]string{{"apps"}}, []string{}, nil},
		{"an optional name that exists", []triggerv1.TargetReference{{Name: "a", Optional: true}}, [][]string{{"apps"}}, []string{"apps/a"}, nil},
		{"an optional name that another reference requires", []triggerv1.TargetReference{{Name: "z", Optional: true}, {Name: "z"}}, [][]string{{"apps"}, {"apps"}}, []string{"apps/z?"}, nil},
		{"the same, the other way round", []triggerv1.TargetReference{{Name: "z"}, {Name: "z", Optional: true}}, [][]string{{"apps"}, {"apps"}}, []string{"apps/z?"}, nil},
		{"a name that does not exist, given twice", []triggerv1.TargetReference{{Name: "z"}, {Name: "z"}}, [][]string{{"apps"}, {"apps"}}, []string{"apps/z?"}, nil},
		{"a name in selected namespaces, also where it is missing", []triggerv1.TargetReference{{Name: "b", NamespaceSelector: every}}, [][]string{{"apps", "apps-2"}}, []string{"apps-2/b?", "apps/b"}, nil},
		{"a name where no namespace is selected", []triggerv1.TargetReference{{Name: "a", NamespaceSelector: every}}, [][]string{nil}, []string{},
			[]string{"spec.targets[0].namespaceSelector matches no namespace; label one, correct the selector, or set spec.targets[0].optional"}},
		{"a selector", []triggerv1.TargetReference{{Selector: web}}, [][]string{{"apps"}}, []string{"apps/a"}, nil},
		{"an empty selector selects all", []triggerv1.TargetReference{{Selector: every}}, [][]string{{"apps"}}, []string{"apps/a", "apps/b"}, nil},
		{"neither name nor selector selects none", []triggerv1.TargetReference{{Optional: true}}, [][]string{{"apps"}}, []string{}, nil},
		{"a selector in selected namespaces", []triggerv1.TargetReference{{Selector: web, NamespaceSelector: every}}, [][]string{{"prod", "apps-2"}}, []string{"apps-2/a", "prod/a"}, nil},
		{"a selector that matches none", []triggerv1.TargetReference{{Name: "a"}, {Selector: tier("db"), Namespace: "prod"}}, [][]string{{"apps"}, {"prod"}}, []string{"apps/a"},
			[]string{"spec.targets[1].selector matches no HelmRelease in namespace prod; label one, correct selector or namespace, or set spec.targets[1].optional"}},
		{"a selector that matches none in selected namespaces", []triggerv1.TargetReference{{Selector: tier("db"), NamespaceSelector: every}}, [][]string{{"prod"}}, []string{},
			[]string{"spec.targets[0].selector matches no HelmRelease in the namespaces of namespaceSelector; label one, correct the selectors, or set spec.targets[0].optional"}},
		{"an optional selector that matches none", []triggerv1.TargetReference{{Selector: tier("db"), Optional: true}}, [][]string{{"apps"}}, []string{}, nil},
		{"each once, whatever leads to it", []triggerv1.TargetReference{{Name: "a"}, {Selector: every}, {Name: "a", NamespaceSelector: every}}, [][]string{{"apps"}, {"apps"}, {"apps", "prod"}},
			[]string{"apps/a", "apps/b", "prod/a"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			refs, err := TargetReferences(targeting(c.targets...))
			g.Expect(err).NotTo(HaveOccurred())
			var candidates []Candidates
			for i, ref := range refs {
				candidates = append(candidates, Candidates{Reference: ref, Namespaces: c.namespaces[i], Releases: all})
				if ref.NamespaceSelector == nil {
					g.Expect(c.namespaces[i]).To(Equal([]string{ref.Namespace}))
				}
			}
			targets, nothing, err := Select(candidates)
			g.Expect(err).NotTo(HaveOccurred())
			names := []string{}
			for _, target := range targets {
				if target.Release == nil {
					names = append(names, target.String()+"?")
					continue
				}
				g.Expect(target.Release.Namespace + "/" + target.Release.Name).To(Equal(target.String()))
				names = append(names, target.String())
			}
			g.Expect(names).To(Equal(c.want))
			g.Expect(nothing).To(Equal(c.nothing))
		})
	}
}

func TestSelect_isBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	refs, err := TargetReferences(targeting(triggerv1.TargetReference{Selector: &triggerv1.Selector{}}))
	g.Expect(err).NotTo(HaveOccurred())
	candidates := Candidates{Reference: refs[0], Namespaces: []string{"apps"}}
	for i := range triggerv1.MaxResolvedTargets {
		candidates.Releases = append(candidates.Releases, release("apps", fmt.Sprintf("a-%d", i), nil))
	}
	targets, _, err := Select([]Candidates{candidates})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(targets).To(HaveLen(triggerv1.MaxResolvedTargets))

	candidates.Releases = append(candidates.Releases, release("apps", "one-more", nil))
	_, _, err = Select([]Candidates{candidates})
	g.Expect(err).To(MatchError(fmt.Sprintf("spec.targets select %d HelmReleases, more than %d; split them over several ValuesTriggers",
		triggerv1.MaxResolvedTargets+1, triggerv1.MaxResolvedTargets)))
}

func TestTargetReferences_name_the_field_that_is_malformed(t *testing.T) {
	t.Parallel()
	good := triggerv1.TargetReference{Name: "a", Selector: malformed} // A name counts alone.
	for field, bad := range map[string]triggerv1.TargetReference{
		"spec.targets[1].selector: ":          {Selector: malformed},
		"spec.targets[1].namespaceSelector: ": {Name: "a", NamespaceSelector: malformed},
	} {
		_, err := TargetReferences(targeting(good, bad))
		NewWithT(t).Expect(err).To(MatchError(HavePrefix(field)))
	}
}

func TestTargetReference_LeadsInto(t *testing.T) {
	t.Parallel()
	web := map[string]string{"tier": "web"}
	for _, c := range []struct {
		name      string
		ref       triggerv1.TargetReference
		namespace string
		labels    map[string]string
		want      bool
	}{
		{"the namespace of the trigger", triggerv1.TargetReference{Name: "a"}, "apps", nil, true},
		{"no other", triggerv1.TargetReference{Name: "a"}, "prod", web, false},
		{"the one that it names", triggerv1.TargetReference{Name: "a", Namespace: "prod"}, "prod", nil, true},
		{"one that it selects", triggerv1.TargetReference{Name: "a", NamespaceSelector: tier("web")}, "prod", web, true},
		{"none with other labels, not even that of the trigger", triggerv1.TargetReference{Name: "a", NamespaceSelector: tier("web")}, "apps", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			ref, err := TargetReferenceOf(targeting(c.ref), c.ref)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(ref.LeadsInto(c.namespace, c.labels)).To(Equal(c.want))
		})
	}
}
