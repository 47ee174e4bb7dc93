// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

func (c *cli) treeCommand() *cobra.Command {
	var everything bool
	cmd := &cobra.Command{
		Use:   "tree [[KIND/]NAME...] [-n NAMESPACE | -A]",
		Short: "Show what depends on what, and how far each delivery got",
		Long: `Show ValuesTriggers with their sources and HelmReleases, what has gone wrong
first. Without names, what is well is folded when there is much of it.

The other way round, for a ConfigMap or Secret: what would an edit of it touch?
For a HelmRelease: what does it depend on?`,
		Example: `  kubectl valuestrigger tree -A
  kubectl valuestrigger tree platform -n apps
  kubectl valuestrigger tree configmap/platform-values -n config
  kubectl valuestrigger tree helmrelease/my-app -n apps`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: c.completeNames(triggerv1.ValuesTriggerKind, "configmap", "secret", "helmrelease"),
	}
	cmd.Flags().BoolVar(&everything, "all", false, "fold nothing")
	c.withOutput(cmd, formatName, formatWide)
	c.withAll(cmd)
	c.withSelector(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error { return c.tree(cmd.Context(), args, everything) })
}

func (c *cli) tree(ctx context.Context, args []string, everything bool) error {
	refs, err := parseReferences(args)
	if err != nil {
		return err
	}
	if len(refs) > 0 && c.selector != "" {
		return usageError{errNamesSelected}
	}
	if err := c.connect(); err != nil {
		return err
	}
	if c.output == formatName {
		return c.listNames(ctx, refs)
	}
	if len(refs) == 0 {
		return c.treeOfAll(ctx, everything)
	}
	var answers []any
	var people []func(layout.Style) string
	for _, ref := range refs {
		answer, show, err := c.treeOf(ctx, ref, everything)
		if err != nil {
			return err
		}
		answers, people = append(answers, answer), append(people, show)
	}
	return c.showAll(answers, people)
}

// listNames lists the ValuesTriggers that are meant, as kubectl does.
func (c *cli) listNames(ctx context.Context, refs []reference) error {
	keys, err := (&waiter{c: c}).resolve(ctx, refs)
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		names = append(names, key.Name)
	}
	c.saidNames(triggerResource, names)
	return err
}

func parseReferences(args []string) ([]reference, error) {
	var refs []reference
	for _, arg := range args {
		ref, err := parseReference(arg, triggerv1.ValuesTriggerKind)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, nil
}

// treeOfAll shows all triggers of the namespace, or of all.
func (c *cli) treeOfAll(ctx context.Context, everything bool) error {
	all, err := c.selectedTriggers(ctx)
	if err != nil {
		return err
	}
	directory, err := c.directory(ctx, c.namespace, all)
	if err != nil {
		return err
	}
	triggers := make([]graph.Trigger, 0, len(all))
	for i := range all {
		triggers = append(triggers, directory.Describe(&all[i]))
	}
	graph.Sort(triggers)
	answer := struct {
		Summary  graph.Summary   `json:"summary"`
		Triggers []graph.Trigger `json:"valuesTriggers"`
	}{graph.Summarize(triggers), triggers}
	return c.show(answer, func(s layout.Style) string {
		if len(triggers) == 0 {
			return "No ValuesTriggers in " + c.where() + ".\n"
		}
		return forest{Style: s, most: most(everything, maxTargets), everything: everything, named: c.named}.text(triggers, answer.Summary)
	})
}

func (c *cli) where() string {
	if c.allNamespaces {
		return "any namespace"
	}
	return "namespace " + c.namespace + " (-A looks at all)"
}

// treeOf returns the answer about one object, and how to show it.
func (c *cli) treeOf(ctx context.Context, ref reference, everything bool) (any, func(layout.Style) string, error) {
	key := client.ObjectKey{Namespace: c.namespace, Name: ref.name}
	switch ref.kind {
	case helmv2.HelmReleaseKind:
		hr := &helmv2.HelmRelease{}
		if err := c.client.Get(ctx, key, hr); err != nil {
			return nil, nil, err
		}
		triggers, err := c.allTriggers(ctx, c.namespace)
		if err != nil {
			return nil, nil, err
		}
		directory, err := c.directoryOf(ctx, hr, triggers)
		if err != nil {
			return nil, nil, err
		}
		feeds := directory.FeedsOf(triggers, hr)
		return feeds, func(s layout.Style) string { return feedsText(s, feeds, c.named) }, nil
	case triggerv1.ValuesTriggerKind:
		vt, err := c.trigger(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		directory, err := c.directory(ctx, key.Namespace, []triggerv1.ValuesTrigger{*vt})
		if err != nil {
			return nil, nil, err
		}
		t := directory.Describe(vt)
		return t, func(s layout.Style) string {
			return forest{Style: s, most: most(everything, maxNamedTargets), alike: most(everything, maxAlike), everything: true, named: c.named}.text([]graph.Trigger{t}, graph.Summary{})
		}, nil
	}
	return c.reachOf(ctx, ref.kind, key, everything)
}

// reached is what an edit of an object would touch, and whose edit was the last.
type reached struct {
	graph.Reach
	EditedBy string       `json:"editedBy,omitempty"`
	EditedAt *metav1.Time `json:"editedAt,omitempty"`
}

// reachOf returns what an edit of a ConfigMap or Secret would touch. Its content is not
// read.
func (c *cli) reachOf(ctx context.Context, kind string, key client.ObjectKey, everything bool) (any, func(layout.Style) string, error) {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	err := c.client.Get(ctx, key, object)
	switch {
	case apierrors.IsForbidden(err) && kind == triggerv1.SecretKind:
		c.warn("you may not read %s %s: what its labels say is not known", kind, key)
	case apierrors.IsNotFound(err):
		c.warn("%s %s does not exist: this is what its creation would touch", kind, key)
	case err != nil:
		return nil, nil, err
	}
	cluster, err := c.cluster(ctx, key.Namespace)
	if err != nil {
		return nil, nil, err
	}
	answer := reached{Reach: graph.Reaches(cluster, graph.Subject{
		Object: binding.Object{Kind: kind, Namespace: key.Namespace, Name: key.Name}, Labels: object.Labels, Annotations: object.Annotations,
	})}
	var edited time.Time
	if edited, answer.EditedBy = lastWrite(object); !edited.IsZero() {
		answer.EditedAt = new(metav1.NewTime(edited))
	}
	return answer, func(s layout.Style) string {
		by := ""
		if answer.EditedAt != nil {
			by = fmt.Sprintf("last recorded write by %s %s ago", clean(answer.EditedBy), s.Age(edited))
		}
		return reachText(s, answer.Reach, by, most(everything, maxNamedTargets))
	}, nil
}

// lastWrite returns when and by which field manager content was last written, as far as
// the API server records it: it does not record that a key was removed.
func lastWrite(obj client.Object) (at time.Time, manager string) {
	for _, entry := range obj.GetManagedFields() {
		if entry.Time == nil || entry.Manager == triggerv1.FieldManager || entry.Time.Time.Before(at) {
			continue
		}
		if owned := fields.Of(entry); owned.Has("data") || owned.Has("binaryData") {
			at, manager = entry.Time.Time, entry.Manager
		}
	}
	return at, manager
}
