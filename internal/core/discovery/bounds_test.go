// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package discovery_test

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

func TestFound_is_optional_only_if_every_reference_is(t *testing.T) {
	t.Parallel()
	optional := meta.ValuesReference{Kind: "ConfigMap", Name: "a", Optional: true}
	required := meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: "other"}
	for _, c := range []struct {
		name string
		refs []meta.ValuesReference
		want bool
	}{
		{"one that is", []meta.ValuesReference{optional}, true},
		{"one that is not", []meta.ValuesReference{required}, false},
		{"two that are", []meta.ValuesReference{optional, optional}, true},
		{"one that is and one that is not", []meta.ValuesReference{optional, required}, false},
		{"one that is not and one that is", []meta.ValuesReference{required, optional}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			found := discovery.Found(release("app", c.refs...))
			g.Expect(found).NotTo(BeEmpty())
			g.Expect(found[0].Optional).To(Equal(c.want))
		})
	}
}

func TestFound_counts_all_keys_where_the_schema_takes_no_more(t *testing.T) {
	t.Parallel()
	for keys, want := range map[int]int{1: 1, 64: 64, 65: 0} {
		var refs []meta.ValuesReference
		for i := range keys {
			refs = append(refs, meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: fmt.Sprintf("%03d", i)})
		}
		g := NewWithT(t)
		found := discovery.Found(release("app", refs...))
		g.Expect(found).To(HaveLen(1))
		g.Expect(found[0].Keys).To(HaveLen(want), "of %d keys", keys)
	}
}

// The generated trigger must not change with the order in which a cache lists.
func TestMerge_does_not_depend_on_order(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	found := discovery.Found(release("app", meta.ValuesReference{Kind: "Secret", Name: "z"}, meta.ValuesReference{Kind: "ConfigMap", Name: "m"}))
	var labelled []triggerv1.SourceReference
	for i := range discovery.MaxSources + 20 {
		labelled = append(labelled, discovery.Labelled("ConfigMap", fmt.Sprintf("ns-%d", i%3), fmt.Sprintf("a-%03d", i)))
	}
	want, dropped := discovery.Merge(found, labelled)
	g.Expect(dropped).To(Equal(22))
	g.Expect(slices.IsSortedFunc(want, func(a, b triggerv1.SourceReference) int {
		return strings.Compare(a.Kind+"/"+a.Namespace+"/"+a.Name, b.Kind+"/"+b.Namespace+"/"+b.Name)
	})).To(BeTrue())
	for seed := range 20 {
		rng := rand.New(rand.NewSource(int64(seed)))
		rng.Shuffle(len(labelled), func(i, j int) { labelled[i], labelled[j] = labelled[j], labelled[i] })
		merged, again := discovery.Merge(found, labelled)
		g.Expect(merged).To(Equal(want))
		g.Expect(again).To(Equal(dropped))
	}
}

// A release with as many objects as a trigger takes sources, each with a key that must exist
// and one that need not.
func TestMerge_where_two_references_to_each_object_do_not_fit(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var refs []meta.ValuesReference
	for i := range discovery.MaxSources {
		name := fmt.Sprintf("a-%03d", i)
		refs = append(refs, meta.ValuesReference{Kind: "ConfigMap", Name: name}, meta.ValuesReference{Kind: "ConfigMap", Name: name, ValuesKey: "more", Optional: true})
	}
	merged, dropped := discovery.Merge(discovery.Found(release("app", refs...)), nil)
	g.Expect(dropped).To(BeZero())
	g.Expect(merged).To(HaveLen(discovery.MaxSources))
	g.Expect(merged).To(HaveEach(And(HaveField("Keys", []string{"more", "values.yaml"}), HaveField("Optional", true))))

	merged, _ = discovery.Merge(discovery.Found(release("app", refs[:discovery.MaxSources]...)), nil)
	g.Expect(merged).To(HaveLen(discovery.MaxSources))
	g.Expect(merged).To(ContainElement(HaveField("Optional", false)))
}

func TestMerge_of_nothing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	merged, dropped := discovery.Merge(nil, nil)
	g.Expect(merged).To(BeEmpty())
	g.Expect(dropped).To(BeZero())
}

func TestSpec_targets_the_release_alone(t *testing.T) {
	t.Parallel()
	sources := []triggerv1.SourceReference{discovery.Labelled("ConfigMap", "config", "a")}
	NewWithT(t).Expect(discovery.Spec(release("app"), sources)).To(Equal(triggerv1.ValuesTriggerSpec{
		Sources: sources,
		Targets: []triggerv1.TargetReference{{Name: "app", Namespace: "apps"}},
	}))
}

func TestLabels_take_a_name_of_63_characters(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	name := strings.Repeat("a", 63)
	labels, problem := discovery.Labels(release(name, meta.ValuesReference{Kind: "ConfigMap", Name: "a"}))
	g.Expect(problem).To(BeEmpty())
	g.Expect(labels).To(HaveKeyWithValue(triggerv1.HRNameAnnotation, name))
}

func TestMerge_lets_no_namespace_push_out_another(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	mine := discovery.Labelled("Secret", "zzz", "mine")
	labelled := []triggerv1.SourceReference{mine, discovery.Labelled("ConfigMap", "zzz", "mine-too")}
	for i := range 1000 {
		labelled = append(labelled, discovery.Labelled("ConfigMap", "aaa", fmt.Sprintf("hostile-%04d", i)))
	}
	merged, dropped := discovery.Merge(nil, labelled)
	g.Expect(merged).To(HaveLen(discovery.MaxSources))
	g.Expect(merged).To(ContainElements(mine, labelled[1]))
	g.Expect(dropped).To(Equal(1002 - discovery.MaxSources))
}

func TestFound_takes_no_time_for_many_and_no_name_that_is_none(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	refs := []meta.ValuesReference{{Kind: "ConfigMap", Name: "Not_A_Name"}, {Kind: "Secret", Name: "a\nb"}}
	for i := range 25_000 {
		refs = append(refs, meta.ValuesReference{Kind: "ConfigMap", Name: fmt.Sprintf("a-%d", i)})
	}
	start := time.Now()
	g.Expect(discovery.Found(release("app", refs...))).To(HaveLen(25_000))
	g.Expect(time.Since(start)).To(BeNumerically("<", 5*time.Second), "with the square of them it took minutes")
}
