// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
)

func TestPolicy_Check(t *testing.T) {
	t.Parallel()
	const own, other = "apps", "config"
	list := func(value string) map[string]string { return map[string]string{triggerv1.AllowFromAnnotation: value} }
	for _, tc := range []struct {
		name        string
		restricted  bool
		origin      string
		annotations map[string]string
		denied      bool
	}{
		{"the own namespace may", false, own, nil, false},
		{"the own namespace may, whatever the flag says", true, own, nil, false},
		{"the own namespace may, whatever the list says", true, own, list(""), false},
		{"another may by default", false, other, nil, false},
		{"another may not with the flag", true, other, nil, true},
		{"another may with the flag and consent", true, other, list("a, config ,b"), false},
		{"one that is not listed may not, even without the flag", false, other, list("a,b"), true},
		{"an empty list consents to no one", false, other, list(""), true},
		{"blanks are no namespace", false, "", list(" , "), true},
		{"a part of a name is not the name", true, "conf", list("config"), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			policy := access.Policy{NoCrossNamespaceRefs: tc.restricted}
			err := policy.Check(tc.origin, access.TargetOf(&helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: own, Name: "app", Annotations: tc.annotations}}))
			if !tc.denied {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(MatchError(And(ContainSubstring("HelmRelease apps/app"), ContainSubstring(triggerv1.AllowFromAnnotation))))
		})
	}
}

func TestPolicy_CheckSource(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	open, restricted := access.Policy{}, access.Policy{NoCrossNamespaceRefs: true}
	g.Expect(open.CheckSource("apps", "config")).To(Succeed())
	g.Expect(restricted.CheckSource("apps", "apps")).To(Succeed())
	g.Expect(restricted.CheckSource("apps", "config")).To(MatchError(And(
		ContainSubstring("namespace config"), ContainSubstring("--no-cross-namespace-refs"), ContainSubstring("create the ValuesTrigger in config"))))
}
