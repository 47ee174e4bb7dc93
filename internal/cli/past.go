// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// pastOptions choose what of the past is shown.
type pastOptions struct {
	since   string
	release string
}

func (c *cli) historyCommand() *cobra.Command {
	var o pastOptions
	cmd := &cobra.Command{
		Use:   "history [NAME...] [-n NAMESPACE | -A]",
		Short: "List what changed when, by whom, and who got it",
		Long: `List the changes that ValuesTriggers have on record, the newest first: whose edit, from
which Git revision, who approved, rejected, overrode or rolled back, how it ended, how long
it took, and which HelmReleases run it. A ValuesTrigger remembers as many changes as its
spec.revisionHistoryLimit says.

With --release: what one HelmRelease got, with its revisions, those too that no change
of a ValuesTrigger made, such as of its chart.

-o csv and -o json are for auditors and programs: times are RFC 3339 in UTC, and cells that
a spreadsheet would take for formulas begin with an apostrophe.`,
		Example: `  kubectl valuestrigger history -A --since 24h
  kubectl valuestrigger history platform -n platform -o wide
  kubectl valuestrigger history --release shop -n prod
  kubectl valuestrigger history -A --since 90d -o csv > changes.csv`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: c.completeNames(triggerv1.ValuesTriggerKind),
	}
	cmd.Flags().StringVar(&o.since, "since", "", "only what is not older than this, such as 90m, 24h or 7d")
	cmd.Flags().StringVar(&o.release, "release", "", "what this HelmRelease got")
	_ = cmd.RegisterFlagCompletionFunc("release", c.completeNames(helmv2.HelmReleaseKind))
	c.withOutput(cmd, formatCSV, formatName, formatWide)
	c.withAll(cmd)
	c.withSelector(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error { return c.past(cmd.Context(), args, o) })
}

func (c *cli) past(ctx context.Context, args []string, o pastOptions) error {
	refs, err := parseReferences(args)
	if err != nil {
		return err
	}
	since, err := c.ago(o.since)
	if err == nil {
		err = o.check(c, refs)
	}
	if err != nil {
		return err
	}
	if err := c.connect(); err != nil {
		return err
	}
	var entries []history.Entry
	var triggers []triggerv1.ValuesTrigger
	if o.release != "" {
		entries, triggers, err = c.pastOfRelease(ctx, client.ObjectKey{Namespace: c.namespace, Name: o.release})
	} else {
		entries, triggers, err = c.pastOfTriggers(ctx, refs)
	}
	if err != nil {
		return err
	}
	for i := range triggers {
		if vt := &triggers[i]; !since.IsZero() && history.Incomplete(vt, since) {
			first := vt.Status.History[len(vt.Status.History)-1].Time
			c.warn("%s has on record what changed since %s, and nothing before: spec.revisionHistoryLimit and 16 KiB bound it", binding.TriggerObject(vt), first.UTC().Format(time.RFC3339))
		}
	}
	entries = history.Newest(entries, since)
	if c.output == formatCSV {
		return history.WriteCSV(c.Out, entries)
	}
	if c.output == formatName {
		var names []string
		for _, e := range entries {
			_, name, _ := strings.Cut(e.Trigger, "/")
			names = append(names, name)
		}
		c.saidNames(triggerResource, names)
		return nil
	}
	if entries == nil {
		entries = []history.Entry{}
	}
	return c.show(entries, func(s layout.Style) string {
		if len(entries) == 0 {
			return "Nothing is on record in " + c.where() + ".\n"
		}
		return pastText(s, entries, c.output == formatWide, o.release != "")
	})
}

// check returns an error if the options do not go together.
func (o pastOptions) check(c *cli, refs []reference) error {
	switch {
	case len(refs) > 0 && c.selector != "":
		return usageError{errNamesSelected}
	case c.allNamespaces && (len(refs) > 0 || o.release != ""):
		return usageError{errors.New("names are of one namespace: give -n, or -A without names")}
	case o.release != "" && (len(refs) > 0 || c.selector != ""):
		return usageError{errors.New("--release is about all ValuesTriggers of the HelmRelease: give no others")}
	}
	return nil
}

// ago returns the time that lies a duration back, which may be in days; zero for none.
func (c *cli) ago(word string) (time.Time, error) {
	if word == "" {
		return time.Time{}, nil
	}
	back, err := time.ParseDuration(word)
	if days, found := strings.CutSuffix(word, "d"); found {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		back = time.Duration(n * float64(24*time.Hour))
	}
	if err != nil || back < 0 {
		return time.Time{}, usageError{fmt.Errorf("--since %q: give a duration such as 90m, 24h or 7d", word)}
	}
	return c.Now().Add(-back), nil
}

// pastOfTriggers returns what ValuesTriggers have on record.
func (c *cli) pastOfTriggers(ctx context.Context, refs []reference) ([]history.Entry, []triggerv1.ValuesTrigger, error) {
	var all []triggerv1.ValuesTrigger
	var err error
	if len(refs) == 0 {
		all, err = c.selectedTriggers(ctx)
	} else {
		all, err = (&action{c: c}).choose(ctx, refs)
	}
	if err != nil {
		return nil, nil, err
	}
	directory, err := c.directory(ctx, c.namespace, all)
	if err != nil {
		return nil, nil, err
	}
	var out []history.Entry
	for i := range all {
		out = append(out, history.Changes(&all[i], directory.Members(&all[i]).Targets)...)
	}
	return out, all, nil
}

// pastOfRelease returns what a HelmRelease got.
func (c *cli) pastOfRelease(ctx context.Context, key client.ObjectKey) ([]history.Entry, []triggerv1.ValuesTrigger, error) {
	evidence, err := c.evidence(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	entries, triggers := changesTo(evidence, history.Explain(evidence))
	return entries, triggers, nil
}

// changesTo returns what a HelmRelease got, and the ValuesTriggers that deliver to it.
func changesTo(evidence history.Evidence, report history.Report) ([]history.Entry, []triggerv1.ValuesTrigger) {
	var out []history.Entry
	var triggers []triggerv1.ValuesTrigger
	for _, d := range evidence.Deliveries {
		var targets []triggerv1.TargetStatus
		if d.Target != nil {
			targets = append(targets, *d.Target)
		}
		out = append(out, history.Changes(d.Trigger, targets)...)
		triggers = append(triggers, *d.Trigger)
	}
	return history.About(report, out), triggers
}

// pastText shows changes.
func pastText(s layout.Style, entries []history.Entry, wide, ofRelease bool) string {
	head := []string{"TIME", "VALUESTRIGGER", "REVISION", "OUTCOME", "DURATION", "DELIVERED"}
	if ofRelease {
		head = append(head, "HELM")
	}
	if wide {
		head = append(head, "DIGEST", "GIT")
	}
	rows := []layout.Row{{}}
	for _, word := range append(head, "CAUSE") {
		rows[0].Cells = append(rows[0].Cells, layout.Cell{Text: word})
	}
	for _, e := range entries {
		duration := ""
		if e.Duration != nil {
			duration = e.Duration.Round(time.Second).String()
		}
		cells := []layout.Cell{
			{Text: e.Time.UTC().Format(time.RFC3339)}, {Text: orDash(e.Trigger)}, {Text: number(e.Revision)}, {Text: orDash(string(e.Outcome)), Tone: outcomeToneOf(e.Outcome)},
			{Text: orDash(duration)}, {Text: orDash(clean(e.Delivered))},
		}
		if ofRelease {
			helm := "-"
			if len(e.Releases) > 0 {
				helm = number(e.Releases[0].Revision)
			}
			cells = append(cells, layout.Cell{Text: helm})
		}
		if wide {
			cells = append(cells, layout.Cell{Text: orDash(clean(e.Digest))}, layout.Cell{Text: orDash(clean(e.GitRevision))})
		}
		rows = append(rows, layout.Row{Cells: append(cells, layout.Cell{Text: pastCause(e)})})
	}
	return s.Table(rows)
}

// pastCause says why a change was made, and what persons did to it.
func pastCause(e history.Entry) string {
	words := e.Why()
	if len(words) == 0 && e.Restores == nil {
		words = []string{orDash("")}
	}
	if e.Reason != "" {
		words = append(words, clean(e.Reason))
	}
	for _, person := range e.Persons() {
		words = append(words, clean(person))
	}
	return strings.Join(words, "; ")
}

func number(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}

func outcomeToneOf(outcome triggerv1.ChangeOutcome) layout.Tone {
	switch outcome {
	case triggerv1.ChangeDelivered:
		return layout.Good
	case triggerv1.ChangeFailed, triggerv1.ChangeHalted, triggerv1.ChangeRolledBack:
		return layout.Bad
	case triggerv1.ChangeInProgress, triggerv1.ChangeSuperseded:
	}
	return layout.Busy
}
