// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

// The request that rolls back says so on the release, and the next one of the same trigger
// does not any more.
func TestRecord_rejects_what_was_rolled_back(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const trigger, content = "apps/platform", "sha256:0123456789abcdef"
	r := Record{Sources: []RecordedSource{{ID: "ConfigMap/apps/a", Digest: "00"}}}.rejecting(trigger, content)
	g.Expect(r.Rejects(trigger, content)).To(BeTrue())
	g.Expect(r.Rejects(trigger, "sha256:fedcba9876543210")).To(BeFalse())
	g.Expect(r.Rejects("apps/other", content)).To(BeFalse())
	r.Token, r.At = "0123456789ab.3", noon
	g.Expect(ParseRecord(r.String()).Rejects(trigger, content)).To(BeTrue(), "it is read as it was written")

	other := r.next("", "0123456789ab.4", false, 3, noon, nil).rejecting("apps/other", "")
	g.Expect(other.Rejects(trigger, content)).To(BeTrue(), "another trigger has not delivered it")
	g.Expect(r.next("", "0123456789ab.4", false, 3, noon, nil).rejecting(trigger, "").Rejects(trigger, content)).To(BeFalse())

	for i := range 2 * maxRecorded {
		r = r.rejecting(fmt.Sprintf("apps/t%d", i), content)
	}
	g.Expect(r.Sources).To(HaveLen(maxRecorded))
	g.Expect(r.Rejects(fmt.Sprintf("apps/t%d", 2*maxRecorded-1), content)).To(BeTrue())
}
