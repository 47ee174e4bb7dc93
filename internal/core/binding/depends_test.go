// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

func TestDependsOn_is_in_the_namespace_of_the_release_unless_it_names_one(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := release("apps", "app", nil)
	g.Expect(DependsOn(hr)).To(BeEmpty())
	hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "db"}, {Namespace: "base", Name: "dns"}}
	g.Expect(DependsOn(hr)).To(Equal([]string{"apps/db", "base/dns"}))
}
