// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"regexp"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// requestPattern is that of a token as the operator makes it. The times and numbers that people and
// other clients request with are none.
var requestPattern = regexp.MustCompile(`^[0-9a-f]{12}\.[0-9]{1,10}$`)

// maxShown bounds the number of a request that is believed rather than the record. The operator does not get
// that far: someone else wrote it, perhaps to exhaust the numbers.
const maxShown = 1 << 30

// RecordOf returns what is on record of a HelmRelease.
func RecordOf(hr *helmv2.HelmRelease) Record {
	return ParseRecord(hr.Annotations[triggerv1.RequestAnnotation]).Believed(
		hr.Annotations[meta.ReconcileRequestAnnotation], hr.Annotations[meta.ForceRequestAnnotation],
		hr.Status.LastHandledReconcileAt, hr.Status.LastHandledForceAt)
}

// Believed returns the record, given the requests that the release shows. A request is written together
// with its record: where one of the operator is later than the record, that is of a backup, or was removed.
// The release may have got other content since, so nothing is left of it but the token.
func (r Record) Believed(shown ...string) Record {
	for _, token := range shown {
		if requestPattern.MatchString(token) && r.Before(token) && sequence(token) <= maxShown {
			r = Record{UID: r.UID, Token: token}
		}
	}
	return r
}
