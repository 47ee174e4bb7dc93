// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
)

// Target is a resolved HelmRelease.
type Target struct {
	types.NamespacedName

	// Release is nil if it is named and does not exist.
	Release *helmv2.HelmRelease
}

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
	found := map[types.NamespacedName]*helmv2.HelmRelease{}
	for i, ref := range vt.Spec.Targets {
		field := fmt.Sprintf("spec.targets[%d]", i)
		namespaces, err := r.namespaces(ctx, vt, ref, field)
		if err != nil {
			return nil, nil, err
		}
		some := false
		for _, namespace := range namespaces {
			n, err := r.find(ctx, ref, field, namespace, found)
			if err != nil {
				return nil, nil, err
			}
			some = some || n > 0
		}
		if !some && !ref.Optional {
			selectNothing = append(selectNothing, nothing(ref, field, namespaces))
		}
	}
	if len(found) > triggerv1.MaxResolvedTargets {
		return nil, nil, fault.Invalid("invalid reference: spec.targets select %d HelmReleases, more than %d; split them over several ValuesTriggers",
			len(found), triggerv1.MaxResolvedTargets)
	}
	targets = make([]Target, 0, len(found))
	for key, hr := range found {
		targets = append(targets, Target{NamespacedName: key, Release: hr})
	}
	slices.SortFunc(targets, func(a, b Target) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return targets, selectNothing, nil
}

// nothing says that a reference selects no HelmRelease, and what to do about it.
func nothing(ref triggerv1.TargetReference, field string, namespaces []string) string {
	switch {
	case ref.NamespaceSelector != nil && len(namespaces) == 0:
		return fmt.Sprintf("%s.namespaceSelector matches no namespace; label one, correct the selector, or set %s.optional", field, field)
	case ref.NamespaceSelector != nil:
		return fmt.Sprintf("%s.selector matches no HelmRelease in the namespaces of namespaceSelector; label one, correct the selectors, or set %s.optional", field, field)
	}
	return fmt.Sprintf("%s.selector matches no HelmRelease in namespace %s; label one, correct selector or namespace, or set %s.optional", field, namespaces[0], field)
}

// find adds the HelmReleases of one reference in one namespace, and returns how many these
// are. One that is named counts though it does not exist, and is left out if it is optional.
func (r Resolver) find(ctx context.Context, ref triggerv1.TargetReference, field, namespace string, found map[types.NamespacedName]*helmv2.HelmRelease) (int, error) {
	if ref.Name != "" {
		key := types.NamespacedName{Namespace: namespace, Name: ref.Name}
		hr := &helmv2.HelmRelease{}
		err := r.Releases.Get(ctx, key, hr)
		switch {
		case apierrors.IsNotFound(err) && ref.Optional:
		case apierrors.IsNotFound(err):
			found[key] = nil
		case err != nil:
			return 0, fmt.Errorf("%s: %w", field, err)
		default:
			found[key] = hr
		}
		return 1, nil
	}

	selector, err := ref.Selector.AsSelector()
	if err != nil {
		return 0, fault.Invalid("invalid reference: %s.selector: %w", field, err)
	}
	list := &helmv2.HelmReleaseList{}
	if err := r.Releases.List(ctx, list, client.InNamespace(namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return 0, fmt.Errorf("%s: %w", field, err)
	}
	for i := range list.Items {
		found[client.ObjectKeyFromObject(&list.Items[i])] = &list.Items[i]
	}
	return len(list.Items), nil
}

// namespaces returns the namespaces of a reference.
func (r Resolver) namespaces(ctx context.Context, vt *triggerv1.ValuesTrigger, ref triggerv1.TargetReference, field string) ([]string, error) {
	switch {
	case ref.NamespaceSelector == nil && ref.Namespace == "":
		return []string{vt.Namespace}, nil
	case ref.NamespaceSelector == nil:
		return []string{ref.Namespace}, nil
	case r.Namespaces == nil:
		return nil, fault.Invalid("invalid reference: %s.namespaceSelector needs an operator that watches all namespaces; set namespace instead", field)
	}
	selector, err := ref.NamespaceSelector.AsSelector()
	if err != nil {
		return nil, fault.Invalid("invalid reference: %s.namespaceSelector: %w", field, err)
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
	if err := r.Namespaces.List(ctx, list, client.MatchingLabelsSelector{Selector: selector}); err != nil {
		return nil, fmt.Errorf("%s.namespaceSelector: %w", field, err)
	}
	names := make([]string, 0, len(list.Items))
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names, nil
}
