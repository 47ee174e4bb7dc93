// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package decision says what it means when a person approves or rejects content, or rolls a
// ValuesTrigger back to an earlier revision: what is decided about, which HelmReleases get what,
// and why there is perhaps nothing to decide.
package decision

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// Fact is something that a person sees and decides by.
type Fact struct{ What, Is string }

// Changed says which facts are others than a person has seen, empty if none.
func Changed(seen, now []Fact) string {
	var out []string
	for _, fact := range now {
		i := slices.IndexFunc(seen, func(f Fact) bool { return f.What == fact.What })
		switch {
		case i < 0:
			out = append(out, fact.What+" is "+fact.Is)
		case seen[i].Is != fact.Is:
			out = append(out, fmt.Sprintf("%s was %s, and is %s", fact.What, cmp.Or(seen[i].Is, "none"), cmp.Or(fact.Is, "none")))
		}
	}
	return strings.Join(out, "; ")
}

// MinDigits is how many digits of a digest have to be given: as many as messages show.
const MinDigits = 12

var digestPattern = regexp.MustCompile(`^(sha256:)?[0-9a-f]{12,64}$`)

// IsDigest reports whether a text may be the digest of some content, or enough of its digits.
func IsDigest(given string) bool { return digestPattern.MatchString(given) }

// Names reports whether a person means a digest by what was given: the whole of it, or as much of its
// beginning as messages show, with or without the name of the algorithm.
func Names(given, full string) bool {
	given, full = strings.TrimPrefix(given, digest.Prefix), strings.TrimPrefix(full, digest.Prefix)
	return given != "" && strings.HasPrefix(full, given) && (len(given) >= MinDigits || given == full)
}

// Present returns the digest of the content that the sources hold. While that is rejected,
// status.lastDigest is that of earlier content.
func Present(vt *triggerv1.ValuesTrigger) string {
	switch s := vt.Status.Rollout; {
	case vt.Status.Restored != nil:
		return vt.Status.Restored.Rejects
	case s != nil && s.Rollback != nil:
		return s.Digest
	}
	return vt.Status.LastDigest
}

// ChangeTo returns the newest change to a content that is on record, nil if none is.
func ChangeTo(vt *triggerv1.ValuesTrigger, content string) *triggerv1.Change {
	for i := range vt.Status.History {
		if vt.Status.History[i].Digest == content {
			return &vt.Status.History[i]
		}
	}
	return nil
}

// releaseOf names the HelmRelease of a target.
func releaseOf(t triggerv1.TargetStatus) binding.Object {
	return binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: t.Namespace, Name: t.Name}
}

// releases names the HelmReleases of the targets that count, in order.
func releases(targets []triggerv1.TargetStatus, counts func(triggerv1.TargetStatus) bool) []binding.Object {
	var out []binding.Object
	for _, t := range targets {
		if counts(t) {
			out = append(out, releaseOf(t))
		}
	}
	slices.SortFunc(out, func(a, b binding.Object) int { return strings.Compare(a.ID(), b.ID()) })
	return out
}

// waitsFor says that there is an annotation that the operator has not evaluated, empty if there is
// none: what it requests, and who did, would be lost.
func waitsFor(vt *triggerv1.ValuesTrigger, annotation, handled string) string {
	value := vt.Annotations[annotation]
	if value == "" || value == handled || vt.Spec.Suspend {
		return ""
	}
	return fmt.Sprintf("the operator has not acted on the annotation %s that is there: try again in a moment", annotation)
}
