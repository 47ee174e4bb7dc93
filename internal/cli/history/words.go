// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"fmt"
)

// Why says why a change was made, by each object.
func (e Entry) Why() []string {
	cause := ParseCause(e.Cause)
	switch {
	case e.Restores != nil:
		return nil // The sources hold something else.
	case len(cause.Objects) == 0 && e.Cause == "":
		return nil
	case len(cause.Objects) == 0:
		return []string{line(e.Cause)}
	}
	words := make([]string, 0, len(cause.Objects))
	for _, edit := range cause.Objects {
		words = append(words, edit.Says(cause))
	}
	if cause.More > 0 {
		words = append(words, fmt.Sprintf("and %d more", cause.More))
	}
	return words
}
