// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// fieldManager is the one under which Flux's own command line writes: what it sets,
// kustomize-controller leaves alone.
const fieldManager = "flux-client-side-apply"

// action is what a command does to ValuesTriggers.
type action struct {
	c *cli

	// done is what has been done, as in "vt/a suspended".
	done string

	// patch returns the merge patch.
	patch func(token string) map[string]any

	all    bool
	dryRun bool
}

func (c *cli) triggerCommand() *cobra.Command {
	a := &action{c: c, done: "triggered", patch: requestPatch(meta.ForceRequestAnnotation)}
	return a.command(&cobra.Command{
		Use:   "trigger NAME... [-n NAMESPACE]",
		Short: "Trigger all HelmReleases of a ValuesTrigger, even if nothing changed",
		Long: `Trigger all HelmReleases of a ValuesTrigger, even if nothing changed. Each gets
a forced upgrade, unless spec.force is Never. It is done by the annotations
reconcile.fluxcd.io/requestedAt and forceAt. 'wait' follows it.`,
		Example: `  kubectl valuestrigger trigger platform -n apps --dry-run
  kubectl valuestrigger trigger platform -n apps && kubectl valuestrigger wait platform -n apps`,
	})
}

func (c *cli) retryCommand() *cobra.Command {
	a := &action{c: c, done: "asked to retry", patch: requestPatch(helmv2.ResetRequestAnnotation)}
	return a.command(&cobra.Command{
		Use:   "retry NAME... [-n NAMESPACE]",
		Short: "Retry the failed deliveries of a ValuesTrigger",
		Long: `Request failed deliveries again, and let helm-controller count its retries anew.
HelmReleases that have not failed are left alone. It is done by the annotations
reconcile.fluxcd.io/requestedAt and resetAt.`,
		Example: "  kubectl valuestrigger retry --all -A",
	})
}

func (c *cli) suspendCommand() *cobra.Command {
	a := &action{c: c, done: "suspended", patch: suspendPatch(true)}
	return a.command(&cobra.Command{
		Use:   "suspend NAME... [-n NAMESPACE]",
		Short: "Suspend ValuesTriggers: what changes is delivered after they are resumed",
		Example: `  kubectl valuestrigger suspend platform -n apps
  kubectl valuestrigger suspend --all -A  # stop everything`,
	})
}

func (c *cli) resumeCommand() *cobra.Command {
	a := &action{c: c, done: "resumed", patch: suspendPatch(false)}
	return a.command(&cobra.Command{
		Use:     "resume NAME... [-n NAMESPACE]",
		Short:   "Resume ValuesTriggers: what has changed is delivered, once",
		Example: "  kubectl valuestrigger resume platform -n apps",
	})
}

// requestPatch asks for something by a pair of annotations, as elsewhere in Flux.
func requestPatch(annotation string) func(token string) map[string]any {
	return func(token string) map[string]any {
		return map[string]any{"metadata": map[string]any{"annotations": map[string]string{
			meta.ReconcileRequestAnnotation: token, annotation: token,
		}}}
	}
}

func suspendPatch(suspend bool) func(string) map[string]any {
	return func(string) map[string]any { return map[string]any{"spec": map[string]any{"suspend": suspend}} }
}

func (a *action) command(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = a.c.completeNames(triggerv1.ValuesTriggerKind)
	cmd.Flags().BoolVar(&a.all, "all", false, "all ValuesTriggers of the namespace, or with -A of all namespaces")
	cmd.Flags().BoolVar(&a.dryRun, "dry-run", false, "say what would be done, and do nothing")
	a.c.withAll(cmd)
	return a.c.command(cmd, func(cmd *cobra.Command, args []string) error {
		switch {
		case a.all && len(args) > 0:
			return usageError{errors.New("give names or --all")}
		case !a.all && len(args) == 0:
			return usageError{errors.New("give the names of ValuesTriggers, or --all")}
		case !a.all && a.c.allNamespaces:
			return usageError{errors.New("names are of one namespace: give -n, or --all with -A")}
		}
		return a.run(cmd.Context(), args)
	})
}

func (a *action) run(ctx context.Context, args []string) error {
	refs, err := parseReferences(args)
	if err != nil {
		return err
	}
	if err := a.c.connect(); err != nil {
		return err
	}
	chosen, err := a.choose(ctx, refs)
	if err != nil {
		return err
	}
	failed := false
	token := newToken(a.c)
	for i := range chosen {
		vt := &chosen[i]
		if err := a.do(ctx, vt, token); err != nil {
			a.c.warn("valuestrigger/%s: %s", vt.Name, err)
			failed = true
			continue
		}
		mark := ""
		if a.dryRun {
			mark = " (dry run)"
		}
		a.c.said("valuestrigger/%s in %s %s%s; before: %s", vt.Name, vt.Namespace, a.done, mark, describeTargets(vt))
	}
	if failed {
		return errFound
	}
	return nil
}

// choose returns the ValuesTriggers that are meant.
func (a *action) choose(ctx context.Context, refs []reference) ([]triggerv1.ValuesTrigger, error) {
	if a.all {
		return a.c.triggers(ctx, a.c.scope())
	}
	var chosen []triggerv1.ValuesTrigger
	for _, ref := range refs {
		if ref.kind != triggerv1.ValuesTriggerKind {
			return nil, usageError{fmt.Errorf("%s: give the name of a ValuesTrigger; 'tree' tells which one", ref.kind)}
		}
		vt := triggerv1.ValuesTrigger{}
		if err := a.c.client.Get(ctx, client.ObjectKey{Namespace: a.c.namespace, Name: ref.name}, &vt); err != nil {
			return nil, err
		}
		chosen = append(chosen, vt)
	}
	return chosen, nil
}

func (a *action) do(ctx context.Context, vt *triggerv1.ValuesTrigger, token string) error {
	if a.dryRun {
		return nil
	}
	return a.c.patch(ctx, vt, a.patch(token))
}

// patch writes to a ValuesTrigger.
func (c *cli) patch(ctx context.Context, vt *triggerv1.ValuesTrigger, patch map[string]any) error {
	raw, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	err = c.client.Patch(ctx, vt.DeepCopy(), client.RawPatch(types.MergePatchType, raw), client.FieldOwner(fieldManager))
	if apierrors.IsNotFound(err) {
		return errors.New("is gone")
	}
	return err
}

// newToken returns a value that no request had before.
func newToken(c *cli) string { return strconv.FormatInt(c.Now().UnixNano(), 10) }

// describeTargets says how many HelmReleases a trigger has, and how they are.
func describeTargets(vt *triggerv1.ValuesTrigger) string {
	summary := graph.Summarize([]graph.Trigger{graph.Describe(vt)})
	if len(summary.Releases) == 0 {
		return "no HelmReleases"
	}
	return graph.Counts(graph.TargetSeverity, summary.Releases)
}
