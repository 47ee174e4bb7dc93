// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// people finds out who has set an annotation by which a person decides. It takes the snapshot, and gives another
// one that says so.
type people struct {
	live client.Reader
}

const (
	// maxManager is the longest name of a field manager that the API server accepts, and maxUser
	// bounds how much of the name of a user is stored, in bytes.
	maxManager = 128
	maxUser    = 256
)

// person returns who has set an annotation, as far as that is known: the user whom another one names,
// and the field manager that owns it.
func (p *people) person(ctx context.Context, vt *triggerv1.ValuesTrigger, annotation, by string, at time.Time) triggerv1.PersonRecord {
	return triggerv1.PersonRecord{
		Time: metav1.NewTime(at.UTC().Truncate(time.Second)), User: text.Line(vt.Annotations[by], maxUser),
		Manager: text.Line(p.setBy(ctx, vt, annotation), maxManager),
	}
}

// identify returns a snapshot with who has set the annotations that are new, as far as they decide about
// the rollout.
func (p *people) identify(ctx context.Context, snap snapshot) snapshot {
	if snap.gate == nil {
		return snap
	}
	if snap.overrides() {
		snap.forcedBy = p.person(ctx, snap.vt, meta.ForceRequestAnnotation, triggerv1.OverriddenByAnnotation, snap.at)
	}
	if unhandled(snap.vt, triggerv1.ApproveAnnotation, snap.vt.Status.LastHandledApproval) != "" {
		snap.approver = p.person(ctx, snap.vt, triggerv1.ApproveAnnotation, triggerv1.ApprovedByAnnotation, snap.at)
	}
	if unhandled(snap.vt, triggerv1.RejectAnnotation, snap.vt.Status.LastHandledReject) != "" {
		snap.rejecter = p.person(ctx, snap.vt, triggerv1.RejectAnnotation, triggerv1.RejectedByAnnotation, snap.at)
	}
	return snap
}

// noteDecisions records that a person has approved or rejected the content that is being delivered, where
// nothing has been decided: the trigger is suspended, or a source cannot be read. Flux removes what
// kubectl has set at its next reconciliation, which may come before the next decision.
func (p *people) noteDecisions(ctx context.Context, vt *triggerv1.ValuesTrigger) {
	if vt.Status.UID != vt.UID {
		return
	}
	now := time.Now()
	status, unknown := &vt.Status, triggerv1.PersonRecord{}
	approval := unhandled(vt, triggerv1.ApproveAnnotation, status.LastHandledApproval)
	if approval != "" && rollout.Approve(vt.Spec.Rollout, status.Rollout, approval, unknown) != nil {
		who := p.person(ctx, vt, triggerv1.ApproveAnnotation, triggerv1.ApprovedByAnnotation, now)
		status.Rollout, status.LastHandledApproval = rollout.Approve(vt.Spec.Rollout, status.Rollout, approval, who), approval
	}
	rejection := unhandled(vt, triggerv1.RejectAnnotation, status.LastHandledReject)
	if vt.IsGated() && rejection != "" && rollout.Reject(status.Rollout, rejection, unknown) != nil {
		who := p.person(ctx, vt, triggerv1.RejectAnnotation, triggerv1.RejectedByAnnotation, now)
		status.Rollout, status.LastHandledReject = rollout.Reject(status.Rollout, rejection, who), rejection
	}
	plan.NoteDecisions(status)
}

// unhandled returns the value of an annotation by which a person decides, as far as it counts, empty if there
// is none that is new.
func unhandled(vt *triggerv1.ValuesTrigger, annotation, handled string) string {
	value := rollout.Annotation(vt.Annotations[annotation])
	if value == handled {
		return ""
	}
	return value
}

// setBy returns the field manager that set an annotation, empty if that is not known.
func (p *people) setBy(ctx context.Context, vt *triggerv1.ValuesTrigger, annotation string) string {
	newest, err := newest(ctx, p.live, vt)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("cannot find out who set an annotation", "annotation", annotation, "error", err.Error())
		return ""
	}
	if newest.Annotations[annotation] != vt.Annotations[annotation] {
		return "" // It is another request by now.
	}
	for _, entry := range newest.ManagedFields {
		if fields.Of(entry).Has("metadata", "annotations", annotation) {
			return entry.Manager
		}
	}
	return ""
}

// newest returns the metadata of a trigger as the API server has it now.
func newest(ctx context.Context, live client.Reader, vt *triggerv1.ValuesTrigger) (*metav1.PartialObjectMetadata, error) {
	newest := &metav1.PartialObjectMetadata{}
	newest.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind))
	return newest, live.Get(ctx, client.ObjectKeyFromObject(vt), newest)
}
