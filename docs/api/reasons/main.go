// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Command reasons writes the page about reasons, events and states from the constants of the API and
// their comments: "make generate" runs it.
//
// The comment of a constant begins with its name and says what it means. A list below it says the
// rest, one "key: value" in each line: the keys are in keys.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// table is one of the page: of constants that have the key of, or of the type of.
type table struct {
	title, intro string
	constants    func(constant) bool
	columns      []column
}

type column struct {
	title string
	cell  func(constant) string
}

// tables are all of the page, in its order.
var tables = []table{{
	title:     "Reasons of Ready",
	intro:     "With `Stalled`, a person has to act, and the condition `Stalled` has the same reason and message. Without, the\nValuesTrigger continues by itself. With `Reconciling`, that condition has the same reason.",
	constants: with("Ready"),
	columns:   []column{named("Reason"), value("Status", "Ready"), meaning, todo},
}, {
	title:     "Reasons of Gated",
	intro:     "`Gated` reports whether the quiet period, the windows and the stages really hold values back. It does not count for `Ready`.",
	constants: with("Gated"),
	columns:   []column{named("Reason"), value("Status", "Gated"), meaning, todo},
}, {
	title:     "Reasons of events alone",
	intro:     "Those of conditions are above.",
	constants: func(c constant) bool { return c.isReason() && c.facts["Ready"] == "" && c.facts["Gated"] == "" },
	columns:   []column{named("Reason"), meaning, todo},
}, {
	title:     "Events about a ValuesTrigger",
	intro:     "In the cluster only: Alerts of Flux do not accept the kind.",
	constants: with("ValuesTrigger"),
	columns:   events("ValuesTrigger"),
}, {
	title:     "Events about a HelmRelease",
	intro:     "Also sent to notification-controller.",
	constants: with("HelmRelease"),
	columns:   events("HelmRelease"),
}, {
	title:     "Events about a labelled ConfigMap or Secret",
	intro:     "In the cluster only. Each is emitted once when the situation arises, and again after a restart of the operator.",
	constants: with("ConfigMap or Secret"),
	columns:   events("ConfigMap or Secret"),
}, {
	title:     "Events about the definition of HelmReleases",
	intro:     "About the CustomResourceDefinition `helmreleases.helm.toolkit.fluxcd.io`, in the namespace of the operator.",
	constants: with("CustomResourceDefinition"),
	columns:   events("CustomResourceDefinition"),
}, {
	title:     "Events about the operator",
	intro:     "About its Pod. In the cluster only: Alerts of Flux do not accept the kind.",
	constants: with("Pod"),
	columns:   events("Pod"),
}, {
	title:     "Target states",
	intro:     "`.status.targets[].state`, and the label `state` of `trigger_targets`.",
	constants: typed("TargetState"),
	columns:   []column{named("State"), meaning, todo},
}, {
	title:     "Rollout phases",
	intro:     "`.status.rollout.phase`.",
	constants: typed("RolloutPhase"),
	columns:   []column{named("Phase"), meaning, value("Continues", "Continues")},
}, {
	title:     "Stage phases",
	intro:     "`.status.rollout.stages[].phase`.",
	constants: typed("StagePhase"),
	columns:   []column{named("Phase"), meaning},
}, {
	title:     "Outcomes",
	intro:     "`.status.history[].outcome`.",
	constants: typed("ChangeOutcome"),
	columns:   []column{named("Outcome"), meaning},
}}

var (
	meaning = column{"Meaning", func(c constant) string { return c.meaning + c.more() }}
	todo    = value("What to do", "Do")
)

func named(title string) column {
	return column{title, func(c constant) string { return "`" + c.value + "`" }}
}

func value(title, key string) column {
	return column{title, func(c constant) string { return c.facts[key] }}
}

// events are the columns of a table of events: a fact about one is its type, and perhaps what its
// message says.
func events(about string) []column {
	return []column{named("Reason"), {"Type", func(c constant) string {
		kind, _, _ := strings.Cut(c.facts[about], ". ")
		return kind
	}}, {"Message", func(c constant) string {
		_, message, found := strings.Cut(c.facts[about], ". ")
		if !found {
			return "That of the condition"
		}
		return message
	}}}
}

func with(key string) func(constant) bool {
	return func(c constant) bool { return c.facts[key] != "" }
}

func typed(name string) func(constant) bool {
	return func(c constant) bool { return c.typeName == name }
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: reasons PACKAGE PAGE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "reasons:", err)
		os.Exit(1)
	}
}

func run(dir, page string) error {
	constants, err := constantsOf(dir)
	if err != nil {
		return err
	}
	var text strings.Builder
	write(&text, constants)
	return os.WriteFile(page, []byte(text.String()), 0o644) //nolint:gosec // A page for everyone to read.
}

func write(w io.Writer, constants []constant) {
	fmt.Fprint(w, "# Reasons, events and states\n\n",
		"All that a ValuesTrigger, an event or a metric calls by one word. The page is generated from the comments in\n",
		"[api/v1beta1](../../../api/v1beta1) by `make generate`.\n\n")
	for _, t := range tables {
		fmt.Fprintf(w, "- [%s](#%s)\n", t.title, strings.ReplaceAll(strings.ToLower(t.title), " ", "-"))
	}
	for _, t := range tables {
		var titles, rules []string
		for _, c := range t.columns {
			titles, rules = append(titles, c.title), append(rules, "---")
		}
		fmt.Fprintf(w, "\n## %s\n\n%s\n\n%s%s", t.title, t.intro, row(titles), row(rules))
		for _, c := range constants {
			if !t.constants(c) {
				continue
			}
			var cells []string
			for _, column := range t.columns {
				cells = append(cells, column.cell(c))
			}
			fmt.Fprint(w, row(cells))
		}
	}
}

func row(cells []string) string {
	cells = slices.Clone(cells)
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(cell, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
