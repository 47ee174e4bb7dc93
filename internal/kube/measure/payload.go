// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"encoding/json"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// payloadVersion changes when a field gets another meaning, and not when one is added.
const payloadVersion = "v1"

// purposeMetric is a request for the value of a metric. The other purposes are the types of webhooks.
const purposeMetric = "metric"

// payload is what a provider of type HTTP is sent: what changes and where, and never any content.
type payload struct {
	Version     string    `json:"version"`
	Purpose     string    `json:"purpose"`
	Name        string    `json:"name"`
	Trigger     reference `json:"trigger"`
	Stage       string    `json:"stage"`
	Digest      string    `json:"digest"`
	Cause       string    `json:"cause,omitempty"`
	GitRevision string    `json:"gitRevision,omitempty"`

	// Number counts the measurements of the stage.
	Number int64 `json:"number,omitempty"`

	// Interval and Query are there for a metric, Interval for a gate and a check as well.
	Interval string `json:"interval,omitempty"`
	Query    string `json:"query,omitempty"`

	// Event and Message are there for an event.
	Event   analysis.Event `json:"event,omitempty"`
	Message string         `json:"message,omitempty"`

	Releases []reference `json:"releases"`
}

type reference struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// json never fails: there are only strings and a number in it.
func (p payload) json() []byte {
	content, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return content
}

func describe(purpose, name string, subject analysis.Subject) payload {
	p := payload{
		Version: payloadVersion, Purpose: purpose, Name: name,
		Trigger: reference{Namespace: subject.Trigger.Namespace, Name: subject.Trigger.Name},
		Cause:   subject.Cause, GitRevision: subject.GitRevision,
		Releases: make([]reference, 0, len(subject.Releases)),
	}
	for _, release := range subject.Releases {
		p.Releases = append(p.Releases, reference{Namespace: release.Namespace, Name: release.Name})
	}
	return p
}

func payloadOf(request analysis.Request, purpose, name string) payload {
	p := describe(purpose, name, request.Subject)
	p.Stage, p.Digest, p.Number = request.Stage, request.Digest, request.Number
	p.Interval = analysis.Interval(request.Interval)
	return p
}

func payloadOfMetric(request analysis.Request, metric triggerv1.AnalysisMetric) payload {
	p := payloadOf(request, purposeMetric, metric.Name)
	p.Query = metric.Query
	return p
}

func payloadOfNotice(notice analysis.Notice, name string) payload {
	p := describe(string(triggerv1.WebhookEvent), name, notice.Subject)
	p.Stage, p.Digest, p.Event, p.Message = notice.Stage, notice.Digest, notice.Event, notice.Message
	return p
}
