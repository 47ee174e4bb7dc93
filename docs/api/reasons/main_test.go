// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestConstantsIn(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	constants, err := constantsIn("types.go", []byte(`package v1

const (
	// HeldReason reports that the change
	// waits.
	//
	//   - Do: Resume it,
	//     or wait
	//   - See: rollouts.md#stop
	//   - Ready: False
	//   - ValuesTrigger: Normal
	HeldReason = "Held"

	// Annotation is not on the page.
	Annotation = "example.com/a"

	// TargetHeld waits.
	TargetHeld TargetState = "Held"

	Other Kind = "Other"
)
`))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(constants).To(Equal([]constant{
		{name: "HeldReason", value: "Held", meaning: "The change waits", facts: map[string]string{
			"Do": "Resume it, or wait", "See": "rollouts.md#stop", "Ready": "False", "ValuesTrigger": "Normal",
		}},
		{name: "TargetHeld", typeName: "TargetState", value: "Held", meaning: "Waits", facts: map[string]string{}},
	}))

	var page strings.Builder
	write(&page, constants)
	g.Expect(page.String()).To(ContainSubstring("\n| Reason | Status | Meaning | What to do |\n| --- | --- | --- | --- |\n" +
		"| `Held` | False | The change waits ([more](../../rollouts.md#stop)) | Resume it, or wait |\n"))
	g.Expect(page.String()).To(ContainSubstring("\n| `Held` | Normal | That of the condition |\n"))
	g.Expect(page.String()).To(ContainSubstring("\n| `Held` | Waits |  |\n"))
}

// What is missing for a person to act on a reason fails "make generate".
func TestConstantsIn_reports_what_a_comment_lacks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ comment, want string }{
		"no comment":         {"", "has no comment that says what it means"},
		"another name":       {"// It waits.\n", "has a comment that does not begin with its name"},
		"nothing to do":      {"// AReason reports that it waits.\n//\n//   - Ready: False\n", `has no "Do: ..."`},
		"reported nowhere":   {"// AReason reports that it waits.\n//\n//   - Do: Wait\n//   - See: a.md\n", "says by no condition and no event"},
		"an unknown key":     {"// AReason reports that it waits.\n//\n//   - Fix: Wait\n", `has an item "Fix", which is not one of Do, `},
		"a key twice":        {"// AReason reports that it waits.\n//\n//   - Do: Wait\n//   - Do: Go\n", "says Do twice"},
		"a second paragraph": {"// AReason reports that it waits.\n//\n// Always.\n", "has a second paragraph"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := constantsIn("types.go", []byte("package v1\n\n"+test.comment+"const AReason = \"A\"\n\n"+test.comment+"const AReason = \"A\"\n"))
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring("AReason " + test.want)))
			NewWithT(t).Expect(strings.Count(err.Error(), test.want)).To(Equal(2), "all faults at once")
		})
	}
}

func TestReasonsOfFlux(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(triggerv1.SucceededReason).To(Equal(meta.SucceededReason))
	g.Expect(triggerv1.ProgressingReason).To(Equal(meta.ProgressingReason))
	g.Expect(triggerv1.AccessDeniedReason).To(Equal(acl.AccessDeniedReason))
}
