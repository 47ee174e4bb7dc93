// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// keeper stores content that may have to be restored, in objects of its own, before it can be needed, and deletes
// what cannot be restored any more.
type keeper struct {
	cache, live client.Reader

	kinds  []string
	store  *source.Store
	copies *copies.Keeper
}

// check says why the earlier content cannot be restored, or nothing. When all is
// restored it is not needed any more until something is to be written. Content that may have
// to be rolled back must be permitted to be kept.
func (k *keeper) check(ctx context.Context, snap snapshot) (string, error) {
	switch {
	case snap.rolledBack() && snap.vt.Status.Rollout.Phase != triggerv1.RolloutRolledBack:
		return k.gone(ctx, snap.publication)
	case snap.rejected == "" && snap.vt.RollsBack():
		return "", snap.publication.mayKeep()
	}
	return snap.unrestorable, nil
}

// gone says why content that is kept cannot be restored, or nothing.
func (k *keeper) gone(ctx context.Context, p *publication) (string, error) {
	for _, s := range p.sources {
		err := k.withContent(ctx, func() error {
			_, err := p.load([]plan.Source{s})
			return err
		})
		if fault.ReasonOf(err) == triggerv1.RollbackHaltedReason {
			return err.Error(), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", nil
}

// withContent does something with one content in memory.
func (k *keeper) withContent(ctx context.Context, do func() error) error {
	part, err := k.store.Budget().Take(ctx, budget.MaxObject)
	if err != nil {
		return err
	}
	defer part.Return()
	return do()
}

// keep stores the content before any target gets it, so that it can be restored once it
// has been delivered.
func (k *keeper) keep(ctx context.Context, snap snapshot, judged verdict) error {
	if !snap.vt.RollsBack() || snap.publication == nil || snap.rejected != "" || !judged.admitted && !judged.passed {
		return nil
	}
	return k.write(ctx, snap)
}

// keepRevision stores content that has passed, and reports whether it is kept. With onFailure Rollback it
// has been stored before any target got it. Otherwise, that it may not be stored keeps no one from
// getting it.
func (k *keeper) keepRevision(ctx context.Context, snap snapshot, passed bool) (bool, error) {
	switch {
	case snap.publication == nil || !passed || snap.rejected != "" || plan.Kept(snap.sources) == nil:
		return false, nil
	case snap.vt.RollsBack(), len(snap.vt.Status.History) > 0 && snap.vt.Status.History[0].Digest == snap.diff.To && len(snap.vt.Status.History[0].Kept) > 0:
		return true, nil
	}
	if denied := snap.publication.mayKeep(); denied != nil {
		return false, nil //nolint:nilerr // It is said when someone asks for the content.
	}
	err := k.write(ctx, snap)
	refused := refusal.Is(err) || fault.ReasonOf(err) != "" || fault.IsOutdated(err)
	if refused {
		err = nil
	}
	return err == nil && !refused, err
}

// write writes what keeps the sources, as far as it is not there.
func (k *keeper) write(ctx context.Context, snap snapshot) error {
	for _, s := range snap.sources {
		if s.Digest == "" {
			continue // Optional, and not there.
		}
		want := snap.publication.wanted(snap.publication.keptBy(s))
		state, err := k.copies.Look(ctx, snap.publication.actor, want)
		if err == nil && state != publish.Current {
			err = k.copies.Write(ctx, snap.publication.actor, want)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// discard deletes what is kept and cannot be restored any more, as the newest version of the trigger
// says: one that is behind does not name what has been kept since. It reports whether there is more.
func (k *keeper) discard(ctx context.Context, snap snapshot) (more bool, err error) {
	contents := plan.Restorable(&snap.vt.Status)
	if snap.generated() || snap.publication != nil && len(contents) == 0 && !snap.vt.RollsBack() {
		return false, nil
	}
	wanted := snap.publication.keeps(snap.sources, contents)
	found, err := index.Copies(ctx, k.cache, k.kinds, client.ObjectKeyFromObject(snap.vt))
	if err != nil {
		return false, err
	}
	found = slices.DeleteFunc(found, func(one *copyMeta) bool {
		return one.Namespace != snap.vt.Namespace || one.Labels[triggerv1.KeptLabel] == "" || !one.DeletionTimestamp.IsZero() || wanted[named(one).String()]
	})
	if len(found) == 0 {
		return false, nil
	}
	if newest, err := newest(ctx, k.live, snap.vt); err != nil || newest.ResourceVersion != snap.vt.ResourceVersion {
		return false, client.IgnoreNotFound(err)
	}
	t := tidy(found, func(one *copyMeta) error { return k.copies.Delete(ctx, snap.writer, one) })
	if !snap.vt.RollsBack() {
		return t.more, t.err // What may not be deleted goes with the trigger.
	}
	for _, one := range t.refused {
		t.err = errors.Join(t.err, one.err)
	}
	return t.more, t.err
}

// keptBy returns where content of a source is kept.
func (p *publication) keptBy(s plan.Source) publish.Copy {
	return publish.Kept(p.owner, s.ID, s.Digest)
}

// mayKeep returns why content must not be kept in the namespace of the trigger, or nil.
func (p *publication) mayKeep() error {
	for _, s := range p.sources {
		if err := p.crossing(s, p.owner.Namespace).Check(); err != nil {
			return fault.Denied("onFailure Rollback keeps content in the namespace of the ValuesTrigger: %w", err)
		}
	}
	return nil
}

// keeps returns the names of what is to be kept: of the sources as they are, and of contents that can be
// restored. Without copies it is nothing.
func (p *publication) keeps(sources []plan.Source, contents []*triggerv1.DeliveredContent) map[string]bool {
	names := map[string]bool{}
	if p == nil {
		return names
	}
	sources = slices.Clone(sources)
	for _, content := range contents {
		if past, sound := plan.Restored(content, nil); sound {
			sources = append(sources, past...)
		}
	}
	for _, s := range sources {
		kept := p.keptBy(s)
		names[kept.String()] = true
	}
	return names
}
