// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		s       Situation
		outcome Outcome
		message string
	}{
		{"followed, and the values differ", Situation{Differ: true, Followed: true}, Upgrades, ""},
		{"forced, and the values differ", Situation{Differ: true, Followed: true, Force: true}, Upgrades, ""},
		{"forced, and the values stay", Situation{Followed: true, Force: true}, Forces, "the values stay the same"},
		{"forced, though it runs these values", Situation{Differ: true, Runs: true, Followed: true, Force: true}, Upgrades, ""},
		{"forced, and held", Situation{Followed: true, Force: true, Held: "suspended"}, Later, "suspended"},
		{"followed, and the values stay", Situation{Followed: true}, Same, "the values stay the same"},
		{"followed, and it runs these values", Situation{Differ: true, Runs: true, Followed: true}, Same, "it runs these values already"},
		{"followed, and held", Situation{Differ: true, Followed: true, Held: "suspended"}, Later, "suspended"},
		{"not followed, and the values differ", Situation{Differ: true}, Later, "no trigger follows it: at its next interval"},
		{"not followed, and the values stay", Situation{}, Same, "no key changes that counts for it"},
		{"force counts for nothing if no key does", Situation{Force: true}, Same, "no key changes that counts for it"},
		{"values that break", Situation{Differ: true, Followed: true, After: "no map"}, Fails, "no map"},
		{"values that stay broken", Situation{Before: "no map", After: "no map", Followed: true, Force: true}, Fails, "as before: no map"},
		{"values that are mended", Situation{Before: "no map", Differ: true, Followed: true}, Upgrades, "mends the values: no map"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outcome, message := c.s.Decide()
			NewWithT(t).Expect([]string{string(outcome), message}).To(Equal([]string{string(c.outcome), c.message}))
		})
	}
}
