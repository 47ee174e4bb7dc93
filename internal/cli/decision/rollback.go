// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package decision

import (
	"fmt"
	"strconv"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// Rollback is the return to an earlier revision on request.
type Rollback struct {
	// To is the revision that is restored.
	To triggerv1.Change

	// Delivered is the digest of what is delivered now, and Rejects that of what the sources hold, which is
	// rejected until they change.
	Delivered string
	Rejects   string

	// Value is that of the annotation trigger.nebius.ai/rollback.
	Value string
}

// RollBack says what the return to a revision means, 0 for the one before the present. The refusal
// says why there is none, empty if there is.
func RollBack(vt *triggerv1.ValuesTrigger, to int64) (r Rollback, refusal string) {
	r = Rollback{Delivered: vt.Status.LastDigest, Rejects: Present(vt)}
	if r.Rejects == "" {
		return r, "the operator has not read the sources yet"
	}
	found := r.restorable(vt)
	if to == 0 {
		to = r.before(vt, found)
	}
	for _, change := range found {
		if change.Revision == to {
			r.To = change
		}
	}
	if r.To.Revision == 0 {
		return r, r.unknown(vt, to, found)
	}
	if refusal = waitsFor(vt, triggerv1.RollbackAnnotation, vt.Status.LastHandledRollback); refusal != "" {
		return r, refusal
	}
	r.Value = rollout.Another(fmt.Sprintf("%d/%s", to, r.Rejects), vt.Status.LastHandledRollback)
	return r, ""
}

// Restorable returns the revisions whose content is kept and differs from what is delivered and from
// what the sources hold, newest first.
func Restorable(vt *triggerv1.ValuesTrigger) []triggerv1.Change {
	return Rollback{Delivered: vt.Status.LastDigest, Rejects: Present(vt)}.restorable(vt)
}

func (r Rollback) restorable(vt *triggerv1.ValuesTrigger) []triggerv1.Change {
	var out []triggerv1.Change
	for _, change := range vt.Status.History {
		if change.Revision > 0 && len(change.Kept) > 0 && change.Digest != r.Delivered && change.Digest != r.Rejects {
			out = append(out, change)
		}
	}
	return out
}

// before returns the revision before the one that is delivered, which may itself restore an earlier
// one: a second rollback goes further back, and not to what the first one rejected.
func (r Rollback) before(vt *triggerv1.ValuesTrigger, found []triggerv1.Change) int64 {
	present := int64(0)
	switch now := ChangeTo(vt, r.Delivered); {
	case vt.Status.Restored != nil:
		present = vt.Status.Restored.Revision
	case now != nil && now.Restores != nil:
		present = now.Restores.Revision
	case now != nil:
		present = now.Revision
	}
	for _, change := range found {
		if present == 0 || change.Revision < present {
			return change.Revision
		}
	}
	return 0
}

// unknown says why a revision cannot be restored.
func (r Rollback) unknown(vt *triggerv1.ValuesTrigger, to int64, found []triggerv1.Change) string {
	rest := "; no other revision is kept"
	if len(found) > 0 {
		numbers := make([]string, 0, len(found))
		for _, change := range found {
			numbers = append(numbers, strconv.FormatInt(change.Revision, 10))
		}
		rest = "; these can be restored: " + strings.Join(numbers, ", ")
	}
	if to == 0 {
		return "there is no earlier revision" + rest
	}
	for _, change := range vt.Status.History {
		switch {
		case change.Revision != to:
			continue
		case change.Digest == r.Delivered && vt.Status.HasArrived():
			return fmt.Sprintf("revision %d is what is delivered now", to) + rest
		case change.Digest == r.Delivered:
			return fmt.Sprintf("revision %d is the present content, which has not arrived everywhere; 'tree' shows why", to) + rest
		case change.Digest == r.Rejects:
			return fmt.Sprintf("revision %d is what the sources hold, which is rejected; 'retry' delivers it", to) + rest
		}
		return fmt.Sprintf("the content of revision %d is not kept", to) + rest
	}
	return fmt.Sprintf("there is no revision %d in the history", to) + rest
}

// Facts are what the rollback was judged by.
func (r Rollback) Facts() []Fact {
	return []Fact{{"the present content", digest.Abbreviated(r.Rejects)}, {"the revision to restore", fmt.Sprintf("%d (%s)", r.To.Revision, digest.Abbreviated(r.To.Digest))}}
}
