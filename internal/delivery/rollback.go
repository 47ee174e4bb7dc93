// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// This file keeps the content that may be restored, and restores it.

// withKept puts in the place of sources whose content is rejected what they held before.
func (snap snapshot) withKept() snapshot {
	vt := snap.vt
	snap.content = snap.diff.To
	if vt.Status.Restored != nil {
		return snap.withRevision(vt.Status.Restored)
	}
	sources, sound := plan.Restored(vt.Status.LastDelivered, snap.sources)
	if snap.generated() || !vt.RollsBack() || !sound {
		return snap
	}
	snap.earlier = vt.Status.LastDelivered.Digest
	if rollout.Rejects(vt.Spec.Rollout, vt.Status.Rollout, snap.content, snap.overrides(), snap.reset != "") && vt.Status.Rollout.Rollback.Digest == snap.earlier {
		snap.sources, snap.rejected = sources, snap.content
		snap.diff = plan.Compare(vt.Status.Sources, vt.Status.LastDigest, sources)
	}
	return snap
}

// keptBy returns where content of a source is kept.
func (p *publication) keptBy(s plan.Source) publish.Copy {
	return publish.Kept(p.owner, s.ID, s.Digest)
}

// readKept returns what is kept of a source as if it was the source, which the digest of a
// Secret depends on: on its name, and before there was a key on its UID.
func (p *publication) readKept(s plan.Source) (client.Object, error) {
	kept := p.keptBy(s)
	obj, err := p.get(source.Ref{Kind: kept.Kind, Namespace: kept.Namespace, Name: kept.Name})
	if obj == nil || err != nil {
		return nil, err
	}
	ref := source.RefOf(s.ID)
	obj.SetNamespace(ref.Namespace)
	obj.SetName(ref.Name)
	obj.SetUID(types.UID(obj.GetAnnotations()[triggerv1.KeptUIDAnnotation]))
	return obj, nil
}

// checkKept says why the earlier content cannot be restored, or nothing. When all is
// restored it is not needed any more until something is to be written. Content that may have
// to be rolled back must be permitted to be kept.
func (e *Engine) checkKept(ctx context.Context, snap snapshot) (string, error) {
	switch {
	case snap.rolledBack() && snap.vt.Status.Rollout.Phase != triggerv1.RolloutRolledBack:
		return e.gone(ctx, snap.publication)
	case snap.rejected == "" && snap.vt.RollsBack():
		return "", snap.publication.mayKeep()
	}
	return snap.unrestorable, nil
}

// gone says why content that is kept cannot be restored, or nothing.
func (e *Engine) gone(ctx context.Context, p *publication) (string, error) {
	for _, s := range p.sources {
		err := e.withContent(ctx, func() error {
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
func (e *Engine) withContent(ctx context.Context, do func() error) error {
	part, err := e.Store.Budget().Take(ctx, budget.MaxObject)
	if err != nil {
		return err
	}
	defer part.Return()
	return do()
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

// keep stores the content before any target gets it, so that it can be restored once it
// has been delivered.
func (e *Engine) keep(ctx context.Context, snap snapshot, judged verdict) error {
	if !snap.vt.RollsBack() || snap.publication == nil || snap.rejected != "" || !judged.admitted && !judged.passed {
		return nil
	}
	return e.store(ctx, snap)
}

// store writes what keeps the sources, as far as it is not there.
func (e *Engine) store(ctx context.Context, snap snapshot) error {
	for _, s := range snap.sources {
		if s.Digest == "" {
			continue // Optional, and not there.
		}
		want := snap.publication.wanted(snap.publication.keptBy(s))
		state, err := e.Copies.Look(ctx, snap.publication.actor, want)
		if err == nil && state != publish.Current {
			err = e.Copies.Write(ctx, snap.publication.actor, want)
		}
		if err != nil {
			return err
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

// discard deletes what is kept and cannot be restored any more, as the newest version of the trigger
// says: one that is behind does not name what has been kept since. It reports whether there is more.
func (e *Engine) discard(ctx context.Context, snap snapshot) (more bool, err error) {
	contents := plan.Restorable(&snap.vt.Status)
	if snap.generated() || snap.publication != nil && len(contents) == 0 && !snap.vt.RollsBack() {
		return false, nil
	}
	wanted := snap.publication.keeps(snap.sources, contents)
	found, err := index.Copies(ctx, e.Cache, index.Kinds(e.Sources.Secrets), client.ObjectKeyFromObject(snap.vt))
	if err != nil {
		return false, err
	}
	found = slices.DeleteFunc(found, func(one *copyMeta) bool {
		return one.Namespace != snap.vt.Namespace || one.Labels[triggerv1.KeptLabel] == "" || !one.DeletionTimestamp.IsZero() || wanted[named(one).String()]
	})
	if len(found) == 0 {
		return false, nil
	}
	if newest, err := e.newest(ctx, snap.vt); err != nil || newest.ResourceVersion != snap.vt.ResourceVersion {
		return false, client.IgnoreNotFound(err)
	}
	t := tidy(found, func(one *copyMeta) error { return e.Copies.Delete(ctx, snap.writer, one) })
	if !snap.vt.RollsBack() {
		return t.more, t.err // What may not be deleted goes with the trigger.
	}
	for _, one := range t.refused {
		t.err = errors.Join(t.err, one.err)
	}
	return t.more, t.err
}

// notRestorable is what is said of a target that no copy can be restored for.
const notRestorable = "it cannot be rolled back: it does not read only the published copy of the sources"

// leftAlone reports that a target would be requested to roll back and cannot: a request would only
// run the rejected content once more.
func (c *targetCase) leftAlone(snap snapshot) bool {
	return snap.rejected != "" && c.decision.Request != nil && c.input.Release.Revision > 0 && !c.input.Release.Restorable()
}
