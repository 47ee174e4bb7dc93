// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"fmt"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// snapshot is what a trigger is about, as it is at one moment. No phase changes it: one that finds
// out more, or notes something in the status, returns another.
type snapshot struct {
	at time.Time

	// vt is the trigger as it was read, with the status that it has, and said what is to be
	// reported once that is stored.
	vt   *triggerv1.ValuesTrigger
	said []Note

	// knower is the trigger as the records on the releases know it.
	knower plan.Knower

	// release is the one for which the trigger is generated: its sources come from the contract
	// and valuesFrom. It is nil if the trigger is declared. Idle reports that a generated trigger
	// has nothing to do.
	release *helmv2.HelmRelease
	idle    bool

	// account reads the sources and targets, and writer writes the targets.
	account source.Account
	writer  client.Client

	// sources are what is delivered, disabled those that are not followed, and diff is what has changed.
	sources  []plan.Source
	disabled []string
	diff     plan.Diff

	// translation says what of the status is written differently since digests of Secrets
	// are made otherwise. It has been applied. Formerly says the same of what the releases keep.
	translation plan.Translation
	formerly    plan.Translation

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

	// targets are where it is delivered, and selectNothing what of the spec selects no HelmRelease and
	// must. Ending are the namespaces of targets that are being deleted.
	targets       []target.Target
	selectNothing []string
	ending        map[string]bool

	// publication is what is copied, nil if nothing is.
	publication *publication

	// force and reset are values of the annotations of Flux that are to be acted on, and triggerAt one of
	// trigger.nebius.ai/triggerAt. Gated is true if that is what force is: then it keeps to what holds
	// changes back, which force otherwise overrides.
	force, reset, triggerAt string
	gated                   bool

	// forcedBy is who asked for force, if that overrides what holds changes back, and approver and
	// rejecter are who has set the annotations that approve and reject, if they are new.
	forcedBy, approver, rejecter triggerv1.PersonRecord

	// gate is what holds changes back, nil if nothing does.
	gate *gate

	// settle is how long a change settles that a tool has applied, 0 if none does. Applied is
	// such a change that is seen now, and settling is true if there is one or one is on record.
	settle   time.Duration
	applied  *triggerv1.SettlingStatus
	settling bool
}

// result returns what comes of a pass that does no more than what the snapshot has.
func (snap snapshot) result() Result {
	return Result{Status: snap.vt.Status, Translation: snap.translation, Said: snap.said}
}

// again returns what comes of a pass that ends before anything is decided, and is to be made again.
func (snap snapshot) again(after time.Duration) Result {
	result := snap.result()
	result.Again, result.After = Soon, after
	return result
}

// noting returns a snapshot with something written in the status, and what to report of it.
func (snap snapshot) noting(write func(*triggerv1.ValuesTriggerStatus), said ...Note) snapshot {
	snap.vt = snap.vt.DeepCopy()
	write(&snap.vt.Status)
	snap.said = append(slices.Clip(snap.said), said...)
	return snap
}

func (snap snapshot) generated() bool { return snap.release != nil }

// rolledBack reports that the sources are as they were before content failed.
func (snap snapshot) rolledBack() bool { return snap.rejected != "" && snap.restores == nil }

// overrides is true if a person wants all targets requested at once.
func (snap snapshot) overrides() bool { return snap.force != "" && !snap.gated }

// present returns the digest of what the sources hold.
func (snap snapshot) present() string {
	if snap.restores != nil {
		return snap.rejected
	}
	return snap.content
}

// change returns when the content was first seen: in this snapshot, unless the history
// has it already. It is unknown of what a person asks for, and of a rollback.
func (snap snapshot) change() metrics.Change {
	switch history := snap.vt.Status.History; {
	case snap.force != "", snap.reset != "", snap.rejected != "":
		return metrics.Change{}
	case len(history) > 0 && history[0].Digest == snap.diff.To:
		return metrics.Change{Seen: history[0].Time.Time, Recorded: true}
	}
	return metrics.Change{Seen: snap.at}
}

// restoring is the cause of requests for what a person has gone back to.
func (snap snapshot) restoring() string {
	if snap.restores == nil {
		return ""
	}
	return fmt.Sprintf("rollback to revision %d%s", snap.restores.Revision, rollout.By(snap.restores.PersonRecord))
}

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

// withRevision puts in the place of the sources those of the revision that a person has gone back to, unless
// that is over.
func (snap snapshot) withRevision(record *triggerv1.RestoreRecord) snapshot {
	vt := snap.vt
	if snap.ended = snap.isOver(record); snap.ended {
		return snap
	}
	snap.restores, snap.rejected = record, snap.content
	var content *triggerv1.DeliveredContent
	if i := slices.IndexFunc(vt.Status.History, func(c triggerv1.Change) bool { return c.Digest == record.Digest && len(c.Kept) > 0 }); i >= 0 {
		content = plan.Content(vt.Status.History[i])
	}
	sources, sound := plan.Restored(content, snap.sources)
	if !sound {
		snap.unrestorable = fmt.Sprintf("status.history does not list what is kept of revision %d", record.Revision)
		return snap
	}
	snap.sources, snap.content = sources, record.Digest
	snap.diff = plan.Compare(vt.Status.Sources, vt.Status.LastDigest, sources)
	return snap
}

// isOver reports whether a rollback on request is over: the sources have changed, or a person wants what
// they hold. As long as what is restored has failed or is rejected, to retry is to try that again.
func (snap snapshot) isOver(record *triggerv1.RestoreRecord) bool {
	vt := snap.vt
	switch s := vt.Status.Rollout; {
	case vt.Spec.Publish == nil, snap.generated(), record.Rejects != snap.content:
		return true
	case snap.reset == "", s != nil && s.Digest == record.Digest && s.RejectedBy != nil:
		return false
	case vt.Spec.Rollout != nil && s != nil && s.Digest == record.Digest:
		return s.Phase != triggerv1.RolloutHalted
	default:
		return vt.Status.Summary == nil || vt.Status.Summary.Failed == 0
	}
}

// maxTriggerAt bounds how much of a value counts and is stored, in bytes.
const maxTriggerAt = 256

// withTriggerAt acts on a request that keeps to what holds changes back. While content
// is rejected it waits: to begin again would be to deliver what is rejected. While the rollout has
// halted it waits too: what has failed would count as held, and no longer as failed.
func (snap snapshot) withTriggerAt() snapshot {
	value := text.Line(snap.vt.Annotations[triggerv1.TriggerAtAnnotation], maxTriggerAt)
	if value == "" || value == snap.vt.Status.LastHandledTriggerAt || snap.rolledBack() || snap.halted() {
		return snap
	}
	snap.triggerAt = value
	if snap.force == "" {
		snap.force, snap.gated = value, true
	}
	return snap
}

// halted is true if the rollout of the content has halted, and no person continues it.
func (snap snapshot) halted() bool {
	vt := snap.vt
	s := vt.Status.Rollout
	return vt.Spec.Rollout != nil && s != nil && s.Phase == triggerv1.RolloutHalted && s.Digest == snap.content && snap.force == "" && snap.reset == ""
}

// withSettling has a change settle that a GitOps tool or Helm has applied: one that is seen now, or one on
// record. What belongs to it, such as the HelmRelease with its new chart, comes some time after the
// ConfigMap. Until then nothing is requested, no copy is written, and no gate is judged.
func (snap snapshot) withSettling(settleTime time.Duration) snapshot {
	if settleTime <= 0 || snap.rejected != "" {
		return snap
	}
	snap.settle = settleTime
	snap.applied = plan.Applied(snap.diff, snap.sources)
	snap.settling = snap.applied != nil || snap.vt.Status.Rollout != nil && snap.vt.Status.Rollout.Settling != nil
	return snap
}
