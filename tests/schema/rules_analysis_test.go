// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"strings"
)

const (
	measures     = "analysis needs a metric or a webhook"
	queryHolds   = `should match '^([^{]|\{[^{]|\{\{ \.(Namespaces|Releases|Stage|Interval) \}\})*\{?$'`
	rangeEmpty   = "thresholdRange needs min or max"
	rangeOrder   = "thresholdRange needs min <= max"
	analysisPath = "spec.rollout.stages[0].analysis"
	analysisRule = "spec.rollout.stages[].analysis"
)

func aMetric(name string) map[string]any {
	return map[string]any{"name": name, "provider": "prometheus", "query": "up", "thresholdRange": map[string]any{"max": int64(1)}}
}

func aWebhook(name string) map[string]any {
	return map[string]any{"name": name, "provider": "tests", "type": "check"}
}

// analysed is a rollout whose stage has an analysis, and edits of that.
func analysed(edits ...any) []any {
	analysis := map[string]any{"metrics": []any{aMetric("errors")}, "webhooks": []any{aWebhook("smoke")}}
	all := []any{"spec.rollout", map[string]any{"stages": []any{map[string]any{"name": "all", "analysis": analysis}}}}
	for i := 0; i < len(edits); i += 2 {
		all = append(all, analysisPath+edits[i].(string), edits[i+1])
	}
	return all
}

// analysisViolations are those of how a stage is measured.
func analysisViolations() []violation {
	// bad is a violation of what is at a path of the analysis, by a value of it.
	bad := func(path, rule, message string, value any) violation {
		return violation{rule: analysisRule + strings.ReplaceAll(path, "[0]", "[]") + ": " + rule, field: analysisPath + path, message: message, more: analysed(path, value)}
	}
	missing := func(path, field string) violation {
		return violation{
			rule: analysisRule + strings.ReplaceAll(path, "[0]", "[]") + ": required " + field, field: analysisPath + path + "." + field,
			message: "Required value", more: analysed(path+"."+field, nil),
		}
	}
	const bounds = "interval must be between 5s and 24h"
	all := []violation{
		{rule: analysisRule + ": " + measures, field: analysisPath, message: measures, more: analysed(".metrics", []any{}, ".webhooks", nil)},
		bad(".interval", bounds, bounds, "4s"),
		bad(".interval", bounds, bounds, "25h"),
		bad(".interval", "pattern", duration, "a minute"),
		bad(".interval", "maxLength", tooLong, strings.Repeat("0", 30)+"10m"),
		bad(".threshold", "minimum", "should be greater than or equal to 1", int64(0)),
		bad(".threshold", "maximum", "should be less than or equal to 1000", int64(1001)),
		bad(".metrics", "maxItems", "must have at most 8 items", repeat(9, func(i int) any { return aMetric(fmt.Sprint("m", i)) })),
		bad(".webhooks", "maxItems", "must have at most 4 items", repeat(5, func(i int) any { return aWebhook(fmt.Sprint("w", i)) })),
		bad(".metrics[0].baseline", "enum", `supported values: "Difference", "Ratio"`, "Before"),
		bad(".metrics[0].query", "minLength", "should be at least 1 chars long", ""),
		bad(".metrics[0].query", "maxLength", tooLong, strings.Repeat("q", 2049)),
		bad(".metrics[0].query", "pattern", queryHolds, "up{{ .Cluster }}"),
		bad(".metrics[0].query", "pattern", queryHolds, "up{{.Stage}}"),
		bad(".metrics[0].thresholdRange", rangeEmpty, rangeEmpty, map[string]any{}),
		bad(".metrics[0].thresholdRange", rangeOrder, rangeOrder, map[string]any{"min": 0.5, "max": 0.25}),
		bad(".webhooks[0].type", "enum", `supported values: "gate", "check", "event"`, "pre-rollout"),
		missing(".metrics[0]", "name"), missing(".metrics[0]", "provider"), missing(".metrics[0]", "query"), missing(".metrics[0]", "thresholdRange"),
		missing(".webhooks[0]", "name"), missing(".webhooks[0]", "provider"), missing(".webhooks[0]", "type"),
	}
	for list, what := range map[string]string{".metrics[0]": "metric", ".webhooks[0]": "webhook"} {
		name := fmt.Sprintf("must be the name of a %s: lower-case letters, digits and '-', with a letter or digit at both ends", what)
		all = append(all, bad(list+".name", name, name, "Not_Mine"))
		for _, field := range []string{".name", ".provider"} {
			all = append(all,
				bad(list+field, "minLength", "should be at least 1 chars long", ""),
				bad(list+field, "maxLength", tooLong, strings.Repeat("a", 64)))
		}
	}
	return all
}
