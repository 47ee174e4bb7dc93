// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

var aSource = Object{Kind: "ConfigMap", Namespace: "apps", Name: "values"}

func TestSourceOf_has_the_defaults_of_the_trigger(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := trigger(func(*triggerv1.ValuesTrigger) {})
	ref := triggerv1.SourceReference{Kind: "ConfigMap", Keys: []string{"b", "a"}, Optional: true, PublishAs: "more"}
	g.Expect(SourceOf(vt, 2, ref, "values")).To(Equal(Source{Object: aSource, Keys: []string{"b", "a"}, Optional: true, Force: triggerv1.ForceAuto, PublishAs: "more"}))

	vt.Spec.Force = triggerv1.ForceNever
	ref.Namespace, ref.Optional = "config", false
	g.Expect(SourceOf(vt, 2, ref, "values")).To(Equal(Source{
		Object: Object{"ConfigMap", "config", "values"}, Keys: []string{"b", "a"}, Required: []string{"b", "a"}, Force: triggerv1.ForceNever, PublishAs: "more",
		RequiredBy: []Requirement{{2, []string{"b", "a"}}},
	}))
	ref.Force = triggerv1.ForceAlways
	g.Expect(SourceOf(vt, 2, ref, "values").Force).To(Equal(triggerv1.ForceAlways))
}

func TestMerge(t *testing.T) {
	t.Parallel()
	const never, auto, always = triggerv1.ForceNever, triggerv1.ForceAuto, triggerv1.ForceAlways
	for _, c := range []struct {
		name       string
		one, other Source
		want       Source
		asOrdered  bool // The result depends on which comes first.
	}{
		{"all keys count, sorted, each once", Source{Keys: []string{"c", "a"}}, Source{Keys: []string{"b", "a"}}, Source{Keys: []string{"a", "b", "c"}}, false},
		{"no keys are all of them", Source{Keys: []string{"a"}}, Source{}, Source{}, false},
		{"what one requires is required", Source{Keys: []string{"a"}, Required: []string{"a"}}, Source{Keys: []string{"b"}, Optional: true}, Source{Keys: []string{"a", "b"}, Required: []string{"a"}}, false},
		{"also where all keys count", Source{Keys: []string{"a"}, Required: []string{"a"}}, Source{}, Source{Required: []string{"a"}}, false},
		{"it may lack where both say so", Source{Optional: true}, Source{Optional: true}, Source{Optional: true}, false},
		{"it must be there where one says so", Source{Optional: true}, Source{}, Source{}, false},
		{"the strongest force", Source{Force: never}, Source{Force: auto}, Source{Force: auto}, false},
		{"the strongest of all", Source{Force: auto}, Source{Force: always}, Source{Force: always}, false},
		{"the copies are named by the first", Source{PublishAs: "first"}, Source{PublishAs: "second"}, Source{PublishAs: "first"}, true},
		{"also if that says nothing", Source{}, Source{PublishAs: "second"}, Source{}, true},
		{"who requires it, in order", Source{RequiredBy: []Requirement{{0, []string{"a"}}}}, Source{RequiredBy: []Requirement{{3, nil}}}, Source{RequiredBy: []Requirement{{0, []string{"a"}}, {3, nil}}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c.one.Object, c.other.Object, c.want.Object = aSource, aSource, aSource
			apart := Source{Object: Object{"Secret", "apps", "values"}}
			before := append([]string(nil), c.one.Keys...)
			merged := Merge(Merge(Merge(nil, c.one), apart), c.other)
			g.Expect(merged).To(Equal([]Source{c.want, apart}))
			g.Expect(c.one.Keys).To(Equal(before), "what is merged is not changed")
			if !c.asOrdered {
				g.Expect(Merge([]Source{c.other}, c.one)).To(Equal([]Source{c.want}))
			}
		})
	}
}

func TestSelectsSource(t *testing.T) {
	t.Parallel()
	vt := trigger(func(*triggerv1.ValuesTrigger) {})
	excluded := map[string]string{"tier": "web", triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueDisabled}
	for _, c := range []struct {
		name   string
		ref    triggerv1.SourceReference
		labels map[string]string
		want   bool
	}{
		{"by name, in the namespace of the trigger", triggerv1.SourceReference{Kind: "ConfigMap", Name: "values"}, nil, true},
		{"by name, also one whose label takes it out", triggerv1.SourceReference{Kind: "ConfigMap", Name: "values"}, excluded, true},
		{"another name", triggerv1.SourceReference{Kind: "ConfigMap", Name: "value"}, nil, false},
		{"another kind", triggerv1.SourceReference{Kind: "Secret", Name: "values"}, nil, false},
		{"another namespace", triggerv1.SourceReference{Kind: "ConfigMap", Namespace: "config", Name: "values"}, nil, false},
		{"by label", triggerv1.SourceReference{Kind: "ConfigMap", Namespace: "apps", Selector: tier("web")}, tiered("web"), true},
		{"by label, not one that the label of the contract takes out", triggerv1.SourceReference{Kind: "ConfigMap", Selector: tier("web")}, excluded, false},
		{"another label", triggerv1.SourceReference{Kind: "ConfigMap", Selector: tier("web")}, tiered("db"), false},
		{"by label in another namespace", triggerv1.SourceReference{Kind: "ConfigMap", Namespace: "config", Selector: tier("web")}, tiered("web"), false},
		{"a malformed selector", triggerv1.SourceReference{Kind: "ConfigMap", Selector: malformed}, tiered("web"), false},
		{"neither name nor selector", triggerv1.SourceReference{Kind: "ConfigMap"}, tiered("web"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(SelectsSource(vt, c.ref, aSource, c.labels)).To(Equal(c.want))
		})
	}
}

func TestSuffix(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := trigger(func(*triggerv1.ValuesTrigger) {})
	g.Expect(Suffix(vt, "own")).To(BeEmpty(), "nothing is published")
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	g.Expect([]string{Suffix(vt, "own"), Suffix(vt, "")}).To(Equal([]string{"own", "shared"}))
}
