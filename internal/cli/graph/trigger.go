// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// State of a ValuesTrigger, in one word.
type State string

// States of a ValuesTrigger.
const (
	// Stalled waits for someone to act.
	Stalled State = "Stalled"
	// AwaitingApproval waits for a person to approve a stage.
	AwaitingApproval State = "AwaitingApproval"
	// Waiting is not ready and continues by itself, once something appears.
	Waiting State = "Waiting"
	// Unseen has a spec that the operator has not evaluated.
	Unseen State = "Unseen"
	// Progressing is in progress.
	Progressing State = "Progressing"
	// Suspended is stopped by spec.suspend.
	Suspended State = "Suspended"
	// Ready has delivered everything.
	Ready State = "Ready"
)

// Severity orders the states of triggers, TargetSeverity those of targets.
var (
	Severity       = []State{Stalled, AwaitingApproval, Waiting, Unseen, Progressing, Suspended, Ready}
	TargetSeverity = []triggerv1.TargetState{
		triggerv1.TargetFailed, triggerv1.TargetMissing, triggerv1.TargetHeld,
		triggerv1.TargetTriggered, triggerv1.TargetPending, triggerv1.TargetDelivered,
	}
)

// Trigger is a ValuesTrigger with what it delivers, worst first.
type Trigger struct {
	binding.Object
	Generated     bool         `json:"generated"`
	State         State        `json:"state"`
	Reason        string       `json:"reason,omitempty"`
	Message       string       `json:"message,omitempty"`
	Delivered     string       `json:"delivered,omitempty"`
	LastTriggered *metav1.Time `json:"lastTriggered,omitempty"`

	// Rollout is its phase, and Digest the content that is rolled out, if something may hold changes back.
	Rollout triggerv1.RolloutPhase `json:"rollout,omitempty"`
	Digest  string                 `json:"digest,omitempty"`

	// Stages of spec.rollout, in their order.
	Stages []Stage `json:"stages,omitempty"`

	Sources []Source `json:"sources"`
	Targets []Target `json:"targets"`

	// Summary counts all targets. CountedOnly of them are not among Targets: the status of the
	// trigger does not list them, and they were not found.
	Summary     triggerv1.TargetSummary `json:"summary"`
	CountedOnly int                     `json:"countedOnly,omitempty"`

	// Unlisted is how many of Targets the status does not list: HelmReleases say how far they are, and may
	// have been read earlier than the status that counts them.
	Unlisted int `json:"-"`

	halt halt

	// leavesOut is a HelmRelease that no stage selects, if that is what is left to do.
	leavesOut string
}

// Source is a ConfigMap or Secret that a trigger reads.
type Source struct {
	binding.Source

	// Selector is set if the object, or without a name all of them, were selected
	// by labels.
	Selector string `json:"selector,omitempty"`
	Absent   bool   `json:"absent,omitempty"`
}

// Target is a HelmRelease and how far the delivery to it got.
type Target struct {
	binding.Object
	State       triggerv1.TargetState `json:"state"`
	Stage       string                `json:"stage,omitempty"`
	Message     string                `json:"message,omitempty"`
	Revision    int64                 `json:"revision,omitempty"`
	Attempts    int32                 `json:"attempts,omitempty"`
	TriggeredAt *metav1.Time          `json:"triggeredAt,omitempty"`
	DeliveredAt *metav1.Time          `json:"deliveredAt,omitempty"`
	Cause       string                `json:"cause,omitempty"`

	// Copies are what the HelmRelease is to read, with spec.publish.
	Copies []Copy `json:"copies,omitempty"`

	// published is the digest that was last put into them.
	published string
}

// Since returns when the target came to its state, as far as that is known.
func (t Target) Since() *metav1.Time {
	if t.State == triggerv1.TargetDelivered {
		return t.DeliveredAt
	}
	return t.TriggeredAt
}

// Describe returns what a ValuesTrigger says about itself, and what its targets say.
func (d Directory) Describe(vt *triggerv1.ValuesTrigger) Trigger {
	return DescribeWith(vt, d.Members(vt))
}

// DescribeWith is Describe for targets that are known.
func DescribeWith(vt *triggerv1.ValuesTrigger, members Members) Trigger {
	t := Trigger{
		Object: binding.TriggerObject(vt), Generated: generated.Is(vt),
		Delivered: vt.Status.Delivered, LastTriggered: vt.Status.LastTriggerTime, Sources: sources(vt), Stages: StagesOf(vt), halt: haltOf(vt), leavesOut: leavesOut(vt),
	}
	t.Targets, t.Summary, t.CountedOnly = targets(vt, members), members.Summary, members.CountedOnly
	t.Unlisted = len(members.Targets) - len(vt.Status.Targets)
	for range unseen(vt) {
		t.Summary.Total++
		t.Summary.Pending++
	}
	if vt.Status.Rollout != nil {
		t.Rollout, t.Digest = vt.Status.Rollout.Phase, vt.Status.Rollout.Digest
	}
	t.State, t.Reason, t.Message = state(vt)
	return t
}

func state(vt *triggerv1.ValuesTrigger) (s State, reason, message string) {
	ready := meta.FindStatusCondition(vt.Status.Conditions, fluxmeta.ReadyCondition)
	if ready != nil {
		reason, message = ready.Reason, ready.Message
	}
	switch {
	case vt.Spec.Suspend:
		return Suspended, "", "spec.suspend is set; what changes is delivered after it is resumed"
	case ready == nil || vt.Status.ObservedGeneration != vt.Generation:
		return Unseen, "", "the operator has not evaluated this spec; is it running, and does it serve this namespace?"
	case ready.Status == metav1.ConditionTrue:
		return Ready, reason, message
	case ready.Status == metav1.ConditionUnknown:
		return Progressing, reason, message
	case meta.IsStatusConditionTrue(vt.Status.Conditions, fluxmeta.StalledCondition), leavesOut(vt) != "", rollout.Emptied(vt.Status.Rollout):
		return Stalled, reason, message
	case reason == triggerv1.AwaitingApprovalReason:
		return AwaitingApproval, reason, message
	}
	return Waiting, reason, message
}

// sources returns what the trigger reads: what its references name, and what those by
// selector were last resolved to.
func sources(vt *triggerv1.ValuesTrigger) []Source {
	var out []Source
	digests := map[binding.Object]string{}
	for _, s := range vt.Status.Sources {
		digests[binding.Object{Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}] = s.Digest
	}
	selected := map[binding.Object]bool{}
	for i, ref := range vt.Spec.Sources {
		if ref.Name == "" {
			continue
		}
		s := sourceOf(vt, i, ref.Name)
		digest, resolved := digests[s.Object]
		s.Absent = resolved && digest == ""
		out = merge(out, s)
		selected[s.Object] = true
	}
	for i, ref := range vt.Spec.Sources {
		if ref.Name != "" {
			continue
		}
		matched := false
		for _, found := range vt.Status.Sources {
			if o := (binding.Object{Kind: found.Kind, Namespace: found.Namespace, Name: found.Name}); o.Kind == ref.Kind && o.Namespace == cmp.Or(ref.Namespace, vt.Namespace) && !selected[o] {
				out, matched = merge(out, sourceOf(vt, i, o.Name)), true
			}
		}
		if !matched {
			out = append(out, sourceOf(vt, i, ""))
		}
	}
	slices.SortFunc(out, func(a, b Source) int { return compareObjects(a.Object, b.Object) })
	return out
}

func sourceOf(vt *triggerv1.ValuesTrigger, index int, name string) Source {
	ref := vt.Spec.Sources[index]
	return Source{Source: binding.SourceOf(vt, index, ref, name), Selector: selectorText(ref.Selector)}
}

// merge unites what several references want of one object.
func merge(all []Source, s Source) []Source {
	i := slices.IndexFunc(all, func(old Source) bool { return old.Object == s.Object })
	if i < 0 {
		return append(all, s)
	}
	all[i].Source = all[i].Unite(s.Source)
	return all
}

// selectorText writes a selector as kubectl takes it.
func selectorText(selector *triggerv1.Selector) string {
	if selector == nil {
		return ""
	}
	parsed, err := selector.AsSelector()
	switch {
	case err != nil:
		return "malformed"
	case parsed.Empty():
		return "all"
	}
	return parsed.String()
}

// targets returns the HelmReleases that the trigger has found, worst first, and those
// that it names and has not evaluated.
func targets(vt *triggerv1.ValuesTrigger, members Members) []Target {
	out := make([]Target, 0, len(members.Targets))
	for _, t := range members.Targets {
		out = append(out, Target{
			Object: binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: t.Namespace, Name: t.Name},
			State:  t.State, Stage: t.Stage, Message: t.Message, Revision: t.Revision, Attempts: t.Attempts,
			TriggeredAt: t.TriggeredAt, DeliveredAt: t.DeliveredAt, Cause: t.Cause, published: t.Published,
		})
	}
	for _, o := range unseen(vt) {
		out = append(out, Target{Object: o, State: triggerv1.TargetPending, Message: "not evaluated yet"})
	}
	published := publishes(vt)
	for i, t := range out {
		out[i].Copies = copiesFor(vt, published, t.NamespacedName(), copyState(vt, t.published, t.Cause))
	}
	slices.SortFunc(out, func(a, b Target) int {
		return cmp.Or(byRank(TargetSeverity, a.State, b.State), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}
