// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"strings"
	"testing"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
)

// Whatever the list looks like: a namespace is let in only if it is there in full, and the
// flag admits no one that the list alone would not.
func FuzzPolicyCheck(f *testing.F) {
	f.Add("config, infra", "infra")
	f.Add("config infra", "infra")
	f.Add("*", "infra")
	f.Add(",,", "")
	f.Add("infra\x00,\ufeffinfra,in\u200bfra,INFRA", "infra")
	f.Fuzz(func(t *testing.T, list, origin string) {
		named := false
		for _, namespace := range strings.Split(list, ",") {
			named = named || origin != "" && strings.TrimSpace(namespace) == origin
		}
		target := access.Target{Namespace: "apps", Name: "app", Annotations: map[string]string{triggerv1.AllowFromAnnotation: list}}
		for _, restricted := range []bool{false, true} {
			policy := access.Policy{NoCrossNamespaceRefs: restricted}
			if allowed := policy.Check(origin, target) == nil; allowed != (named || origin == "apps") {
				t.Errorf("from %q with %q, --no-cross-namespace-refs=%t: %t", origin, list, restricted, allowed)
			}
			if (policy.CheckSource("apps", origin) == nil) != (!restricted || origin == "apps") {
				t.Errorf("a source in %q, --no-cross-namespace-refs=%t", origin, restricted)
			}
		}
		denied := access.Policy{NoCrossNamespaceRefs: true}.Check("tenant", target)
		unknown := access.Policy{NoCrossNamespaceRefs: true}.Check("tenant", access.Target{Namespace: "apps", Name: "app"})
		if denied != nil && denied.Error() != unknown.Error() {
			t.Errorf("the list can be guessed from %q and %q", denied, unknown)
		}
	})
}
