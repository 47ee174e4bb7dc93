// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/simulate"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// simulated is the answer.
type simulated struct {
	ValuesTrigger string  `json:"valuesTrigger"`
	LeftOut       leftOut `json:"leftOut,omitzero"`
	simulate.Report
}

// maxExamples is how many names of HelmReleases a line has.
const maxExamples = 3

func simulatedText(s layout.Style, a simulated) string {
	var out strings.Builder
	fmt.Fprintf(&out, "ValuesTrigger %s   %s, %s\n", s.Paint(layout.Bold, clean(a.ValuesTrigger)), layout.Plural(a.Targets, "HelmRelease"), layout.Plural(a.Runs, "run"))
	for _, group := range []struct {
		names []string
		why   string
	}{
		{a.LeftOut.Missing, "Do not exist"},
		{a.LeftOut.Suspended, "Are suspended, and left out"},
		{a.LeftOut.Unmatched, "Are selected by no stage, and never triggered"},
	} {
		if len(group.names) > 0 {
			fmt.Fprintf(&out, "%s %s\n", s.Paint(layout.Busy, group.why+":"), clean(text.Some(group.names, maxExamples)))
		}
	}

	out.WriteString("\nA change that breaks nothing\n\n")
	rows := []layout.Row{header("STAGE", "HELMRELEASES", "FIRST REQUEST", "LAST DONE", "MOST AT A TIME")}
	for _, stage := range a.Good.Stages {
		name := stage.Name
		if name == "" {
			name = "-"
		}
		rows = append(rows, row(name, strconv.Itoa(stage.Targets), "after "+brief(stage.Began.Duration), "after "+brief(stage.Ended.Duration), strconv.Itoa(stage.Peak)))
	}
	out.WriteString(s.Table(rows))
	tone, end := layout.Good, "Finished"
	if a.Good.Phase != triggerv1.RolloutFinished {
		tone, end = layout.Bad, "It does not finish. It is "+string(a.Good.Phase)
	}
	fmt.Fprintf(&out, "\n%s after %s", s.Paint(tone, end), brief(a.Good.Took.Duration))
	if a.Good.Slowest != a.Good.Took {
		fmt.Fprintf(&out, ", in the slowest run after %s", brief(a.Good.Slowest.Duration))
	}
	out.WriteString(".\n")
	if a.Analysis != nil {
		out.WriteString(analysedText(s, a))
	}
	if len(a.Bad) > 0 {
		out.WriteString("\nA change that breaks something\n\n" + badText(s, a))
	}
	return out.String()
}

// analysedText says what analysis finds.
func analysedText(s layout.Style, a simulated) string {
	var out strings.Builder
	if n := a.Analysis.StoppedWrongly; n > 0 {
		fmt.Fprintf(&out, "%s\n", s.Paint(layout.Bad, fmt.Sprintf("Analysis stops it wrongly in %d of %d runs.", n, a.Runs)))
	}
	out.WriteString("\nA change that does harm where all upgrades succeed\n\n")
	rows := []layout.Row{header("STAGE", "FALSE POSITIVES", "DETECTS", "STOPS IT", "STOPS A GOOD ONE")}
	runs := func(n int) string { return fmt.Sprintf("%d of %d runs", n, a.Runs) }
	for _, st := range a.Analysis.Stages {
		rows = append(rows, row(st.Name, fmt.Sprintf("%g%%", 100*st.FalsePositives), fmt.Sprintf("%g%%", 100*st.Detections), runs(st.Stops), runs(st.StopsWrongly)))
	}
	out.WriteString(s.Table(rows))
	h := a.Analysis.Harmful
	tone, stopped := layout.Good, "Stopped in "+runs(h.Stopped)
	if h.Stopped < a.Runs {
		tone = layout.Bad
	}
	if h.Stopped > 0 {
		stopped += ", after " + brief(h.Took.Duration)
	}
	fmt.Fprintf(&out, "\n%s. It hits %s, at most %d in 95 percent of the runs, %d in the worst.\n", s.Paint(tone, stopped), layout.Plural(h.Hit, "HelmRelease"), h.Hit95, h.Worst)
	return out.String()
}

func badText(s layout.Style, a simulated) string {
	rows := []layout.Row{header("BREAKS", "HALTED", "TRIGGERED", "BROKEN", "AT WORST", "ENDED", "FOR EXAMPLE")}
	for _, bad := range a.Bad {
		rows = append(rows, row(
			fmt.Sprintf("%g%%", bad.Breaks*100), fmt.Sprintf("%d of %d runs", bad.Halted, a.Runs), strconv.Itoa(bad.Triggered),
			strconv.Itoa(bad.Broken), strconv.Itoa(bad.WorstCase), "after "+brief(bad.Took.Duration), examples(bad)))
	}
	return s.Table(rows)
}

// examples names some of the HelmReleases that broke.
func examples(bad simulate.Bad) string {
	names := clean(strings.Join(bad.Names[:min(maxExamples, len(bad.Names))], ", "))
	if bad.WorstCase > maxExamples {
		names += ", …"
	}
	return names
}

func header(words ...string) layout.Row {
	r := row(words...)
	for i := range r.Cells {
		r.Cells[i].Tone = layout.Dim
	}
	return r
}

func row(words ...string) layout.Row {
	cells := make([]layout.Cell, 0, len(words))
	for _, word := range words {
		cells = append(cells, layout.Cell{Text: word})
	}
	return layout.Row{Cells: cells}
}

// brief returns a time without what does not matter.
func brief(d time.Duration) string {
	if d >= time.Hour {
		d = d.Round(time.Minute)
	} else {
		d = d.Round(time.Second)
	}
	return graph.Duration(d)
}
