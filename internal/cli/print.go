// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	"sigs.k8s.io/yaml"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// style is how people are written to.
func (c *cli) style() layout.Style {
	s := layout.Style{Colour: c.Terminal && c.Getenv("NO_COLOR") == "" && c.Getenv("TERM") != "dumb", Now: c.Now()}
	if c.Terminal && c.output != formatWide {
		s.Width = c.Width
	}
	return s
}

// show writes an answer: for machines, or for people by the function.
func (c *cli) show(answer any, people func(s layout.Style) string) error {
	var out []byte
	var err error
	switch c.output {
	case formatJSON:
		out, err = text.JSON(answer, "  ")
		out = append(out, '\n')
	case formatYAML:
		out, err = yaml.Marshal(answer)
	default:
		out = []byte(people(c.style()))
	}
	if err != nil {
		return err
	}
	_, err = c.Out.Write(out)
	return err
}

// showAll writes the answers about several objects.
func (c *cli) showAll(answers []any, people []func(layout.Style) string) error {
	var answer any = answers
	if len(answers) == 1 {
		answer = answers[0]
	}
	return c.show(answer, func(s layout.Style) string {
		out := ""
		for i, show := range people {
			if i > 0 {
				out += "\n"
			}
			out += show(s)
		}
		return out
	})
}

// said writes a line to people beside the answer.
func (c *cli) said(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Out, format+"\n", args...)
}

// Resources as kubectl writes them with -o name.
var (
	triggerResource = "valuestrigger." + triggerv1.GroupVersion.Group
	releaseResource = "helmrelease." + helmv2.GroupVersion.Group
)

// saidNames writes names of objects as kubectl does with -o name, each once.
func (c *cli) saidNames(resource string, names []string) {
	seen := map[string]bool{"": true}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			c.said("%s/%s", resource, name)
		}
	}
}

// maxLine bounds a text of someone else's, in bytes.
const maxLine = 4096

// clean makes one line of a text that someone else wrote: nothing in it reaches the
// terminal but what can be printed.
func clean(message string) string { return text.Line(message, maxLine) }

func targetTone(state triggerv1.TargetState) layout.Tone { return board.TargetTone(state) }

func triggerTone(state graph.State) layout.Tone { return board.TriggerTone(state) }
