// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
)

// changeRow is a change as a row of a table.
type changeRow struct {
	history.Entry

	// number tells changes of a trigger in the same second apart.
	number int
}

func rowsOf(entries []history.Entry) []changeRow {
	out := make([]changeRow, 0, len(entries))
	type second struct {
		trigger string
		at      int64
	}
	numbers := map[second]int{}
	for _, e := range entries {
		out = append(out, changeRow{Entry: e})
	}
	for i := len(out) - 1; i >= 0; i-- { // The oldest first, so that new changes leave the others' numbers.
		at := second{out[i].Trigger, out[i].Time.Unix()}
		out[i].number = numbers[at]
		numbers[at]++
	}
	return out
}

// ID is the name of the row in the page, to which its bar leads.
func (r changeRow) ID() string {
	return fmt.Sprintf("change-%s-%d-%d", strings.ReplaceAll(r.Trigger, "/", "-"), r.Time.Unix(), r.number)
}

// RFC3339 writes its time for programs, and When for people.
func (r changeRow) RFC3339() string { return r.Time.UTC().Format(time.RFC3339) }

// When writes its time for people.
func (r changeRow) When() string { return r.Time.UTC().Format("2006-01-02 15:04:05") }

// Took says how long it took, "" while it is in progress.
func (r changeRow) Took() string {
	if r.Duration == nil {
		return ""
	}
	return r.Duration.Round(time.Second).String()
}

// Sentence says all of it in one line.
func (r changeRow) Sentence() string {
	words := []string{string(r.Outcome)}
	if r.Revision > 0 {
		words = append(words, fmt.Sprintf("revision %d", r.Revision))
	}
	if took := r.Took(); took != "" {
		words = append(words, "after "+took)
	}
	if r.Delivered != "" {
		words = append(words, "delivered to "+r.Delivered)
	}
	return r.When() + " UTC: " + line(strings.Join(append(append(words, r.Why()...), r.Persons()...), ", "))
}
