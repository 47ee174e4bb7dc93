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
	// Installs: the release is new.
	Installs Outcome = "Install"
	// Upgrades: the values differ, and the release is triggered at once.
	Upgrades Outcome = "Upgrade"
	// Forces: an upgrade is forced, though the values stay the same.
	Forces Outcome = "ForcedUpgrade"
	// Later: the values differ, and something holds it back.
	Later Outcome = "UpgradeLater"
	// Same: nothing that makes a revision.
	Same Outcome = "NoUpgrade"
)

// Outcomes orders outcomes.
var Outcomes = []Outcome{Fails, Installs, Upgrades, Forces, Later, Same}

// Situation of a release when an object is edited.
type Situation struct {
	// Before and After tell why the values cannot be composed, or nothing.
	Before, After string

	// Differ reports that the values composed before and after differ, Runs that the
	// release runs those of after already.
	Differ, Runs bool

	// Followed reports that a trigger sees the change in the keys that count, Force that
	// it then forces.
	Followed, Force bool

	// Held says what stands in the way, or nothing.
	Held string

	// Turn says what comes before a change that is made now is delivered, or nothing.
	Turn string

	// Waits says what the present content waits for, which a trigger has not delivered
	// yet. Stale is true if the release runs other values than those of after.
	Waits string
	Stale bool

	// New is true if the HelmRelease is created, Own if its own spec changes in what the
	// values are made of: helm-controller acts on that by itself.
	New, Own bool
}

// Decide returns what would happen, and why where that is not obvious.
func (s Situation) Decide() (Outcome, string) {
	switch {
	case s.After != "" && s.Before == s.After:
		return Fails, "as before: " + s.After
	case s.After != "":
		return Fails, s.After
	case s.New && s.Held == "":
		return Installs, ""
	case s.New:
		return Later, s.Held
	case s.isWaiting():
		return Later, s.Waits
	case !s.Followed || !s.Force || s.Own:
		return s.decideByValues()
	case s.Held != "":
		return Later, s.Held
	case s.Turn != "":
		return Later, s.Turn
	case !s.Differ:
		return Forces, "the values stay the same"
	}
	return Upgrades, ""
}

// isWaiting is true if nothing changes, but what is there has not arrived.
func (s Situation) isWaiting() bool {
	return s.Waits != "" && !s.Followed && !s.Own && (s.Force || !s.Runs && (s.Differ || s.Stale))
}

// decideByValues is about a release that is not forced: what counts are its values.
func (s Situation) decideByValues() (Outcome, string) {
	switch {
	case s.Runs && s.Differ:
		return Same, "it runs these values already"
	case !s.Differ && (s.Followed || s.Own):
		return Same, "the values stay the same"
	case !s.Differ && s.Waits != "":
		return Same, s.Waits
	case !s.Differ:
		return Same, "no key changes that counts for it"
	case s.Held != "":
		return Later, s.Held
	case s.Own:
		return Upgrades, s.fixed()
	case !s.Followed:
		return Later, "no trigger follows it: at its next interval"
	case s.Turn != "":
		return Later, s.Turn
	}
	return Upgrades, s.fixed()
}

// fixed says which problem of the values is gone.
func (s Situation) fixed() string {
	if s.Before != "" {
		return "fixes the values: " + s.Before
	}
	return ""
}

// SameDifferences reports whether two lists of differences are equal.
func SameDifferences(a, b []Difference) bool {
	return slices.EqualFunc(a, b, func(a, b Difference) bool {
		return a.Path == b.Path && a.Op == b.Op && a.Secret == b.Secret && string(a.Before) == string(b.Before) && string(a.After) == string(b.After)
	})
}
