// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// maxLine bounds a text of someone else's, in bytes.
const maxLine = 4096

// Describe says what changed in an object, and whose edit it was; or that the object was
// restored, by a person or since other content failed.
func (e Edit) Describe(of Cause) string {
	out := e.String()
	switch {
	case of.Restores > 0 && of.RestoredBy != "":
		return fmt.Sprintf("%s as it was in revision %d, restored by %s", out, of.Restores, text.Line(of.RestoredBy, maxLine))
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
		out += ", last edit by " + text.Line(e.Editor, maxLine)
		if e.Origin != "" {
			out += " (" + text.Line(e.Origin, maxLine) + ")"
		}
	}
	return out
}

// Why says why a change was made, by each object.
func (e Entry) Why() []string {
	cause := ParseCause(e.Cause)
	switch {
	case e.Restores != nil:
		return nil // The sources hold something else.
	case len(cause.Objects) == 0 && e.Cause == "":
		return nil
	case len(cause.Objects) == 0:
		return []string{text.Line(e.Cause, maxLine)}
	}
	words := make([]string, 0, len(cause.Objects))
	for _, edit := range cause.Objects {
		words = append(words, edit.Describe(cause))
	}
	if cause.More > 0 {
		words = append(words, fmt.Sprintf("and %d more", cause.More))
	}
	return words
}
