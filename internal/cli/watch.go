// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

func (c *cli) watchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch [NAME] [-n NAMESPACE | -A]",
		Short: "Watch a rollout on a board that follows it",
		Long: `Watch a ValuesTrigger on a board that follows the cluster: its stages with a sign
for each HelmRelease, how long they soak, what failed and why, whose change it is,
and what you can do. Without a name, all ValuesTriggers that are not ready, those
that need a person first. q or Ctrl-C ends it; it changes nothing.

Where the output is not a terminal, or TERM is dumb, it writes a line for each
change instead, until it is interrupted.`,
		Example: `  kubectl valuestrigger watch platform -n platform
  kubectl valuestrigger watch -A`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: c.completeNames(triggerv1.ValuesTriggerKind),
	}
	c.withAll(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error {
		refs, err := parseReferences(args)
		if err != nil {
			return err
		}
		name := ""
		for _, ref := range refs {
			switch {
			case ref.kind != triggerv1.ValuesTriggerKind:
				return usageError{errors.New("give the name of a ValuesTrigger")}
			case c.allNamespaces:
				return usageError{errors.New("a name is of one namespace: give -n, or -A without a name")}
			}
			name = ref.name
		}
		if err := c.connect(); err != nil {
			return err
		}
		return c.watch(cmd.Context(), name)
	})
}

// watch follows one ValuesTrigger, or all, until ctx ends or a person does.
func (c *cli) watch(ctx context.Context, name string) error {
	follows, ok := c.client.(client.WithWatch)
	if !ok {
		return errors.New("this client cannot watch")
	}
	if name != "" { // What does not exist is better said at once.
		if _, err := c.trigger(ctx, client.ObjectKey{Namespace: c.namespace, Name: name}); err != nil {
			return err
		}
	}
	f := c.newFollower(follows, name)
	if c.Terminal && c.Getenv("TERM") != "dumb" {
		return c.watchOnScreen(ctx, f, name)
	}
	return c.watchInLines(ctx, f)
}

// scene is what a watch shows: the ValuesTriggers as they were last seen.
type scene struct {
	triggers []triggerv1.ValuesTrigger
	graph.Directory

	// stale is since when the cluster does not answer, and why. Zero while it does.
	stale time.Time
	why   string
}

// staleText says since when what is shown is old, "" if it is not.
func (s scene) staleText(now time.Time) string {
	if s.stale.IsZero() {
		return ""
	}
	return fmt.Sprintf("no answer for %s: %s", graph.Duration(max(0, now.Sub(s.stale)).Round(time.Second)), s.why)
}

// showScene writes what is seen for a screen, and returns how far one can scroll.
func (c *cli) showScene(seen scene, name string, s board.Screen) (text string, most int) {
	s.Named, s.Stale = c.named, seen.staleText(s.Now)
	if name == "" {
		described := make([]graph.Trigger, 0, len(seen.triggers))
		for i := range seen.triggers {
			described = append(described, seen.Describe(&seen.triggers[i]))
		}
		where := "namespace " + c.namespace
		if c.allNamespaces {
			where = "all namespaces"
		}
		return board.OverviewOf(where, described).Text(s)
	}
	if len(seen.triggers) == 0 {
		return board.Gone("ValuesTrigger "+c.namespace+"/"+name, s)
	}
	vt := &seen.triggers[0]
	return board.Of(vt, seen.Describe(vt)).Text(s)
}

// watchInLines writes a line for each ValuesTrigger whenever something has changed.
func (c *cli) watchInLines(ctx context.Context, f *follower) error {
	shown := map[types.NamespacedName]string{}
	outage := ""
	return f.follow(ctx, func(seen scene) {
		at := c.Now().UTC().Format(time.RFC3339)
		if seen.why != outage {
			if outage = seen.why; outage != "" {
				c.said("%s   no answer from the cluster: %s", at, clean(outage))
				return
			}
			c.said("%s   the cluster answers again", at)
		}
		there := map[types.NamespacedName]bool{}
		for i := range seen.triggers {
			key := binding.TriggerObject(&seen.triggers[i]).NamespacedName()
			there[key] = true
			if line := board.Line(seen.Describe(&seen.triggers[i])); line != shown[key] {
				shown[key] = line
				c.said("%s   %s", at, c.named(line))
			}
		}
		for key := range shown {
			if !there[key] {
				delete(shown, key)
				c.said("%s   %s   deleted", at, key)
			}
		}
	})
}
