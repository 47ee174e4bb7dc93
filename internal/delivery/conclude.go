// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// concluder takes what became of all targets, and gives the result of the pass.
type concluder struct {
	sweeper *sweeper
	keeper  *keeper
}

// conclude deletes what is not needed any more, and returns what came of the pass.
func (c *concluder) conclude(ctx context.Context, snap snapshot, out outcome) (Result, error) {
	swept, err := c.sweeper.prune(ctx, snap, out.targets)
	more, discardErr := c.keeper.discard(ctx, snap)
	if err = errors.Join(err, discardErr); refusal.Is(err) {
		out.refused = err
	} else {
		out.err = errors.Join(out.err, err)
	}
	out.kept, err = c.keeper.keepRevision(ctx, snap, out.passed)
	out.err = errors.Join(out.err, err)
	if swept.More || more {
		out.lookAgain(ConflictDelay)
	}
	result, err := resultOf(snap, out)
	result.Notes = swept.Notes
	return result, err
}

// outcome is what became of all targets.
type outcome struct {
	// targets are what is known of them now, and changes from what was known before.
	targets []triggerv1.TargetStatus
	changes []TargetChange

	// rollout is the state of what holds changes back, nil if nothing does. Passed reports that
	// the content is a revision from now on, and kept that it can be restored.
	rollout *triggerv1.RolloutStatus
	passed  bool
	kept    bool

	// rejectRefused says why an annotation that is new rejects nothing.
	rejectRefused string

	// releases are what was observed of the targets that exist.
	releases []plan.Release

	// triggered is the number of requests made.
	triggered int

	// undecided reports that about some target nothing could be decided, so that the
	// difference of the sources must be kept.
	undecided bool

	// lasting is true if this is so only of targets that are refused until a person does
	// something: what a person asks for must not stay open for so long.
	lasting bool

	// after is when to look again without an event, 0 for never.
	after time.Duration

	// err joins the failures that are to be retried.
	err error

	// refused is one of the requests that the API server has refused.
	refused error
}

// outcomeOf sums up what became of all targets.
func outcomeOf(snap snapshot, cases []*targetCase, verdict verdict) outcome {
	out := outcome{rollout: verdict.rollout, passed: verdict.passed, rejectRefused: verdict.rejectRefused, after: verdict.after}
	var errs []error
	for _, c := range cases {
		if c.input.Release.Exists {
			out.releases = append(out.releases, c.input.Release)
		}
		errs = append(errs, c.done.err)
		now := recordOf(snap, c)
		out.targets, out.changes = append(out.targets, now), append(out.changes, TargetChange{Was: c.before(now), Is: now})
		out.note(c.done)
	}
	if snap.gate == nil && !verdict.settling() && !out.undecided {
		out.rollout = nil // What has been decided now is on record elsewhere.
	}
	if snap.vt.Spec.Rollout == nil {
		out.passed = out.deliveredToAll()
	}
	out.err = errors.Join(errs...)
	return out
}

// note takes in what became of one target.
func (o *outcome) note(one effect) {
	if one.refused != nil {
		o.refused = one.refused
	}
	if one.sent {
		o.triggered++
	}
	if one.after > 0 && (o.after == 0 || one.after < o.after) {
		o.after = one.after
	}
	if one.undecided {
		o.lasting = one.free && (o.lasting || !o.undecided)
		o.undecided = true
	}
}

// deliveredToAll reports whether all targets run the content: without stages, it has passed then.
func (o *outcome) deliveredToAll() bool {
	return !o.undecided && len(o.targets) > 0 && !slices.ContainsFunc(o.targets, func(t triggerv1.TargetStatus) bool {
		return t.State != triggerv1.TargetDelivered
	})
}

// rejects reports whether a person has rejected the content.
func (o *outcome) rejects(content string) bool {
	return o.rollout != nil && o.rollout.Digest == content && o.rollout.RejectedBy != nil
}

// lookAgain makes sure that the next look comes no later than in some time.
func (o *outcome) lookAgain(after time.Duration) {
	if o.after == 0 || o.after > after {
		o.after = after
	}
}

// resultOf returns what came of a pass in which something was decided about all targets.
func resultOf(snap snapshot, out outcome) (Result, error) {
	result := snap.result()
	status, summary := statusOf(snap, out)
	if !slices.Equal(restorableContents(&result.Status), restorableContents(&status)) {
		out.lookAgain(TidyDelay)
	}
	result.Status, result.Summary, result.Gated = status, &summary, gatedOf(snap, out.releases)
	result.Targets = out.changes
	result.Said = append(slices.Clip(result.Said), refusedRejection(snap, out)...)
	var err error
	result.Again, result.After, err = next(snap, out)
	return result, err
}

// restorableContents returns the digests of what a status says can be restored.
func restorableContents(status *triggerv1.ValuesTriggerStatus) []string {
	var digests []string
	for _, content := range plan.Restorable(status) {
		digests = append(digests, content.Digest)
	}
	return digests
}

// next returns when to look again after a delivery, and what is to be retried.
func next(snap snapshot, out outcome) (Again, time.Duration, error) {
	switch {
	case out.err != nil:
		return Never, 0, out.err
	case out.triggered > 0 && snap.gate == nil:
		return AfterRequests, 0, nil // What is held back is judged by what is stored.
	case out.after > 0 && out.after < snap.vt.GetInterval():
		return Soon, out.after, out.refused
	}
	return AtInterval, 0, out.refused
}

// refusedRejection says that an annotation which is new rejects nothing, and why.
func refusedRejection(snap snapshot, out outcome) []Note {
	why := out.rejectRefused
	if snap.gate == nil {
		why = fmt.Sprintf("ValuesTrigger %s/%s has no quietPeriod, schedule or rollout: its changes are delivered at once; to go back to a revision, set %s",
			snap.vt.Namespace, snap.vt.Name, triggerv1.RollbackAnnotation)
	}
	if why == "" || unhandled(snap.vt, triggerv1.RejectAnnotation, snap.vt.Status.LastHandledReject) == "" {
		return nil
	}
	return []Note{{corev1.EventTypeWarning, triggerv1.RejectionRefusedReason, fmt.Sprintf("Annotation %s is refused: %s", triggerv1.RejectAnnotation, why)}}
}

// gatedOf reports whether what holds changes back can be bypassed: helm-controller takes
// up what a release reads through valuesFrom by itself.
func gatedOf(snap snapshot, releases []plan.Release) *Gated {
	if snap.gate == nil {
		return &Gated{}
	}
	readers := 0
	watched := ""
	for _, release := range releases {
		direct := func(id string) bool { return release.Reads[id] && !release.Copied[id] }
		if slices.ContainsFunc(snap.sources, func(s plan.Source) bool { return direct(s.ID) }) {
			readers++
		}
		for _, s := range snap.sources {
			if s.Watched && direct(s.ID) && (watched == "" || s.ID < watched) {
				watched = s.ID
			}
		}
	}
	switch {
	case watched != "":
		return &Gated{metav1.ConditionFalse, triggerv1.WatchedByFluxReason, fmt.Sprintf(
			"%s has the label %s: %s, so that Flux upgrades the releases that read it at once, bypassing the rollout gates; remove the label",
			strings.Replace(watched, "/", " ", 1), meta.LabelKeyWatch, meta.LabelValueWatchEnabled)}
	case readers > 0:
		return &Gated{metav1.ConditionFalse, triggerv1.ReadAtIntervalReason, fmt.Sprintf(
			"%d of %d HelmReleases read sources through valuesFrom: helm-controller applies changes at their interval, when their spec or chart changes, and when it restarts, bypassing the rollout gates",
			readers, len(releases))}
	}
	return &Gated{metav1.ConditionTrue, triggerv1.NothingBypassesReason, "No HelmRelease reads a source through valuesFrom: changes arrive when they are requested"}
}
