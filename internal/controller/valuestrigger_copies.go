// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
)

// This file removes copies that are not wanted any more, if the policy is to.

// deletesCopies tells whether the copies of a trigger go with it.
func deletesCopies(vt *triggerv1.ValuesTrigger) bool {
	return vt.Spec.Publish != nil && vt.Spec.Publish.DeletionPolicy == triggerv1.DeletionDelete && !vt.IsGenerated()
}

// keepFinalizer brings the finalizer in line with the policy, and tells whether it had to:
// the trigger is then another version, with which to begin again.
func (r *ValuesTriggerReconciler) keepFinalizer(ctx context.Context, vt *triggerv1.ValuesTrigger) (changes bool, err error) {
	if deletesCopies(vt) == controllerutil.ContainsFinalizer(vt, triggerv1.CopiesFinalizer) {
		return false, nil
	}
	changed := vt.DeepCopy()
	if !controllerutil.RemoveFinalizer(changed, triggerv1.CopiesFinalizer) {
		controllerutil.AddFinalizer(changed, triggerv1.CopiesFinalizer)
	}
	patch := client.MergeFromWithOptions(vt, client.MergeFromWithOptimisticLock{})
	err = r.writer.Patch(ctx, changed, patch, client.FieldOwner(triggerv1.FieldManager))
	if apierrors.IsConflict(err) {
		err = nil // A newer version is on its way.
	}
	return true, client.IgnoreNotFound(err)
}

// finalize removes the copies of a trigger that is being deleted, unless it is suspended.
// What its account may not delete is kept: nobody is to be kept from deleting a trigger.
func (r *ValuesTriggerReconciler) finalize(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	if vt.DeletionTimestamp.IsZero() || !r.serves(vt) || !controllerutil.ContainsFinalizer(vt, triggerv1.CopiesFinalizer) {
		return nil
	}
	if deletesCopies(vt) && !vt.Spec.Suspend {
		_, writer, err := r.accounts.of(vt, false)
		if err == nil {
			err = r.deleteCopies(ctx, vt, writer, func(*metav1.PartialObjectMetadata) (bool, error) { return true, nil })
		}
		if err != nil && !isRefused(err) && !errors.Is(err, errAccount) {
			return err
		}
	}
	changed := vt.DeepCopy()
	controllerutil.RemoveFinalizer(changed, triggerv1.CopiesFinalizer)
	patch := client.MergeFromWithOptions(vt, client.MergeFromWithOptimisticLock{})
	return client.IgnoreNotFound(r.writer.Patch(ctx, changed, patch, client.FieldOwner(triggerv1.FieldManager)))
}

// prune removes the copies that no target wants and no release reads any more.
func (r *ValuesTriggerReconciler) prune(ctx context.Context, vt *triggerv1.ValuesTrigger, e evaluation) error {
	if e.publication == nil || !deletesCopies(vt) {
		return nil
	}
	wanted := map[string]bool{}
	for _, t := range e.targets {
		for _, c := range e.publication.copiesOf(t.NamespacedName) {
			wanted[c.String()] = true
		}
	}
	return r.deleteCopies(ctx, vt, e.writer, func(found *metav1.PartialObjectMetadata) (bool, error) {
		if wanted[named(found).String()] || found.Labels[triggerv1.KeptLabel] != "" {
			return false, nil
		}
		readers := &helmv2.HelmReleaseList{}
		key := index.Source(found.Kind, found.Namespace, found.Name)
		err := r.cache.List(ctx, readers, client.InNamespace(found.Namespace), client.MatchingFields{index.ReleaseSource: key}, client.UnsafeDisableDeepCopy)
		return publish.Obsolete(vt.Spec.Publish.DeletionPolicy, false, len(readers.Items) > 0), err
	})
}

// deleteCopies deletes those copies of a trigger that the filter says.
func (r *ValuesTriggerReconciler) deleteCopies(ctx context.Context, vt *triggerv1.ValuesTrigger, writer client.Client, filter func(*metav1.PartialObjectMetadata) (bool, error)) error {
	labels := publish.Selector(client.ObjectKeyFromObject(vt))
	found, err := r.copies.List(ctx, sourceKinds(r.sources.Secrets), labels)
	if err != nil {
		return err
	}
	deleted, errs := r.deleteSome(ctx, writer, found, filter)
	if deleted > 0 {
		r.events.Eventf(vt, corev1.EventTypeNormal, triggerv1.CopiesDeletedReason, "Deleted %d copies", deleted)
	}
	if err = errors.Join(errs...); isRefused(err) {
		r.events.Eventf(vt, corev1.EventTypeWarning, triggerv1.CopiesKeptReason, "%d copies are kept: %s", len(errs), line(r.accountMessage(vt, errs[0])))
	}
	return err
}

// named returns the copy that an object is, as far as its name.
func named(found *metav1.PartialObjectMetadata) publish.Copy {
	return publish.Copy{Kind: found.Kind, Namespace: found.Namespace, Name: found.Name}
}

// deleteSome deletes those of the objects that the filter says, and returns how many.
func (r *ValuesTriggerReconciler) deleteSome(ctx context.Context, writer client.Client, found []*metav1.PartialObjectMetadata, filter func(*metav1.PartialObjectMetadata) (bool, error)) (deleted int, errs []error) {
	for _, one := range found {
		obsolete, err := filter(one)
		if err == nil && obsolete {
			if err = r.copies.Delete(ctx, writer, one); err == nil {
				deleted++
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("copy %s %s/%s: %w", one.Kind, one.Namespace, one.Name, err))
		}
	}
	return deleted, errs
}
