// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Filter says which changes are wanted. What is not set does not count.
type Filter struct {
	From, To time.Time

	// Object and Person are words that are all in one of the objects that a change is about, or in what is said of
	// who had a hand in it.
	Object, Person string
	Outcome        triggerv1.ChangeOutcome
}

// Keep returns the changes that are wanted, the newest first.
func (f Filter) Keep(all []Entry) []Entry {
	return Newest(slices.DeleteFunc(all, func(e Entry) bool {
		return !f.To.IsZero() && e.Time.After(f.To) || f.Outcome != "" && e.Outcome != f.Outcome ||
			f.Object != "" && !text.HasWords(f.Object, e.objects()...) || f.Person != "" && !text.HasWords(f.Person, e.people()...)
	}), f.From)
}

// objects returns the objects that a change is about.
func (e Entry) objects() []string {
	out := []string{"ValuesTrigger " + e.Trigger}
	for _, edit := range ParseCause(e.Cause).Objects {
		out = append(out, edit.String(), edit.Origin)
	}
	for _, got := range e.Releases {
		out = append(out, "HelmRelease "+got.String())
	}
	return out
}

// people returns who had a hand in a change.
func (e Entry) people() []string {
	out := e.Persons()
	for _, edit := range ParseCause(e.Cause).Objects {
		out = append(out, edit.Editor)
	}
	return out
}
