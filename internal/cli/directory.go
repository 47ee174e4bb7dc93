// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// directory reads what completes the statuses of triggers: nothing, if they list all their targets.
// Of HelmReleases only metadata is read. What may not be read is left out, and said.
func (c *cli) directory(ctx context.Context, namespace string, triggers []triggerv1.ValuesTrigger) (graph.Directory, error) {
	if !slices.ContainsFunc(triggers, isBounded) {
		return graph.Directory{}, nil
	}
	list := func(in string) (all []helmv2.HelmRelease, err error) {
		err = c.metadata(ctx, helmv2.HelmReleaseKind, in, func(meta metav1.ObjectMeta) {
			meta.ManagedFields = nil // Most of it.
			all = append(all, helmv2.HelmRelease{ObjectMeta: meta})
		})
		return all, err
	}
	releases, in, err := widest(c, namespace, "HelmReleases", list)
	switch {
	case apierrors.IsForbidden(err):
		c.warn("HelmReleases are not listed: %s", explain(err))
	case err != nil:
		return graph.Directory{}, err
	}
	d := graph.Directory{Releases: releases, All: err == nil && in == "", Namespace: in}
	return c.completed(ctx, d, triggers)
}

// completed adds the namespaces that statuses are completed by, and says what is only counted.
func (c *cli) completed(ctx context.Context, d graph.Directory, triggers []triggerv1.ValuesTrigger) (graph.Directory, error) {
	if slices.ContainsFunc(triggers, func(vt triggerv1.ValuesTrigger) bool { return isBounded(vt) && graph.SelectsNamespaces(&vt) }) {
		var err error
		d.Namespaces, err = c.namespaces(ctx)
		switch {
		case apierrors.IsForbidden(err):
			c.warn("namespaces are not listed: %s", explain(err))
		case err != nil:
			return d, err
		}
	}
	for i := range triggers {
		if m := d.Members(&triggers[i]); m.CountedOnly > 0 {
			c.warn("%d of %d HelmReleases of %s are only counted: its status does not list them, and they were not found",
				m.CountedOnly, m.Summary.Total, binding.TriggerObject(&triggers[i]))
		}
	}
	return d, nil
}

// directoryOf reads what says whether a HelmRelease is a target of triggers whose statuses do not
// list it.
func (c *cli) directoryOf(ctx context.Context, hr *helmv2.HelmRelease, triggers []triggerv1.ValuesTrigger) (graph.Directory, error) {
	d := graph.Directory{Releases: []helmv2.HelmRelease{*hr}}
	if !slices.ContainsFunc(triggers, func(vt triggerv1.ValuesTrigger) bool { return isBounded(vt) && graph.SelectsNamespaces(&vt) }) {
		return d, nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	err := c.client.Get(ctx, client.ObjectKey{Name: hr.Namespace}, namespace)
	switch {
	case apierrors.IsForbidden(err):
		c.warn("ValuesTriggers that select the namespace by its labels are perhaps left out: %s", explain(err))
		return d, nil
	case client.IgnoreNotFound(err) != nil:
		return d, err
	}
	d.Namespaces = map[string]labels.Set{hr.Namespace: namespace.Labels}
	return d, nil
}

func isBounded(vt triggerv1.ValuesTrigger) bool { return graph.IsBounded(&vt) }

// namespaces lists the labels of all namespaces.
func (c *cli) namespaces(ctx context.Context) (map[string]labels.Set, error) {
	all := map[string]labels.Set{}
	err := c.metadata(ctx, namespaceKind, "", func(meta metav1.ObjectMeta) { all[meta.Name] = meta.Labels })
	return all, err
}

// metadata lists the metadata of objects of a kind.
func (c *cli) metadata(ctx context.Context, kind, namespace string, each func(metav1.ObjectMeta), options ...client.ListOption) error {
	return pages(ctx, c.client, namespace, func() *metav1.PartialObjectMetadataList {
		list := &metav1.PartialObjectMetadataList{}
		list.APIVersion, list.Kind = groupVersions[kind], kind+"List"
		return list
	}, func(list *metav1.PartialObjectMetadataList) {
		for _, item := range list.Items {
			each(item.ObjectMeta)
		}
	}, options...)
}
