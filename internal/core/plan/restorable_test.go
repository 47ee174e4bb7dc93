// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestRestored(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before := []Source{{ID: "ConfigMap/apps/a", Digest: "sha256:1", Full: "sha256:full", Keys: []string{"k"}}, {ID: "Secret/apps/b", Digest: "sha256:2", PublishAs: "b"}, {ID: "Secret/apps/c"}}
	content := Delivered(before)
	g.Expect(content.Digest).To(Equal(Combined(before)))
	present := []Source{{ID: "ConfigMap/apps/a", Digest: "sha256:9", Force: triggerv1.ForceNever, PublishTo: "prod", Watched: true, Editor: "stranger"}}
	sources, sound := Restored(content, present)
	g.Expect(sound).To(BeTrue())
	g.Expect(Combined(sources)).To(Equal(content.Digest))
	g.Expect(sources).To(Equal([]Source{
		{ID: "ConfigMap/apps/a", Digest: "sha256:1", Full: "sha256:1", Force: triggerv1.ForceNever, PublishTo: "prod", Watched: true},
		{ID: "Secret/apps/b", Digest: "sha256:2", Full: "sha256:2", PublishAs: "b"},
		{ID: "Secret/apps/c"},
	}), "content of then, treated as now; who edits now has nothing to do with it")

	sources, sound = Restored(content, append(present, Source{ID: "Secret/apps/b", PublishAs: "other"}))
	g.Expect(sound).To(BeTrue())
	g.Expect(sources[1].PublishAs).To(Equal("other"), "releases read the copies that there are now")

	_, sound = Restored(nil, present)
	g.Expect(sound).To(BeFalse())
	content.Sources[0].Digest = "sha256:forged"
	_, sound = Restored(content, present)
	g.Expect(sound).To(BeFalse(), "someone has written the status")
}

func TestRestorable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		release Release
		want    bool
	}{
		{"reads nothing", Release{}, false},
		{"reads its copy", Release{Reads: map[string]bool{"a": true, "b": false}, Copied: map[string]bool{"a": true}}, true},
		{"reads a source", Release{Reads: map[string]bool{"a": true}}, false},
		{"reads both", Release{Reads: map[string]bool{"a": true, "b": true}, Copied: map[string]bool{"a": true}}, false},
	} {
		NewWithT(t).Expect(c.release.Restorable()).To(Equal(c.want), c.name)
	}
}

func TestDecide_a_rollback_that_does_not_mend_what_is_broken_counts_as_failed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.gated = true
	s.write(read, "second")
	s.release.Ready, s.release.ReadyReason = "False", "UpgradeFailed"
	in := s.input()
	in.Values, in.Rejected = ValuesDiffer, "sha256:2222222222222222"
	d := Decide(in)
	g.Expect(WasUnready(d.Status)).To(BeFalse())
	g.Expect(d.Request.Record.Rejects(in.Trigger, in.Rejected)).To(BeTrue(), "it is on the release, whatever becomes of the trigger")
	g.Expect(d.Request.Cause).To(ContainSubstring("rollback of content sha256:222222222222 via ValuesTrigger"))
}
