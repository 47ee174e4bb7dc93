// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Report is everything that was measured, scenario by scenario.
type Report struct {
	Form     string            `json:"form"`
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Results  map[string]Result `json:"results"`
}

// Result is what one scenario measured.
type Result struct {
	// Commit of the operator that was measured.
	Commit string   `json:"commit"`
	Rows   []Row    `json:"rows"`
	Growth []Growth `json:"growth,omitempty"`
}

// Row is one figure of each contestant. One that does not take part has none.
type Row struct {
	What  string   `json:"what"`
	Unit  string   `json:"unit"`
	Ours  *float64 `json:"ours,omitempty"`
	Flux  *float64 `json:"flux,omitempty"`
	Limit *float64 `json:"limit,omitempty"`

	// Ratio is ours to the one it is to be compared with.
	Ratio  *float64 `json:"ratio,omitempty"`
	Target string   `json:"target,omitempty"`
	Met    *bool    `json:"met,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// Growth is a figure of ours at several sizes.
type Growth struct {
	What   string    `json:"what"`
	Unit   string    `json:"unit"`
	N      []int     `json:"n"`
	Values []float64 `json:"values"`
	Target string    `json:"target"`
	Met    bool      `json:"met"`
}

// row returns a figure of ours that has to be at most a bound.
func row(what, unit string, ours, most float64, target string) Row {
	return Row{What: what, Unit: unit, Ours: &ours, Target: target, Met: new(ours <= most)}
}

// against returns a time of ours, in milliseconds, that has to be at most a multiple of another.
func against(what string, ours, other, most float64, target string) Row {
	r := row(what, "ms", ours, most*other, target)
	r.Ratio = new(ours / other)
	return r
}

// grows returns a figure that may grow linearly.
func grows(what, unit string, n []int, values []float64) Growth {
	return Growth{What: what, Unit: unit, N: n, Values: values, Target: "linear or better", Met: linear(n, values)}
}

// readReport returns what a former run has written, or an empty report.
func readReport(path string) (*Report, error) {
	r := &Report{Results: map[string]Result{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// describe notes where and with what is measured.
func (r *Report) describe(ctx context.Context, form string) (err error) {
	r.Form = form
	if r.Machine, err = thisMachine(); err != nil {
		return err
	}
	r.Versions, err = versions(ctx)
	return err
}

// put replaces what is known of a scenario.
func (r *Report) put(scenario, commit string, result Result) {
	result.Commit = commit
	r.Results[scenario] = result
}

// Write writes the report as JSON.
func (r *Report) Write(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// Markers of the page between which the tables are.
const (
	beginMarker = "<!-- make bench: begin -->"
	endMarker   = "<!-- make bench: end -->"
)

// WritePage replaces the tables of a page and leaves the prose around them alone.
func (r *Report) WritePage(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page, err := splice(string(data), r.Markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(page), 0o644)
}

// splice puts text between the markers of a page.
func splice(page, text string) (string, error) {
	before, rest, found := strings.Cut(page, beginMarker)
	_, after, ended := strings.Cut(rest, endMarker)
	if !found || !ended {
		return "", fmt.Errorf("the page has no lines %q and %q", beginMarker, endMarker)
	}
	return before + beginMarker + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMarker + after, nil
}

// number writes a figure with three digits that count.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "?"
	case math.Abs(v) >= 100:
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	case v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}
