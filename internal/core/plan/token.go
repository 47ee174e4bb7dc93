// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// This file makes the tokens of requests, and compares them: their numbers say which request came later.

// newToken returns a token that was never used on the release before: it carries
// a number above those of the record and of the last known token. Being a
// function of these and of the digest, it is the same when a decision is taken
// twice.
func newToken(digestText string, previous ...string) string {
	last := 0
	for _, token := range previous {
		last = max(last, sequence(token))
	}
	return fmt.Sprintf("%s.%d", digest.Short(digestText), last+1)
}

// sequence returns the number in a token, 0 if it is none of ours.
func sequence(token string) int {
	_, number, found := strings.Cut(token, ".")
	if !found {
		return 0
	}
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil { // Written by someone else, perhaps to exhaust the numbers.
		return 0
	}
	return int(n)
}

// Before reports whether the record is older than a request.
func (r Record) Before(token string) bool {
	return sequence(r.Token) < sequence(token)
}

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
