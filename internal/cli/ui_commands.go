// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/ui"
)

// pageCommands are the commands that the pages have: those of the plugin, which write into a buffer.
type pageCommands struct{ c *cli }

// pageCall is one call of a command by a page.
type pageCall struct {
	*cli
	out, errs bytes.Buffer
}

func (p pageCommands) call(namespace string) *pageCall {
	alone := *p.c
	one := &pageCall{cli: &alone}
	one.Out, one.Err = &one.out, &one.errs
	one.Terminal, one.Interactive, one.Width, one.output = false, false, 0, formatText
	one.namespace, one.allNamespaces = namespace, false
	return one
}

// said returns what the command said, warnings at the end.
func (c *pageCall) said() string { return strings.TrimSpace(c.named(c.out.String() + c.errs.String())) }

// decider returns the command that decides, nil if the action is not a decision.
func (c *pageCall) decider(a ui.Action) *decider {
	d := &decider{c: c.cli}
	switch a.Name {
	case ui.Approve:
		d.judge = func(ctx context.Context, vt *triggerv1.ValuesTrigger) (verdict, error) {
			return c.approves(ctx, vt, a.Stage)
		}
	case ui.Reject:
		d.judge = c.rejects
	case ui.Rollback:
		d.judge = (&rollbacker{c: c.cli, to: a.Revision}).judge
	default:
		return nil
	}
	return d
}

// action returns the command that acts, nil if there is none of that name.
func (c *pageCall) action(a ui.Action) *action {
	by, everyone, override := "", false, a.Name == ui.Override
	switch a.Name {
	case ui.Suspend:
		return c.suspending()
	case ui.Resume:
		return c.resuming(&by, &everyone)
	case ui.Retry:
		return c.retrying()
	case ui.Trigger, ui.Override:
		return c.triggering(&override)
	}
	return nil
}

// first is the fact that an action is judged by: what it says before the deed.
const first = "what is said before it"

// Ask implements ui.Commands.
func (p pageCommands) Ask(ctx context.Context, a ui.Action) (ui.Question, error) {
	c := p.call(a.Namespace)
	vt, err := c.trigger(ctx, a.ObjectKey)
	if err != nil {
		return ui.Question{}, c.explained(err)
	}
	if d := c.decider(a); d != nil {
		return c.askToDecide(ctx, d, vt)
	}
	act := c.action(a)
	if act == nil {
		return ui.Question{}, fmt.Errorf("there is no action %q", a.Name)
	}
	act.dryRun = true
	j := act.judge(vt)
	if _, err := act.do(ctx, vt, newToken(c.cli)); err != nil {
		return ui.Question{}, c.explained(err)
	}
	verb := strings.ToUpper(act.verb[:1]) + act.verb[1:]
	if a.Name == ui.Override {
		verb = "Override what holds back"
	}
	return ui.Question{Text: c.said(), Asks: verb + " " + name(vt) + "?", Facts: []decision.Fact{{What: first, Is: j.first}}}, nil
}

func (c *pageCall) askToDecide(ctx context.Context, d *decider, vt *triggerv1.ValuesTrigger) (ui.Question, error) {
	v, err := d.judge(ctx, vt)
	if err != nil {
		return ui.Question{}, c.explained(err)
	}
	if v.refusal != "" {
		q := ui.Question{Refusal: clean(c.named(v.refusal))}
		if v.more != nil {
			q.Text = c.named(strings.TrimRight(v.more(ctx, c.style()), "\n"))
		}
		return q, nil
	}
	text, err := v.show(ctx, c.style())
	if err != nil {
		return ui.Question{}, c.explained(err)
	}
	c.cli.said("%s", strings.TrimRight(text, "\n"))
	return ui.Question{Text: c.said(), Asks: v.question, Facts: v.facts}, nil
}

// explained returns an error in words.
func (c *pageCall) explained(err error) error {
	return errors.New(clean(c.named(explain(err))))
}

// Do implements ui.Commands.
func (p pageCommands) Do(ctx context.Context, a ui.Action, by []decision.Fact) (string, error) {
	c := p.call(a.Namespace)
	vt, err := c.trigger(ctx, a.ObjectKey)
	if err != nil {
		return "", c.explained(err)
	}
	if d := c.decider(a); d != nil {
		err = c.decide(ctx, d, vt, by)
	} else {
		err = c.act(ctx, a, vt, by)
	}
	if err != nil {
		return "", c.explained(err)
	}
	return c.said(), nil
}

func (c *pageCall) decide(ctx context.Context, d *decider, vt *triggerv1.ValuesTrigger, by []decision.Fact) error {
	v, err := d.judge(ctx, vt)
	if err != nil {
		return err
	}
	if err := stillHolds(vt, v, by); err != nil {
		return err
	}
	return d.write(ctx, vt, v)
}

func (c *pageCall) act(ctx context.Context, a ui.Action, vt *triggerv1.ValuesTrigger, by []decision.Fact) error {
	act := c.action(a)
	if act == nil {
		return fmt.Errorf("there is no action %q", a.Name)
	}
	if act.named {
		act.user = c.user(ctx)
	}
	act.dryRun = true // The question was put so.
	if changed := decision.Changed(by, []decision.Fact{{What: first, Is: act.judge(vt).first}}); act.judged && changed != "" {
		return errors.New("this changed while you looked: " + changed)
	}
	act.dryRun = false
	_, err := act.do(ctx, vt, newToken(c.cli))
	return err
}

// Refuse implements ui.Commands.
func (p pageCommands) Refuse(a ui.Action, vt *triggerv1.ValuesTrigger, members graph.Members) string {
	refusal := ""
	switch a.Name {
	case ui.Approve:
		_, refusal = decision.Approve(vt, members.Targets, a.Stage)
	case ui.Reject:
		_, refusal = decision.Reject(vt, members.Targets, int(members.Summary.Total))
	case ui.Rollback:
		if vt.Spec.Publish == nil {
			return "without spec.publish the operator keeps no content"
		}
		_, refusal = decision.RollBack(vt, a.Revision)
	case ui.Override:
		if len((&action{c: p.c}).overridden(vt)) == 0 {
			refusal = "nothing holds changes back"
		}
	case ui.Retry:
		if j := retries(vt); j.idle && j.leave == "" {
			refusal = "nothing has failed"
		}
	}
	return clean(p.c.named(refusal))
}

// Differences implements ui.Commands.
func (p pageCommands) Differences(ctx context.Context, key client.ObjectKey) (string, error) {
	c := p.call(key.Namespace)
	vt, err := c.trigger(ctx, key)
	if err != nil {
		return "", c.explained(err)
	}
	waiting, err := c.pendingOf(ctx, vt)
	if err != nil {
		return "", c.explained(err)
	}
	text := groupsText(layout.Style{Now: c.Now()}, waiting, false)
	return cmp.Or(strings.TrimSpace(text), "No values differ: everything has the content that the sources hold."), nil
}
