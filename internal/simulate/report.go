// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package simulate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// shares are those of targets that bad changes of the report break.
var shares = []float64{1, 0.5, 0.1, 0.01}

// Report rolls good and bad changes out, several times each, and writes what came of
// them.
func (f Fleet) Report(w io.Writer, runs int, seed int64) error {
	f.Breaks = 0
	good, err := f.runs(runs, seed)
	if err != nil {
		return err
	}
	total := 0
	for _, n := range f.Sizes {
		total += n
	}
	out := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(out, "A change that breaks nothing, for %d HelmReleases, in %d runs:\n\n", total, runs)
	fmt.Fprintln(out, "STAGE\tTARGETS\tFIRST REQUEST\tLAST DONE\tMOST AT A TIME")
	for i, stage := range good[0].Stages {
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%d\n", orDash(stage.Name), stage.Targets,
			short(median(good, func(o Outcome) time.Duration { return o.Stages[i].Began })),
			short(median(good, func(o Outcome) time.Duration { return o.Stages[i].Ended })),
			slices.Max(numbers(good, func(o Outcome) int { return o.Stages[i].Peak })))
	}
	took := durations(good, func(o Outcome) time.Duration { return o.Took })
	fmt.Fprintf(out, "\nEnds as %s after %s, in the slowest run after %s.\n", good[0].Phase, short(took[len(took)/2]), short(took[len(took)-1]))

	fmt.Fprintf(out, "\nChanges that break something:\n\n")
	fmt.Fprintln(out, "BREAKS\tHALTED\tASKED\tBROKEN\tIN THE WORST RUN\tUNTIL IT ENDED")
	for _, share := range shares {
		f.Breaks = share
		bad, err := f.runs(runs, seed)
		if err != nil {
			return err
		}
		halted := 0
		for _, o := range bad {
			if o.Phase == triggerv1.RolloutHalted {
				halted++
			}
		}
		asked, broken := numbers(bad, func(o Outcome) int { return o.Asked }), numbers(bad, func(o Outcome) int { return o.Failed })
		fmt.Fprintf(out, "%g%% of the targets\t%d of %d runs\t%d\t%d\t%d\t%s\n", share*100, halted, runs,
			asked[len(asked)/2], broken[len(broken)/2], broken[len(broken)-1],
			short(median(bad, func(o Outcome) time.Duration { return o.Took })))
	}
	return out.Flush()
}

func (f Fleet) runs(runs int, seed int64) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, runs)
	for i := range max(1, runs) {
		o, err := f.Run(seed + int64(i))
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

func durations(outcomes []Outcome, of func(Outcome) time.Duration) []time.Duration {
	all := make([]time.Duration, 0, len(outcomes))
	for _, o := range outcomes {
		all = append(all, of(o))
	}
	slices.Sort(all)
	return all
}

func median(outcomes []Outcome, of func(Outcome) time.Duration) time.Duration {
	return durations(outcomes, of)[len(outcomes)/2]
}

func numbers(outcomes []Outcome, of func(Outcome) int) []int {
	all := make([]int, 0, len(outcomes))
	for _, o := range outcomes {
		all = append(all, of(o))
	}
	slices.Sort(all)
	return all
}

// short returns a time without what does not matter.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		d = d.Round(time.Minute)
	default:
		d = d.Round(time.Second)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func orDash(name string) string {
	if name == "" {
		return "-"
	}
	return name
}
