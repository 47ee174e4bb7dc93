// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestDependency(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps"}}
	ref := triggerv1.SourceReference{Kind: "ConfigMap", Keys: []string{"b", "a"}, Optional: true}

	one := DependencyOf(vt, ref, "values")
	g.Expect(one).To(Equal(Dependency{Kind: "ConfigMap", Namespace: "apps", Name: "values", Keys: []string{"b", "a"}, Optional: true, Force: triggerv1.ForceAuto}))
	vt.Spec.Force = triggerv1.ForceNever
	ref.Namespace = "config"
	g.Expect(DependencyOf(vt, ref, "values")).To(And(HaveField("Force", triggerv1.ForceNever), HaveField("Namespace", "config")))
	ref.Force = triggerv1.ForceAlways
	g.Expect(DependencyOf(vt, ref, "values").Force).To(Equal(triggerv1.ForceAlways))

	never, always := one, one
	never.Force, never.Keys = triggerv1.ForceNever, []string{"c", "a"}
	always.Force, always.Keys, always.Optional = triggerv1.ForceAlways, nil, false
	g.Expect(one.Unite(never)).To(Equal(Dependency{Kind: "ConfigMap", Namespace: "apps", Name: "values", Keys: []string{"a", "b", "c"}, Optional: true, Force: triggerv1.ForceAuto}))
	g.Expect(one.Unite(always)).To(Equal(always))
	g.Expect(always.Unite(one)).To(Equal(always))
	g.Expect(one.Keys).To(Equal([]string{"b", "a"}), "what was united is not changed")

	required := DependencyOf(vt, triggerv1.SourceReference{Kind: "ConfigMap", Keys: []string{"c"}}, "values")
	g.Expect(required.Required).To(Equal([]string{"c"}))
	for _, both := range []Dependency{one.Unite(required), required.Unite(one)} {
		g.Expect(both).To(And(HaveField("Keys", []string{"a", "b", "c"}), HaveField("Required", []string{"c"}), HaveField("Optional", false)))
	}
}
