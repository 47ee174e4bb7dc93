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

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

// maxRaces bounds how often a ValuesTrigger is evaluated again because it changed between
// the look and the write.
const maxRaces = 10

// action is what a command does to ValuesTriggers.
type action struct {
	c *cli

	// verb is what it does, as in "nothing to retry", and done what has been done, as in
	// "vt/a suspended".
	verb, done string

	// patch returns the merge patch, for a token that no request had before.
	patch func(token string) map[string]any

	// named reports that the patch or the judgement names the person, who is user, empty if the API server
	// does not say who that is.
	named bool
	user  string

	// judge says what the action means for a ValuesTrigger.
	judge func(vt *triggerv1.ValuesTrigger) judgement

	// judged has the write refused if the judgement may have changed. Nothing must stand
	// in the way of stopping.
	judged bool

	// namesOnly says why the action is not done to all, empty if it may be.
	namesOnly func() string

	// expects reports that it is an error if it is done to none of all, as with kubectl rollout resume: the
	// person believes that something is delivered again.
	expects bool

	all    bool
	dryRun dryRun
}

// judgement is what an action means for a ValuesTrigger.
type judgement struct {
	// idle is true if there is nothing to do, and leave says why it is not done to a
	// ValuesTrigger that is not named.
	idle  bool
	leave string

	// first is said before the deed, and then after it.
	first, then string
}

func (a *action) command(cmd *cobra.Command) *cobra.Command {
	cmd.Use = cmd.Name() + " (NAME... | --all) [-n NAMESPACE | -A]"
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = a.c.completeNames(triggerv1.ValuesTriggerKind)
	cmd.Flags().BoolVar(&a.all, "all", false, "all ValuesTriggers of the namespace, or with -A of all namespaces")
	cmd.Flags().Var(&a.dryRun, "dry-run", "say what would be done, and do nothing")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	cmd.Flags().BoolP("yes", "y", false, "is taken as by 'approve', and changes nothing: this does not ask")
	a.c.withAll(cmd)
	a.c.withSelector(cmd)
	return a.c.command(cmd, func(cmd *cobra.Command, args []string) error {
		switch {
		case a.all && len(args) > 0:
			return usageError{errors.New("give names or --all")}
		case !a.all && len(args) == 0:
			return usageError{errors.New("give the names of ValuesTriggers, or --all")}
		case !a.all && a.c.allNamespaces:
			return usageError{errors.New("names are of one namespace: give -n, or --all with -A")}
		case !a.all && a.c.selector != "":
			return usageError{errNamesSelected}
		case a.all && a.namesOnly != nil && a.namesOnly() != "":
			return usageError{errors.New(a.namesOnly())}
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
	if a.named {
		a.user = a.c.user(ctx)
	}
	return a.doAll(ctx, chosen)
}

// doAll does it to each.
func (a *action) doAll(ctx context.Context, chosen []triggerv1.ValuesTrigger) error {
	failed, said, done := false, false, 0
	token := newToken(a.c)
	for i := range chosen {
		vt := &chosen[i]
		wrote, spoke, err := a.do(ctx, vt, token)
		if err != nil {
			a.c.warn("valuestrigger/%s: %s", vt.Name, clean(explain(err)))
			failed = true
		}
		said = said || spoke || err != nil
		if wrote {
			done++
		}
	}
	switch {
	case failed:
		return errFound
	case a.all && a.expects && done == 0:
		return fmt.Errorf("none of %s was %s", layout.Plural(len(chosen), "ValuesTrigger"), a.done)
	case a.all && !said:
		a.c.said("nothing to %s in %s", a.verb, layout.Plural(len(chosen), "ValuesTrigger"))
	}
	return nil
}

// choose returns the ValuesTriggers that are meant.
func (a *action) choose(ctx context.Context, refs []reference) ([]triggerv1.ValuesTrigger, error) {
	if a.all {
		return a.c.selectedTriggers(ctx)
	}
	var chosen []triggerv1.ValuesTrigger
	for _, ref := range refs {
		if ref.kind != triggerv1.ValuesTriggerKind {
			return nil, usageError{fmt.Errorf("%s: give the name of a ValuesTrigger; 'tree' shows which one", ref.kind)}
		}
		vt, err := a.c.trigger(ctx, client.ObjectKey{Namespace: a.c.namespace, Name: ref.name})
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, *vt)
	}
	return chosen, nil
}

// do does it to one ValuesTrigger, and returns whether it did and whether anything was said about it. One that
// has changed since it was judged is judged again.
func (a *action) do(ctx context.Context, vt *triggerv1.ValuesTrigger, token string) (done, spoke bool, err error) {
	name, said := name(vt), ""
	for race := 1; ; race++ {
		j := a.judge(vt)
		switch {
		case a.all && j.leave != "":
			a.c.said("%s left out: %s", name, j.leave)
			return false, true, nil
		case a.all && j.idle:
			return false, spoke, nil
		}
		if j.first != "" && j.first != said {
			a.c.said("%s %s", name, j.first)
			spoke, said = true, j.first
		}
		mark, err := a.write(ctx, vt, j, token)
		switch {
		case err == nil:
			a.c.said("%s %s%s; before: %s%s", name, a.done, mark, describeTargets(vt), j.then)
			return true, true, nil
		case !apierrors.IsConflict(err) || race >= maxRaces:
			return false, spoke, err
		}
		if err := a.c.client.Get(ctx, client.ObjectKeyFromObject(vt), vt); err != nil {
			return false, spoke, err
		}
	}
}

// write makes the patch, unless it is only to be said what it would do. The mark says which.
func (a *action) write(ctx context.Context, vt *triggerv1.ValuesTrigger, j judgement, token string) (mark string, err error) {
	if a.dryRun {
		return " (dry run)", nil
	}
	patch := a.patch(token)
	if a.judged && (a.all || j.first != "") {
		withVersion(patch, vt)
	}
	return "", a.c.patch(ctx, vt, patch)
}

// withVersion has a patch refused if the object is not the version that was read.
func withVersion(patch map[string]any, vt *triggerv1.ValuesTrigger) {
	metadata, _ := patch["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		patch["metadata"] = metadata
	}
	metadata["resourceVersion"] = vt.ResourceVersion
}

// patch writes to a ValuesTrigger.
func (c *cli) patch(ctx context.Context, vt *triggerv1.ValuesTrigger, patch map[string]any) error {
	raw, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	err = c.client.Patch(ctx, vt.DeepCopy(), client.RawPatch(types.MergePatchType, raw), client.FieldOwner(triggerv1.ManualFieldManager))
	if apierrors.IsNotFound(err) {
		return errors.New("is gone")
	}
	return err
}

// newToken returns a value that no request had before.
func newToken(c *cli) string { return strconv.FormatInt(c.Now().UnixNano(), 10) }

// describeTargets says how many HelmReleases a trigger has, and how they are.
func describeTargets(vt *triggerv1.ValuesTrigger) string {
	summary := graph.Directory{}.Describe(vt).Summary
	if summary.Total == 0 {
		return "no HelmReleases"
	}
	return graph.Counts(graph.TargetSeverity, graph.ByState(summary))
}

// dryRunClient is the value of --dry-run that kubectl knows for what is done here.
const dryRunClient = "client"

// dryRun is the flag of that name, with the values of kubectl.
type dryRun bool

// Set implements pflag.Value.
func (d *dryRun) Set(value string) error {
	switch value {
	case dryRunClient, "true":
		*d = true
	case "none", "false":
		*d = false
	default:
		return errors.New("give client or none")
	}
	return nil
}

// String implements pflag.Value.
func (d *dryRun) String() string {
	if *d {
		return dryRunClient
	}
	return "none"
}

// Type implements pflag.Value.
func (d *dryRun) Type() string { return "string" }
