// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package fault has the one kind of error that ends a look at a ValuesTrigger, or leaves one of
// its targets undecided, for a reason that the trigger reports. Every other error is of the API
// server, and retried.
package fault

import (
	"errors"
	"fmt"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Fault is such an error. Its text is the message of the condition.
type Fault struct {
	// Reason is that of the condition Ready. It is empty if what was read has changed
	// meanwhile: there is nothing to report, and it is decided again at once.
	Reason string

	// Stalled is true if it lasts until a person does something. Otherwise it passes, and the
	// trigger waits.
	Stalled bool

	err error
}

func (f *Fault) Error() string { return f.err.Error() }

func (f *Fault) Unwrap() error { return f.err }

// Invalid reports that a spec cannot be followed as it is written.
func Invalid(format string, args ...any) error {
	return Stalled(triggerv1.InvalidSpecReason, format, args...)
}

// Denied reports that a policy, or the owner of an object, forbids what a spec asks for.
func Denied(format string, args ...any) error {
	return Stalled(acl.AccessDeniedReason, "access denied: "+format, args...)
}

// Conflict reports that an object has the name of one that the operator would write, and is not its.
func Conflict(format string, args ...any) error {
	return Stalled(triggerv1.NameConflictReason, "name conflict: "+format, args...)
}

// Stalled reports what lasts until a person does something.
func Stalled(reason, format string, args ...any) error {
	return &Fault{Reason: reason, Stalled: true, err: fmt.Errorf(format, args...)}
}

// Waiting reports what passes when something else in the cluster changes.
func Waiting(reason, format string, args ...any) error {
	return &Fault{Reason: reason, err: fmt.Errorf(format, args...)}
}

// Outdated reports that something has changed since it was read.
func Outdated(format string, args ...any) error {
	return &Fault{err: fmt.Errorf(format, args...)}
}

// ReasonOf returns the reason of a fault, empty if an error is none or only outdated.
func ReasonOf(err error) string {
	if f, is := errors.AsType[*Fault](err); is {
		return f.Reason
	}
	return ""
}

// IsOutdated reports whether an error says that something has changed since it was read.
func IsOutdated(err error) bool {
	f, is := errors.AsType[*Fault](err)
	return is && f.Reason == ""
}
