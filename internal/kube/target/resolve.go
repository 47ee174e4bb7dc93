// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
)

// Target is a HelmRelease that a trigger selects.
type Target = binding.Target

// Resolver finds HelmReleases.
type Resolver struct {
	// Releases reads HelmReleases, as the account that the trigger acts as.
	Releases client.Reader

	// Namespaces reads the metadata of namespaces.
	Namespaces client.Reader
}

// Resolve returns the HelmReleases that the references of a trigger select, each
// once, sorted by namespace and name, and which of them select none and must.
func (r Resolver) Resolve(ctx context.Context, vt *triggerv1.ValuesTrigger) (targets []Target, selectNothing []string, err error) {
	refs, err := binding.TargetReferences(vt)
	if err != nil {
		return nil, nil, fault.Invalid("invalid reference: %w", err)
	}
	candidates := make([]binding.Candidates, 0, len(refs))
	for i, ref := range refs {
		field := fmt.Sprintf("spec.targets[%d]", i)
		namespaces, err := r.namespaces(ctx, ref, field)
		if err != nil {
			return nil, nil, err
		}
		releases, err := r.find(ctx, ref, namespaces)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", field, err)
		}
		candidates = append(candidates, binding.Candidates{Reference: ref, Namespaces: namespaces, Releases: releases})
	}
	if targets, selectNothing, err = binding.Select(candidates); err != nil {
		return nil, nil, fault.Invalid("invalid reference: %w", err)
	}
	return targets, selectNothing, nil
}

// find reads the HelmReleases of a reference in some namespaces.
func (r Resolver) find(ctx context.Context, ref binding.TargetReference, namespaces []string) ([]*helmv2.HelmRelease, error) {
	var found []*helmv2.HelmRelease
	for _, namespace := range namespaces {
		if ref.Name != "" {
			hr := &helmv2.HelmRelease{}
			err := r.Releases.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, hr)
			if client.IgnoreNotFound(err) != nil {
				return nil, err
			}
			if !apierrors.IsNotFound(err) {
				found = append(found, hr)
			}
			continue
		}
		// Of ten thousand releases, a copy for each look would be most of its work: no one changes them.
		list := &helmv2.HelmReleaseList{}
		if err := r.Releases.List(ctx, list, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: ref.Selector}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, err
		}
		for i := range list.Items {
			found = append(found, &list.Items[i])
		}
	}
	return found, nil
}

// namespaces returns the namespaces of a reference.
func (r Resolver) namespaces(ctx context.Context, ref binding.TargetReference, field string) ([]string, error) {
	switch {
	case ref.NamespaceSelector == nil:
		return []string{ref.Namespace}, nil
	case r.Namespaces == nil:
		return nil, fault.Invalid("invalid reference: %s.namespaceSelector needs an operator that watches all namespaces; set namespace instead", field)
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if err := r.Namespaces.List(ctx, list, client.MatchingLabelsSelector{Selector: ref.NamespaceSelector}); err != nil {
		return nil, fmt.Errorf("%s.namespaceSelector: %w", field, err)
	}
	names := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names, nil
}
