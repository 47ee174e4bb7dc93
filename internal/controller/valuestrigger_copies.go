// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
)

// This file removes copies that are not wanted any more, if the policy is to. Nothing here
// keeps an object from being deleted: a copy itself says that it goes with its trigger.

// maxTidied bounds the copies that are deleted, or let go, before other work is done. The
// rest follows at once.
const maxTidied = 100

// copy metadata, as it is watched.
type copyMeta = metav1.PartialObjectMetadata

// deletesCopies reports whether the copies of a trigger go with it. Those of one that is
// suspended do not: nothing is done for it.
func deletesCopies(vt *triggerv1.ValuesTrigger) bool {
	return vt.Spec.Publish != nil && vt.Spec.Publish.DeletionPolicy == triggerv1.DeletionDelete && !generated.Is(vt) && !vt.Spec.Suspend
}

// dropFinalizer removes the finalizer of earlier versions, which blocked deletions. Copies
// that those versions made do not say that they go with their trigger: if it is being
// deleted, it is not too late.
func (r *ValuesTriggerReconciler) dropFinalizer(ctx context.Context, vt *triggerv1.ValuesTrigger) error {
	if !controllerutil.ContainsFinalizer(vt, triggerv1.CopiesFinalizer) {
		return nil
	}
	if !vt.DeletionTimestamp.IsZero() && deletesCopies(vt) {
		found, err := r.copiesOf(ctx, client.ObjectKeyFromObject(vt))
		if err != nil {
			return err
		}
		if t := r.removeAs(ctx, vt, found); t.err != nil {
			ctrl.LoggerFrom(ctx).Error(t.err, "copies are kept")
		}
	}
	changed := vt.DeepCopy()
	controllerutil.RemoveFinalizer(changed, triggerv1.CopiesFinalizer)
	patch := client.MergeFromWithOptions(vt, client.MergeFromWithOptimisticLock{})
	return client.IgnoreNotFound(r.writer.Patch(ctx, changed, patch, client.FieldOwner(triggerv1.FieldManager)))
}

// copiesOf returns the copies of a trigger that the operator has made and that are not
// being deleted: what only bears their labels makes no work.
func (r *ValuesTriggerReconciler) copiesOf(ctx context.Context, trigger types.NamespacedName) ([]*copyMeta, error) {
	found, err := index.Copies(ctx, r.cache, sourceKinds(r.sources.Secrets), trigger)
	return slices.DeleteFunc(found, strange), err
}

// copiesThatGo returns those of copiesOf that go with the trigger.
func (r *ValuesTriggerReconciler) copiesThatGo(ctx context.Context, trigger types.NamespacedName) ([]*copyMeta, error) {
	found, err := index.CopiesThatGo(ctx, r.cache, sourceKinds(r.sources.Secrets), trigger)
	return slices.DeleteFunc(found, strange), err
}

// strange reports whether an object with the labels of a copy is not one, or is going.
func strange(one *copyMeta) bool {
	return !one.DeletionTimestamp.IsZero() || one.Labels[triggerv1.KeptLabel] != "" || !madeHere(one)
}

// madeHere reports whether the operator has applied an object, as far as it says so.
func madeHere(obj client.Object) bool { return ownLabels(obj.GetManagedFields()) != nil }

// collect removes the copies that go with a trigger that is gone, and returns when to go
// on. They are found when it is deleted, and when the operator starts.
func (r *ValuesTriggerReconciler) collect(ctx context.Context, trigger types.NamespacedName) (ctrl.Result, error) {
	found, err := r.copiesThatGo(ctx, trigger)
	if err != nil || len(found) == 0 {
		return ctrl.Result{}, err
	}
	if gone, err := r.isGone(ctx, trigger); err != nil || !gone {
		return ctrl.Result{}, err
	}
	byAccount := map[string][]*copyMeta{}
	for _, one := range found {
		account := one.Annotations[triggerv1.AccountAnnotation]
		byAccount[account] = append(byAccount[account], one)
	}
	var errs []error
	var result ctrl.Result
	for account, all := range byAccount {
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: trigger.Namespace, Name: trigger.Name}}
		vt.Spec.ServiceAccountName = account
		t := r.removeAs(ctx, vt, all)
		errs = append(errs, t.err)
		if t.more {
			result.RequeueAfter = conflictDelay
		}
	}
	if err := errors.Join(errs...); err != nil {
		return ctrl.Result{}, err
	}
	return result, nil
}

// isGone asks the API server whether there is a trigger of a name, or of one that is too
// long for a label and has that in its place.
func (r *ValuesTriggerReconciler) isGone(ctx context.Context, trigger types.NamespacedName) (bool, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind + "List"))
	err := r.live.List(ctx, list, client.InNamespace(trigger.Namespace))
	if apierrors.IsNotFound(err) || apimeta.IsNoMatchError(err) {
		return true, nil // With their definition, all are gone.
	}
	return err == nil && !slices.ContainsFunc(list.Items, func(one copyMeta) bool {
		return one.Name == trigger.Name || publish.LabelValue(one.Name) == publish.LabelValue(trigger.Name)
	}), err
}

// removeAs removes copies as the account of their trigger, and says so.
func (r *ValuesTriggerReconciler) removeAs(ctx context.Context, vt *triggerv1.ValuesTrigger, found []*copyMeta) tidied {
	_, writer, err := r.accounts.of(vt, false)
	if err != nil {
		return tidied{err: err}
	}
	t := tidy(found, func(one *copyMeta) error { return r.copies.Delete(ctx, writer, one) })
	r.sayDeleted(vt, t.done)
	r.sayKept(vt, t.refused)
	return t
}

// prune removes the copies that no target wants and no release reads any more, or has them
// stay when the trigger goes if the policy is not to remove them. It reports whether there
// are more.
func (r *ValuesTriggerReconciler) prune(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, out result) (more bool, err error) {
	if !deletesCopies(vt) || snap.publication == nil {
		return r.letGo(ctx, vt)
	}
	obsolete, err := r.obsolete(ctx, vt, snap, out)
	if err != nil || len(obsolete) == 0 {
		return false, err
	}
	t := tidy(obsolete, func(one *copyMeta) error { return r.copies.Delete(ctx, snap.writer, one) })
	r.sayDeleted(vt, t.done)
	// Of what is in other places than the targets of this trigger nothing is said.
	known := map[string]bool{}
	for _, t := range append(slices.Clone(vt.Status.Targets), out.targets...) {
		known[t.Namespace+"/"+publish.LabelValue(t.Name)] = true
	}
	refused := slices.DeleteFunc(t.refused, func(one refusedCopy) bool { return !known[targetOf(one.copy)] })
	r.sayKept(vt, refused)
	if len(refused) > 0 {
		return t.more, errors.Join(t.err, refused[0].err)
	}
	return t.more, t.err
}

// obsolete returns the copies that no target wants and no release reads. The status is about
// to forget a target that was dropped, so its copy is looked for where it cannot be missed.
func (r *ValuesTriggerReconciler) obsolete(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, out result) ([]*copyMeta, error) {
	list, reader := index.Copies, r.cache
	if dropsTarget(vt.Status.Targets, out.targets) {
		list, reader = index.CopiesNow, r.live
	}
	found, err := list(ctx, reader, sourceKinds(r.sources.Secrets), client.ObjectKeyFromObject(snap.publication.owner))
	found = slices.DeleteFunc(found, strange)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, t := range snap.targets {
		for _, c := range snap.publication.copiesOf(t.NamespacedName) {
			wanted[c.String()] = true
		}
	}
	waiting := map[string]bool{} // For what it had to be put where it reads now.
	for _, t := range out.targets {
		waiting[t.Namespace+"/"+publish.LabelValue(t.Name)] = t.Published == "" && t.State != triggerv1.TargetMissing
	}
	var obsolete []*copyMeta
	for _, one := range found {
		if wanted[named(one).String()] || waiting[targetOf(one)] {
			continue
		}
		read, err := r.isRead(ctx, one)
		if err != nil {
			return nil, err
		}
		if !read {
			obsolete = append(obsolete, one)
		}
	}
	return obsolete, nil
}

// dropsTarget reports whether a target is not among those of now.
func dropsTarget(before, now []triggerv1.TargetStatus) bool {
	still := map[string]bool{}
	for _, t := range now {
		still[t.Namespace+"/"+t.Name] = true
	}
	return slices.ContainsFunc(before, func(t triggerv1.TargetStatus) bool { return !still[t.Namespace+"/"+t.Name] })
}

// targetOf returns namespace and label of the target that a copy is for.
func targetOf(one *copyMeta) string {
	return one.Namespace + "/" + one.Labels[triggerv1.PublishedForLabel]
}

// isRead reports whether a release lists a copy.
func (r *ValuesTriggerReconciler) isRead(ctx context.Context, one *copyMeta) (bool, error) {
	readers := &helmv2.HelmReleaseList{}
	key := index.Source(one.Kind, one.Namespace, one.Name)
	err := r.cache.List(ctx, readers, client.InNamespace(one.Namespace), client.MatchingFields{index.ReleaseSource: key}, client.UnsafeDisableDeepCopy)
	return len(readers.Items) > 0, err
}

// letGo has the copies of a trigger stay when it goes.
func (r *ValuesTriggerReconciler) letGo(ctx context.Context, vt *triggerv1.ValuesTrigger) (more bool, err error) {
	found, err := r.copiesThatGo(ctx, client.ObjectKeyFromObject(vt))
	if err != nil || len(found) == 0 {
		return false, err
	}
	_, writer, err := r.accounts.of(vt, false)
	if err != nil {
		return false, err
	}
	t := tidy(found, func(one *copyMeta) error { return r.copies.LetGo(ctx, writer, one) })
	return t.more, t.err
}

// named returns the copy that an object is, as far as its name.
func named(found *copyMeta) publish.Copy {
	return publish.Copy{Kind: found.Kind, Namespace: found.Namespace, Name: found.Name}
}
