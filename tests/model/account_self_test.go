// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestAccount holds the oracle to what it is to find and to let pass.
func TestAccount(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }
	installed := effective{at: at(0)}
	values := func(seconds float64) effective { return effective{at: at(seconds)} }
	forced := func(seconds float64) effective { return effective{at: at(seconds), forced: true} }
	revision := func(seconds float64) made { return made{at: at(seconds)} }
	repeated := func(seconds float64) made { return made{at: at(seconds), repeats: true} }
	failed := func(seconds float64) made { return made{at: at(seconds), failed: true} }

	for _, test := range []struct {
		name      string
		changes   []effective
		revisions []made
		doubled   bool
	}{
		{"one revision for each change", []effective{installed, values(10), forced(20)}, []made{revision(1), revision(11), repeated(21)}, false},
		{"changes that were coalesced", []effective{installed, values(10), values(11), values(12)}, []made{revision(1), revision(13)}, false},
		{"a revision without a change", []effective{installed}, []made{revision(1), revision(30)}, true},
		{"a revision before the change", []effective{installed, values(10)}, []made{revision(1), revision(8)}, true},
		{"the clocks differ a little", []effective{installed, values(10)}, []made{revision(1), revision(9.5)}, false},
		{"two revisions of one forced change", []effective{installed, forced(10)}, []made{revision(1), repeated(11), repeated(12)}, true},
		{"values twice", []effective{installed, values(10)}, []made{revision(1), revision(11), repeated(12)}, true},
		{"a repetition that only other values entitle to", []effective{installed, values(10), values(20)}, []made{revision(1), revision(11), repeated(21)}, true},
		{
			"what was coalesced is not credit later", []effective{installed, values(10), values(11), values(12)},
			[]made{revision(1), revision(30), revision(40)}, true,
		},
		{
			"nor is a force that was coalesced", []effective{installed, forced(10), forced(11), values(20)},
			[]made{revision(1), revision(20), repeated(21)}, true,
		},
		{
			"values that were read long before the revision", []effective{installed, values(10), values(12)},
			[]made{revision(1), revision(20), revision(22)}, false,
		},
		{
			"a change that the revision may have missed", []effective{installed, values(10), forced(18)},
			[]made{revision(1), revision(20), repeated(22)}, false,
		},
		{
			"a person who asks gets it whatever else was made", []effective{installed, {at: at(10), forced: true, lasting: true}, values(20)},
			[]made{revision(1), revision(20), repeated(30)}, false,
		},
		{
			"a failed revision does for nothing", []effective{installed, forced(10), values(11)},
			[]made{revision(1), failed(16), revision(18)}, false,
		},
		{
			"another try after a failure", []effective{installed, values(10), {at: at(20), retry: true}},
			[]made{revision(1), failed(11), revision(21)}, false,
		},
		{
			"another try without a failure", []effective{installed, values(10), {at: at(20), retry: true}},
			[]made{revision(1), revision(11), revision(21)}, true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(doubled(test.revisions, test.changes) != "").To(Equal(test.doubled))
		})
	}
}
