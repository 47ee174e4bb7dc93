// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// snapshot is what a trigger is about, as it is at one moment.
type snapshot struct {
	at       time.Time
	sources  []plan.Source
	disabled []string
	diff     plan.Diff

	// translation says what of the status is written differently since digests of Secrets
	// are made otherwise. It has been applied.
	translation plan.Translation

	// formerly says the same of what the releases keep.
	formerly plan.Translation

	targets []target.Target
	account source.Account
	writer  client.Client
	force   string
	reset   string

	// triggerAt is a value of trigger.nebius.ai/triggerAt that is to be acted on. It is
	// also what force is, unless that overrides what holds changes back.
	triggerAt string
	gated     bool

	// idle reports that a generated trigger has nothing to do.
	idle bool

	// forcedBy is who asked for force, if that overrides what holds changes back.
	forcedBy triggerv1.PersonRecord

	// approver and rejecter are who has set the annotations that approve and reject, if they are new.
	approver, rejecter triggerv1.PersonRecord

	// selectNothing are the targets in the spec that select no HelmRelease and must.
	selectNothing []string

	// content is the digest of what the sources hold, and earlier that of what can be
	// restored. The former is what diff is about unless it is rejected: then the
	// sources are those of the earlier content, and unrestorable says why that cannot
	// be had.
	content      string
	earlier      string
	rejected     string
	unrestorable string

	// restores is there if a person has gone back to a revision. Its content is then that of the
	// sources and of content, as if they held it, and what they hold is rejected. Ended reports that
	// what a person has gone back to is over.
	restores *triggerv1.RestoreRecord
	ended    bool

	// ending are the namespaces of targets that are being deleted.
	ending map[string]bool

	// publication is what is copied, nil if nothing is.
	publication *publication

	// gate is what holds changes back, nil if nothing does.
	gate *gate

	// settle is how long a change settles that a tool has applied, 0 if none does. Applied is
	// such a change that is seen now, and settling is true if there is one or one is on record.
	// Applying is true if the tool is known to go on.
	settle   time.Duration
	applied  *triggerv1.SettlingStatus
	settling bool
	applying bool

	// knower is the trigger as the records on the releases know it.
	knower plan.Knower

	// release is the one for which the trigger is generated: its sources come from the contract
	// and valuesFrom. It is nil if the trigger is declared.
	release *helmv2.HelmRelease
}

func (snap snapshot) generated() bool { return snap.release != nil }

// rolledBack reports that the sources are as they were before content failed.
func (snap snapshot) rolledBack() bool { return snap.rejected != "" && snap.restores == nil }

// present returns the digest of what the sources hold.
func (snap snapshot) present() string {
	if snap.restores != nil {
		return snap.rejected
	}
	return snap.content
}

// change returns when the content was first seen: in this snapshot, unless the history
// has it already. It is unknown of what a person asks for, and of a rollback.
func (snap snapshot) change(history []triggerv1.Change) metrics.Change {
	switch {
	case snap.force != "", snap.reset != "", snap.rejected != "":
		return metrics.Change{}
	case len(history) > 0 && history[0].Digest == snap.diff.To:
		return metrics.Change{Seen: history[0].Time.Time, Recorded: true}
	}
	return metrics.Change{Seen: snap.at}
}

// evaluate reads the sources and targets.
func (e *Engine) evaluate(ctx context.Context, vt *triggerv1.ValuesTrigger, at time.Time) (snapshot, error) {
	snap := snapshot{at: at, knower: generated.Knower(vt)}
	var err error
	if snap.gate, err = newGate(vt); err != nil {
		return snap, err
	}
	var refs []triggerv1.SourceReference
	if refs, snap.release, err = e.trusted(ctx, vt); err != nil {
		return snap, err
	}
	if snap.idle = len(refs) == 0; snap.idle {
		return snap, nil
	}
	forgetOther(vt)
	if err := e.checkSources(vt, refs, snap.generated()); err != nil {
		return snap, err
	}
	if snap.account, snap.writer, err = e.Accounts.of(vt, snap.generated()); err != nil {
		return snap, err
	}
	resolution, err := e.Sources.Resolve(ctx, vt, snap.release, refs, snap.account, maxAge(vt))
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
	snap.rollBack(vt)
	snap.formerly = plan.TranslationOf(snap.sources)
	snap.triggerThrough(vt)
	if err := e.checkProviders(vt, snap); err != nil {
		return snap, err
	}
	e.noteApplied(vt, &snap)

	// A message for an account shows only HelmReleases and namespaces that it may see itself.
	resolver := target.Resolver{Releases: e.Cache, Namespaces: e.Namespaces}
	if snap.account.Reader != nil {
		resolver = target.Resolver{Releases: snap.account.Reader, Namespaces: snap.account.Reader}
	}
	if snap.targets, snap.selectNothing, err = resolver.Resolve(ctx, vt); err != nil {
		return snap, err
	}
	if snap.ending, err = e.ending(ctx, e.Namespaces, snap.targets); err != nil {
		return snap, err
	}
	if snap.publication = e.newPublication(ctx, vt, snap); snap.publication == nil {
		return snap, nil
	}
	snap.publication.shared = snap.publication.sharing(snap)
	snap.unrestorable, err = e.checkKept(ctx, vt, snap)
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
func (e *Engine) checkSources(vt *triggerv1.ValuesTrigger, refs []triggerv1.SourceReference, isGenerated bool) error {
	if isGenerated {
		return nil
	}
	for i, ref := range refs {
		if ref.Namespace == "" {
			continue
		}
		if err := e.Policy.CheckSource(vt.Namespace, ref.Namespace); err != nil {
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
func (e *Engine) trusted(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]triggerv1.SourceReference, *helmv2.HelmRelease, error) {
	release := generated.For(vt)
	if release == "" {
		return vt.Spec.Sources, nil, nil
	}
	hr := &helmv2.HelmRelease{}
	err := e.Cache.Get(ctx, types.NamespacedName{Namespace: vt.Namespace, Name: release}, hr)
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
	derived, err := e.Derive(ctx, hr)
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
