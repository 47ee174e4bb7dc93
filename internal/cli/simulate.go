// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/simulate"
)

// simulation is what the flags say.
type simulation struct {
	simulate.Fleet
	file   string
	sizes  []int
	breaks []string

	// falsePositives and detects are percentages of measurements, one for all stages or one for each.
	falsePositives []string
	detects        []string

	at   string
	runs int
	seed int64
}

// maxRuns bounds how long someone waits.
const maxRuns = 1000

// usualRuns show what is usual, and analysedRuns what is rare, as long as no more than analysedTargets take
// part in them.
const (
	usualRuns       = 9
	analysedRuns    = 100
	analysedTargets = 30_000
)

func (c *cli) simulateCommand() *cobra.Command {
	s := &simulation{}
	cmd := &cobra.Command{
		Use:   "simulate NAME | -f FILE [--releases N,...]",
		Short: "Say how long a rollout would take, and what a bad change would hit",
		Long: `Roll changes out to the HelmReleases of a ValuesTrigger in a simulation, by the
decisions of the operator: quiet period, windows, stages, concurrency, soak time,
failures, analysis. The ValuesTrigger is one of the cluster or in a file; the HelmReleases
are those that it selects in the cluster now, or made-up ones in the numbers
given, one for each stage. Nothing is written.

What is simulated is what the operator requests. HelmReleases that read a source
through valuesFrom take changes up at their own interval, too.`,
		Example: `  kubectl valuestrigger simulate platform -n apps
  kubectl valuestrigger simulate -f platform.yaml --median 90s --slow 5m
  kubectl valuestrigger simulate -f platform.yaml --releases 10,990,9000 --workers 50
  kubectl valuestrigger simulate -f platform.yaml --releases 3,100 --false-positives 1 --detects 60,90`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeOne(triggerv1.ValuesTriggerKind),
	}
	flags := cmd.Flags()
	flags.StringVarP(&s.file, "filename", "f", "", "file with the ValuesTrigger, or - for standard input")
	flags.IntSliceVar(&s.sizes, "releases", nil, "number of HelmReleases in each stage, instead of those of the cluster")
	flags.StringSliceVar(&s.breaks, "breaks", nil, "percentages of the HelmReleases that changes break (default 100,50,10,1)")
	flags.StringSliceVar(&s.falsePositives, "false-positives", []string{"1"}, "percentage of the measurements of a good change that fail, for all stages or for each")
	flags.StringSliceVar(&s.detects, "detects", []string{"80"}, "percentage of the measurements of a harmful change that fail, for all stages or for each")
	flags.DurationVar(&s.Median, "median", 30*time.Second, "what half of the upgrades take at most")
	flags.DurationVar(&s.Slow, "slow", 2*time.Minute, "what all but the slowest 5 percent of the upgrades take at most")
	flags.IntVar(&s.Workers, "workers", 4, "upgrades that helm-controller makes at a time (its flag --concurrent)")
	flags.DurationVar(&s.Approval, "approval", time.Hour, "time until a person approves a stage")
	flags.StringVar(&s.at, "at", "", "time of the change, such as 2026-01-31T17:00:00Z (default now)")
	flags.IntVar(&s.runs, "runs", 0, fmt.Sprintf("number of runs (default %d, with an analysis up to %d)", usualRuns, analysedRuns))
	flags.Int64Var(&s.seed, "seed", 1, "equal seeds give equal answers")
	c.withOutput(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error { return c.simulate(cmd.Context(), args, s) })
}

func (c *cli) simulate(ctx context.Context, args []string, s *simulation) error {
	if len(args) == 0 && s.file == "" || len(args) > 0 && s.file != "" {
		return usageError{errors.New("give the name of a ValuesTrigger, or a file: -f FILE")}
	}
	shares, err := s.parse(c.Now())
	if err != nil {
		return err
	}
	if s.file == "" || len(s.sizes) == 0 {
		if err := c.connect(); err != nil {
			return err
		}
	}
	answer := simulated{}
	if s.Trigger, err = c.simulatedTrigger(ctx, args, s.file); err != nil {
		return err
	}
	if s.Rates, err = s.rates(); err != nil {
		return err
	}
	if len(s.sizes) > 0 {
		err = s.number()
	} else {
		answer.LeftOut, err = c.fleet(ctx, &s.Fleet)
	}
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return usageError{err}
	}
	answer.ValuesTrigger = binding.TriggerObject(s.Trigger).Key()
	if answer.Report, err = s.Report(ctx, shares, s.enough(), s.seed); err != nil {
		return err
	}
	return c.show(answer, func(style layout.Style) string { return simulatedText(style, answer) })
}

// enough returns the number of runs.
func (s *simulation) enough() int {
	switch {
	case s.runs > 0:
		return s.runs
	case simulate.Measures(s.Trigger):
		return max(usualRuns, min(analysedRuns, analysedTargets/len(s.Targets)))
	}
	return usualRuns
}

// parse reads the flags that are more than numbers, and returns the shares of targets that
// bad changes break.
func (s *simulation) parse(now time.Time) ([]float64, error) {
	if s.runs < 0 || s.runs > maxRuns {
		return nil, usageError{fmt.Errorf("--runs %d: give a number between 1 and %d", s.runs, maxRuns)}
	}
	s.Start = now
	if s.at != "" {
		var err error
		if s.Start, err = time.Parse(time.RFC3339, s.at); err != nil {
			return nil, usageError{fmt.Errorf("--at %q: give a time such as 2026-01-31T17:00:00Z", s.at)}
		}
	}
	return s.shares()
}

// shares are those that bad changes break.
func (s *simulation) shares() ([]float64, error) {
	if len(s.breaks) == 0 {
		return simulate.Shares, nil
	}
	shares := make([]float64, 0, len(s.breaks))
	for _, value := range s.breaks {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
		if err != nil || !(percent > 0 && percent <= 100) {
			return nil, usageError{fmt.Errorf("--breaks %q: give a percentage, more than 0 and at most 100", value)}
		}
		shares = append(shares, percent/100)
	}
	return shares, nil
}

// rates are those of the analysis of each stage.
func (s *simulation) rates() ([]simulate.Rates, error) {
	stages := 1
	if s.Trigger.Spec.Rollout != nil {
		stages = len(s.Trigger.Spec.Rollout.Stages)
	}
	out := make([]simulate.Rates, stages)
	for _, flag := range []struct {
		name   string
		values []string
		set    func(*simulate.Rates, float64)
	}{
		{"--false-positives", s.falsePositives, func(r *simulate.Rates, share float64) { r.FalsePositives = share }},
		{"--detects", s.detects, func(r *simulate.Rates, share float64) { r.Detections = share }},
	} {
		if len(flag.values) != 1 && len(flag.values) != stages {
			return nil, usageError{fmt.Errorf("%s has %s for %s; give one for all, or one for each", flag.name, layout.Plural(len(flag.values), "number"), layout.Plural(stages, "stage"))}
		}
		for i := range out {
			value := flag.values[min(i, len(flag.values)-1)]
			percent, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
			if err != nil || !(percent >= 0 && percent <= 100) {
				return nil, usageError{fmt.Errorf("%s %q: give a percentage, between 0 and 100", flag.name, value)}
			}
			flag.set(&out[i], percent/100)
		}
	}
	return out, nil
}

// number makes up the targets.
func (s *simulation) number() error {
	stages := 1
	if s.Trigger.Spec.Rollout != nil {
		stages = len(s.Trigger.Spec.Rollout.Stages)
	}
	if len(s.sizes) != stages {
		return usageError{fmt.Errorf("--releases has %s for %s; give one for each, such as 3,100", layout.Plural(len(s.sizes), "number"), layout.Plural(stages, "stage"))}
	}
	for _, n := range s.sizes {
		if n < 0 {
			return usageError{fmt.Errorf("--releases %d: a stage has at least 0 HelmReleases", n)}
		}
	}
	s.Targets = simulate.Numbered(s.Trigger, s.sizes...)
	return nil
}

// simulatedTrigger returns the trigger of the cluster or of a file.
func (c *cli) simulatedTrigger(ctx context.Context, args []string, file string) (*triggerv1.ValuesTrigger, error) {
	vt := &triggerv1.ValuesTrigger{}
	if file == "" {
		ref, err := parseReference(args[0], triggerv1.ValuesTriggerKind)
		switch {
		case err != nil:
			return nil, err
		case ref.kind != triggerv1.ValuesTriggerKind:
			return nil, usageError{fmt.Errorf("%q: give a ValuesTrigger", args[0])}
		}
		return c.trigger(ctx, client.ObjectKey{Namespace: c.namespace, Name: ref.name})
	}
	documents, _, err := c.all([]string{file})
	if err != nil {
		return nil, err
	}
	found := 0
	for _, d := range documents {
		if d.Object["kind"] != triggerv1.ValuesTriggerKind {
			continue
		}
		raw, err := json.Marshal(d.Object)
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(vt); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", d.File, d.Line, err)
		}
		found++
	}
	if found != 1 {
		return nil, usageError{fmt.Errorf("there are %s in the file; give one", layout.Plural(found, "ValuesTrigger"))}
	}
	vt.Namespace = cmp.Or(vt.Namespace, c.namespace, *c.flags.Namespace, metav1.NamespaceDefault)
	return vt, nil
}
