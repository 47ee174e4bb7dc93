// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// resolver takes a trigger as it is stored, and gives the snapshot of it: what its sources hold, what has changed
// in them, which HelmReleases are its targets, and what is to be copied.
type resolver struct {
	cache, live, namespaces client.Reader

	accounts   *Accounts
	sources    source.Resolver
	policy     access.Policy
	derive     func(context.Context, *helmv2.HelmRelease) ([]triggerv1.SourceReference, error)
	measurer   Measurer
	retained   *budget.Budget
	settleTime time.Duration
	keeper     *keeper
}

// resolve reads the sources and targets. With an error comes as much of the snapshot as there is.
func (r *resolver) resolve(ctx context.Context, stored *triggerv1.ValuesTrigger, at time.Time) (snapshot, error) {
	vt := stored.DeepCopy()
	snap := snapshot{at: at, vt: vt, knower: generated.Knower(vt)}
	var err error
	if snap.gate, err = newGate(vt); err != nil {
		return snap, err
	}
	var refs []triggerv1.SourceReference
	if refs, snap.release, err = r.trusted(ctx, vt); err != nil {
		return snap, err
	}
	if snap.idle = len(refs) == 0; snap.idle {
		return snap, nil
	}
	forgetOther(vt)
	if err := r.checkSources(vt, refs, snap.generated()); err != nil {
		return snap, err
	}
	if snap.account, snap.writer, err = r.accounts.of(vt, snap.generated()); err != nil {
		return snap, err
	}
	resolution, err := r.sources.Resolve(ctx, vt, snap.release, refs, snap.account, maxAge(vt))
	if err != nil {
		return snap, err
	}
	snap.sources, snap.disabled = resolution.Sources, resolution.Disabled
	if len(snap.sources) == 0 && len(snap.disabled) > 0 {
		return snap, fault.Waiting(triggerv1.SecretsDisabledReason, "%s", disabledMessage("No source is left", snap.disabled))
	}
	snap.translation = plan.Translate(&vt.Status, snap.sources)
	snap.translation.Apply(&vt.Status)
	snap.force, snap.reset = manualRequests(vt)
	snap.diff = plan.Compare(vt.Status.Sources, vt.Status.LastDigest, snap.sources)
	snap = snap.withKept()
	snap.formerly = plan.TranslationOf(snap.sources)
	snap = snap.withTriggerAt().withSettling(r.settleTime)
	if err := checkProviders(r.measurer, snap); err != nil {
		return snap, err
	}

	// A message for an account shows only HelmReleases and namespaces that it may see itself.
	finder := target.Resolver{Releases: r.cache, Namespaces: r.namespaces}
	if snap.account.Reader != nil {
		finder = target.Resolver{Releases: snap.account.Reader, Namespaces: snap.account.Reader}
	}
	if snap.targets, snap.selectNothing, err = finder.Resolve(ctx, vt); err != nil {
		return snap, err
	}
	if snap.ending, err = endingNamespaces(ctx, r.namespaces, snap.targets); err != nil {
		return snap, err
	}
	if snap.publication = r.publicationOf(ctx, snap); snap.publication == nil {
		return snap, nil
	}
	snap.unrestorable, err = r.keeper.check(ctx, snap)
	return snap, err
}

// maxAge returns how long content may have been read for a trigger. Who asks by annotation is
// answered about what there is now: a watch may be late.
func maxAge(vt *triggerv1.ValuesTrigger) time.Duration {
	if asked, found := meta.ReconcileAnnotationValue(vt.Annotations); found && asked != vt.Status.LastHandledReconcileAt {
		return 0
	}
	return vt.GetInterval()
}

// checkSources returns an error if a declared trigger refers to a source that it must
// not even know to exist. Those of a generated one are checked when they are derived.
func (r *resolver) checkSources(vt *triggerv1.ValuesTrigger, refs []triggerv1.SourceReference, isGenerated bool) error {
	if isGenerated {
		return nil
	}
	for i, ref := range refs {
		if ref.Namespace == "" {
			continue
		}
		if err := r.policy.CheckSource(vt.Namespace, ref.Namespace); err != nil {
			return fault.Denied("spec.sources[%d]: %w", i, err)
		}
	}
	return nil
}

// trusted returns the sources of a trigger. Of one that presents itself as generated, only
// what the contract and valuesFrom give to the release are followed, which is returned, too: its
// labels and owner could have been written by anyone. There are none where it has nothing to do and
// is about to be deleted or put back: its HelmRelease is gone, declared triggers have taken over all
// of it, or it has other targets.
func (r *resolver) trusted(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]triggerv1.SourceReference, *helmv2.HelmRelease, error) {
	release := generated.For(vt)
	if release == "" {
		return vt.Spec.Sources, nil, nil
	}
	hr := &helmv2.HelmRelease{}
	err := r.cache.Get(ctx, types.NamespacedName{Namespace: vt.Namespace, Name: release}, hr)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, err
	case generated.IsLeftBehind(vt, hr):
		return nil, nil, nil
	case !targetsOnly(vt, hr) && generated.IsHeld(vt):
		return nil, nil, nil
	case !targetsOnly(vt, hr):
		return nil, nil, fault.Invalid("labelled as generated by the operator, but not for a HelmRelease that controls it and is its only target; remove the label " + triggerv1.ManagedByLabel)
	}
	// A declared trigger has them from the moment on at which it says so, be there any
	// number of generated ones that are still to be brought in line: it may have to
	// hold changes back.
	derived, err := r.derive(ctx, hr)
	if err != nil {
		return nil, nil, err
	}
	return slices.DeleteFunc(derived, func(d triggerv1.SourceReference) bool {
		return !slices.ContainsFunc(vt.Spec.Sources, func(s triggerv1.SourceReference) bool { return discovery.SameObject(d, s) })
	}), hr, nil
}

// targetsOnly reports whether a trigger has the release as its only target.
func targetsOnly(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) bool {
	if len(vt.Spec.Targets) != 1 {
		return false
	}
	t := vt.Spec.Targets[0]
	return t.Name == hr.Name && t.NamespaceSelector == nil && (t.Namespace == "" || t.Namespace == hr.Namespace)
}

// manualRequests returns the values of forceAt and resetAt that are to be acted on.
// Like elsewhere in Flux they count only beside an equal requestedAt.
func manualRequests(vt *triggerv1.ValuesTrigger) (force, reset string) {
	requested := vt.Annotations[meta.ReconcileRequestAnnotation]
	if requested == "" {
		return "", ""
	}
	if requested == vt.Annotations[meta.ForceRequestAnnotation] && requested != vt.Status.LastHandledForceAt {
		force = requested
	}
	if requested == vt.Annotations[helmv2.ResetRequestAnnotation] && requested != vt.Status.LastHandledResetAt {
		reset = requested
	}
	return force, reset
}

// forgetOther drops the status of another trigger of that name. The requests of people that
// were handled stay handled: their annotations come with the same backup.
func forgetOther(vt *triggerv1.ValuesTrigger) {
	old := vt.Status
	if old.UID != "" && old.UID != vt.UID {
		vt.Status = triggerv1.ValuesTriggerStatus{
			ReconcileRequestStatus: old.ReconcileRequestStatus, ForceRequestStatus: old.ForceRequestStatus,
			LastHandledResetAt: old.LastHandledResetAt, LastHandledTriggerAt: old.LastHandledTriggerAt,
			LastHandledApproval: old.LastHandledApproval, LastHandledReject: old.LastHandledReject, LastHandledRollback: old.LastHandledRollback,
		}
	}
	vt.Status.UID = vt.UID
}

// publicationOf returns what is copied, nil if nothing is. Of a generated trigger nothing is: what
// it delivers comes from elsewhere than its spec.
func (r *resolver) publicationOf(ctx context.Context, snap snapshot) *publication {
	if snap.vt.Spec.Publish == nil || snap.generated() {
		return nil
	}
	actor := copies.Actor{Name: snap.account.Name, Reader: snap.account.Reader, Writer: snap.writer}
	if actor.Reader == nil {
		actor.Reader = r.live
	}
	p := &publication{
		owner: snap.vt, actor: actor, sources: snap.sources, restored: snap.rejected != "",
		get:       func(ref source.Ref) (client.Object, error) { return r.sources.Store.Read(ctx, snap.account, ref) },
		contentOf: func(obj client.Object) (digest.Content, error) { return r.sources.Store.ContentOf(ctx, obj) },
		goesWith:  deletesCopies(snap.vt), account: r.accounts.name(snap.vt), retained: r.retained, contents: map[string]*content{},
	}
	p.shared = p.sharing(snap.targets)
	return p
}

// endingMessage is what is said of a target that goes with its namespace.
const endingMessage = "its namespace is being deleted; a failure there does not count against the change"

// endingNamespaces returns which namespaces of targets are being deleted, as a reader shows them.
// Where only the operator's own is watched, the reader is nil.
func endingNamespaces(ctx context.Context, reader client.Reader, targets []target.Target) (map[string]bool, error) {
	ending := map[string]bool{}
	if reader == nil {
		return ending, nil
	}
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Namespace] {
			continue
		}
		seen[t.Namespace] = true
		namespace := &metav1.PartialObjectMetadata{}
		namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		err := reader.Get(ctx, types.NamespacedName{Name: t.Namespace}, namespace)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err == nil && !namespace.DeletionTimestamp.IsZero() {
			ending[t.Namespace] = true
		}
	}
	return ending, nil
}
