// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
)

const (
	// maxText bounds messages and causes, in bytes: a thousand targets with the
	// longest of both must fit into one object of 1.5 MiB.
	maxText = 500

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
	if t.Input.Force != "" {
		parts = append(parts, "request by reconcile.fluxcd.io/forceAt")
	}
	if t.Reset != "" {
		parts = append(parts, "retry by reconcile.fluxcd.io/resetAt")
	}
	if len(parts) == 0 && t.unrequested() {
		parts = append(parts, "request by annotation that had to wait")
	}
	if len(parts) == 0 {
		return t.status.Cause // A repetition has the cause of the first request.
	}
	// The end is the operator's word. Nobody's keys or name may push it out.
	via := " via ValuesTrigger " + t.Trigger
	return cut(strings.Join(parts, ", "), maxText-len(via)) + via
}

// named returns the wanted sources that have changed since the last delivery, as far
// as that can be told of a change that has waited.
func (t *task) named() []Source {
	last := t.status.DeliveredAt
	if !t.waited || last == nil {
		return t.wanted
	}
	var named []Source
	for _, s := range t.wanted {
		if s.Modified.IsZero() || !s.Modified.Before(last.Time) {
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
	text := kind + " " + name
	if s.Digest == "" {
		return text + " absent"
	}
	text += " " + digest.Prefix + digest.Short(s.Digest)
	if n := len(s.ChangedKeys); n > 0 {
		keys := s.ChangedKeys[:min(n, maxNamed)]
		text += " (" + strings.Join(keys, ", ")
		if n > maxNamed {
			text += fmt.Sprintf(" and %d more", n-maxNamed)
		}
		text += ")"
	}
	if s.Editor != "" {
		text += " by " + printable(s.Editor)
	}
	return text
}

// printable returns a text that a user chose as one word, without what could end a
// line, hide something in it, or be taken for the operator's own words.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == ' ' || r == ',' {
			return '_'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 64 {
		text = string(runes[:64]) + "…"
	}
	return text
}

// because joins a statement and what helm-controller says about it.
func because(statement, message string) string {
	if message == "" {
		return statement
	}
	return statement + ": " + message
}

// truncate cuts a text to its bound, not inside a character.
func truncate(text string) string { return cut(text, maxText) }

func cut(text string, bound int) string {
	if len(text) <= bound {
		return text
	}
	const ellipsis = "…"
	end := bound - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}

func (t *task) now() *metav1.Time { return timestamp(t.Now) }

// timestamp returns a time as it is stored: in whole seconds.
func timestamp(at time.Time) *metav1.Time {
	stamp := metav1.NewTime(at.Truncate(time.Second))
	return &stamp
}
