// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// maxListedBytes bounds the targets that a status lists, and maxListsBytes them, the history and what was
// measured of the stages together, in bytes of JSON: what is written at each step of a rollout must not grow with the number
// of its targets.
const (
	maxListedBytes = 48 << 10
	maxListsBytes  = 60 << 10
)

// maxQuiet bounds those of the listed targets that need no attention, where there is no room for all: a
// person finds them by the counts of their stage and state.
const maxQuiet = 20

// Project returns the targets that a status lists, as many as it has room for beside its history and what was
// measured of its stages, and the counts of all. Those that need attention come first, and within a state they are in the order of their names,
// so that a target that changes its state moves alone.
func Project(targets []triggerv1.TargetStatus, history []triggerv1.Change, stages []triggerv1.StageStatus) ([]triggerv1.TargetStatus, *triggerv1.TargetSummary) {
	var ranks [leastAttention + 1][]*triggerv1.TargetStatus
	for i := range targets {
		rank := attention(&targets[i])
		ranks[rank] = append(ranks[rank], &targets[i])
	}
	listed := make([]triggerv1.TargetStatus, 0, min(len(targets), triggerv1.MaxListedTargets))
	size, bytes, quiet := len("[]"), min(maxListedBytes, maxListsBytes-sizeOf(&history)-measuredBytes(stages)), maxQuiet
	if len(targets) <= triggerv1.MaxListedTargets {
		quiet = len(targets)
	}
	for i, rank := range ranks {
		room := triggerv1.MaxListedTargets - len(listed)
		if i >= waitingTurn {
			room = min(room, quiet)
			quiet -= min(len(rank), room)
		}
		slices.SortFunc(rank, byName)
		for _, target := range rank[:min(len(rank), room)] {
			if size += sizeOf(target); size > bytes {
				return listed, Count(targets)
			}
			listed = append(listed, *target)
		}
	}
	return listed, Count(targets)
}

// measuredBytes returns how long what was measured of the stages is, in bytes of JSON.
func measuredBytes(stages []triggerv1.StageStatus) int {
	bytes := 0
	for i := range stages {
		if stages[i].Analysis != nil {
			bytes += sizeOf(stages[i].Analysis)
		}
	}
	return bytes
}

const (
	// waitingTurn is the rank of a target that only the rollout holds back.
	waitingTurn = 5

	// leastAttention is the rank of a target with which there is nothing to do.
	leastAttention = 6
)

// attention returns the rank of a target among those that a person looks at, 0 for the first.
func attention(target *triggerv1.TargetStatus) int {
	if target.Refused != nil {
		return 0
	}
	switch target.State {
	case triggerv1.TargetFailed:
		return 0
	case triggerv1.TargetMissing:
		return 1
	case triggerv1.TargetHeld:
		if target.Seen != nil { // It is suspended.
			return 2
		}
		return waitingTurn
	case triggerv1.TargetPending:
		if target.Seen != nil { // It settles, as the others do.
			return waitingTurn
		}
		return 3
	case triggerv1.TargetTriggered:
		return 4
	case triggerv1.TargetDelivered:
	}
	return leastAttention
}

func byName(a, b *triggerv1.TargetStatus) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}
