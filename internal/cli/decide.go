// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// decider is a command by which a person decides about one ValuesTrigger: it shows what is decided
// about, asks, and writes on the version of the ValuesTrigger that was judged.
type decider struct {
	c *cli

	// judge says what the decision means for a ValuesTrigger, without reading more than is needed
	// for that.
	judge func(ctx context.Context, vt *triggerv1.ValuesTrigger) (verdict, error)

	digest string
	yes    bool
	dryRun dryRun
}

// verdict is what a decision means for one version of a ValuesTrigger.
type verdict struct {
	// refusal says why there is nothing to decide, empty if there is; more is shown after it.
	refusal string
	more    func(ctx context.Context, s layout.Style) string

	// content is the digest that --digest is to name, and facts what the decision is judged by.
	content string
	facts   []decision.Fact

	// show returns what a person sees before the question.
	show     func(ctx context.Context, s layout.Style) (string, error)
	question string

	// annotations are written, with those that name the person, and done says what has been done.
	annotations map[string]any
	by          []string
	done        string
}

func (d *decider) command(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = d.c.completeOne(triggerv1.ValuesTriggerKind)
	cmd.Flags().StringVar(&d.digest, "digest", "", "refuse if the content is not the one with this digest, of which the first 12 digits are enough")
	withYes(cmd, &d.yes)
	cmd.Flags().Var(&d.dryRun, "dry-run", "show what would be done, and do nothing")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	return d.c.command(cmd, func(cmd *cobra.Command, args []string) error {
		return d.run(cmd.Context(), args[0])
	})
}

func (d *decider) run(ctx context.Context, arg string) error {
	refs, err := parseReferences([]string{arg})
	if err != nil {
		return err
	}
	if refs[0].kind != triggerv1.ValuesTriggerKind {
		return usageError{fmt.Errorf("%s: give the name of a ValuesTrigger; 'tree' shows which one", arg)}
	}
	if err := d.c.connect(); err != nil {
		return err
	}
	vt, err := d.c.trigger(ctx, client.ObjectKey{Namespace: d.c.namespace, Name: refs[0].name})
	if err != nil {
		return err
	}
	v, err := d.judge(ctx, vt)
	if err != nil {
		return err
	}
	if err := d.refuse(ctx, vt, v); err != nil {
		return err
	}
	if !d.yes && !bool(d.dryRun) && !d.c.Interactive {
		return usageError{errUnanswered}
	}
	shown, err := v.show(ctx, d.c.style())
	if err != nil {
		return err
	}
	d.c.said("%s", strings.TrimRight(shown, "\n"))
	if d.dryRun {
		d.c.said("\n%s %s (dry run)", name(vt), v.done)
		return nil
	}
	agreed, err := d.c.confirm(d.yes, "\n"+v.question)
	if err != nil || !agreed {
		return orFound(err)
	}
	return d.write(ctx, vt, v)
}

// name names a ValuesTrigger where something is done to it.
func name(vt *triggerv1.ValuesTrigger) string {
	return fmt.Sprintf("valuestrigger/%s in %s", vt.Name, vt.Namespace)
}

// orFound returns an error, or that the answer is a bad one.
func orFound(err error) error {
	if err == nil {
		return errFound
	}
	return err
}

// refuse says why there is nothing to decide, or that it is about other content than was given.
func (d *decider) refuse(ctx context.Context, vt *triggerv1.ValuesTrigger, v verdict) error {
	switch {
	case v.refusal != "":
		d.c.said("%s: %s", name(vt), clean(v.refusal))
		if v.more != nil {
			d.c.said("%s", strings.TrimRight(v.more(ctx, d.c.style()), "\n"))
		}
		return errFound
	case d.digest != "" && !decision.Names(d.digest, v.content):
		return fmt.Errorf("the content is not %s, but %s: %s", clean(d.digest), digest.Abbreviated(v.content), causeOf(vt, v.content))
	}
	return nil
}

// causeOf says in one line whose edit made content.
func causeOf(vt *triggerv1.ValuesTrigger, content string) string {
	if change := decision.ChangeTo(vt, content); change != nil && change.Cause != "" {
		return clean(change.Cause)
	}
	return "whose edit that was is not on record"
}

// write writes the decision on the version of the ValuesTrigger that it was judged on. One that has
// changed since is judged again: the decision holds if nothing has changed that it was judged by.
func (d *decider) write(ctx context.Context, vt *triggerv1.ValuesTrigger, v verdict) error {
	user := d.c.user(ctx)
	for race := 1; ; race++ {
		annotations := maps.Clone(v.annotations)
		for _, by := range v.by {
			annotations[by] = orNull(user)
		}
		patch := map[string]any{"metadata": map[string]any{"annotations": annotations}}
		withVersion(patch, vt)
		err := d.c.patch(ctx, vt, patch)
		switch {
		case err == nil:
			d.c.said("%s %s%s", name(vt), v.done, byUser(user))
			return nil
		case !apierrors.IsConflict(err) || race >= maxRaces:
			return err
		}
		if err := d.c.client.Get(ctx, client.ObjectKeyFromObject(vt), vt); err != nil {
			return err
		}
		now, err := d.judge(ctx, vt)
		if err != nil {
			return err
		}
		if err := stillHolds(vt, now, v.facts); err != nil {
			return err
		}
		v = now
	}
}

// stillHolds returns an error if a verdict is not what a person has decided by.
func stillHolds(vt *triggerv1.ValuesTrigger, now verdict, seen []decision.Fact) error {
	if now.refusal != "" {
		return errors.New("this changed while you looked: " + clean(now.refusal))
	}
	if changed := decision.Changed(seen, now.facts); changed != "" {
		return fmt.Errorf("the content changed while you looked: %s; the last change: %s", clean(changed), causeOf(vt, now.content))
	}
	return nil
}

func byUser(user string) string {
	if user == "" {
		return ""
	}
	return " by " + user
}
