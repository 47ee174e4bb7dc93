// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

const (
	// maxText bounds messages and causes, in bytes.
	maxText = 350

	// minCause is what is left of a cause beside the name of a trigger, in bytes.
	minCause = 14

	// CauseOfRollback is in the cause of a request that restores earlier content, before the digest
	// of what is rejected. Names have no blanks, so that nothing else looks like it.
	CauseOfRollback = "rollback of content "

	// maxNamed bounds how many sources or keys a cause names.
	maxNamed = 3
)

// cause says why a request is made, in one line.
func (f *facts) cause(known progress, want wanted) string {
	var parts []string
	named := want.named(f.Release.Record)
	for i, s := range named {
		if i == maxNamed {
			parts = append(parts, fmt.Sprintf("and %d more", len(named)-maxNamed))
			break
		}
		parts = append(parts, describe(s))
	}
	switch {
	case f.Restores != "":
		parts = append(parts, f.Restores)
	case f.Rejected != "":
		parts = append(parts, CauseOfRollback+digest.Abbreviated(f.Rejected))
	}
	if want.force != "" {
		parts = append(parts, "request by "+f.forceAnnotation())
	}
	if want.reset != "" {
		parts = append(parts, "retry by reconcile.fluxcd.io/resetAt")
	}
	switch {
	case len(parts) > 0:
	case known.unrequested():
		parts = append(parts, f.waitedFor())
	default:
		return known.Cause // A repetition has the cause of the first request.
	}
	return signed(strings.Join(parts, ", "), f.Trigger)
}

// signed returns a cause that ends with the operator's word of which trigger it is about.
// No one's keys or name push that out, and no one who may write the status leaves it out.
func signed(cause, trigger string) string {
	via := " via ValuesTrigger " + trigger
	if cause = strings.TrimSuffix(cause, via); cause == "" {
		return ""
	}
	return text.Line(cause, max(minCause, maxText-len(via))) + via
}

// named returns the sources to name: of a change that has waited, those with content that was not requested
// yet.
func (w wanted) named(record Record) []Source {
	if !w.waited {
		return w.sources
	}
	var named []Source
	for _, s := range w.sources {
		if !record.covers(s) {
			named = append(named, s)
		}
	}
	if len(named) == 0 {
		return w.sources
	}
	return named
}

// waitedFor is the cause of a request that had to wait and has no other.
func (f *facts) waitedFor() string {
	if f.ByTriggerAt {
		return "request by " + triggerv1.TriggerAtAnnotation + " that had to wait"
	}
	return "request by annotation that had to wait"
}

// describe returns a source with what is known of its last change.
func describe(s Source) string {
	kind, name, _ := strings.Cut(s.ID, "/")
	what := kind + " " + name
	if s.Digest == "" {
		return what + " absent"
	}
	what += " " + digest.Abbreviated(s.Digest)
	if len(s.ChangedKeys) > 0 {
		keys := make([]string, len(s.ChangedKeys))
		for i, key := range s.ChangedKeys {
			keys[i] = text.Word(key)
		}
		what += " (" + text.Some(keys, maxNamed) + ")"
	}
	if s.Editor != "" {
		what += " by " + text.Word(s.Editor)
		if s.Origin != "" { // The field manager alone does not lead to a commit.
			what += " (" + s.Origin + ")"
		}
	}
	return what
}

// because joins a statement and what helm-controller says about it.
func because(statement, message string) string {
	if message == "" {
		return statement
	}
	return statement + ": " + message
}

// timestamp returns a time as it is stored: in whole seconds.
func timestamp(at time.Time) *metav1.Time {
	stamp := metav1.NewTime(at.Truncate(time.Second))
	return &stamp
}

// Retry is the command of the plugin that retries what has failed of a trigger, which is namespace/name.
func Retry(trigger string) string {
	namespace, name, _ := strings.Cut(trigger, "/")
	return fmt.Sprintf("kubectl valuestrigger retry %s -n %s", name, namespace)
}
