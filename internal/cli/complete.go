// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// completionTimeout is how long someone who has pressed the tabulator waits.
const completionTimeout = 3 * time.Second

// namespaceKind is the kind of namespaces.
const namespaceKind = "Namespace"

// groupVersions of the kinds of which metadata is listed.
var groupVersions = map[string]string{
	triggerv1.ConfigMapKind:     corev1.SchemeGroupVersion.String(),
	triggerv1.SecretKind:        corev1.SchemeGroupVersion.String(),
	helmv2.HelmReleaseKind:      helmv2.GroupVersion.String(),
	triggerv1.ValuesTriggerKind: triggerv1.GroupVersion.String(),
	namespaceKind:               corev1.SchemeGroupVersion.String(),
}

// names lists the names of a kind, or nothing.
func (c *cli) names(ctx context.Context, kind, namespace string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	if c.connect() != nil {
		return nil
	}
	if namespace == "" && kind != namespaceKind {
		namespace = c.namespace
	}
	var names []string
	_ = c.metadata(ctx, kind, namespace, func(meta metav1.ObjectMeta) { names = append(names, meta.Name) })
	return names
}

// completeNamespaces completes --namespace.
func (c *cli) completeNamespaces(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.names(cmd.Context(), namespaceKind, ""), cobra.ShellCompDirectiveNoFileComp
}

// completeNames returns a function that completes the names of one kind and, if any
// more are given, KIND/NAME.
func (c *cli) completeNames(kind string, more ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		var out []string
		if before, _, found := strings.Cut(typed, "/"); found {
			for _, name := range c.names(cmd.Context(), kinds[strings.ToLower(before)], "") {
				out = append(out, before+"/"+name)
			}
			return without(out, args), cobra.ShellCompDirectiveNoFileComp
		}
		if kind != "" {
			out = without(c.names(cmd.Context(), kind, ""), args)
		}
		directive := cobra.ShellCompDirectiveNoFileComp
		for _, prefix := range more {
			if strings.HasPrefix(prefix, typed) {
				out = append(out, prefix+"/")
				directive |= cobra.ShellCompDirectiveNoSpace
			}
		}
		return out, directive
	}
}

// without returns the names that are not given yet.
func without(names, given []string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(given, name) })
}

// completeOne returns a function that completes one name of a kind.
func (c *cli) completeOne(kind string) cobra.CompletionFunc {
	complete := c.completeNames(kind)
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, typed)
	}
}

// completeOf returns a function that completes a flag by what the named ValuesTrigger has.
func (c *cli) completeOf(of func(*triggerv1.ValuesTrigger) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		if len(args) != 1 || c.connect() != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		vt, err := c.trigger(ctx, client.ObjectKey{Namespace: c.namespace, Name: args[0]})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return of(vt), cobra.ShellCompDirectiveNoFileComp
	}
}
