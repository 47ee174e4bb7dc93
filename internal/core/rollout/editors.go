// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"slices"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// maxEditors is how many users are listed.
const maxEditors = 16

// editedBy returns the users who edited the content of a rollout that begins. An edit on top of
// one that did not arrive everywhere delivers both. One who is not known is listed by an empty name,
// beside others: if no one is known there is nothing to list. So are those for whom there is no room.
func editedBy(previous *triggerv1.RolloutStatus, editors []string) []string {
	names := slices.Clone(editors)
	if previous != nil && previous.Phase != triggerv1.RolloutFinished {
		names = append(names, slices.DeleteFunc(slices.Clone(previous.EditedBy), func(name string) bool { return name == "" })...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	switch {
	case len(names) == 1 && names[0] == "":
		return nil
	case len(names) > maxEditors && names[0] != "":
		names = slices.Insert(names, 0, "")
	}
	return names[:min(len(names), maxEditors)]
}
