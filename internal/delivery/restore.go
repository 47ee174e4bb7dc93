// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// This file goes back to a revision when a person asks for it. That is a change of content: while
// status.restored is there, and the sources hold what it rejects, the snapshot has the kept sources in
// their place, and everything else treats them as it treats any other content. That it begins, and
// that it ends, is recorded by a pass that does nothing else.

// restore puts in the place of the sources those of the revision that a person has gone back to, and
// reports whether it is for that to say what they are.
func (snap *snapshot) restore(vt *triggerv1.ValuesTrigger) bool {
	record := vt.Status.Restored
	if record == nil {
		return false
	}
	if snap.ended = snap.isOver(vt, record); snap.ended {
		return true
	}
	snap.restores, snap.rejected = record, snap.content
	var content *triggerv1.DeliveredContent
	if i := slices.IndexFunc(vt.Status.History, func(c triggerv1.Change) bool { return c.Digest == record.Digest && len(c.Kept) > 0 }); i >= 0 {
		content = plan.Content(vt.Status.History[i])
	}
	sources, sound := plan.Restored(content, snap.sources)
	if !sound {
		snap.unrestorable = fmt.Sprintf("status.history does not list what is kept of revision %d", record.Revision)
		return true
	}
	snap.sources, snap.content = sources, record.Digest
	snap.diff = plan.Compare(vt.Status.Sources, vt.Status.LastDigest, sources)
	return true
}

// isOver reports whether a rollback on request is over: the sources have changed, or a person wants what
// they hold. As long as what is restored has failed or is rejected, to retry is to try that again.
func (snap *snapshot) isOver(vt *triggerv1.ValuesTrigger, record *triggerv1.RestoreRecord) bool {
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

// record notes that a rollback on request begins or is over, before anything is done about it. It
// reports whether it did, and returns what to say once that is stored.
func (e *Engine) record(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot) (bool, []Note, error) {
	value := rollout.Annotation(vt.Annotations[triggerv1.RollbackAnnotation])
	switch {
	case snap.ended && snap.reset != "":
		vt.Status.Restored, vt.Status.LastHandledResetAt = nil, snap.reset
		return true, nil, nil
	case snap.ended:
		vt.Status.Restored = nil
		return true, snap.unforced(vt), nil
	case value == "" || value == vt.Status.LastHandledRollback:
		vt.Status.LastHandledRollback = value
		return false, nil, nil
	}
	revision, refused, err := e.revisionFor(ctx, vt, snap, value)
	if err != nil {
		return false, nil, err
	}
	vt.Status.LastHandledRollback = value
	if refused != "" {
		said := []Note{{corev1.EventTypeWarning, triggerv1.RollbackRefusedReason, fmt.Sprintf("Annotation %s is refused: %s", triggerv1.RollbackAnnotation, refused)}}
		ignored := snap.unforced(vt)
		return len(ignored) > 0, append(said, ignored...), nil
	}
	if snap.reset != "" { // It was for what was there before.
		vt.Status.LastHandledResetAt = snap.reset
	}
	restores := triggerv1.RestoreRecord{
		Revision: revision.Revision, Digest: revision.Digest, Rejects: snap.present(),
		PersonRecord: e.Person(ctx, vt, triggerv1.RollbackAnnotation, triggerv1.RolledBackByAnnotation, snap.at),
	}
	said := []Note{{corev1.EventTypeWarning, triggerv1.RollbackRequestedReason, fmt.Sprintf("Rollback to revision %d, content %s%s: content %s of the sources is rejected until they change",
		restores.Revision, digest.Abbreviated(restores.Digest), rollout.By(restores.PersonRecord), digest.Abbreviated(restores.Rejects))}}
	if restores.Digest == restores.Rejects { // To go back to what the sources hold is to go on with them.
		vt.Status.Restored = nil
		said[0].Message = fmt.Sprintf("Rollback to revision %d, content %s%s, which the sources hold", restores.Revision, digest.Abbreviated(restores.Digest), rollout.By(restores.PersonRecord))
		return true, said, nil
	}
	vt.Status.Restored = &restores
	vt.Status.History = plan.Remember(vt.Status.History, triggerv1.Change{
		Digest: restores.Digest, GitRevision: revision.GitRevision, Time: metav1.NewTime(restores.Time.Time), Outcome: triggerv1.ChangeInProgress,
		Restores: restores.DeepCopy(), Kept: slices.Clone(revision.Kept),
	}, vt.GetRevisionHistoryLimit())
	return true, said, nil
}

// unforced records that a request to override what holds changes back is not acted on, and says so: it may
// have been for what a person goes back to, and never is for what the sources hold in its place.
func (snap snapshot) unforced(vt *triggerv1.ValuesTrigger) []Note {
	if !snap.overrides() {
		return nil
	}
	vt.Status.LastHandledForceAt = snap.force
	return []Note{{corev1.EventTypeWarning, triggerv1.RollbackRefusedReason, fmt.Sprintf(
		"Annotation %s is not acted on: it was there beside a rollback that is refused or over; to force what the sources hold, set it to another value", meta.ForceRequestAnnotation)}}
}

// revisionFor returns the revision that an annotation goes back to, or why it is refused.
func (e *Engine) revisionFor(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot, value string) (triggerv1.Change, string, error) {
	none, present := triggerv1.Change{}, snap.present()
	revision, content := parts(value)
	if snap.publication == nil {
		return none, fmt.Sprintf("spec.publish of ValuesTrigger %s/%s is not set, and only copies can be given what they held before; restore the content in the sources", vt.Namespace, vt.Name), nil
	}
	if revision == 0 || !strings.HasPrefix(content, digest.Prefix) {
		return none, "it is not the number of a revision, a slash and the digest of what the sources hold; use N/" + present, nil
	}
	if content != present {
		return none, fmt.Sprintf("the sources do not hold content %s any more, but %s; look at what has changed, and use %d/%s", text.Word(digest.Abbreviated(content)), digest.Abbreviated(present), revision, present), nil
	}
	found := plan.Revision(vt.Status.History, revision)
	switch {
	case found == nil:
		return none, fmt.Sprintf("status.history has no revision %d; %s", revision, restorable(vt.Status.History)), nil
	case found.Digest == snap.diff.To && vt.Status.HasArrived():
		return none, fmt.Sprintf("revision %d is what is delivered now", revision), nil
	case found.Digest == snap.diff.To:
		return none, fmt.Sprintf("revision %d is the present content, which has not arrived everywhere", revision), nil
	case found.Digest == present:
		return *found, "", nil
	}
	sources, sound := plan.Restored(plan.Content(*found), snap.publication.sources)
	if !sound {
		return none, snap.publication.unkept(revision) + "; " + restorable(vt.Status.History), nil
	}
	gone, err := e.gone(ctx, snap.publication.past(sources))
	if refusal.IsUnauthorized(err) { // The annotation must not keep the trigger from what it delivers otherwise.
		return none, "what is kept of revision " + strconv.FormatInt(revision, 10) + " cannot be read: " + e.Accounts.message(vt, err), nil
	}
	return *found, gone, err
}

// parts returns the number and the digest in an annotation that goes back to a revision, 0 if there is no
// number. What follows has no meaning but to make another value of it.
func parts(annotation string) (revision int64, content string) {
	number, rest, _ := strings.Cut(annotation, "/")
	content, _, _ = strings.Cut(rest, "/")
	revision, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, content
	}
	return max(0, revision), content
}

// unkept says that a revision is not kept, and why if that is known.
func (p *publication) unkept(revision int64) string {
	if err := p.mayKeep(); err != nil {
		return fmt.Sprintf("the content of revision %d is not kept: %s", revision, err)
	}
	return fmt.Sprintf("the content of revision %d is not kept", revision)
}

// restorable says which revisions can be restored.
func restorable(history []triggerv1.Change) string {
	var numbers []string
	for _, change := range history {
		if change.Revision > 0 && len(change.Kept) > 0 {
			numbers = append(numbers, fmt.Sprint(change.Revision))
		}
	}
	if len(numbers) == 0 {
		return "none can be restored"
	}
	return "these can be restored: " + text.Some(numbers, triggerv1.MaxHistory)
}

// past is a publication of content that is kept.
func (p *publication) past(sources []plan.Source) *publication {
	return &publication{owner: p.owner, actor: p.actor, sources: sources, restored: true, get: p.get, contentOf: p.contentOf}
}

// checkRestored returns a fault if what a person has gone back to cannot be had. When all is restored it
// is not needed any more until something is to be written.
func (e *Engine) checkRestored(ctx context.Context, vt *triggerv1.ValuesTrigger, snap snapshot) error {
	if snap.restores == nil {
		return nil
	}
	newest := vt.Status.History
	gone := snap.unrestorable
	if gone == "" && (newest[0].Digest != snap.content || newest[0].Revision == 0) {
		var err error
		if gone, err = e.gone(ctx, snap.publication); err != nil {
			return err
		}
	}
	if gone == "" {
		return nil
	}
	return fault.Stalled(triggerv1.RollbackHaltedReason, "Rollback to revision %d%s has halted: %s", snap.restores.Revision, rollout.By(snap.restores.PersonRecord), gone)
}

// restoring is the cause of requests for what a person has gone back to.
func (snap snapshot) restoring() string {
	if snap.restores == nil {
		return ""
	}
	return fmt.Sprintf("rollback to revision %d%s", snap.restores.Revision, rollout.By(snap.restores.PersonRecord))
}

// withRestored adds to a summary what a person has gone back to. The trigger is not ready when that is
// delivered: its sources hold something else.
func withRestored(vt *triggerv1.ValuesTrigger, summary plan.Summary, snap snapshot) plan.Summary {
	r := snap.restores
	switch {
	case r == nil:
	case summary.Ready == metav1.ConditionTrue:
		summary.Ready, summary.Reason, summary.Stalled = metav1.ConditionFalse, triggerv1.RolledBackReason, true
		summary.Message = fmt.Sprintf("Rolled back to revision %d, content %s%s; content %s of the sources is rejected until they change; to deliver it all the same: %s",
			r.Revision, digest.Abbreviated(r.Digest), rollout.By(r.PersonRecord), digest.Abbreviated(r.Rejects), plan.Retry(vt.Namespace+"/"+vt.Name))
	default:
		summary.Message = text.Line(summary.Message+"; "+snap.restoring(), text.MaxMessage)
	}
	return summary
}
