// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Event is what a webhook of type event is informed of.
type Event string

const (
	// Started is a stage that begins to deliver.
	Started Event = "Started"

	// Finished is a stage that has passed.
	Finished Event = "Finished"

	// Failed is a stage that has halted the rollout.
	Failed Event = "Failed"

	// RolledBack is a stage that has the earlier content again.
	RolledBack Event = "RolledBack"
)

// Notice informs the webhooks of type event of a stage.
type Notice struct {
	Event Event

	// Digest of the content, and the stage by its name.
	Digest string
	Stage  string

	// Message says why, without what helm-controller says of a release. Empty if there is nothing to say.
	Message string

	Subject Subject

	// Webhooks to inform, of type event.
	Webhooks []triggerv1.AnalysisWebhook
}
