// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// pollInterval is how often ValuesTriggers are evaluated.
const pollInterval = 500 * time.Millisecond

func (c *cli) waitCommand() *cobra.Command {
	timeout := triggerv1.DefaultTimeout
	cmd := &cobra.Command{
		Use:   "wait [[KIND/]NAME...] [-n NAMESPACE | -A]",
		Short: "Wait until the present content is delivered, or has failed",
		Long: `Wait until ValuesTriggers have delivered the content that their sources have now.
Without names, all of the namespace. configmap/NAME and secret/NAME stand for
those that have it as a source, helmrelease/NAME for those that deliver to it.

Each is reconciled at once, by the annotation reconcile.fluxcd.io/requestedAt, and
what it has delivered is compared with the sources, as far as you may read them.

Exits with 1 if something has failed, cannot continue by itself, or takes too long.`,
		Example: `  kubectl apply -f platform-values.yaml && kubectl valuestrigger wait configmap/platform-values -n config
  kubectl valuestrigger wait helmrelease/my-app -n apps --timeout 2m`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: c.completeNames(triggerv1.ValuesTriggerKind, "configmap", "secret", "helmrelease"),
	}
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait")
	c.withOutput(cmd, formatWide)
	c.withAll(cmd)
	c.withSelector(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error {
		refs, err := parseReferences(args)
		if err != nil {
			return err
		}
		if c.allNamespaces && len(refs) > 0 {
			return usageError{errors.New("names are of one namespace: give -n, or -A without names")}
		}
		if c.selector != "" && len(refs) > 0 {
			return usageError{errNamesSelected}
		}
		if err := c.connect(); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
		defer cancel()
		w := &waiter{c: c, timeout: timeout, seen: map[types.NamespacedName]*waited{}}
		return w.run(ctx, cmd.Context(), refs)
	})
}

// waiter follows ValuesTriggers.
type waiter struct {
	c       *cli
	timeout time.Duration
	order   []types.NamespacedName
	seen    map[types.NamespacedName]*waited

	// shown is the last line about the wait.
	shown string
}

// waited is one that is followed.
type waited struct {
	graph.Trigger

	// Outcome is Delivered, Failed or InProgress.
	Outcome triggerv1.ChangeOutcome `json:"outcome"`

	token string

	// last is what was last seen of it, nil if nothing was.
	last *triggerv1.ValuesTrigger

	// needed is what a person last had to do.
	needed string
}

// run waits until ctx ends; what it found is then completed within after.
func (w *waiter) run(ctx, after context.Context, refs []reference) error {
	keys, err := w.choose(ctx, refs)
	if err != nil {
		return err
	}
	w.order = keys
	for _, key := range keys {
		w.seen[key] = &waited{Outcome: triggerv1.ChangeInProgress, Trigger: graph.Trigger{
			Object: binding.Object{Kind: triggerv1.ValuesTriggerKind, Namespace: key.Namespace, Name: key.Name}, State: graph.Unseen,
		}}
		if err := w.reconcile(ctx, key); err != nil {
			return err
		}
	}
	for w.inProgress() > 0 {
		for _, key := range keys {
			if err := w.look(ctx, key); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if w.inProgress() == 0 {
			break
		}
		w.tell()
		select {
		case <-ctx.Done():
			return w.finish(after)
		case <-time.After(pollInterval):
		}
	}
	return w.finish(after)
}

// reconcile has the operator evaluate now. An annotation that it has not handled yet stays, since its
// value may be that of forceAt or resetAt too.
func (w *waiter) reconcile(ctx context.Context, key types.NamespacedName) error {
	for race := 1; ; race++ {
		vt, err := w.c.trigger(ctx, key)
		if err != nil {
			return err
		}
		if pending, ok := meta.ReconcileAnnotationValue(vt.Annotations); ok && pending != vt.Status.LastHandledReconcileAt {
			w.seen[key].token = pending
			return nil
		}
		token := newToken(w.c)
		patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{
			triggerv1.OverriddenByAnnotation: nil, meta.ReconcileRequestAnnotation: token, // Nothing is overridden by it.
		}}}
		withVersion(patch, vt)
		err = w.c.patch(ctx, vt, patch)
		switch {
		case apierrors.IsForbidden(err):
			w.c.warn("you may not annotate valuestrigger/%s in %s: its status is read without a reconcile", key.Name, key.Namespace)
			return nil
		case apierrors.IsConflict(err) && race < maxRaces:
			continue
		}
		w.seen[key].token = token
		return err
	}
}

// look brings one up to date.
func (w *waiter) look(ctx context.Context, key types.NamespacedName) error {
	one := w.seen[key]
	if one.Outcome != triggerv1.ChangeInProgress {
		return nil
	}
	vt := &triggerv1.ValuesTrigger{}
	if err := w.c.client.Get(ctx, key, vt); err != nil {
		return err
	}
	one.last = vt
	one.Trigger = graph.Directory{}.Describe(vt)
	if one.State == graph.Suspended {
		one.Outcome = triggerv1.ChangeFailed
		return nil
	}
	if one.State == graph.Unseen || one.token != "" && vt.Status.LastHandledReconcileAt != one.token {
		return nil
	}
	current, err := w.current(ctx, vt)
	if err != nil || !current {
		return err
	}
	switch one.State {
	case graph.Ready:
		one.Outcome = triggerv1.ChangeDelivered
	case graph.Stalled:
		one.Outcome = triggerv1.ChangeFailed
	case graph.Waiting, graph.AwaitingApproval:
		w.need(one)
	case graph.Unseen, graph.Progressing, graph.Suspended:
	}
	return nil
}

// current reports whether what a trigger has last evaluated is what its sources have now,
// as far as that can be read: an event of a source may come later than one of the
// trigger. Sources that are missing, or that the operator does not follow, are for the
// trigger to tell of, as are Secrets: only the operator can make their digests.
func (w *waiter) current(ctx context.Context, vt *triggerv1.ValuesTrigger) (bool, error) {
	resolver := source.Resolver{Store: source.NewStore(w.c.client, w.c.client, nil), Metadata: w.c.client}
	resolution, err := resolver.Resolve(ctx, vt, nil, vt.Spec.Sources, source.Account{}, 0)
	switch {
	case apierrors.IsForbidden(err), fault.ReasonOf(err) != "":
		return true, nil
	case err != nil:
		return false, err
	}
	if present := decision.Present(vt); present != vt.Status.LastDigest {
		// It is rejected.
		return len(resolution.Disabled) > 0 || plan.Combined(resolution.Sources) == present, nil
	}
	return len(plan.Compare(vt.Status.Sources, vt.Status.LastDigest, resolution.Sources).Changed) == 0, nil
}

func (w *waiter) inProgress() int {
	n := 0
	for _, one := range w.seen {
		if one.Outcome == triggerv1.ChangeInProgress {
			n++
		}
	}
	return n
}

// finish shows what became of each.
func (w *waiter) finish(ctx context.Context) error {
	if err := w.complete(ctx); err != nil {
		return err
	}
	answer := struct {
		Outcome  triggerv1.ChangeOutcome `json:"outcome"`
		Triggers []*waited               `json:"valuesTriggers"`
	}{Outcome: triggerv1.ChangeDelivered}
	var triggers []graph.Trigger
	for _, key := range w.order {
		one := w.seen[key]
		answer.Triggers = append(answer.Triggers, one)
		triggers = append(triggers, one.Trigger)
		if one.Outcome != triggerv1.ChangeDelivered {
			answer.Outcome = triggerv1.ChangeFailed
		}
	}
	if w.inProgress() > 0 {
		answer.Outcome = triggerv1.ChangeInProgress
	}
	graph.Sort(triggers)
	err := w.c.show(answer, func(s layout.Style) string {
		out := forest{Style: s, most: maxTargets, named: w.c.named}.text(triggers, graph.Summarize(triggers))
		if n := w.inProgress(); n > 0 {
			ended := "after " + w.timeout.String()
			if ctx.Err() != nil {
				ended = "when it was interrupted"
			}
			out += fmt.Sprintf("%s %s\n", s.Paint(layout.Bad, layout.Plural(n, "ValuesTrigger")+" not delivered"), ended)
		}
		return out
	})
	if err == nil && answer.Outcome != triggerv1.ChangeDelivered {
		return errFound
	}
	return err
}

// complete finds the targets that the statuses do not list.
func (w *waiter) complete(ctx context.Context) error {
	var triggers []triggerv1.ValuesTrigger
	for _, one := range w.seen {
		if one.last != nil && graph.IsBounded(one.last) {
			triggers = append(triggers, *one.last)
		}
	}
	directory, err := w.c.directory(ctx, w.c.namespace, triggers)
	if err != nil {
		return err
	}
	for i := range triggers {
		w.seen[binding.TriggerObject(&triggers[i]).NamespacedName()].Trigger = directory.Describe(&triggers[i])
	}
	return nil
}
