// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"math/rand"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

const secretID = "Secret/apps/secret"

// formerSources are what sources were when digests were made in the first or second way before.
func formerSources(sources []Source, way int) []Source {
	before := make([]Source, len(sources))
	for i, s := range sources {
		before[i] = Source{ID: s.ID, Digest: s.Digest, Full: s.Full}
		if len(s.Former) > 0 {
			before[i].Digest, before[i].Full = s.Former[way], s.FormerFull[way]
		}
	}
	return before
}

// withSecret returns a ConfigMap and a Secret with the given contents.
func withSecret(configMap, secret string) []Source {
	sum := func(way, text string) string { return digest.Combine(map[string]string{way: text}) }
	former := []string{sum("uid", secret), sum("previous", secret)}
	return []Source{
		{ID: other, Digest: sum("", configMap), Full: sum("", configMap)},
		{ID: secretID, Digest: sum("now", secret), Full: sum("now", secret), Former: former, FormerFull: former},
		{ID: "Secret/apps/absent"},
	}
}

// recordOf is a status in which the content is delivered.
func recordOf(sources []Source) *triggerv1.ValuesTriggerStatus {
	all := Combined(sources)
	return &triggerv1.ValuesTriggerStatus{
		Sources: Statuses(sources), LastDigest: all,
		Targets: []triggerv1.TargetStatus{{Name: "a", Digest: all, Published: all}, {Name: "b", Digest: "sha256:older"}},
		History: []triggerv1.Change{{Digest: all}, {Digest: "sha256:older"}},
		Rollout: &triggerv1.RolloutStatus{Digest: all},
	}
}

// Digests that were made otherwise are written as they are made now, and nothing has
// changed by it.
func TestTranslate(t *testing.T) {
	t.Parallel()
	now := withSecret("c", "s")
	for way, name := range []string{"with the UID", "under the previous key"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			status := recordOf(formerSources(now, way))
			g.Expect(Compare(status.Sources, status.LastDigest, now).Changed).To(Equal([]string{secretID}), "as it would be without")
			Translate(status, now).Apply(status)
			g.Expect(status).To(Equal(recordOf(now)))
			diff := Compare(status.Sources, status.LastDigest, now)
			g.Expect(diff).To(Equal(Diff{From: Combined(now), To: Combined(now)}))
			Translate(status, now).Apply(status)
			g.Expect(status).To(Equal(recordOf(now)), "once")
		})
	}

	t.Run("what has changed beside it stays a change", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		status := recordOf(formerSources(now, 0))
		edited := withSecret("other", "s")
		Translate(status, edited).Apply(status)
		g.Expect(status).To(Equal(recordOf(now)))
		g.Expect(Compare(status.Sources, status.LastDigest, edited).Changed).To(Equal([]string{other}))
	})

	t.Run("a Secret that has changed stays a change", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		status := recordOf(formerSources(now, 0))
		before := recordOf(formerSources(now, 0))
		edited := withSecret("c", "other")
		Translate(status, edited).Apply(status)
		g.Expect(status).To(Equal(before))
		g.Expect(Compare(status.Sources, status.LastDigest, edited).Changed).To(Equal([]string{secretID}))
	})

	t.Run("what waits is what is there", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		status, want := recordOf(formerSources(withSecret("c", "old"), 0)), recordOf(formerSources(withSecret("c", "old"), 0))
		status.Rollout.Digest, want.Rollout.Digest = Combined(formerSources(now, 0)), Combined(now)
		Translate(status, now).Apply(status)
		g.Expect(status).To(Equal(want))
	})

	t.Run("what is gone back to keeps its digests", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		refused := withSecret("refused", "s")
		status, want := recordOf(formerSources(now, 0)), recordOf(formerSources(now, 0))
		for _, s := range []*triggerv1.ValuesTriggerStatus{status, want} {
			s.LastDelivered = Delivered(formerSources(now, 0))
			s.Rollout.Rollback = &triggerv1.RollbackStatus{Digest: s.LastDigest}
		}
		status.Rollout.Digest, want.Rollout.Digest = Combined(formerSources(refused, 0)), Combined(refused)
		Translate(status, refused).Apply(status)
		g.Expect(status).To(Equal(want))
		restored, sound := Restored(status.LastDelivered, refused)
		g.Expect(sound).To(BeTrue())
		g.Expect(Compare(status.Sources, status.LastDigest, restored)).To(Equal(Diff{From: status.LastDigest, To: status.LastDigest}))
	})

	t.Run("so does what a person has gone back to, and what it rejects is known", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		present, past := withSecret("present", "s"), formerSources(now, 0)
		status, want := recordOf(past), recordOf(past)
		for _, s := range []*triggerv1.ValuesTriggerStatus{status, want} {
			s.Restored = &triggerv1.RestoreRecord{Digest: Combined(past), Rejects: Combined(formerSources(present, 0))}
			s.History = []triggerv1.Change{
				{Digest: Combined(past), Kept: Kept(past), Restores: s.Restored.DeepCopy()},
				{Digest: Combined(formerSources(present, 0)), Kept: Kept(formerSources(present, 0))},
			}
		}
		want.Restored.Rejects, want.History[0].Restores.Rejects = Combined(present), Combined(present)
		want.History[1].Digest, want.History[1].Kept = Combined(present), nil
		Translate(status, present).Apply(status)
		g.Expect(status).To(Equal(want))
		restored, sound := Restored(Content(status.History[0]), present)
		g.Expect(sound).To(BeTrue())
		g.Expect(Compare(status.Sources, status.LastDigest, restored)).To(Equal(Diff{From: status.LastDigest, To: status.LastDigest}))
	})

	t.Run("ConfigMaps alone have nothing to translate", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		status := recordOf(now[:1])
		Translate(status, now[:1]).Apply(status)
		g.Expect(status).To(Equal(recordOf(now[:1])))
	})
}

// A request that was recorded when digests were made otherwise was for the same content.
func TestRecord_of_before_covers_the_same_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := withSecret("c", "s")
	for way := range 2 {
		var sources []RecordedSource
		for _, s := range formerSources(now, way) {
			sources = append(sources, RecordedSource{ID: s.ID, Digest: digest.Short(s.Full)})
		}
		covers := func(present []Source) bool {
			return Record{Sources: sources}.coversAll(present)
		}
		g.Expect(covers(now)).To(BeTrue())
		g.Expect(covers(withSecret("c", "other"))).To(BeFalse())
	}
}

// Whatever is recorded, in whichever way: what means the same is no difference, and what
// means something else still is one.
func TestProperty_translation_hides_no_change(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	random := rand.New(rand.NewSource(1))
	text := func() string { return []string{"a", "b", "c"}[random.Intn(3)] }
	for range 2000 {
		was, now := withSecret(text(), text()), withSecret(text(), text())
		recorded := was
		if way := random.Intn(3); way < 2 {
			recorded = formerSources(was, way)
		}
		want := Compare(Statuses(was), Combined(was), now)
		status := recordOf(recorded)
		Translate(status, now).Apply(status)
		diff := Compare(status.Sources, status.LastDigest, now)
		g.Expect(diff.Changed).To(Equal(want.Changed))
		g.Expect(diff.From == diff.To).To(Equal(len(want.Changed) == 0))
		g.Expect(status.Targets[0].Digest).To(Equal(status.LastDigest), "it stays delivered")
		g.Expect(status.Rollout.Digest).To(Equal(status.LastDigest))
		g.Expect(status.Targets[1].Digest).To(Equal("sha256:older"))
	}
}

// What is noted of content beside its digest is about the same content, too.
func TestTranslate_whatIsNotedOfTargets(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now := withSecret("c", "s")
	for way := range 2 {
		before := Combined(formerSources(now, way))
		status := recordOf(formerSources(now, way))
		status.Targets[0].Seen = &triggerv1.SeenContent{Digest: before, Revision: 3}
		status.Targets[0].Refused = &triggerv1.Refusal{Digest: digest.Short(before), Reason: "why"}
		Translate(status, now).Apply(status)
		g.Expect(status.Targets[0].Seen.Digest).To(Equal(Combined(now)))
		g.Expect(status.Targets[0].Refused.Digest).To(Equal(digest.Short(Combined(now))))
		record := Record{Token: "0123456789ab.1"}.rejecting("apps/trigger", before)
		g.Expect(record.Rejects("apps/trigger", Combined(now))).To(BeFalse())
		g.Expect(record.Rejects("apps/trigger", Combined(now), Formerly(now)...)).To(BeTrue(), "it stays refused under another key")
	}
}
