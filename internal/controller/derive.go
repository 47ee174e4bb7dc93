// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// deriver says which sources the contract and autodiscovery give a HelmRelease. Both
// reconcilers ask it: one to generate the trigger, the other to trust it no further
// than this.
type deriver struct {
	cache         client.Reader
	policy        access.Policy
	autodiscovery bool
	secrets       bool

	// namespaces is nil where only the operator's own is watched.
	namespaces client.Reader
}

// undeclared returns the sources without those that declared triggers deliver.
func (d deriver) undeclared(ctx context.Context, hr *helmv2.HelmRelease) ([]triggerv1.SourceReference, error) {
	derived, _, err := d.derive(ctx, hr)
	if err != nil {
		return nil, err
	}
	return d.withoutDeclared(ctx, hr, derived)
}

// derive returns the sources, and how many did not fit in one trigger.
func (d deriver) derive(ctx context.Context, hr *helmv2.HelmRelease) ([]triggerv1.SourceReference, int, error) {
	if contract.IsExcluded(hr.Labels) || !hr.DeletionTimestamp.IsZero() {
		return nil, 0, nil
	}
	var found []triggerv1.SourceReference
	if d.autodiscovery {
		for _, ref := range discovery.Found(hr) {
			excluded, err := d.excluded(ctx, hr, ref)
			if err != nil {
				return nil, 0, err
			}
			if !excluded {
				found = append(found, ref)
			}
		}
	}
	labelled, err := d.labelled(ctx, hr)
	if err != nil {
		return nil, 0, err
	}
	sources, dropped := discovery.Merge(found, labelled)
	return sources, dropped, nil
}

// excluded reports whether what a release reads is not a source: it opts out by its label, as
// copies do, or is a copy that does not exist.
func (d deriver) excluded(ctx context.Context, hr *helmv2.HelmRelease, ref triggerv1.SourceReference) (bool, error) {
	if ref.Kind == triggerv1.SecretKind && !d.secrets {
		return false, nil
	}
	meta := index.Metadata(ref.Kind)
	err := d.cache.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, meta)
	if apierrors.IsNotFound(err) {
		return d.isCopy(ctx, hr, ref)
	}
	if err != nil {
		return false, fmt.Errorf("metadata of %s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, err)
	}
	return contract.IsExcluded(meta.Labels), nil
}

// isCopy reports whether what a release reads has the name of a copy that a declared trigger
// is to keep for it: that one says what keeps it from coming. It counts from the spec of the
// trigger, which may be suspended, or wait for a source, and then knows no targets.
func (d deriver) isCopy(ctx context.Context, hr *helmv2.HelmRelease, ref triggerv1.SourceReference) (bool, error) {
	triggers, err := d.declared(ctx, hr)
	return slices.ContainsFunc(triggers, func(vt *triggerv1.ValuesTrigger) bool { return publish.IsNameOfCopy(vt, hr.Name, ref.Kind, ref.Name) }), err
}

// declared returns the declared triggers that name a release or select it by its labels, as the
// cache has them.
func (d deriver) declared(ctx context.Context, hr *helmv2.HelmRelease) ([]*triggerv1.ValuesTrigger, error) {
	var found []*triggerv1.ValuesTrigger
	for _, key := range index.Target(hr.Namespace, hr.Name) {
		list := &triggerv1.ValuesTriggerList{}
		if err := d.cache.List(ctx, list, client.MatchingFields{index.TriggerTarget: key}, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("declared triggers of HelmRelease %s/%s: %w", hr.Namespace, hr.Name, err)
		}
		for i := range list.Items {
			if vt := &list.Items[i]; vt.DeletionTimestamp.IsZero() && !generated.Is(vt) && names(vt, hr) {
				found = append(found, vt)
			}
		}
	}
	return found, nil
}

// labelled returns the labelled objects that name the release and may trigger it.
func (d deriver) labelled(ctx context.Context, hr *helmv2.HelmRelease) ([]triggerv1.SourceReference, error) {
	target := access.TargetOf(hr)
	var sources []triggerv1.SourceReference
	for _, kind := range index.Kinds(d.secrets) {
		objects, err := index.Labelled(ctx, d.cache, kind, client.ObjectKeyFromObject(hr), func(namespace string) bool {
			return d.policy.Check(namespace, target) == nil
		})
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			sources = append(sources, discovery.Labelled(kind, object.Namespace, object.Name))
		}
	}
	return sources, nil
}

// withoutDeclared drops the sources that declared ValuesTriggers deliver to the
// release. What counts is what such a trigger has got to and may do, not what its
// spec asks for: otherwise anybody could silence a release.
func (d deriver) withoutDeclared(ctx context.Context, hr *helmv2.HelmRelease, sources []triggerv1.SourceReference) ([]triggerv1.SourceReference, error) {
	triggers, err := d.declared(ctx, hr)
	if err != nil {
		return nil, err
	}
	var delivering []*triggerv1.ValuesTrigger
	for _, vt := range triggers {
		selects, err := d.selects(ctx, vt, hr)
		if err != nil {
			return nil, err
		}
		if selects && onRecord(vt, hr) != nil {
			delivering = append(delivering, vt)
		}
	}
	return slices.DeleteFunc(sources, func(s triggerv1.SourceReference) bool {
		return slices.ContainsFunc(delivering, func(vt *triggerv1.ValuesTrigger) bool {
			return d.mayDeliver(vt, s, hr) && delivers(vt, s, hr)
		})
	}), nil
}

// selects reports whether a trigger selects a release, with its namespace. A reference that is
// malformed selects it: its trigger says so when it is reconciled.
func (d deriver) selects(ctx context.Context, vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) (bool, error) {
	namespace := index.Metadata("Namespace")
	for _, ref := range vt.Spec.Targets {
		one, err := binding.TargetReferenceOf(vt, ref)
		if err != nil {
			return true, nil //nolint:nilerr // See above.
		}
		if one.NamespaceSelector != nil && namespace.Name == "" {
			if d.namespaces == nil {
				continue // None but the operator's own is watched.
			}
			if err := d.namespaces.Get(ctx, client.ObjectKey{Name: hr.Namespace}, namespace); apierrors.IsNotFound(err) {
				continue // It has just come or gone, of which there is an event.
			} else if err != nil {
				return false, err
			}
		}
		if one.LeadsInto(hr.Namespace, namespace.Labels) && one.Selects(hr.Name, hr.Labels) {
			return true, nil
		}
	}
	return false, nil
}

// mayDeliver reports whether a declared trigger may, now, deliver a source to a release: it may
// have been denied since its status was written, or someone else may have written that.
func (d deriver) mayDeliver(vt *triggerv1.ValuesTrigger, s triggerv1.SourceReference, hr *helmv2.HelmRelease) bool {
	return d.policy.Check(vt.Namespace, access.TargetOf(hr)) == nil && d.policy.CheckSource(vt.Namespace, s.Namespace) == nil
}

// delivers reports whether a declared trigger has taken over a source for a release, with
// all the keys that count. Its status may be older than its spec, for as long as a source is
// missing, or be that of the time when it was a generated one.
func delivers(vt *triggerv1.ValuesTrigger, s triggerv1.SourceReference, hr *helmv2.HelmRelease) bool {
	return mayList(vt, s) && !isDenied(vt, hr.Namespace, hr.Name) && coversKeys(keysOf(vt, s.Kind, s.Namespace, s.Name), s.Keys) &&
		slices.ContainsFunc(vt.Status.Sources, func(status triggerv1.SourceStatus) bool {
			return status.Kind == s.Kind && status.Namespace == s.Namespace && status.Name == s.Name
		})
}

// mayList reports whether a trigger refers to a source by name, or may select it.
func mayList(vt *triggerv1.ValuesTrigger, s triggerv1.SourceReference) bool {
	return slices.ContainsFunc(vt.Spec.Sources, func(ref triggerv1.SourceReference) bool {
		return ref.Kind == s.Kind && cmp.Or(ref.Namespace, vt.Namespace) == s.Namespace && (ref.Name == s.Name || ref.Selector != nil)
	})
}

// coversKeys reports whether some keys, nil for all, are among others.
func coversKeys(keys, wanted []string) bool {
	if keys == nil || wanted == nil {
		return keys == nil
	}
	return !slices.ContainsFunc(wanted, func(key string) bool { return !slices.Contains(keys, key) })
}
