// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
)

func TestEditors_of_all_that_a_rollout_delivers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("prod", manually)).with(0, "a")
	editedBy := func() []string { return s.last.Status.EditedBy }
	s.Editors = []string{"jane"}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"jane"}))
	s.Editors = []string{"tom"}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"jane"}), "it is about the content as it was when the rollout began")

	s.edit(second)
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"jane", "tom"}), "the edit of jane has not arrived, and is in it")
	s.TriggerAt, s.Editors = "again", []string{"joe"}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"jane", "joe", "tom"}), "it begins again")

	s.become(Current, "a")
	s.step()
	s.edit(first)
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"joe"}), "the earlier edits have arrived")
}

func TestEditors_who_are_not_known(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("prod", manually)).with(0, "a")
	editedBy := func() []string { return s.last.Status.EditedBy }
	s.Editors = []string{""}
	s.step()
	g.Expect(editedBy()).To(BeEmpty(), "no one is known")
	s.edit(second)
	s.Editors = []string{"", "tom"}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"", "tom"}))
	s.edit(first)
	s.Editors = []string{""}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"", "tom"}))
	s.edit(second)
	s.Editors = []string{"jane"}
	s.step()
	g.Expect(editedBy()).To(Equal([]string{"jane", "tom"}), "now all sources say who edited them")

	s.edit(first)
	s.Editors = nil
	for i := range maxEditors + 5 {
		s.Editors = append(s.Editors, fmt.Sprintf("user-%02d", i))
	}
	s.step()
	g.Expect(editedBy()).To(HaveLen(maxEditors))
	g.Expect(editedBy()[0]).To(BeEmpty(), "there are more than are listed")
}
