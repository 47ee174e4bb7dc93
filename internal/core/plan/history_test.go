// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// digestsOf returns the digests of a history.
func digestsOf(history []triggerv1.Change) []string {
	var digests []string
	for _, change := range history {
		digests = append(digests, change.Digest)
	}
	return digests
}

func TestRemember_is_bounded(t *testing.T) {
	t.Parallel()
	passed := func(revision int64) func(*triggerv1.Change) {
		return func(c *triggerv1.Change) { c.Revision = revision }
	}
	long := func(c *triggerv1.Change) { c.Cause = strings.Repeat("x", 6<<10) }
	for _, c := range []struct {
		name   string
		limit  int
		modify map[int]func(*triggerv1.Change)
		want   []string
	}{
		{"by the limit", 3, nil, []string{"new", "5", "4"}},
		{"the newest revision stays", 3, map[int]func(*triggerv1.Change){1: passed(1), 2: passed(2)}, []string{"new", "5", "2"}},
		{"one that is new anyway takes no other place", 3, map[int]func(*triggerv1.Change){1: passed(1), 5: passed(2)}, []string{"new", "5", "4"}},
		{"the newest revision stays with a limit of 1", 1, map[int]func(*triggerv1.Change){2: passed(2)}, []string{"new", "2"}},
		{"by size", 6, map[int]func(*triggerv1.Change){5: long, 4: long, 3: long}, []string{"new", "5", "4"}},
		{"by size, the oldest first", 6, map[int]func(*triggerv1.Change){4: long, 3: long, 2: long}, []string{"new", "5", "4", "3"}},
		{"the newest revision has room", 6, map[int]func(*triggerv1.Change){5: long, 4: long, 1: func(c *triggerv1.Change) {
			long(c)
			c.Revision = 1
		}}, []string{"new", "5", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			var history []triggerv1.Change
			for i := 5; i > 0; i-- {
				change := triggerv1.Change{Digest: fmt.Sprint(i), Outcome: triggerv1.ChangeDelivered}
				if modify := c.modify[i]; modify != nil {
					modify(&change)
				}
				history = append(history, change)
			}
			g.Expect(digestsOf(Remember(history, triggerv1.Change{Digest: "new"}, c.limit))).To(Equal(c.want))
		})
	}
}

func TestRemember_what_has_passed_is_not_superseded_because_a_target_came_since(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	next := triggerv1.Change{Digest: "next", Outcome: triggerv1.ChangeInProgress}
	for revision, want := range map[int64]triggerv1.ChangeOutcome{0: triggerv1.ChangeSuperseded, 2: triggerv1.ChangeDelivered} {
		before := triggerv1.Change{Digest: "before", Outcome: triggerv1.ChangeInProgress, Revision: revision, Delivered: "5/6"}
		g.Expect(Remember([]triggerv1.Change{before}, next, 10)[1].Outcome).To(Equal(want), "revision %d", revision)
	}
}

func TestPass(t *testing.T) {
	t.Parallel()
	change := func(content string, revision int64) triggerv1.Change {
		return triggerv1.Change{Digest: content, Revision: revision}
	}
	for name, c := range map[string]struct {
		history []triggerv1.Change
		want    int64
	}{
		"the first":                              {[]triggerv1.Change{change("a", 0)}, 1},
		"the next":                               {[]triggerv1.Change{change("b", 0), change("a", 1)}, 2},
		"one that has its number":                {[]triggerv1.Change{change("a", 4), change("b", 3)}, 4},
		"what did not pass has none":             {[]triggerv1.Change{change("c", 0), change("b", 0), change("a", 7)}, 8},
		"content that comes back":                {[]triggerv1.Change{change("a", 0), change("b", 2), change("a", 1)}, 3},
		"content that no other has passed since": {[]triggerv1.Change{change("a", 0), change("b", 0), change("a", 1)}, 1},
	} {
		g := NewWithT(t)
		Pass(c.history)
		g.Expect(c.history[0].Revision).To(Equal(c.want), name)
	}
	Pass(nil)
}

func TestKept(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	sources := []Source{
		{ID: "ConfigMap/apps/a", Digest: digest.Combine(nil), UID: "1", PublishAs: "other"},
		{ID: "Secret/apps/b"},
	}
	change := triggerv1.Change{Digest: Combined(sources), Kept: Kept(sources)}
	g.Expect(change.Kept).To(HaveEach(HaveField("UID", types.UID(""))))
	restored, sound := Restored(Content(change), sources)
	g.Expect(sound).To(BeTrue())
	g.Expect(restored).To(HaveExactElements(
		And(HaveField("ID", "ConfigMap/apps/a"), HaveField("PublishAs", "other")), HaveField("Digest", "")))
	g.Expect(Content(triggerv1.Change{Digest: "of nothing"})).To(BeNil())

	many := slices.Repeat(sources, triggerv1.MaxResolvedSources/2)
	g.Expect(Kept(many)).To(BeNil(), "the history has no room for so many")
}

func TestGitRevision(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	from := func(id, origin string) Source { return Source{ID: id, Origin: origin} }
	a, b := from("ConfigMap/apps/a", "Kustomization flux-system/apps main@sha1:1"), from("ConfigMap/apps/b", "Kustomization flux-system/apps main@sha1:2")
	g.Expect(GitRevision(Diff{Changed: []string{b.ID}}, []Source{a, b})).To(Equal("main@sha1:2"))
	g.Expect(GitRevision(Diff{Added: []string{a.ID}, Changed: []string{b.ID}}, []Source{a, b})).To(Equal("main@sha1:1"), "the first")
	g.Expect(GitRevision(Diff{}, []Source{a, b})).To(BeEmpty())
	g.Expect(GitRevision(Diff{Changed: []string{a.ID}}, []Source{from(a.ID, "Kustomization flux-system/apps")})).To(BeEmpty(), "it is not known")
	g.Expect(GitRevision(Diff{Changed: []string{a.ID}}, []Source{from(a.ID, "")})).To(BeEmpty())
	g.Expect(GitRevision(Diff{Changed: []string{a.ID}}, []Source{from(a.ID, "Kustomization a/b "+strings.Repeat("x", 1000))})).To(HaveLen(maxGitRevision))
}

// What a trigger of a few sources, whose history is as long as it may be, lists of 200 targets leaves
// the status small.
func TestProject_leaves_room_for_the_history(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	now, sum := metav1.NewTime(noon), digest.Combine(nil)
	target := triggerv1.TargetStatus{
		Namespace: "prod", Name: "checkout", UID: types.UID(strings.Repeat("u", 36)), State: triggerv1.TargetDelivered, Stage: "prod", Digest: sum, Published: sum,
		Token: "0123456789ab.1", Attempts: 1, TriggeredAt: &now, DeliveredAt: &now, Revision: 12, Cause: strings.Repeat("c", 200),
	}
	status := triggerv1.ValuesTriggerStatus{UID: target.UID, LastDigest: sum, Rollout: &triggerv1.RolloutStatus{Digest: sum}}
	sources := []Source{{ID: "ConfigMap/platform/values", Digest: sum, UID: target.UID}, {ID: "Secret/platform/values", Digest: sum, UID: target.UID}}
	status.Sources, status.LastDelivered = Statuses(sources), Delivered(sources)
	for range 16 {
		status.Rollout.Stages = append(status.Rollout.Stages, triggerv1.StageStatus{Name: "stage", Phase: triggerv1.StageFinished, Since: &now})
	}
	person := triggerv1.PersonRecord{Time: now, User: "alice@example.com", Manager: "kubectl-valuestrigger"}
	for i := range 2 * triggerv1.MaxHistory {
		status.History = Remember(status.History, triggerv1.Change{
			Digest: fmt.Sprint(sum, i), Cause: strings.Repeat("c", maxText), GitRevision: "main@" + sum, Time: now, Revision: int64(i + 1), Kept: Kept(sources),
			Approvals: []triggerv1.ApprovalRecord{{Stage: "prod", PersonRecord: person}},
		}, triggerv1.MaxHistory)
	}
	g.Expect(len(status.History)).To(BeNumerically(">", 10))
	g.Expect(sizeOf(&status.History)).To(BeNumerically("<=", maxHistoryBytes+1<<10))
	status.Targets, status.Summary = Project(slices.Repeat([]triggerv1.TargetStatus{target}, triggerv1.MaxListedTargets), status.History, nil)
	g.Expect(len(status.Targets)).To(BeNumerically(">", 50))
	stored, err := json.Marshal(status)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(stored)).To(BeNumerically("<", 64<<10))
}
