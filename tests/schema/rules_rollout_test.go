// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
)

const (
	delays      = "maxDelay needs a quietPeriod and must not be shorter"
	lastStage   = "only the last stage may be without a selector: it takes all that is left"
	concurrency = "maxConcurrency must be between 1 and 10000, or a percentage"
	stageName   = "must be the name of a stage: lower-case letters, digits and '-', with a letter or digit at both ends"
	failures    = "maxFailures must be between 0 and 10000, or a percentage"
)

// gateViolations are those of what holds changes back.
func gateViolations() []violation {
	const (
		window  = "spec.schedule[0]"
		rollout = "spec.rollout"
		stage   = "spec.rollout.stages[0]"
	)
	aWindow := func() map[string]any { return map[string]any{"cron": "0 2 * * *", "window": "2h"} }
	stages := func(names ...any) []any {
		return repeat(len(names), func(i int) any { return map[string]any{"name": names[i]} })
	}
	// with is a valid field and an edit of it.
	inWindow := func(field string, value any) []any {
		return []any{"spec.schedule", []any{aWindow()}, window + "." + field, value}
	}
	inRollout := func(field string, value any) []any {
		return []any{rollout, map[string]any{"stages": stages("all")}, rollout + "." + field, value}
	}
	inStage := func(field string, value any) []any {
		return []any{rollout, map[string]any{"stages": stages("all")}, stage + "." + field, value}
	}
	all := []violation{
		{rule: "spec: " + delays, field: "spec", message: delays, more: []any{"spec.maxDelay", "5m"}},
		{rule: "spec: " + delays, field: "spec", message: delays, more: []any{"spec.quietPeriod", "5m", "spec.maxDelay", "299s"}},
		{rule: "spec.quietPeriod: quietPeriod must be between 1s and 24h", field: "spec.quietPeriod", value: "999ms",
			message: "quietPeriod must be between 1s and 24h"},
		{rule: "spec.quietPeriod: quietPeriod must be between 1s and 24h", field: "spec.quietPeriod", value: "25h",
			message: "quietPeriod must be between 1s and 24h"},
		{rule: "spec.maxDelay: maxDelay must be at most 168h", field: "spec.maxDelay", message: "maxDelay must be at most 168h",
			more: []any{"spec.quietPeriod", "1s", "spec.maxDelay", "169h"}},

		{rule: "spec.schedule: maxItems", field: "spec.schedule", message: "must have at most 16 items",
			value: repeat(17, func(int) any { return aWindow() })},
		{rule: "spec.schedule[]: required cron", field: window + ".cron", message: "Required value", more: inWindow("cron", nil)},
		{rule: "spec.schedule[]: required window", field: window + ".window", message: "Required value", more: inWindow("window", nil)},
		{rule: "spec.schedule[].cron: maxLength", field: window + ".cron", message: tooLong,
			more: inWindow("cron", "* * * * "+strings.Repeat("1", 121))},
		{rule: "spec.schedule[].timeZone: maxLength", field: window + ".timeZone", message: tooLong,
			more: inWindow("timeZone", strings.Repeat("a", 65))},
		{rule: "spec.schedule[].window: window must be between 1m and 168h", field: window + ".window",
			message: "window must be between 1m and 168h", more: inWindow("window", "59s")},
		{rule: "spec.schedule[].window: window must be between 1m and 168h", field: window + ".window",
			message: "window must be between 1m and 168h", more: inWindow("window", "169h")},

		{rule: "spec.rollout: required stages", field: rollout + ".stages", message: "Required value", more: inRollout("stages", nil)},
		{rule: "spec.rollout.stages: minItems", field: rollout + ".stages", message: "should have at least 1 items", more: inRollout("stages", []any{})},
		{rule: "spec.rollout.stages: maxItems", field: rollout + ".stages", message: "must have at most 16 items",
			more: inRollout("stages", repeat(17, func(i int) any { return map[string]any{"name": fmt.Sprint("s", i), "selector": map[string]any{}} }))},
		{rule: "spec.rollout.stages: " + lastStage, field: rollout + ".stages", message: lastStage, more: inRollout("stages", stages("a", "b"))},
		{rule: "spec.rollout.stages: " + lastStage, field: rollout + ".stages", message: lastStage,
			more: inRollout("stages", []any{map[string]any{"name": "a"}, map[string]any{"name": "b", "selector": map[string]any{}}})},
		{rule: "spec: " + goesBack, field: "spec", message: goesBack, more: inRollout("onFailure", "Rollback")},
		{rule: "spec.rollout.onFailure: enum", field: rollout + ".onFailure", message: `supported values: "Halt", "Continue", "Rollback"`, more: inRollout("onFailure", "Stop")},
		{rule: "spec.rollout.maxFailures: pattern", field: rollout + ".maxFailures", message: "should match '^(0|[1-9][0-9]?|100)%$'",
			more: inRollout("maxFailures", "101%")},
		{rule: "spec.rollout.maxFailures: " + failures, field: rollout + ".maxFailures", message: failures, more: inRollout("maxFailures", int64(-1))},
		{rule: "spec.rollout.maxFailures: " + failures, field: rollout + ".maxFailures", message: failures, more: inRollout("maxFailures", int64(10001))},

		{rule: "spec.rollout.stages[]: required name", field: stage + ".name", message: "Required value", more: inStage("name", nil)},
		{rule: "spec.rollout.stages[].name: minLength", field: stage + ".name", message: "should be at least 1 chars long", more: inStage("name", "")},
		{rule: "spec.rollout.stages[].name: maxLength", field: stage + ".name", message: tooLong,
			more: inStage("name", strings.Repeat("a", 64))},
		{rule: "spec.rollout.stages[].name: " + stageName, field: stage + ".name", message: stageName, more: inStage("name", "Canary")},
		{rule: "spec.rollout.stages[].approval: enum", field: stage + ".approval", message: `supported values: "Automatic", "Manual"`,
			more: inStage("approval", "Yes")},
		{rule: "spec.rollout.stages[].maxConcurrency: pattern", field: stage + ".maxConcurrency", message: "should match '^([1-9][0-9]?|100)%$'",
			more: inStage("maxConcurrency", "0%")},
		{rule: "spec.rollout.stages[].maxConcurrency: pattern", field: stage + ".maxConcurrency", message: "should match '^([1-9][0-9]?|100)%$'",
			more: inStage("maxConcurrency", "5")},
		{rule: "spec.rollout.stages[].maxConcurrency: " + concurrency, field: stage + ".maxConcurrency", message: concurrency,
			more: inStage("maxConcurrency", int64(0))},
		{rule: "spec.rollout.stages[].minSuccessTime: minSuccessTime must be at most 168h", field: stage + ".minSuccessTime",
			message: "minSuccessTime must be at most 168h", more: inStage("minSuccessTime", "169h")},
	}
	for _, cron := range []string{"@daily", "* * * *", "* * * * * *", "TZ=UTC * * * * *", "a;b * * * *"} {
		all = append(all, violation{rule: "spec.schedule[].cron: pattern", field: window + ".cron", message: "should match '^[-0-9A-Za-z*/,?]+( +[-0-9A-Za-z*/,?]+){4}$'",
			more: inWindow("cron", cron)})
	}
	for _, zone := range []string{"", "../etc/passwd", "/etc/passwd", "Europe/", "+02:00"} {
		all = append(all, violation{rule: "spec.schedule[].timeZone: pattern", field: window + ".timeZone",
			message: "should match '^[A-Za-z][-+A-Za-z0-9_]*(/[A-Za-z][-+A-Za-z0-9_]*)*$'", more: inWindow("timeZone", zone)})
	}
	for field, edits := range map[string]func(value any) []any{
		"spec.quietPeriod":                     func(value any) []any { return []any{"spec.quietPeriod", value} },
		"spec.maxDelay":                        func(value any) []any { return []any{"spec.quietPeriod", "1s", "spec.maxDelay", value} },
		"spec.schedule[].window":               func(value any) []any { return inWindow("window", value) },
		"spec.rollout.stages[].minSuccessTime": func(value any) []any { return inStage("minSuccessTime", value) },
	} {
		at := strings.ReplaceAll(field, "[]", "[0]")
		all = append(all,
			violation{rule: field + ": pattern", field: at, message: duration, more: edits("10 minutes")},
			violation{rule: field + ": maxLength", field: at, message: tooLong, more: edits(strings.Repeat("0", 30) + "10m")})
	}
	return all
}
