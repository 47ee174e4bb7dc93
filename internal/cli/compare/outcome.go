// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package compare

import (
	"slices"
)

// Outcome is what an edit would do to a release.
type Outcome string

// Outcomes, what needs attention first.
const (
	// Fails: the values cannot be composed any more.
	Fails Outcome = "ValuesError"
	// Upgrades: the values differ, and the release is asked at once.
	Upgrades Outcome = "Upgrade"
	// Forces: an upgrade is forced, though the values stay the same.
	Forces Outcome = "ForcedUpgrade"
	// Later: the values differ, and something holds it back.
	Later Outcome = "UpgradeLater"
	// Same: nothing that makes a revision.
	Same Outcome = "NoUpgrade"
)

// Outcomes orders outcomes.
var Outcomes = []Outcome{Fails, Upgrades, Forces, Later, Same}

// Situation of a release when an object is edited.
type Situation struct {
	// Before and After tell why the values cannot be composed, or nothing.
	Before, After string

	// Differ tells that the values composed before and after differ, Runs that the
	// release runs those of after already.
	Differ, Runs bool

	// Followed tells that a trigger sees the change in the keys that count, Force that
	// it then forces.
	Followed, Force bool

	// Held says what stands in the way, or nothing.
	Held string
}

// Decide returns what would happen, and why where that is not obvious.
func (s Situation) Decide() (Outcome, string) {
	switch {
	case s.After != "" && s.Before != "":
		return Fails, "as before: " + s.After
	case s.After != "":
		return Fails, s.After
	case !s.Followed || !s.Force:
		return s.decideByValues()
	case s.Held != "":
		return Later, s.Held
	case !s.Differ:
		return Forces, "the values stay the same"
	}
	return Upgrades, ""
}

// decideByValues is about a release that is not forced: what counts are its values.
func (s Situation) decideByValues() (Outcome, string) {
	switch {
	case s.Runs && s.Differ:
		return Same, "it runs these values already"
	case !s.Differ && s.Followed:
		return Same, "the values stay the same"
	case !s.Differ:
		return Same, "no key changes that counts for it"
	case s.Held != "":
		return Later, s.Held
	case !s.Followed:
		return Later, "no trigger follows it: at its next interval"
	case s.Before != "":
		return Upgrades, "mends the values: " + s.Before
	}
	return Upgrades, ""
}

// SameDifferences tells whether two lists of differences are equal.
func SameDifferences(a, b []Difference) bool {
	return slices.EqualFunc(a, b, func(a, b Difference) bool {
		return a.Path == b.Path && a.Op == b.Op && a.Secret == b.Secret && string(a.Before) == string(b.Before) && string(a.After) == string(b.After)
	})
}
