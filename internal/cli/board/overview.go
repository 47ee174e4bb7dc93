// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// Overview is what is shown of many ValuesTriggers: those that need a person first.
type Overview struct {
	// Where they are, in words.
	Where    string          `json:"-"`
	Summary  graph.Summary   `json:"summary"`
	Triggers []graph.Trigger `json:"valuesTriggers"`
}

// OverviewOf returns what is shown of several.
func OverviewOf(where string, triggers []graph.Trigger) Overview {
	graph.Sort(triggers)
	return Overview{Where: where, Summary: graph.Summarize(triggers), Triggers: triggers}
}

// Text shows them on a screen, and returns how far one can scroll. Those that are ready are only counted.
func (o Overview) Text(s Screen) (text string, most int) {
	title := s.title(layout.Cell{Text: layout.Plural(len(o.Triggers), "ValuesTrigger") + " in " + o.Where, Tone: layout.Bold})
	var rows []layout.Row
	ready := 0
	for _, t := range o.Triggers {
		if t.State == graph.Ready {
			ready++
			continue
		}
		rows = append(rows, s.overviewRow(t))
	}
	var middle []string
	if len(o.Triggers) > 0 {
		middle = append(middle, graph.Counts(graph.Severity, o.Summary.Triggers), "")
	}
	if len(rows) > 0 {
		middle = append(middle, strings.Split(strings.TrimSuffix(s.Table(rows), "\n"), "\n")...)
	}
	if ready > 0 {
		middle = append(middle, s.Paint(layout.Good, fmt.Sprintf("%d Ready", ready)))
	}
	if len(o.Triggers) == 0 {
		middle = append(middle, "No ValuesTriggers in "+o.Where+".")
	}
	return s.fit(title, append(middle, ""), s.Paint(layout.Dim, graph.Counts(graph.TargetSeverity, o.Summary.Releases)+"   q quit"))
}

func (s Screen) overviewRow(t graph.Trigger) layout.Row {
	message := clean(t.Message)
	if steps := t.Steps(); len(steps) > 0 && t.State == graph.AwaitingApproval {
		message = s.Named(steps[0].Command)
	}
	stage, tone := "", layout.Busy
	for _, st := range t.Stages {
		if st.Present {
			stage, tone = st.Name+" "+st.Word(), StageTone(st)
		}
	}
	failed := ""
	if t.Summary.Failed > 0 {
		failed = fmt.Sprintf("%d %s", t.Summary.Failed, triggerv1.TargetFailed)
	}
	return layout.Row{Wrap: true, Cells: []layout.Cell{
		{Text: t.Key(), Tone: layout.Bold}, {Text: string(t.State), Tone: TriggerTone(t.State)}, {Text: t.Delivered},
		{Text: stage, Tone: tone}, {Text: failed, Tone: layout.Bad}, {Text: message},
	}}
}

// Gone shows that what was watched does not exist any more.
func Gone(what string, s Screen) (text string, most int) {
	return s.fit(s.title(layout.Cell{Text: what, Tone: layout.Bold}), []string{"", "It has been deleted."}, s.Paint(layout.Dim, "q quit"))
}
