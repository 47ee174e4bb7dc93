// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// A copy that is missing is not a source: an object that a person creates in its place does not help.
func TestDeriver_leaves_out_copies(t *testing.T) {
	t.Parallel()
	publishing := func(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
		vt := &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "platform", Name: "platform"},
			Spec: triggerv1.ValuesTriggerSpec{
				Sources: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "shared"}, {Kind: "Secret", Name: "shared", PublishAs: "keys"}},
				Targets: []triggerv1.TargetReference{{Name: "app", Namespace: "apps"}},
				Publish: &triggerv1.Publish{Name: "shared"},
			},
		}
		for _, change := range changes {
			change(vt)
		}
		return vt
	}
	for _, c := range []struct {
		name     string
		reads    func(*helmv2.HelmRelease)
		triggers []client.Object
		left     []string
	}{
		{"no trigger publishes it", readsNothingBut("app-shared"), nil, []string{"app-shared"}},
		{"by name", readsNothingBut("app-shared"), []client.Object{publishing()}, nil},
		{"under the name of one source", readsNothingBut("app-keys"), []client.Object{publishing()}, []string{"app-keys"}},
		{"by labels", readsNothingBut("app-shared"), []client.Object{publishing(func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets = []triggerv1.TargetReference{{NamespaceSelector: &triggerv1.Selector{}, Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "one"}}}}
		})}, nil},
		{"for releases with other labels", readsNothingBut("app-shared"), []client.Object{publishing(func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets = []triggerv1.TargetReference{{Namespace: "apps", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "two"}}}}
		})}, []string{"app-shared"}},
		{"for another release", readsNothingBut("app-shared"), []client.Object{publishing(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets[0].Name = "other" })}, []string{"app-shared"}},
		{"by a generated trigger, which publishes nothing", readsNothingBut("app-shared"), []client.Object{newGenerated(func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
		})}, []string{"app-shared"}},
		{"what it reads besides", readsNothingBut("app-shared", "values"), []client.Object{publishing()}, []string{"values"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			builder := fake.NewClientBuilder().WithScheme(triggerScheme(t)).WithReturnManagedFields().WithObjects(c.triggers...)
			g.Expect(index.Setup(t.Context(), indexed{builder}, true)).To(Succeed())
			hr := newRelease()
			hr.Labels = map[string]string{"ring": "one"}
			c.reads(hr)
			sources, _, err := deriver{cache: builder.Build(), autodiscovery: true, secrets: true}.derive(t.Context(), hr)
			g.Expect(err).NotTo(HaveOccurred())
			var names []string
			for _, s := range sources {
				names = append(names, s.Name)
			}
			g.Expect(names).To(Equal(c.left))
		})
	}
}

func readsNothingBut(names ...string) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) {
		hr.Spec.ValuesFrom = nil
		for _, name := range names {
			hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, reading(name).Spec.ValuesFrom...)
		}
	}
}
