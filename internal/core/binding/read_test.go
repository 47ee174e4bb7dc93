// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/meta"
)

func TestReadsOf(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := release("apps", "app", nil)
	g.Expect(ReadsOf(hr)).To(BeEmpty())
	hr.Spec.ValuesFrom = []meta.ValuesReference{
		{Kind: "ConfigMap", Name: "a"}, {Kind: "GitRepository", Name: "a"}, {Kind: "Secret", Name: "a", ValuesKey: "db", Optional: true}, {Kind: "ConfigMap", Name: "a", ValuesKey: "more"},
	}
	configMap, secret := Object{"ConfigMap", "apps", "a"}, Object{"Secret", "apps", "a"}
	g.Expect(ReadsOf(hr)).To(Equal([]Read{
		{Object: configMap, Key: "values.yaml"}, {Object: secret, Index: 2, Key: "db", Optional: true}, {Object: configMap, Index: 3, Key: "more"},
	}))
	for object, want := range map[Object]bool{
		configMap: true, secret: true, {"ConfigMap", "apps", "b"}: false, {"Secret", "prod", "a"}: false, {"GitRepository", "apps", "a"}: false,
	} {
		g.Expect(Reads(hr, object)).To(Equal(want), object.String())
	}
}

func TestFluxWatches(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(FluxWatches(map[string]string{meta.LabelKeyWatch: "Enabled"})).To(BeTrue())
	g.Expect(FluxWatches(map[string]string{meta.LabelKeyWatch: "enabled"})).To(BeFalse())
	g.Expect(FluxWatches(nil)).To(BeFalse())
}

func TestObject(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	o := Object{Kind: "Secret", Namespace: "apps", Name: "a"}
	g.Expect([]string{o.String(), o.Key(), o.ID()}).To(Equal([]string{"Secret apps/a", "apps/a", "Secret/apps/a"}))
	g.Expect(ObjectOf(o.ID())).To(Equal(o))
}
