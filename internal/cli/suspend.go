// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

// suspending suspends.
func (c *cli) suspending() *action {
	a := &action{c: c, verb: "suspend", done: "suspended", named: true}
	a.patch = func(string) map[string]any {
		var call any
		if a.all {
			call = c.Now().UTC().Format(time.RFC3339Nano)
		}
		return suspendPatch(true, call, orNull(a.user))
	}
	a.judge = func(vt *triggerv1.ValuesTrigger) judgement {
		j := judgement{idle: vt.Spec.Suspend}
		if vt.Spec.Suspend {
			j.first = "is already " + suspension(vt)
		}
		return j
	}
	return a
}

func (c *cli) suspendCommand() *cobra.Command {
	return c.suspending().command(&cobra.Command{
		Use:   "suspend",
		Short: "Suspend ValuesTriggers: what changes is delivered after they are resumed",
		Long: `Suspend ValuesTriggers: what changes is delivered after they are resumed. Who did it
is noted (annotation trigger.nebius.ai/suspended-by).

--all notes on each that it suspends that this call did (annotation
trigger.nebius.ai/suspended, the time), so that 'resume --all' leaves alone those that
were suspended before, or by a colleague.`,
		Example: `  kubectl valuestrigger suspend platform -n apps
  kubectl valuestrigger suspend --all -A  # stop everything`,
	})
}

// resuming resumes, of all ValuesTriggers those that by has suspended, or everyone.
func (c *cli) resuming(by *string, everyone *bool) *action {
	a := &action{c: c, verb: "resume", done: "resumed", judged: true, named: true, expects: true}
	a.patch = func(string) map[string]any { return suspendPatch(false, nil, orNull(a.user)) }
	a.judge = func(vt *triggerv1.ValuesTrigger) judgement {
		if !vt.Spec.Suspend {
			return judgement{idle: true, first: "is not suspended"}
		}
		j := judgement{leave: leftSuspended(c.style(), vt, a.user, *by, *everyone)}
		if !a.all {
			j.first = "was " + suspension(vt)
		}
		return j
	}
	a.namesOnly = func() string {
		if *by != "" && *everyone {
			return "give --by or --everyone, not both"
		}
		return ""
	}
	return a
}

func (c *cli) resumeCommand() *cobra.Command {
	by, everyone := "", false
	a := c.resuming(&by, &everyone)
	cmd := a.command(&cobra.Command{
		Use:   "resume",
		Short: "Resume ValuesTriggers: what has changed is delivered, once",
		Long: `Resume ValuesTriggers: what has changed is delivered, once.

--all resumes those that you have suspended with 'suspend --all'; with --by those that
someone else has, with --everyone those that anyone has. Where the API server does not
say who you are, it is as with --everyone. What was suspended by its name stays so until
it is resumed by its name. What is left is listed, with who suspended it and since when.
Exits with 1 if none was resumed.`,
		Example: `  kubectl valuestrigger resume platform -n apps
  kubectl valuestrigger resume --all -A
  kubectl valuestrigger resume --all -A --by anna@example.com`,
	})
	cmd.Flags().StringVar(&by, "by", "", "with --all: what this user has suspended with 'suspend --all'")
	cmd.Flags().BoolVar(&everyone, "everyone", false, "with --all: what anyone has suspended with 'suspend --all'")
	_ = cmd.RegisterFlagCompletionFunc("by", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.suspenders(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !a.all && (by != "" || everyone) {
			return usageError{errors.New("--by and --everyone choose among --all")}
		}
		return run(cmd, args)
	}
	return cmd
}

// suspendPatch suspends or resumes, and notes by which call and by whom: also on resuming, as the API server does
// with approvals.enforce.
func suspendPatch(suspend bool, call, by any) map[string]any {
	return map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{triggerv1.SuspendedAnnotation: call, triggerv1.SuspendedByAnnotation: by}},
		"spec":     map[string]any{"suspend": suspend},
	}
}

// leftSuspended says why 'resume --all' leaves a trigger suspended, empty if it does not. Of what 'suspend
// --all' has suspended it is not always known who did it: that counts as of anyone.
func leftSuspended(s layout.Style, vt *triggerv1.ValuesTrigger, user, by string, everyone bool) string {
	who, call := vt.Annotations[triggerv1.SuspendedByAnnotation], vt.Annotations[triggerv1.SuspendedAnnotation]
	record := "it was " + suspension(vt)
	if since := suspendedSince(vt); !since.IsZero() {
		record += fmt.Sprintf(", %s ago", s.Age(since))
	}
	switch {
	case call == "":
		return record + ", and not by 'suspend --all'; give its name to resume it"
	case everyone:
		return ""
	case by != "" && who != by:
		return record + "; --by " + clean(by) + " leaves it"
	case by == "" && user != "" && who != "" && who != user:
		return record + "; --by or --everyone resumes it"
	}
	return ""
}

// suspension says by whom and when a trigger was suspended, as far as that is recorded. It is the same at any time.
func suspension(vt *triggerv1.ValuesTrigger) string {
	out := "suspended"
	if who := vt.Annotations[triggerv1.SuspendedByAnnotation]; who != "" {
		out += " by " + clean(who)
	}
	if since := suspendedSince(vt); !since.IsZero() {
		out += " at " + since.UTC().Format(time.RFC3339)
	}
	return out
}

// suspendedSince returns when a trigger was suspended, as far as that is recorded: by the call that did it, or
// by the field manager that owns the field.
func suspendedSince(vt *triggerv1.ValuesTrigger) time.Time {
	if at, err := time.Parse(time.RFC3339Nano, vt.Annotations[triggerv1.SuspendedAnnotation]); err == nil {
		return at
	}
	var last time.Time
	for _, entry := range vt.ManagedFields {
		if entry.Time != nil && entry.Subresource == "" && entry.Time.After(last) && fields.Of(entry).Has("spec", "suspend") {
			last = entry.Time.Time
		}
	}
	return last
}

// suspenders returns who has suspended ValuesTriggers.
func (c *cli) suspenders(cmd *cobra.Command) []string {
	if c.connect() != nil {
		return nil
	}
	all, err := c.triggers(cmd.Context(), c.scope())
	if err != nil {
		return nil
	}
	var names []string
	for i := range all {
		if name := all[i].Annotations[triggerv1.SuspendedByAnnotation]; name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
