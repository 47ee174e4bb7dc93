// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Measurer asks the providers that the administrator has configured. No call waits for the network.
type Measurer interface {
	// Check returns an error if a provider that an analysis names is not there, is of a type that cannot
	// do what it is named for, or is not for triggers of the namespace. The error begins with the path of
	// the field in the analysis, as in ".metrics[0].provider: ...", and says what is configured.
	Check(namespace string, a *triggerv1.Analysis) error

	// Measure returns the answers to a request if they are there. Otherwise it begins to ask, unless it is
	// doing so for the same key; when the answers have come, it sends the trigger to Measured.
	Measure(request analysis.Request) (analysis.Measurement, bool)

	// Inform sends a notice, once and without an answer.
	Inform(notice analysis.Notice)
}

// checkProviders returns a fault that names a provider that a trigger cannot be measured by.
func checkProviders(measurer Measurer, snap snapshot) error {
	vt := snap.vt
	if vt.Spec.Rollout == nil || snap.beyondAnalysis() {
		return nil
	}
	for i, stage := range vt.Spec.Rollout.Stages {
		if stage.Analysis == nil {
			continue
		}
		if err := measurer.Check(vt.Namespace, stage.Analysis); err != nil {
			return fault.Invalid("invalid spec: spec.rollout.stages[%d].analysis%w", i, err)
		}
	}
	return nil
}

// beyondAnalysis reports that nothing will be measured of the content, since it is rejected or a person has overridden
// the analysis: a provider that has gone away must stop neither.
func (snap snapshot) beyondAnalysis() bool {
	s := snap.vt.Status.Rollout
	decided := s != nil && s.Digest == snap.content && snap.reset == "" && (s.Overridden || s.RejectedBy != nil)
	return decided || snap.overrides() || snap.rolledBack()
}

// subjectOf returns what a measurement is about: the change as the history has it or, until then, as it is
// about to be requested.
func subjectOf(snap snapshot, cases []*targetCase) analysis.Subject {
	subject := analysis.Subject{
		Trigger: client.ObjectKeyFromObject(snap.vt), GitRevision: plan.GitRevision(snap.diff, snap.sources),
	}
	if at := slices.IndexFunc(snap.vt.Status.History, func(c triggerv1.Change) bool { return c.Digest == snap.diff.To }); at >= 0 {
		subject.Cause, subject.GitRevision = snap.vt.Status.History[at].Cause, snap.vt.Status.History[at].GitRevision
	}
	for _, c := range cases {
		if subject.Cause == "" && c.decision.Request != nil {
			subject.Cause = c.decision.Request.Cause
		}
	}
	return subject
}

// inform has the webhooks of the stages informed of what a stored status says is new of them. The status may have no
// room for all targets of the pass. Without any, nothing was found out about them, and it is all that is known.
func inform(measurer Measurer, was, is *triggerv1.ValuesTrigger, changes []TargetChange) {
	targets := is.Status.Targets
	if len(changes) > 0 {
		targets = make([]triggerv1.TargetStatus, 0, len(changes))
		for _, change := range changes {
			targets = append(targets, change.Is)
		}
	}
	for _, news := range rollout.News(was.Status.Rollout, is.Status.Rollout) {
		webhooks := rollout.EventWebhooks(is.Spec.Rollout, news.Stage)
		if len(webhooks) == 0 {
			continue
		}
		subject := analysis.Subject{Trigger: client.ObjectKeyFromObject(is)}
		for _, change := range is.Status.History {
			if change.Digest == is.Status.Rollout.Digest {
				subject.Cause, subject.GitRevision = change.Cause, change.GitRevision
				break
			}
		}
		for _, t := range targets {
			if t.Stage == news.Stage && t.State != triggerv1.TargetMissing {
				subject.Releases = append(subject.Releases, types.NamespacedName{Namespace: t.Namespace, Name: t.Name})
			}
		}
		measurer.Inform(analysis.Notice{
			Event: news.Event, Digest: is.Status.Rollout.Digest, Stage: news.Stage, Message: news.Message, Subject: subject, Webhooks: webhooks,
		})
	}
}
