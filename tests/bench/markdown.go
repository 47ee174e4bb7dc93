// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Markdown returns the tables, with the machine and the versions.
func (r *Report) Markdown() string {
	var out strings.Builder
	fmt.Fprintf(&out, "Machine: %s. Form: %s.\n\n", r.Machine, r.Form)
	fmt.Fprintf(&out, "Versions: %s.\n\n", r.versionList())

	out.WriteString("| What | Ours | Flux's watch | Limit | Ratio | Must reach | Met |\n")
	out.WriteString("| --- | ---: | ---: | ---: | ---: | --- | --- |\n")
	for _, s := range scenarios {
		for _, row := range r.Results[s.name].Rows {
			out.WriteString(row.line())
		}
	}
	out.WriteString("\nGrowth:\n\n| What | n | Values | Must be | Met |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range scenarios {
		for _, g := range r.Results[s.name].Growth {
			out.WriteString(g.line())
		}
	}
	for _, s := range scenarios {
		for _, row := range r.Results[s.name].Rows {
			if row.Note != "" {
				fmt.Fprintf(&out, "\n%s: %s.\n", row.What, row.Note)
			}
		}
	}
	return out.String()
}

func (r *Report) versionList() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		parts = append(parts, name+" "+r.Versions[name])
	}
	var commits []string
	for _, s := range scenarios {
		if result, found := r.Results[s.name]; found && !slices.Contains(commits, result.Commit) {
			commits = append(commits, result.Commit)
		}
	}
	return strings.Join(append(parts, "operator "+strings.Join(commits, ", ")), ", ")
}

func (r Row) line() string {
	cell := func(v *float64) string {
		if v == nil {
			return ""
		}
		return number(*v) + " " + r.Unit
	}
	ratio := ""
	if r.Ratio != nil {
		ratio = fmt.Sprintf("%.2f", *r.Ratio)
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s |\n",
		r.What, cell(r.Ours), cell(r.Flux), cell(r.Limit), ratio, r.Target, yesOrNo(r.Met))
}

func (g Growth) line() string {
	var n, values []string
	for i := range g.N {
		n = append(n, fmt.Sprint(g.N[i]))
		values = append(values, number(g.Values[i]))
	}
	return fmt.Sprintf("| %s | %s | %s %s | %s | %s |\n", g.What, strings.Join(n, ", "), strings.Join(values, ", "), g.Unit, g.Target, yesOrNo(&g.Met))
}

func yesOrNo(met *bool) string {
	switch {
	case met == nil:
		return ""
	case *met:
		return "yes"
	default:
		return "**no**"
	}
}
