// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
func (t *task) cause() string {
	var parts []string
	named := t.named()
	for i, s := range named {
		if i == maxNamed {
			parts = append(parts, fmt.Sprintf("and %d more", len(named)-maxNamed))
			break
		}
		parts = append(parts, describe(s))
	}
	switch {
	case t.Restores != "":
		parts = append(parts, t.Restores)
	case t.Rejected != "":
		parts = append(parts, CauseOfRollback+digest.Abbreviated(t.Rejected))
	}
	if t.Input.Force != "" {
		parts = append(parts, "request by "+t.forceAnnotation())
	}
	if t.Reset != "" {
		parts = append(parts, "retry by reconcile.fluxcd.io/resetAt")
	}
	if len(parts) == 0 && t.unrequested() {
		parts = append(parts, t.waitedFor())
	}
	if len(parts) == 0 {
		return t.status.Cause // A repetition has the cause of the first request.
	}
	return t.signed(strings.Join(parts, ", "))
}

// signed returns a cause that ends with the operator's word of which trigger it is about.
// No one's keys or name push that out, and no one who may write the status leaves it out.
func (t *task) signed(cause string) string {
	via := " via ValuesTrigger " + t.Trigger
	if cause = strings.TrimSuffix(cause, via); cause == "" {
		return ""
	}
	return text.Line(cause, max(minCause, maxText-len(via))) + via
}

// named returns the wanted sources, and of a change that has waited those with content
// that the release was not asked for yet.
func (t *task) named() []Source {
	if !t.waited {
		return t.wanted
	}
	var named []Source
	for _, s := range t.wanted {
		if !t.Release.Record.covers(s) {
			named = append(named, s)
		}
	}
	if len(named) == 0 {
		return t.wanted
	}
	return named
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

func (t *task) now() *metav1.Time { return timestamp(t.Now) }

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
