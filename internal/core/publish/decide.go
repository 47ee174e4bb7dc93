// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// State is how an object compares with the desired copy.
type State int

const (
	// Current has the content.
	Current State = iota
	// Outdated has other content: older, or changed by someone.
	Outdated
	// Absent is not an object.
	Absent
	// Foreign is an object of that name that is not ours, or not any more.
	Foreign
)

// Existing is what there is under the name of a copy.
type Existing struct {
	Labels      map[string]string
	Annotations map[string]string
	Owners      []metav1.OwnerReference
	Content     Content

	// Applied are the keys that the operator has put into it, and Taken those that
	// another manager applies to it as its own object.
	Applied []string
	Taken   []string
}

// Judge compares what there is, nil if nothing, with what is desired. Keys that someone
// else has added are left alone.
func Judge(want Copy, content Content, have *Existing) State {
	switch {
	case have == nil:
		return Absent
	case !IsOf(have.Labels, want), slices.ContainsFunc(have.Taken, content.has):
		return Foreign
	case have.Labels[triggerv1.LabelReconcilerNameSourceKey] != triggerv1.LabelValueDisabled, !content.within(have.Content),
		have.Annotations[triggerv1.KeptUIDAnnotation] != want.Annotations[triggerv1.KeptUIDAnnotation],
		!want.IsOwned(have.Owners),
		slices.ContainsFunc(have.Applied, func(key string) bool { return !content.has(key) && have.Content.has(key) }):
		return Outdated
	}
	return Current
}

// identifying are the labels that say whose a copy is.
var identifying = []string{
	triggerv1.ManagedByLabel, triggerv1.PublishedByLabel, triggerv1.PublishedByNamespaceLabel,
	triggerv1.PublishedForLabel, triggerv1.KeptLabel,
}

// IsOf reports whether labels are those of a copy. A label is all that it takes to hand an
// object over to the operator, or to take it away. So does it to apply the object without
// them: see Existing.Taken.
func IsOf(labels map[string]string, c Copy) bool {
	for _, key := range identifying {
		if labels[key] != c.Labels[key] {
			return false
		}
	}
	return true
}

// Worst returns what the copies of a target are together: Foreign, if one is, so that
// none is written; Outdated before Absent.
func Worst(states ...State) State {
	for _, state := range []State{Foreign, Outdated, Absent} {
		if slices.Contains(states, state) {
			return state
		}
	}
	return Current
}

// Moment is what there is to know of a target when its copies could be written.
type Moment struct {
	// Copies is what its copies are together.
	Copies State

	// Denied reports that it must not be touched.
	Denied bool

	// Due reports that a request is to be made, Held that it must wait.
	Due, Held bool

	// Exists reports that there is a HelmRelease, Installed that it has a revision, or
	// has had something delivered.
	Exists, Installed bool

	// Delivered reports that the release is proven to run the present content.
	Delivered bool

	// Gated reports that something may hold changes back.
	Gated bool
}

// Now reports whether the copies are to be written now. Releases may apply a copy as soon as it
// changes, so it is written together with the request. Without a request it is written only to
// repair drift, and before the first installation: what may be held back is made then, and not changed.
func (m Moment) Now() bool {
	switch {
	case m.Denied, m.Copies == Current, m.Copies == Foreign:
		return false
	case m.Due && !m.Held, m.Delivered:
		return true
	case !m.Exists, !m.Installed:
		return m.Copies == Absent || !m.Gated && !m.Held
	}
	return false
}

// Carried reports whether a copy that is not there gets what the release had before, if
// that is known: nothing new is delivered to it, and what it reads is not to be missing.
func (m Moment) Carried() bool {
	return m.Copies == Absent && !m.Denied && m.Exists && m.Installed && !m.Now()
}

// Crossing is content that goes from a source to a target.
type Crossing struct {
	Source string // ID
	From   string
	To     string

	// PublishTo is the annotation of the source.
	PublishTo string

	// Account reports that the source is read, and the copy written, as the trigger's own
	// account: what that may not do, the API server refuses.
	Account bool

	// Trigger is the namespace of the trigger.
	Trigger string

	// Copy is what is made of it, for the HelmRelease Target. Consented is true if the
	// owner of that, or of its namespace, lets the trigger's namespace do so.
	Copy      Copy
	Target    string
	Consented bool
}

// Check returns nil if those whom it concerns consent: the owner of the source to where
// its content goes, and the owner of another namespace than the trigger's to what is made
// there. The error names the fix.
func (c Crossing) Check() error {
	switch {
	case c.Account:
		return nil
	case c.From != c.To && !lists(c.PublishTo, c.To):
		return fmt.Errorf("%s may not be copied into namespace %s; consent with the annotation %s: %s on it, or name a spec.serviceAccountName that may read it",
			strings.Replace(c.Source, "/", " ", 1), c.To, triggerv1.PublishToAnnotation, c.To)
	case c.To != c.Trigger && !c.Consented:
		return fmt.Errorf("%s is in another namespace than the ValuesTrigger, and is written only with the consent of its owner; set the annotation %s: %s on HelmRelease %s/%s, or on Namespace %s for all in it, or name a spec.serviceAccountName that may write it",
			c.Copy, triggerv1.AllowFromAnnotation, c.Trigger, c.To, c.Target, c.To)
	}
	return nil
}

func lists(annotation, namespace string) bool {
	for entry := range strings.SplitSeq(annotation, ",") {
		if entry = strings.TrimSpace(entry); namespace != "" && (entry == namespace || entry == "*") {
			return true
		}
	}
	return false
}

// Predecessor returns the index of the copy of the same kind, for the same release, that a
// copy has taken the place of by another name, and false if that is not sure. Each of the
// others is one that no target needs.
func Predecessor(want Copy, others []Copy) (int, bool) {
	found, sure := 0, false
	for i, other := range others {
		if other.Kind != want.Kind || other.Namespace != want.Namespace || !IsOf(other.Labels, want) {
			continue
		}
		if sure {
			return 0, false // Of several, none is sure to hold these sources.
		}
		found, sure = i, true
	}
	return found, sure
}
