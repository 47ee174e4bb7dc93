// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// What a generated trigger lists is put back, so that an edit of it fixes nothing: messages name
// where the HelmRelease lists it.
func TestResolver_names_the_HelmRelease_of_a_generated_trigger(t *testing.T) {
	t.Parallel()
	reads := func(name, key string, optional bool) meta.ValuesReference {
		return meta.ValuesReference{Kind: "ConfigMap", Name: name, ValuesKey: key, Optional: optional}
	}
	release := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"},
		Spec: helmv2.HelmReleaseSpec{ValuesFrom: []meta.ValuesReference{
			reads("a", "", false), reads("absent", "", true), reads("absent", "more", false), reads("absent", "", false),
			reads("b", "", false), reads("b", "absent", false), {Kind: "Secret", Name: "out"}, reads("out", "", false),
		}},
	}
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app-auto"}}
	for _, c := range []struct {
		name string
		ref  triggerv1.SourceReference
		says string
	}{
		{"an object", triggerv1.SourceReference{Name: "absent"},
			"ConfigMap apps/absent does not exist; create it, or set spec.valuesFrom[2].optional, spec.valuesFrom[3].optional of HelmRelease apps/app"},
		{"a key", triggerv1.SourceReference{Name: "b", Keys: []string{"absent", "values.yaml"}},
			"ConfigMap apps/b has no key absent; add it, or correct spec.valuesFrom[5].valuesKey of HelmRelease apps/app"},
		{"an object that is excluded", triggerv1.SourceReference{Name: "out"},
			`ConfigMap apps/out is excluded by its label nebius.ai/helmrelease-trigger-operator: "false"; remove the label, or spec.valuesFrom[7] of HelmRelease apps/app`},
		{"an object that was labelled", triggerv1.SourceReference{Name: "flags", Force: triggerv1.ForceAlways},
			"ConfigMap apps/flags does not exist; create it"},
		{"one of the same name in another namespace", triggerv1.SourceReference{Name: "absent", Namespace: "config", Force: triggerv1.ForceAlways},
			"ConfigMap config/absent does not exist; create it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.ref.Kind = "ConfigMap"
			_, err := fixture(t).Resolve(t.Context(), vt, release, refs{c.ref}, Account{}, time.Hour)
			NewWithT(t).Expect(err).To(MatchError("source not found: " + c.says))
		})
	}
}
