// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// publishing gives targets copies that have the content of the given digest.
func publishing(published string) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
		vt.Status.LastDigest = "sha256:2"
		for i := range vt.Status.Targets {
			vt.Status.Targets[i].Published = published
		}
	}
}

func TestCopiesOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		modify func(*triggerv1.ValuesTrigger)
		want   []string
	}{
		{"no publish", nil, nil},
		{"a generated trigger", func(vt *triggerv1.ValuesTrigger) { publishing("sha256:2")(vt); byOperator(vt) }, nil},
		{"not written", publishing(""), []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Absent"}},
		{"older", publishing("sha256:1"), []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Behind"}},
		{"present", publishing("sha256:2"), []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Current"}},
		{"restored", func(vt *triggerv1.ValuesTrigger) {
			publishing("sha256:2")(vt)
			vt.Status.Targets[0].Cause = "ConfigMap apps/values sha256:2, rollback of content sha256:3 via ValuesTrigger apps/t"
			vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:3", Rollback: &triggerv1.RollbackStatus{Digest: "sha256:2"}}
		}, []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Earlier"}},
		{"kept, since the release never had anything else", func(vt *triggerv1.ValuesTrigger) {
			publishing("sha256:2")(vt)
			vt.Status.Targets[0].Cause = "ConfigMap apps/values sha256:2 via ValuesTrigger apps/t"
			vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:3", Rollback: &triggerv1.RollbackStatus{Digest: "sha256:2"}}
		}, []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Kept"}},
		{"refused", func(vt *triggerv1.ValuesTrigger) {
			publishing("sha256:3")(vt)
			vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:3", Rollback: &triggerv1.RollbackStatus{Digest: "sha256:2"}}
		}, []string{"ConfigMap apps/a-shared of ConfigMap apps/values: Rejected"}},
		{"of several sources", func(vt *triggerv1.ValuesTrigger) {
			publishing("sha256:2")(vt)
			vt.Spec.Sources = append(vt.Spec.Sources,
				triggerv1.SourceReference{Kind: "Secret", Namespace: "config", Name: "db"},
				triggerv1.SourceReference{Kind: "ConfigMap", Name: "flags", PublishAs: "flags"}, selected("tier"))
			vt.Status.Sources = []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "selected", Digest: "sha256:0"}}
		}, []string{
			"ConfigMap apps/a-flags of ConfigMap apps/flags: Current",
			"ConfigMap apps/a-shared of ConfigMap apps/selected, ConfigMap apps/values: Current",
			"Secret apps/a-shared of Secret config/db: Current",
		}},
		{"by a selector that nothing matches", func(vt *triggerv1.ValuesTrigger) {
			publishing("")(vt)
			vt.Spec.Sources = []triggerv1.SourceReference{selected("tier")}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			trigger := vt("t", c.modify, named("values"), "a")
			var got []string
			described := Directory{}.Describe(&trigger).Targets[0]
			for _, one := range CopiesOf(&trigger, described.Object, &trigger.Status.Targets[0]) {
				got = append(got, fmt.Sprintf("%s of %s: %s", one, one.Names(), one.State))
			}
			NewWithT(t).Expect(got).To(Equal(c.want))
			NewWithT(t).Expect(described.Copies).To(HaveLen(len(got)))
		})
	}
}

func TestReaches_through_copies(t *testing.T) {
	t.Parallel()
	trigger := vt("t", publishing("sha256:2"), named("values"), "a", "b")
	cluster := Cluster{Directory: Directory{Releases: []helmv2.HelmRelease{hr("a", nil, "a-shared"), hr("b", nil, "other")}}, Triggers: []triggerv1.ValuesTrigger{trigger}}
	edges := func(o binding.Object, labels map[string]string) (out []string) {
		for _, e := range Reaches(cluster, Subject{Object: o, Labels: labels}).Edges {
			out = append(out, fmt.Sprintf("%s %s %s %s", e.Release.Key(), e.How, e.Effect, e.Message))
		}
		return out
	}
	g := NewWithT(t)
	g.Expect(edges(binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "values"}, nil)).To(Equal([]string{"apps/b declared ForcedUpgrade ", "apps/a declared UpgradeIfChanged "}),
		"one reads its copy, the other does not")
	copied := map[string]string{
		triggerv1.ManagedByLabel: triggerv1.FieldManager, triggerv1.PublishedByLabel: "t", triggerv1.PublishedByNamespaceLabel: "apps",
		triggerv1.LabelReconcilerNameSourceKey: "false",
	}
	g.Expect(edges(binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a-shared"}, copied)).To(Equal([]string{"apps/a valuesFrom AtInterval a copy: edit the sources of ValuesTrigger apps/t instead"}))
	g.Expect(Directory{}.FeedsOf(cluster.Triggers, &cluster.Releases[0]).Unfollowed).To(BeEmpty(), "the copy is followed")
}
