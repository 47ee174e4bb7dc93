// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// targetIn returns a target of namespace apps.
func targetIn(state triggerv1.TargetState, name string) triggerv1.TargetStatus {
	return triggerv1.TargetStatus{Namespace: "apps", Name: name, State: state}
}

// inOrder returns the names of targets.
func inOrder(targets []triggerv1.TargetStatus) []string {
	names := make([]string, 0, len(targets))
	for _, t := range targets {
		names = append(names, t.Namespace+"/"+t.Name)
	}
	return names
}

func TestProject(t *testing.T) {
	t.Parallel()
	refused := func(t triggerv1.TargetStatus) triggerv1.TargetStatus {
		t.Refused = &triggerv1.Refusal{Reason: triggerv1.AmbiguousTriggerReason}
		return t
	}
	suspended := func(t triggerv1.TargetStatus) triggerv1.TargetStatus {
		t.Seen = &triggerv1.SeenContent{Digest: "sha256:1"}
		return t
	}
	numbered := func(state triggerv1.TargetState, n int) []triggerv1.TargetStatus {
		targets := make([]triggerv1.TargetStatus, n)
		for i := range targets {
			targets[i] = targetIn(state, fmt.Sprintf("%s-%03d", strings.ToLower(string(state)), i))
		}
		return targets
	}
	for _, c := range []struct {
		name    string
		targets []triggerv1.TargetStatus
		first   []string
		listed  int
		summary triggerv1.TargetSummary
	}{
		{"none", nil, nil, 0, triggerv1.TargetSummary{}},
		{
			"each state in its place",
			[]triggerv1.TargetStatus{
				targetIn(triggerv1.TargetDelivered, "a"), targetIn(triggerv1.TargetTriggered, "b"), targetIn(triggerv1.TargetPending, "c"),
				targetIn(triggerv1.TargetHeld, "d"), targetIn(triggerv1.TargetMissing, "e"), targetIn(triggerv1.TargetFailed, "f"),
			},
			[]string{"apps/f", "apps/e", "apps/c", "apps/b", "apps/d", "apps/a"}, 6,
			triggerv1.TargetSummary{Total: 6, Delivered: 1, Triggered: 1, Held: 1, Pending: 1, Failed: 1, Missing: 1},
		},
		{
			"what is refused is beside what has failed",
			[]triggerv1.TargetStatus{
				targetIn(triggerv1.TargetMissing, "a"), targetIn(triggerv1.TargetFailed, "c"), refused(targetIn(triggerv1.TargetHeld, "b")),
			},
			[]string{"apps/b", "apps/c", "apps/a"}, 3, triggerv1.TargetSummary{Total: 3, Held: 1, Failed: 1, Missing: 1},
		},
		{
			"by namespace before name",
			[]triggerv1.TargetStatus{
				{Namespace: "b", Name: "a", State: triggerv1.TargetHeld}, {Namespace: "a-b", Name: "a", State: triggerv1.TargetHeld},
				{Namespace: "a", Name: "z", State: triggerv1.TargetHeld},
			},
			[]string{"a/z", "a-b/a", "b/a"}, 3, triggerv1.TargetSummary{Total: 3, Held: 3},
		},
		{
			"what has failed is listed before thousands that have not",
			append(numbered(triggerv1.TargetDelivered, 5000), targetIn(triggerv1.TargetFailed, "z")),
			[]string{"apps/z", "apps/delivered-000", "apps/delivered-001"}, 1 + maxQuiet,
			triggerv1.TargetSummary{Total: 5001, Delivered: 5000, Failed: 1},
		},
		{
			"what is suspended is not lost among thousands that wait for their stage",
			append(numbered(triggerv1.TargetHeld, 5000), suspended(targetIn(triggerv1.TargetHeld, "z"))),
			[]string{"apps/z", "apps/held-000"}, 1 + maxQuiet,
			triggerv1.TargetSummary{Total: 5001, Held: 5001},
		},
		{
			"as many as there are places, and one more",
			append(numbered(triggerv1.TargetDelivered, 1), numbered(triggerv1.TargetPending, triggerv1.MaxListedTargets)...),
			[]string{"apps/pending-000"}, triggerv1.MaxListedTargets,
			triggerv1.TargetSummary{Total: triggerv1.MaxListedTargets + 1, Delivered: 1, Pending: triggerv1.MaxListedTargets},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			given := slices.Clone(c.targets)
			listed, summary := Project(c.targets, nil, nil)
			g.Expect(listed).To(HaveLen(c.listed))
			g.Expect(inOrder(listed)[:len(c.first)]).To(Equal(append([]string{}, c.first...)))
			g.Expect(summary).To(HaveValue(Equal(c.summary)))
			g.Expect(c.targets).To(Equal(given), "what is given is left as it is")
		})
	}
}

func TestProject_lists_no_more_than_there_is_room_for(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	// Escaped, each character takes six bytes.
	hostile := strings.Repeat("<", 1024)
	targets := make([]triggerv1.TargetStatus, 100)
	for i := range targets {
		targets[i] = targetIn(triggerv1.TargetFailed, fmt.Sprintf("app-%03d", i))
		targets[i].Message, targets[i].Cause = hostile, hostile
	}
	listed, summary := Project(targets, nil, nil)
	g.Expect(listed).To(Equal(targets[:3]))
	g.Expect(summary.Failed).To(Equal(int32(100)))
}

// randomTargets returns up to so many targets with states, names and messages by chance, in any order.
func randomTargets(rng *rand.Rand, most int) []triggerv1.TargetStatus {
	targets := make([]triggerv1.TargetStatus, rng.Intn(most+1))
	longest := rng.Intn(1024)
	for i, n := range rng.Perm(len(targets)) {
		targets[i] = targetIn(allStates[rng.Intn(len(allStates))], fmt.Sprintf("app-%d", n))
		targets[i].Message = strings.Repeat("<", rng.Intn(longest+1))
		if rng.Intn(20) == 0 {
			targets[i].Refused = &triggerv1.Refusal{Reason: triggerv1.DeliveryFailedReason}
		}
	}
	return targets
}

func TestProject_properties(t *testing.T) {
	t.Parallel()
	for seed := range int64(500) {
		g, rng := NewWithT(t), rand.New(rand.NewSource(seed))
		targets := randomTargets(rng, 600)
		listed, summary := Project(targets, nil, nil)
		text, err := json.Marshal(listed)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(len(text)).To(BeNumerically("<=", maxListedBytes))
		g.Expect(len(listed)).To(BeNumerically("<=", triggerv1.MaxListedTargets))
		counted := summary.Delivered + summary.Triggered + summary.Held + summary.Pending + summary.Failed + summary.Missing
		g.Expect([]int{int(summary.Total), int(counted)}).To(Equal([]int{len(targets), len(targets)}))

		// No target is left out that needs attention more than one that is listed.
		isListed := map[string]bool{}
		last := 0
		for i := range listed {
			isListed[listed[i].Name] = true
			g.Expect(attention(&listed[i])).To(BeNumerically(">=", last))
			last = attention(&listed[i])
		}
		for i := range targets {
			g.Expect(isListed[targets[i].Name] || attention(&targets[i]) >= last).To(BeTrue(), "seed %d: %s", seed, targets[i].Name)
		}

		// The order in which they are given does not matter.
		rng.Shuffle(len(targets), func(i, j int) { targets[i], targets[j] = targets[j], targets[i] })
		again, _ := Project(targets, nil, nil)
		g.Expect(again).To(Equal(listed), "seed %d", seed)
		if len(targets) == 0 {
			continue
		}

		// One that changes its state moves alone: the others stay in their order.
		moved := &targets[rng.Intn(len(targets))]
		moved.State, moved.Refused = allStates[rng.Intn(len(allStates))], nil
		now, _ := Project(targets, nil, nil)
		before, after := others(listed, now, moved.Name), others(now, listed, moved.Name)
		g.Expect(after).To(Equal(before), "seed %d", seed)
	}
}

// others returns the names in one list, without one of them, that are in another list, too.
func others(list, another []triggerv1.TargetStatus, but string) []string {
	in := map[string]bool{}
	for _, t := range another {
		in[t.Name] = t.Name != but
	}
	names := []string{}
	for _, t := range list {
		if in[t.Name] {
			names = append(names, t.Name)
		}
	}
	return names
}

// What a pass over the most targets that a trigger may have spends on its status.
func BenchmarkProject(b *testing.B) {
	for name, state := range map[string]func(i int) triggerv1.TargetState{
		"all_delivered": func(int) triggerv1.TargetState { return triggerv1.TargetDelivered },
		"under_way":     func(i int) triggerv1.TargetState { return allStates[i%len(allStates)] },
	} {
		b.Run(name, func(b *testing.B) {
			targets := make([]triggerv1.TargetStatus, 10_000)
			for i := range targets {
				targets[i] = targetIn(state(i), fmt.Sprintf("app-%05d", i))
				targets[i].UID, targets[i].Token = types.UID(strings.Repeat("u", maxUID)), "0123456789ab.1"
				targets[i].Digest, targets[i].Cause = "sha256:"+strings.Repeat("0", 64), strings.Repeat("c", maxText)
			}
			b.ReportAllocs()
			for b.Loop() {
				Project(targets, nil, nil)
			}
		})
	}
}

func TestProject_leaves_room_for_what_was_measured(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	targets := make([]triggerv1.TargetStatus, 200)
	for i := range targets {
		targets[i] = targetIn(triggerv1.TargetFailed, fmt.Sprintf("app-%d", i))
		targets[i].Message = strings.Repeat("x", 200)
	}
	stages := make([]triggerv1.StageStatus, 16)
	for i := range stages {
		stages[i].Analysis = &triggerv1.AnalysisStatus{Failed: strings.Repeat("x", 2<<10)}
	}
	listed, _ := Project(targets, nil, stages)
	g.Expect(listed).NotTo(BeEmpty())
	g.Expect(sizeOf(&listed)+sizeOf(&stages)).To(BeNumerically("<=", maxListsBytes+16*128), "with what else a stage is recorded with")
}
