// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
)

// This file does something to many copies, and reports what became of them.

// tidied is what became of some copies.
type tidied struct {
	done    int
	more    bool
	refused []refusedCopy
	err     error
}

// refusedCopy is a copy that may not be touched.
type refusedCopy struct {
	copy *copyMeta
	err  error
}

// tidy does something to some of the copies, and to the others of its namespace and kind
// not once that has been refused.
func tidy(found []*copyMeta, act func(*copyMeta) error) tidied {
	var t tidied
	var errs []error
	var forbidden [][2]string
	tried := 0
	for _, one := range found {
		place := [2]string{one.Namespace, one.Kind}
		if slices.Contains(forbidden, place) {
			continue
		}
		if tried == maxTidied {
			t.more = true
			break
		}
		tried++
		switch err := act(one); {
		case err == nil:
			t.done++
		case refusal.Is(err):
			forbidden = append(forbidden, place)
			t.refused = append(t.refused, refusedCopy{one, err})
		case apierrors.IsConflict(err): // Its watch is about to say so.
		default:
			errs = append(errs, fmt.Errorf("copy %s: %w", named(one), err))
		}
	}
	t.err = errors.Join(errs...)
	return t
}

// notes report what became of copies that an actor was to delete. They name none: those that were
// not made for this trigger are not its author's business.
func (t tidied) notes(actor string) []Note {
	var notes []Note
	if t.done > 0 {
		notes = append(notes, Note{corev1.EventTypeNormal, triggerv1.CopiesDeletedReason, fmt.Sprintf("Deleted %d copies", t.done)})
	}
	if len(t.refused) > 0 {
		notes = append(notes, Note{corev1.EventTypeWarning, triggerv1.CopiesKeptReason, fmt.Sprintf(
			"Copies are kept: %s may not delete %s; grant it, or delete them", actor, placesOf(t.refused))})
	}
	return notes
}

// placesOf names the kinds and namespaces of what was refused.
func placesOf(refused []refusedCopy) string {
	const most = 5
	text := ""
	for i, one := range refused {
		switch {
		case i == most:
			return text + fmt.Sprintf(" and in %d more", len(refused)-most)
		case i > 0:
			text += ", "
		}
		text += fmt.Sprintf("%ss in namespace %s", one.copy.Kind, one.copy.Namespace)
	}
	return text
}
