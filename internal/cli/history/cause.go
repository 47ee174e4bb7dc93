// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package history says why a HelmRelease has its recent revisions, from what is still
// on record, and says where nothing is.
package history

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

// Cause is why the operator made a request, as its one line says it.
type Cause struct {
	// Text is the line itself.
	Text string `json:"text"`

	// Objects that had changed, as far as the line names them.
	Objects []Edit `json:"objects,omitempty"`

	// More is how many objects it does not name.
	More int `json:"more,omitempty"`

	// TakenBack is the start of the digest of content that failed or was rejected: the objects were
	// restored to what they held before.
	TakenBack string `json:"rolledBack,omitempty"`

	// Restores is the revision that a person went back to, 0 if no one did, and RestoredBy who, if that is known.
	Restores   int64  `json:"restoresRevision,omitempty"`
	RestoredBy string `json:"restoredBy,omitempty"`

	// Request is the annotation that a person set for it, if one did.
	Request string `json:"request,omitempty"`

	// Trigger is namespace/name of the ValuesTrigger.
	Trigger string `json:"valuesTrigger,omitempty"`
}

// Edit is a changed object.
type Edit struct {
	binding.Object
	Digest string `json:"digest,omitempty"`

	// Absent reports that the object was gone.
	Absent bool `json:"absent,omitempty"`

	// Keys that changed, as far as they are known, and how many more.
	Keys     []string `json:"keys,omitempty"`
	MoreKeys int      `json:"moreKeys,omitempty"`

	// Editor is the field manager that last wrote content. It is a name that the
	// client chose, no proof of identity.
	Editor string `json:"editor,omitempty"`

	// Origin is the Kustomization that the editor applied, and its revision as far as that is
	// known, as in "Kustomization flux-system/apps main@sha1:<hash>".
	Origin string `json:"origin,omitempty"`
}

var (
	// A list of keys holds commas too.
	editPattern = regexp.MustCompile(`(ConfigMap|Secret) ([^/ ]+)/([^ ,]+)(?: (absent)| (sha256:[0-9a-f]+)(?: \(([^)]*)\))?(?: by ([^ ,]+)(?: \((Kustomization [^,()]+)\))?)?)`)
	viaPattern  = regexp.MustCompile(` via ValuesTrigger ([^ ]+)$`)
	morePattern = regexp.MustCompile(`^(.*) and ([0-9]+) more$`)
	backPattern = regexp.MustCompile(`(?:^|, )rollback of content (sha256:[0-9a-f]+)`)
	undoPattern = regexp.MustCompile(`(?:^|, )rollback to revision ([0-9]+)(?: by ([^ ,]+))?`)
	askPattern  = regexp.MustCompile(`(?:^|, )(?:request|retry) by ([a-z.]+/[A-Za-z]+)`)
	restPattern = regexp.MustCompile(`(?:^|, )and ([0-9]+) more(?:, | via )`)
)

// ParseCause reads the line that the operator writes. Of the rest,
// or what was cut, only the text is kept.
func ParseCause(text string) Cause {
	c := Cause{Text: text}
	if match := viaPattern.FindStringSubmatch(text); match != nil {
		c.Trigger = match[1]
	}
	if match := backPattern.FindStringSubmatch(text); match != nil {
		c.TakenBack = match[1]
	}
	if match := undoPattern.FindStringSubmatch(text); match != nil {
		c.Restores, c.RestoredBy = int64(number(match[1])), match[2]
	}
	if match := askPattern.FindStringSubmatch(text); match != nil {
		c.Request = match[1]
	}
	if match := restPattern.FindStringSubmatch(text); match != nil {
		c.More = number(match[1])
	}
	for _, match := range editPattern.FindAllStringSubmatch(text, -1) {
		e := Edit{
			Object: binding.Object{Kind: match[1], Namespace: match[2], Name: match[3]},
			Absent: match[4] != "", Digest: match[5], Editor: match[7],
			Origin: match[8],
		}
		keys := match[6]
		if more := morePattern.FindStringSubmatch(keys); more != nil {
			keys, e.MoreKeys = more[1], number(more[2])
		}
		if keys != "" {
			e.Keys = strings.Split(keys, ", ")
		}
		c.Objects = append(c.Objects, e)
	}
	return c
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}

// Says says what changed in an object, and whose edit it was; or that the object was
// restored, by a person or since other content failed.
func (e Edit) Says(of Cause) string {
	out := e.String()
	switch {
	case of.Restores > 0 && of.RestoredBy != "":
		return fmt.Sprintf("%s as it was in revision %d, restored by %s", out, of.Restores, line(of.RestoredBy))
	case of.Restores > 0:
		return fmt.Sprintf("%s as it was in revision %d, restored on request", out, of.Restores)
	case of.TakenBack != "":
		return out + " as it was before: " + of.TakenBack + " was rolled back"
	case e.Absent:
		out += " was gone"
	case len(e.Keys) > 0:
		out += " changed in " + strings.Join(e.Keys, ", ")
		if e.MoreKeys > 0 {
			out += fmt.Sprintf(" and %d more keys", e.MoreKeys)
		}
	default:
		out += " changed (keys not known)"
	}
	if e.Editor != "" {
		out += ", last edit by " + line(e.Editor)
		if e.Origin != "" {
			out += " (" + line(e.Origin) + ")"
		}
	}
	return out
}
