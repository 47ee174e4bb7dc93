// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package fault

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestFault(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cause := errors.New("a cause")
	for _, c := range []struct {
		err      error
		text     string
		reason   string
		stalled  bool
		outdated bool
	}{
		{Invalid("spec.sources[%d]: %w", 1, cause), "spec.sources[1]: a cause", "InvalidSpec", true, false},
		{Denied("%w", cause), "access denied: a cause", "AccessDenied", true, false},
		{Conflict("%w", cause), "name conflict: a cause", "NameConflict", true, false},
		{Stalled("Reason", "%w", cause), "a cause", "Reason", true, false},
		{Waiting("Reason", "%w", cause), "a cause", "Reason", false, false},
		{Outdated("%w", cause), "a cause", "", false, true},
	} {
		wrapped := fmt.Errorf("wrapped: %w", c.err)
		g.Expect(wrapped).To(MatchError(cause), "the cause stays known")
		g.Expect(wrapped.Error()).To(Equal("wrapped: " + c.text))
		g.Expect(ReasonOf(wrapped)).To(Equal(c.reason))
		g.Expect(IsOutdated(wrapped)).To(Equal(c.outdated))
		f, is := errors.AsType[*Fault](wrapped)
		g.Expect(is).To(BeTrue())
		g.Expect(f.Stalled).To(Equal(c.stalled))
	}
	for _, err := range []error{nil, cause} {
		g.Expect(ReasonOf(err)).To(BeEmpty())
		g.Expect(IsOutdated(err)).To(BeFalse())
	}
}
