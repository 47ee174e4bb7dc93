// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

var (
	isSource  = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true"}
	isOut     = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false"}
	isWatched = map[string]string{meta.LabelKeyWatch: meta.LabelValueWatchEnabled}
)

// hr returns a HelmRelease that reads ConfigMaps of its namespace.
func hr(name string, modify func(*helmv2.HelmRelease), reads ...string) helmv2.HelmRelease {
	out := helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}}
	for _, name := range reads {
		out.Spec.ValuesFrom = append(out.Spec.ValuesFrom, meta.ValuesReference{Kind: "ConfigMap", Name: name})
	}
	if modify != nil {
		modify(&out)
	}
	return out
}

// vt returns a ValuesTrigger of namespace apps that delivers to releases, by key.
func vt(name string, modify func(*triggerv1.ValuesTrigger), source triggerv1.SourceReference, targets ...string) triggerv1.ValuesTrigger {
	out := triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}}
	out.Spec.Sources = []triggerv1.SourceReference{source}
	for _, t := range targets {
		out.Spec.Targets = append(out.Spec.Targets, triggerv1.TargetReference{Name: t})
		out.Status.Targets = append(out.Status.Targets, triggerv1.TargetStatus{Namespace: "apps", Name: t, State: triggerv1.TargetDelivered})
	}
	if modify != nil {
		modify(&out)
	}
	return out
}

func byOperator(vt *triggerv1.ValuesTrigger) {
	vt.Labels = map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager}
	vt.OwnerReferences = []metav1.OwnerReference{{Kind: "HelmRelease", Name: vt.Name, Controller: new(true)}}
}

func named(name string) triggerv1.SourceReference {
	return triggerv1.SourceReference{Kind: "ConfigMap", Name: name}
}

func selected(label string) triggerv1.SourceReference {
	return triggerv1.SourceReference{Kind: "ConfigMap", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{label: "yes"}}}
}

func TestReaches(t *testing.T) {
	t.Parallel()
	names := func(value string) map[string]string {
		return map[string]string{triggerv1.HRNameAnnotation: value, triggerv1.HRNSAnnotation: "apps"}
	}
	suspended := func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = true }
	for _, c := range []struct {
		name                string
		namespace           string
		labels, annotations map[string]string
		releases            []helmv2.HelmRelease
		triggers            []triggerv1.ValuesTrigger
		want                []string // release how trigger effect force
	}{
		{"stranger", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "other")}, []triggerv1.ValuesTrigger{vt("a", nil, named("other"), "a")}, nil},
		{"another namespace", "shop", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("a", nil, named("values"), "a")}, nil},
		{"another kind", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil)}, []triggerv1.ValuesTrigger{vt("a", nil, triggerv1.SourceReference{Kind: "Secret", Name: "values"}, "a")}, nil},
		{"autodiscovered", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("a", byOperator, named("values"), "a")},
			[]string{"apps/a valuesFrom apps/a UpgradeIfChanged false"}},
		{"declared and read", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("t", nil, named("values"), "a")},
			[]string{"apps/a declared apps/t UpgradeIfChanged false"}},
		{"declared and not read", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil)}, []triggerv1.ValuesTrigger{vt("t", nil, named("values"), "a")},
			[]string{"apps/a declared apps/t ForcedUpgrade true"}},
		{"never forced and not read", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil)}, []triggerv1.ValuesTrigger{vt("t", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Force = triggerv1.ForceNever }, named("values"), "a")},
			[]string{"apps/a declared apps/t Request false"}},
		{"always forced by the source", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("t", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Force = triggerv1.ForceAlways }, named("values"), "a")},
			[]string{"apps/a declared apps/t ForcedUpgrade true"}},
		{"by label", "apps", map[string]string{"tier": "yes"}, nil, []helmv2.HelmRelease{hr("a", nil)}, []triggerv1.ValuesTrigger{vt("t", nil, selected("tier"), "a"), vt("u", nil, selected("other"), "a")},
			[]string{"apps/a declared apps/t ForcedUpgrade true"}},
		{"a suspended release", "apps", nil, nil, []helmv2.HelmRelease{hr("a", suspended, "values")}, []triggerv1.ValuesTrigger{vt("a", byOperator, named("values"), "a")},
			[]string{"apps/a valuesFrom apps/a WhenResumed false"}},
		{"a suspended trigger", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("t", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true }, named("values"), "a")},
			[]string{"apps/a declared apps/t WhenResumed false"}},
		{"a target that is missing", "apps", nil, nil, nil, []triggerv1.ValuesTrigger{vt("t", nil, named("values"), "a")},
			[]string{"apps/a declared apps/t WhenCreated true"}},
		{"several", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values"), hr("b", nil)}, []triggerv1.ValuesTrigger{vt("t", nil, named("values"), "b", "a")},
			[]string{"apps/b declared apps/t ForcedUpgrade true", "apps/a declared apps/t UpgradeIfChanged false"}},
		{"read and not followed", "apps", nil, nil, []helmv2.HelmRelease{hr("a", nil, "values"), hr("b", suspended, "values")}, nil,
			[]string{"apps/b valuesFrom  WhenResumed false", "apps/a valuesFrom  AtInterval false"}},
		{"taken out by its label", "apps", isOut, nil, []helmv2.HelmRelease{hr("a", nil, "values")}, []triggerv1.ValuesTrigger{vt("t", nil, named("values"), "a")},
			[]string{"apps/a valuesFrom  AtInterval false"}},
		{"labelled", "apps", isSource, names("a"), []helmv2.HelmRelease{hr("a", nil)}, []triggerv1.ValuesTrigger{vt("a", func(vt *triggerv1.ValuesTrigger) {
			byOperator(vt)
			vt.Spec.Sources[0].Force = triggerv1.ForceAlways
		}, named("values"), "a")}, []string{"apps/a labelled apps/a ForcedUpgrade true"}},
		{"labelled, and nothing generated yet", "apps", isSource, names("a, gone"), []helmv2.HelmRelease{hr("a", nil)}, nil,
			[]string{"apps/gone labelled  WhenCreated true", "apps/a labelled  ForcedUpgrade true"}},
		{"labelled, and opted out", "apps", isSource, names("a"), []helmv2.HelmRelease{hr("a", func(hr *helmv2.HelmRelease) { hr.Labels = isOut })}, nil,
			[]string{"apps/a labelled  Nothing true"}},
		{"labelled, and not accepted", "shop", isSource, names("a"), []helmv2.HelmRelease{hr("a", func(hr *helmv2.HelmRelease) {
			hr.Annotations = map[string]string{triggerv1.AllowFromAnnotation: "config"}
		})}, nil, []string{"apps/a labelled  Denied true"}},
		{"labelled, opted out, and not accepted: as the operator says", "shop", isSource, names("a"), []helmv2.HelmRelease{hr("a", func(hr *helmv2.HelmRelease) {
			hr.Labels, hr.Annotations = isOut, map[string]string{triggerv1.AllowFromAnnotation: "config"}
		})}, nil, []string{"apps/a labelled  Denied true"}},
		{"a name without the label", "apps", nil, names("a"), []helmv2.HelmRelease{hr("a", nil)}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reach := Reaches(Cluster{Directory: Directory{Releases: c.releases}, Triggers: c.triggers}, Subject{
				Object: binding.Object{Kind: "ConfigMap", Namespace: c.namespace, Name: "values"}, Labels: c.labels, Annotations: c.annotations,
			})
			var got []string
			for _, e := range reach.Edges {
				got = append(got, fmt.Sprintf("%s %s %s %s %t", e.Release.Key(), e.How, e.Trigger, e.Effect, e.Force))
			}
			NewWithT(t).Expect(got).To(Equal(c.want))
		})
	}
}

func TestReaches_tells_about_the_object_itself(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Reaches(Cluster{}, Subject{Labels: isWatched}).FluxWatched).To(BeTrue())
	g.Expect(Reaches(Cluster{}, Subject{Labels: isOut}).Excluded).To(BeTrue())
	g.Expect(Reaches(Cluster{}, Subject{Labels: isSource}).Problems).To(HaveLen(1))
}

func TestDescribe_states(t *testing.T) {
	t.Parallel()
	condition := func(kind string, status metav1.ConditionStatus) metav1.Condition {
		return metav1.Condition{Type: kind, Status: status, Reason: "R", Message: "m"}
	}
	for _, c := range []struct {
		name   string
		modify func(*triggerv1.ValuesTrigger)
		want   State
	}{
		{"new", func(*triggerv1.ValuesTrigger) {}, Unseen},
		{"ready", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionTrue)}
		}, Ready},
		{"ready for an old spec", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions, vt.Generation = []metav1.Condition{condition("Ready", metav1.ConditionTrue)}, 2
		}, Unseen},
		{"in progress", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionUnknown)}
		}, Progressing},
		{"waiting", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionFalse)}
		}, Waiting},
		{"stalled", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionFalse), condition("Stalled", metav1.ConditionTrue)}
		}, Stalled},
		{"suspended", func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Suspend, vt.Status.Conditions = true, []metav1.Condition{condition("Ready", metav1.ConditionTrue)}
		}, Suspended},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trigger := vt("t", c.modify, named("values"))
			NewWithT(t).Expect(Directory{}.Describe(&trigger).State).To(Equal(c.want))
		})
	}
}

func TestDescribe_unites_what_references_want_of_one_object(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	all := vt("t", nil, named("values"))
	all.Spec.Sources = []triggerv1.SourceReference{
		{Kind: "ConfigMap", Name: "values", Keys: []string{"b"}, Optional: true, Force: triggerv1.ForceNever},
		{Kind: "ConfigMap", Name: "values", Keys: []string{"a", "b"}, Optional: true, Force: triggerv1.ForceAlways},
		{Kind: "Secret", Name: "absent", Optional: true},
		selected("tier"), selected("none"),
		{Kind: "Secret", Namespace: "config", Selector: &triggerv1.Selector{}},
	}
	all.Status.Sources = []triggerv1.SourceStatus{
		{Kind: "ConfigMap", Namespace: "apps", Name: "values", Digest: "sha256:0"}, {Kind: "ConfigMap", Namespace: "apps", Name: "one", Digest: "sha256:0"},
		{Kind: "Secret", Namespace: "apps", Name: "absent"},
	}
	var got []string
	for _, s := range (Directory{}).Describe(&all).Sources {
		got = append(got, fmt.Sprintf("%s %v %s optional=%t absent=%t %s", s.Object, s.Keys, s.Selector, s.Optional, s.Absent, s.Force))
	}
	g.Expect(got).To(Equal([]string{
		"ConfigMap apps/one [] tier=yes optional=false absent=false Auto",
		"ConfigMap apps/values [a b]  optional=true absent=false Always",
		"Secret apps/absent []  optional=true absent=true Auto",
		"Secret config/ [] all optional=false absent=false Auto",
	}))
}

func TestReasons_counts_messages_without_names(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	failed := func(name, message string, revision int64) Trigger {
		return Trigger{Targets: []Target{{Object: binding.Object{Namespace: "apps", Name: name}, State: triggerv1.TargetFailed, Message: message, Revision: revision}}}
	}
	g.Expect(Reasons([]Trigger{
		failed("x", "no chart", 1),
		failed("a", "Helm upgrade failed for release apps/a.v3: timeout", 2),
		failed("b", "Helm upgrade failed for release apps/b.v13: timeout", 12),
		{Targets: []Target{{Object: binding.Object{Namespace: "apps", Name: "c"}, State: triggerv1.TargetDelivered}}},
	})).To(Equal([]Reason{
		{State: triggerv1.TargetFailed, Message: "Helm upgrade failed for release …: timeout", Count: 2},
		{State: triggerv1.TargetFailed, Message: "no chart", Count: 1},
	}))
}

func TestSummarize_counts_each_release_once_by_its_worst_state(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := Summarize([]Trigger{
		{State: Ready, Targets: []Target{{Object: binding.Object{Namespace: "apps", Name: "a"}, State: triggerv1.TargetDelivered}}},
		{State: Stalled, Targets: []Target{{Object: binding.Object{Namespace: "apps", Name: "a"}, State: triggerv1.TargetFailed}, {Object: binding.Object{Namespace: "apps", Name: "b"}, State: triggerv1.TargetDelivered}}},
	})
	g.Expect(Counts(TargetSeverity, s.Releases)).To(Equal("1 Failed, 1 Delivered"))
	g.Expect(Counts(Severity, s.Triggers)).To(Equal("1 Stalled, 1 Ready"))
}

// A release that reads two keys of one object, one of which may be missing.
func TestSources_say_which_keys_must_exist(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	release := hr("a", func(hr *helmv2.HelmRelease) {
		hr.Spec.ValuesFrom[1].Optional, hr.Spec.ValuesFrom[1].ValuesKey = true, "more"
	}, "values", "values")
	want := ConsistOf(And(HaveField("Name", "values"), HaveField("Keys", []string{"more", "values.yaml"}),
		HaveField("Required", []string{"values.yaml"}), HaveField("Optional", false)))
	g.Expect(Directory{}.FeedsOf(nil, &release).Unfollowed).To(want)

	of := func(optional bool, keys ...string) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Namespace: "apps", Name: "values", Force: triggerv1.ForceAuto, Keys: keys, Optional: optional}
	}
	trigger := vt("a", byOperator, of(false, "values.yaml"), "a")
	trigger.Spec.Sources = append(trigger.Spec.Sources, of(true, "more"))
	g.Expect(Directory{}.Describe(&trigger).Sources).To(want)
	reach := Reaches(Cluster{Directory: Directory{Releases: []helmv2.HelmRelease{release}}}, Subject{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "values"}})
	g.Expect(reach.Edges).To(ConsistOf(HaveField("Keys", []string{"more", "values.yaml"})))
}

func TestDescribe_leaves_out_an_optional_target_that_was_not_found(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	of := func(optional bool, observed int64) []Target {
		in := vt("mine", nil, named("values"))
		in.Generation, in.Status.ObservedGeneration = 2, observed
		in.Spec.Targets = []triggerv1.TargetReference{{Name: "absent", Optional: optional}}
		return Directory{}.Describe(&in).Targets
	}
	g.Expect(of(true, 2)).To(BeEmpty())
	g.Expect(of(true, 1)).To(HaveLen(1), "not evaluated yet")
	g.Expect(of(false, 2)).To(HaveLen(1))
}
