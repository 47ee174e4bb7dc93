// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package discovery_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
)

func release(name string, refs ...meta.ValuesReference) *helmv2.HelmRelease {
	return &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name},
		Spec:       helmv2.HelmReleaseSpec{ValuesFrom: refs},
	}
}

func TestFound_lists_each_object_once_with_all_that_is_read_of_it(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(discovery.Found(release("app",
		meta.ValuesReference{Kind: "ConfigMap", Name: "a"},
		meta.ValuesReference{Kind: "Secret", Name: "a", ValuesKey: "crt", Optional: true},
		meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: "extra", Optional: true},
		meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: "extra"},
		meta.ValuesReference{Kind: "OCIRepository", Name: "a"},
	))).To(Equal([]triggerv1.SourceReference{
		{Kind: "ConfigMap", Namespace: "apps", Name: "a", Keys: []string{"extra", "values.yaml"}, Force: triggerv1.ForceAuto},
		{Kind: "Secret", Namespace: "apps", Name: "a", Keys: []string{"crt"}, Force: triggerv1.ForceAuto, Optional: true},
	}))
	g.Expect(discovery.Found(release("app"))).To(BeEmpty())
}

func TestFound_separates_the_keys_that_must_exist_from_those_that_need_not(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	found := discovery.Found(release("app",
		meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: "z", Optional: true},
		meta.ValuesReference{Kind: "Secret", Name: "s", Optional: true},
		meta.ValuesReference{Kind: "ConfigMap", Name: "a"},
		meta.ValuesReference{Kind: "ConfigMap", Name: "a", ValuesKey: "m", Optional: true},
		meta.ValuesReference{Kind: "ConfigMap", Name: "a", Optional: true},
	))
	g.Expect(found).To(Equal([]triggerv1.SourceReference{
		{Kind: "ConfigMap", Namespace: "apps", Name: "a", Keys: []string{"values.yaml"}, Force: triggerv1.ForceAuto},
		{Kind: "ConfigMap", Namespace: "apps", Name: "a", Keys: []string{"m", "z"}, Force: triggerv1.ForceAuto, Optional: true},
		{Kind: "Secret", Namespace: "apps", Name: "s", Keys: []string{"values.yaml"}, Force: triggerv1.ForceAuto, Optional: true},
	}))

	merged, dropped := discovery.Merge(found, nil)
	g.Expect(dropped).To(BeZero())
	g.Expect(merged).To(Equal(found), "what is required comes first")
	merged, _ = discovery.Merge(found, []triggerv1.SourceReference{discovery.Labelled("ConfigMap", "apps", "a")})
	g.Expect(merged).To(Equal([]triggerv1.SourceReference{
		{Kind: "ConfigMap", Namespace: "apps", Name: "a", Force: triggerv1.ForceAlways}, found[2],
	}), "one that is labelled counts as a whole, and is required")
}

func TestMerge_counts_all_keys_and_forces_for_what_is_found_and_labelled(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	found := discovery.Found(release("app", meta.ValuesReference{Kind: "ConfigMap", Name: "both", Optional: true}))
	merged, dropped := discovery.Merge(found, []triggerv1.SourceReference{
		discovery.Labelled("Secret", "config", "s"), discovery.Labelled("ConfigMap", "apps", "both"),
	})
	g.Expect(dropped).To(BeZero())
	g.Expect(merged).To(Equal([]triggerv1.SourceReference{
		{Kind: "ConfigMap", Namespace: "apps", Name: "both", Force: triggerv1.ForceAlways, Optional: true},
		{Kind: "Secret", Namespace: "config", Name: "s", Force: triggerv1.ForceAlways},
	}))
	g.Expect(found[0].Force).To(Equal(triggerv1.ForceAuto), "the arguments stay as they are")
}

func TestMerge_never_drops_what_the_release_reads(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	found := discovery.Found(release("app", meta.ValuesReference{Kind: "ConfigMap", Name: "zzz"}))
	var labelled []triggerv1.SourceReference
	for i := range discovery.MaxSources + 5 {
		labelled = append(labelled, discovery.Labelled("ConfigMap", "apps", fmt.Sprintf("a-%03d", i)))
	}
	merged, dropped := discovery.Merge(found, labelled)
	g.Expect(merged).To(HaveLen(discovery.MaxSources))
	g.Expect(dropped).To(Equal(6))
	g.Expect(merged).To(ContainElement(HaveField("Name", "zzz")))
}

func TestLabels(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	labels, problem := discovery.Labels(release("app"))
	g.Expect(labels).To(BeEmpty())
	g.Expect(problem).To(BeEmpty())

	ref := meta.ValuesReference{Kind: "ConfigMap", Name: "a"}
	labels, problem = discovery.Labels(release("app", ref))
	g.Expect(problem).To(BeEmpty())
	g.Expect(labels).To(Equal(map[string]string{
		triggerv1.LabelReconcilerNameSourceKey: "true", triggerv1.HRNSAnnotation: "apps", triggerv1.HRNameAnnotation: "app",
	}))

	labels, problem = discovery.Labels(release(strings.Repeat("a", 64), ref))
	g.Expect(labels).To(HaveLen(2))
	g.Expect(problem).To(And(ContainSubstring(triggerv1.HRNameAnnotation), ContainSubstring("64 characters")))
}
