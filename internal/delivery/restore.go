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

// restorer goes back to a revision when a person asks for it. That is a change of content: while
// status.restored is there, and the sources hold what it rejects, the snapshot has the kept sources in
// their place, and everything else treats them as it treats any other content. That it begins, and
// that it ends, is recorded by a pass that does nothing else: restorer takes the snapshot, and gives
// another one in whose status that is noted.
type restorer struct {
	accounts *Accounts
	people   *people
	keeper   *keeper
}

// heed notes in the returned snapshot that a rollback on request begins or is over, before anything is
// done about it, and reports whether the pass ends with that. An error reports that what a person has
// gone back to cannot be had.
func (r *restorer) heed(ctx context.Context, snap snapshot) (snapshot, bool, error) {
	snap, recorded, err := r.record(ctx, snap)
	if recorded || err != nil {
		return snap, recorded, err
	}
	err = r.check(ctx, snap)
	if fault.ReasonOf(err) == triggerv1.RollbackHaltedReason {
		snap = snap.unforced()
	}
	return snap, false, err
}

// record notes that a rollback on request begins or is over, and reports whether it did.
func (r *restorer) record(ctx context.Context, snap snapshot) (snapshot, bool, error) {
	value := rollout.Annotation(snap.vt.Annotations[triggerv1.RollbackAnnotation])
	switch {
	case snap.ended && snap.reset != "":
		return snap.noting(func(s *triggerv1.ValuesTriggerStatus) { s.Restored, s.LastHandledResetAt = nil, snap.reset }), true, nil
	case snap.ended:
		return snap.noting(func(s *triggerv1.ValuesTriggerStatus) { s.Restored = nil }).unforced(), true, nil
	case value == snap.vt.Status.LastHandledRollback:
		return snap, false, nil
	case value == "":
		return snap.noting(func(s *triggerv1.ValuesTriggerStatus) { s.LastHandledRollback = "" }), false, nil
	}
	revision, refused, err := r.revisionFor(ctx, snap, value)
	if err != nil {
		return snap, false, err
	}
	if refused != "" {
		note := Note{corev1.EventTypeWarning, triggerv1.RollbackRefusedReason, fmt.Sprintf("Annotation %s is refused: %s", triggerv1.RollbackAnnotation, refused)}
		snap = snap.noting(func(s *triggerv1.ValuesTriggerStatus) { s.LastHandledRollback = value }, note)
		return snap.unforced(), snap.overrides(), nil
	}
	restores := triggerv1.RestoreRecord{
		Revision: revision.Revision, Digest: revision.Digest, Rejects: snap.present(),
		PersonRecord: r.people.person(ctx, snap.vt, triggerv1.RollbackAnnotation, triggerv1.RolledBackByAnnotation, snap.at),
	}
	return snap.noting(func(s *triggerv1.ValuesTriggerStatus) {
		s.LastHandledRollback = value
		if snap.reset != "" { // It was for what was there before.
			s.LastHandledResetAt = snap.reset
		}
		s.Restored = nil
		if restores.Digest == restores.Rejects { // To go back to what the sources hold is to go on with them.
			return
		}
		s.Restored = &restores
		s.History = plan.Remember(s.History, triggerv1.Change{
			Digest: restores.Digest, GitRevision: revision.GitRevision, Time: metav1.NewTime(restores.Time.Time), Outcome: triggerv1.ChangeInProgress,
			Restores: restores.DeepCopy(), Kept: slices.Clone(revision.Kept),
		}, snap.vt.GetRevisionHistoryLimit())
	}, requestedNote(restores)), true, nil
}

// requestedNote says that a person goes back to a revision.
func requestedNote(r triggerv1.RestoreRecord) Note {
	message := fmt.Sprintf("Rollback to revision %d, content %s%s", r.Revision, digest.Abbreviated(r.Digest), rollout.By(r.PersonRecord))
	if r.Digest == r.Rejects {
		message += ", which the sources hold"
	} else {
		message += fmt.Sprintf(": content %s of the sources is rejected until they change", digest.Abbreviated(r.Rejects))
	}
	return Note{corev1.EventTypeWarning, triggerv1.RollbackRequestedReason, message}
}

// unforced returns a snapshot in which a request to override what holds changes back is not acted on, and says
// so: it may have been for what a person goes back to, and never is for what the sources hold in its place.
func (snap snapshot) unforced() snapshot {
	if !snap.overrides() {
		return snap
	}
	return snap.noting(func(s *triggerv1.ValuesTriggerStatus) { s.LastHandledForceAt = snap.force }, Note{
		corev1.EventTypeWarning, triggerv1.RollbackRefusedReason, fmt.Sprintf(
			"Annotation %s is not acted on: it was there beside a rollback that is refused or over; to force what the sources hold, set it to another value", meta.ForceRequestAnnotation)})
}

// revisionFor returns the revision that an annotation goes back to, or why it is refused.
func (r *restorer) revisionFor(ctx context.Context, snap snapshot, value string) (triggerv1.Change, string, error) {
	none, present := triggerv1.Change{}, snap.present()
	revision, content := parts(value)
	if snap.publication == nil {
		return none, fmt.Sprintf("spec.publish of ValuesTrigger %s/%s is not set, and only copies can be given what they held before; restore the content in the sources", snap.vt.Namespace, snap.vt.Name), nil
	}
	if revision == 0 || !strings.HasPrefix(content, digest.Prefix) {
		return none, "it is not the number of a revision, a slash and the digest of what the sources hold; use N/" + present, nil
	}
	if content != present {
		return none, fmt.Sprintf("the sources do not hold content %s any more, but %s; look at what has changed, and use %d/%s", text.Word(digest.Abbreviated(content)), digest.Abbreviated(present), revision, present), nil
	}
	found := plan.Revision(snap.vt.Status.History, revision)
	switch {
	case found == nil:
		return none, fmt.Sprintf("status.history has no revision %d; %s", revision, restorable(snap.vt.Status.History)), nil
	case found.Digest == snap.diff.To && snap.vt.Status.HasArrived():
		return none, fmt.Sprintf("revision %d is what is delivered now", revision), nil
	case found.Digest == snap.diff.To:
		return none, fmt.Sprintf("revision %d is the present content, which has not arrived everywhere", revision), nil
	case found.Digest == present:
		return *found, "", nil
	}
	sources, sound := plan.Restored(plan.Content(*found), snap.publication.sources)
	if !sound {
		return none, snap.publication.unkept(revision) + "; " + restorable(snap.vt.Status.History), nil
	}
	gone, err := r.keeper.gone(ctx, snap.publication.past(sources))
	if refusal.IsUnauthorized(err) { // The annotation must not keep the trigger from what it delivers otherwise.
		return none, "what is kept of revision " + strconv.FormatInt(revision, 10) + " cannot be read: " + r.accounts.message(snap.vt, err), nil
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

// check returns a fault if what a person has gone back to cannot be had. When all is restored it
// is not needed any more until something is to be written.
func (r *restorer) check(ctx context.Context, snap snapshot) error {
	if snap.restores == nil {
		return nil
	}
	newest := snap.vt.Status.History
	gone := snap.unrestorable
	if gone == "" && (newest[0].Digest != snap.content || newest[0].Revision == 0) {
		var err error
		if gone, err = r.keeper.gone(ctx, snap.publication); err != nil {
			return err
		}
	}
	if gone == "" {
		return nil
	}
	return fault.Stalled(triggerv1.RollbackHaltedReason, "Rollback to revision %d%s has halted: %s", snap.restores.Revision, rollout.By(snap.restores.PersonRecord), gone)
}
