// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// forceKind is the kind under which the record remembers a request for all targets. A
// value that both annotations had stands for two requests.
func (t *task) forceKind() string {
	if t.ByTriggerAt {
		return "triggerAt"
	}
	return "forceAt"
}

// forceAnnotation is the annotation by which all targets were requested.
func (t *task) forceAnnotation() string {
	if t.ByTriggerAt {
		return triggerv1.TriggerAtAnnotation
	}
	return meta.ForceRequestAnnotation
}

// waitedFor says what asked for a request that had to wait and has no other cause.
func (t *task) waitedFor() string {
	if t.ByTriggerAt {
		return "request by " + triggerv1.TriggerAtAnnotation + " that had to wait"
	}
	return "request by annotation that had to wait"
}
