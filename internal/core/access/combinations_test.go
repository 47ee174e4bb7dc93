// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
)

// Every combination of flag, list and origin. A target is in the namespace apps.
func TestPolicy_Check_everyCombination(t *testing.T) {
	t.Parallel()
	const none = "(no annotation)"
	allowed := map[string][2]bool{ // By default, and with the flag.
		"apps, " + none:             {true, true},
		"apps, " + "":               {true, true},
		"apps, " + "config":         {true, true},
		"apps, " + "config,infra":   {true, true},
		"config, " + none:           {true, false},
		"config, " + "":             {false, false},
		"config, " + "config":       {true, true},
		"config, " + "config,infra": {true, true},
		"infra, " + none:            {true, false},
		"infra, " + "":              {false, false},
		"infra, " + "config":        {false, false},
		"infra, " + "config,infra":  {true, true},
	}
	for _, origin := range []string{"apps", "config", "infra"} {
		for _, list := range []string{none, "", "config", "config,infra"} {
			for i, restricted := range []bool{false, true} {
				t.Run(fmt.Sprintf("from %s, list %q, --no-cross-namespace-refs=%t", origin, list, restricted), func(t *testing.T) {
					t.Parallel()
					target := access.Target{Namespace: "apps", Name: "app"}
					if list != none {
						target.Annotations = map[string]string{triggerv1.AllowFromAnnotation: list}
					}
					want, known := allowed[origin+", "+list]
					err := access.Policy{NoCrossNamespaceRefs: restricted}.Check(origin, target)
					g := NewWithT(t)
					g.Expect(known).To(BeTrue())
					g.Expect(err == nil).To(Equal(want[i]), "%v", err)
				})
			}
		}
	}
}
