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
		{"values that break otherwise", Situation{Before: "no map", After: "no key", Followed: true}, Fails, "no key"},
		{"values that are fixed", Situation{Before: "no map", Differ: true, Followed: true}, Upgrades, "fixes the values: no map"},
		{"its turn comes later", Situation{Differ: true, Followed: true, Turn: "after stage dev"}, Later, "after stage dev"},
		{"its turn comes later, by force", Situation{Followed: true, Force: true, Turn: "after stage dev"}, Later, "after stage dev"},
		{"nothing changes, and a copy is behind", Situation{Differ: true, Waits: "waits for the approval of stage prod"}, Later, "waits for the approval of stage prod"},
		{"nothing changes, and the release is behind", Situation{Stale: true, Waits: "waits for its turn"}, Later, "waits for its turn"},
		{"nothing changes, and a force waits", Situation{Force: true, Waits: "waits for its turn"}, Later, "waits for its turn"},
		{"nothing changes, and it runs what waits", Situation{Differ: true, Runs: true, Waits: "waits for its turn"}, Same, "it runs these values already"},
		{"nothing changes, and nothing is known of what it runs", Situation{Waits: "waits for its turn"}, Same, "waits for its turn"},
		{"a change takes the place of what waits", Situation{Differ: true, Followed: true, Waits: "waits for its turn"}, Upgrades, ""},
		{"its own spec changes", Situation{Differ: true, Own: true, Turn: "after stage dev"}, Upgrades, ""},
		{"its own spec changes, and it is suspended", Situation{Differ: true, Own: true, Held: "after it is resumed"}, Later, "after it is resumed"},
		{"its own spec changes, and not the values", Situation{Own: true}, Same, "the values stay the same"},
		{"it is new", Situation{New: true, Differ: true}, Installs, ""},
		{"it is new and suspended", Situation{New: true, Differ: true, Held: "after it is resumed"}, Later, "after it is resumed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outcome, message := c.s.Decide()
			NewWithT(t).Expect([]string{string(outcome), message}).To(Equal([]string{string(c.outcome), c.message}))
		})
	}
}
