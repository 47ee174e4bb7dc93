// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

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

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// sweeper removes copies that are not wanted any more, if the policy is to. Nothing here
// keeps an object from being deleted: a copy itself says that it goes with its trigger.
type sweeper struct {
	cache, live client.Reader

	kinds    []string
	accounts *Accounts
	copies   *copies.Keeper
}

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

// copiesOf returns the copies of a trigger that the operator has made and that are not
// being deleted: what only bears their labels makes no work.
func copiesOf(ctx context.Context, cache client.Reader, kinds []string, trigger types.NamespacedName) ([]*copyMeta, error) {
	found, err := index.Copies(ctx, cache, kinds, trigger)
	return slices.DeleteFunc(found, strange), err
}

// copiesThatGo returns those of copiesOf that go with the trigger.
func (s *sweeper) copiesThatGo(ctx context.Context, trigger types.NamespacedName) ([]*copyMeta, error) {
	found, err := index.CopiesThatGo(ctx, s.cache, s.kinds, trigger)
	return slices.DeleteFunc(found, strange), err
}

// strange reports whether an object with the labels of a copy is not one, or is going.
func strange(one *copyMeta) bool {
	return !one.DeletionTimestamp.IsZero() || one.Labels[triggerv1.KeptLabel] != "" || !madeHere(one)
}

// madeHere reports whether the operator has applied an object, as far as it says so.
func madeHere(obj client.Object) bool {
	return fields.Applied(obj.GetManagedFields(), triggerv1.FieldManager) != nil
}

// remove removes the copies of a trigger that is being deleted, if they go with it. What cannot be
// removed is logged, and kept.
func (s *sweeper) remove(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]Note, error) {
	if !deletesCopies(vt) {
		return nil, nil
	}
	found, err := copiesOf(ctx, s.cache, s.kinds, client.ObjectKeyFromObject(vt))
	if err != nil {
		return nil, err
	}
	t, notes := s.removeAs(ctx, vt, found)
	if t.err != nil {
		ctrl.LoggerFrom(ctx).Error(t.err, "copies are kept")
	}
	return notes, nil
}

// collect removes the copies that go with a trigger that is gone. They are found when it is
// deleted, and when the operator starts.
func (s *sweeper) collect(ctx context.Context, trigger types.NamespacedName) (Swept, error) {
	found, err := s.copiesThatGo(ctx, trigger)
	if err != nil || len(found) == 0 {
		return Swept{}, err
	}
	if gone, err := s.isGone(ctx, trigger); err != nil || !gone {
		return Swept{}, err
	}
	byAccount := map[string][]*copyMeta{}
	for _, one := range found {
		account := one.Annotations[triggerv1.AccountAnnotation]
		byAccount[account] = append(byAccount[account], one)
	}
	var errs []error
	var swept Swept
	for account, all := range byAccount {
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: trigger.Namespace, Name: trigger.Name}}
		vt.Spec.ServiceAccountName = account
		t, notes := s.removeAs(ctx, vt, all)
		errs = append(errs, t.err)
		swept.More = swept.More || t.more
		swept.Notes = append(swept.Notes, notes...)
	}
	return swept, errors.Join(errs...)
}

// isGone asks the API server whether there is a trigger of a name, or of one that is too
// long for a label and has that in its place.
func (s *sweeper) isGone(ctx context.Context, trigger types.NamespacedName) (bool, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind + "List"))
	err := s.live.List(ctx, list, client.InNamespace(trigger.Namespace))
	if apierrors.IsNotFound(err) || apimeta.IsNoMatchError(err) {
		return true, nil // With their definition, all are gone.
	}
	return err == nil && !slices.ContainsFunc(list.Items, func(one copyMeta) bool {
		return one.Name == trigger.Name || publish.LabelValue(one.Name) == publish.LabelValue(trigger.Name)
	}), err
}

// removeAs removes copies as the account of their trigger, and says so.
func (s *sweeper) removeAs(ctx context.Context, vt *triggerv1.ValuesTrigger, found []*copyMeta) (tidied, []Note) {
	_, writer, err := s.accounts.of(vt, false)
	if err != nil {
		return tidied{err: err}, nil
	}
	t := tidy(found, func(one *copyMeta) error { return s.copies.Delete(ctx, writer, one) })
	return t, t.notes(s.accounts.actor(vt))
}

// prune removes the copies that no target wants and no release reads any more, or has them
// stay when the trigger goes if the policy is not to remove them.
func (s *sweeper) prune(ctx context.Context, snap snapshot, targets []triggerv1.TargetStatus) (Swept, error) {
	if !deletesCopies(snap.vt) || snap.publication == nil {
		more, err := s.letGo(ctx, snap.vt)
		return Swept{More: more}, err
	}
	obsolete, err := s.obsolete(ctx, snap, targets)
	if err != nil || len(obsolete) == 0 {
		return Swept{}, err
	}
	t := tidy(obsolete, func(one *copyMeta) error { return s.copies.Delete(ctx, snap.writer, one) })
	// Of what is in other places than the targets of this trigger nothing is said.
	known := map[string]bool{}
	for _, t := range append(slices.Clone(snap.vt.Status.Targets), targets...) {
		known[t.Namespace+"/"+publish.LabelValue(t.Name)] = true
	}
	t.refused = slices.DeleteFunc(t.refused, func(one refusedCopy) bool { return !known[targetOf(one.copy)] })
	if len(t.refused) > 0 {
		t.err = errors.Join(t.err, t.refused[0].err)
	}
	return Swept{More: t.more, Notes: t.notes(s.accounts.actor(snap.vt))}, t.err
}

// obsolete returns the copies that no target wants and no release reads. The status is about
// to forget a target that was dropped, so its copy is looked for where it cannot be missed.
func (s *sweeper) obsolete(ctx context.Context, snap snapshot, targets []triggerv1.TargetStatus) ([]*copyMeta, error) {
	list, reader := index.Copies, s.cache
	if dropsTarget(&snap.vt.Status, targets) {
		list, reader = index.CopiesNow, s.live
	}
	found, err := list(ctx, reader, s.kinds, client.ObjectKeyFromObject(snap.publication.owner))
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
	for _, t := range targets {
		waiting[t.Namespace+"/"+publish.LabelValue(t.Name)] = t.Published == "" && t.State != triggerv1.TargetMissing
	}
	var obsolete []*copyMeta
	for _, one := range found {
		if wanted[named(one).String()] || waiting[targetOf(one)] {
			continue
		}
		read, err := s.isRead(ctx, one)
		if err != nil {
			return nil, err
		}
		if !read {
			obsolete = append(obsolete, one)
		}
	}
	return obsolete, nil
}

// dropsTarget reports whether a target is not among those of now, as far as a status tells: by those
// that it lists, and by how many there were. Of others, the event of the copy itself comes.
func dropsTarget(before *triggerv1.ValuesTriggerStatus, now []triggerv1.TargetStatus) bool {
	if before.CountTargets() > len(now) {
		return true
	}
	still := map[string]bool{}
	for _, t := range now {
		still[t.Namespace+"/"+t.Name] = true
	}
	return slices.ContainsFunc(before.Targets, func(t triggerv1.TargetStatus) bool { return !still[t.Namespace+"/"+t.Name] })
}

// targetOf returns namespace and label of the target that a copy is for.
func targetOf(one *copyMeta) string {
	return one.Namespace + "/" + one.Labels[triggerv1.PublishedForLabel]
}

// isRead reports whether a release lists a copy.
func (s *sweeper) isRead(ctx context.Context, one *copyMeta) (bool, error) {
	readers := &helmv2.HelmReleaseList{}
	key := index.Source(one.Kind, one.Namespace, one.Name)
	err := s.cache.List(ctx, readers, client.InNamespace(one.Namespace), client.MatchingFields{index.ReleaseSource: key}, client.UnsafeDisableDeepCopy)
	return len(readers.Items) > 0, err
}

// letGo has the copies of a trigger stay when it goes.
func (s *sweeper) letGo(ctx context.Context, vt *triggerv1.ValuesTrigger) (more bool, err error) {
	found, err := s.copiesThatGo(ctx, client.ObjectKeyFromObject(vt))
	if err != nil || len(found) == 0 {
		return false, err
	}
	_, writer, err := s.accounts.of(vt, false)
	if err != nil {
		return false, err
	}
	t := tidy(found, func(one *copyMeta) error { return s.copies.LetGo(ctx, writer, one) })
	return t.more, t.err
}

// named returns the copy that an object is, as far as its name.
func named(found *copyMeta) publish.Copy {
	return publish.Copy{Kind: found.Kind, Namespace: found.Namespace, Name: found.Name}
}
