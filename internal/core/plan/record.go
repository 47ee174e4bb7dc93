// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// maxRecorded bounds how many sources a record remembers, newest first.
const maxRecorded = 300

// Record is what the operator writes on a HelmRelease with each request, and alone when it says more
// than before. Being part of the same patch, it is there exactly when the request was made: after a
// crash, or when two triggers deliver the same change, it says what has been requested already.
type Record struct {
	// UID of the HelmRelease that was triggered. A record that a backup or an export brought
	// to another one says nothing about it. Records of earlier versions have none.
	UID types.UID `json:"uid,omitempty"`

	// Token of the request.
	Token string `json:"token,omitempty"`

	// Force reports whether a forced upgrade was requested.
	Force bool `json:"force,omitempty"`

	// Revision of the Helm release before the request.
	Revision int64 `json:"revision,omitempty"`

	// At is the time of the request.
	At time.Time `json:"at,omitzero"`

	// FailedAt is when the HelmRelease became not ready, if it was not when the request was
	// made: as long as it is the same, that failure is not one of the request.
	FailedAt time.Time `json:"failedAt,omitzero"`

	// Proven is the latest revision that is proven to run what was requested, noted when the
	// trigger that knew it has gone. 0 otherwise.
	Proven int64 `json:"proven,omitempty"`

	// Sources whose content was there when this or an earlier request was made,
	// the most recently requested first.
	Sources []RecordedSource `json:"sources,omitempty"`

	// States are what the triggers know of the release, by namespace/name, and "generated" for what
	// the operator generates for it.
	States map[string]State `json:"states,omitempty"`
}

// RecordedSource is a source with the content that was there when a request was made.
type RecordedSource struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`

	// Object is the beginning of the UID of the source. Records of earlier versions have
	// none.
	Object string `json:"object,omitempty"`

	// After is the revision that the release had when it was first requested for this content.
	// helm-controller was idle then, so that a newer revision began when the content was
	// there.
	After int64 `json:"after,omitempty"`
}

// ParseRecord reads a record. Anyone who may write the HelmRelease may write it too: one
// that the operator cannot have written counts as none, so that nothing of it, such as a
// token without end, gets into the status of a trigger.
func ParseRecord(text string) Record {
	var r Record
	if text == "" || json.Unmarshal([]byte(text), &r) != nil {
		return Record{}
	}
	if r.Token != "" && !tokenPattern.MatchString(r.Token) {
		return Record{}
	}
	requested := r.Token != "" && !r.At.IsZero()
	if requested && (r.At.UTC().Year() < 2000 || r.At.UTC().Year() > 9998) {
		return Record{}
	}
	if len(r.UID) > maxUID || r.Revision < 0 || r.Proven < 0 {
		return Record{}
	}
	maps.DeleteFunc(r.States, func(trigger string, s State) bool { return !triggerPattern.MatchString(trigger) || !s.plausible() })
	if !requested { // Nothing has been requested yet, or of the request nothing is known but its token.
		return Record{UID: r.UID, Token: r.Token, States: r.States}
	}
	r.Sources = slices.DeleteFunc(r.Sources, func(s RecordedSource) bool { return !s.plausible() })
	if len(r.Sources) > maxRecorded {
		r.Sources = r.Sources[:maxRecorded]
	}
	return r
}

var (
	tokenPattern  = regexp.MustCompile(`^[0-9a-f]{1,12}\.[0-9]{1,10}$`)
	idPattern     = regexp.MustCompile(`^[A-Za-z]+/[-a-z0-9]+/[-.a-z0-9]+$`)
	digestPattern = regexp.MustCompile(`^[0-9a-f]{0,12}$`)

	// sumPattern is that of a whole digest, and triggerPattern that of a key of the states.
	sumPattern     = regexp.MustCompile(`^[a-z0-9-]{1,16}:[0-9a-f]{1,128}$`)
	triggerPattern = regexp.MustCompile(`^(generated|[-a-z0-9]{1,63}/[-.a-z0-9]{1,253})$`)
)

const (
	// maxID is more than the longest kind, namespace and name.
	maxID = 400

	// maxUID is the length of a UID as the API server makes it, in bytes, and maxObject
	// how much of that of a source a record holds.
	maxUID    = 36
	maxObject = 8

	// maxDoubt is the length of a request of someone else that is remembered, in bytes.
	maxDoubt = 253
)

func (s RecordedSource) plausible() bool {
	return len(s.ID) <= maxID && idPattern.MatchString(s.ID) && digestPattern.MatchString(s.Digest) &&
		len(s.Object) <= maxObject && s.After >= 0
}

// Proves reports whether a target of the release with the UID is proven to run what the
// record is about, and the record does not say so yet.
func (r Record) Proves(uid types.UID, t triggerv1.TargetStatus) bool {
	return r.UID == uid && t.UID == uid && t.State == triggerv1.TargetDelivered && t.Token != "" && t.Token == r.Token && !r.At.IsZero() && t.Revision != r.Proven
}

// Of returns what a record says about the HelmRelease with the UID. Of a record about
// another one nothing is left but the token, so that no token is used again.
func (r Record) Of(uid types.UID) Record {
	if r.UID != "" && r.UID != uid {
		return Record{Token: r.Token}
	}
	return r
}

// String is the reverse of ParseRecord.
func (r Record) String() string {
	text, err := json.Marshal(r)
	if err != nil { // A record holds nothing that cannot be marshalled.
		return ""
	}
	return string(text)
}

// entry returns what the record says about the present content of a source, and false if
// it says nothing about it.
func (r Record) entry(s Source) (RecordedSource, bool) {
	i := slices.IndexFunc(r.Sources, func(e RecordedSource) bool {
		means := func(full string) bool { return e.Digest == digest.Short(full) }
		return e.ID == s.ID && (means(s.Full) || slices.ContainsFunc(s.FormerFull, means))
	})
	if i < 0 {
		return RecordedSource{}, false
	}
	return r.Sources[i], true
}

// latest returns the entry of a source by the latest request that names it, whatever its content.
func (r Record) latest(id string) (RecordedSource, bool) {
	i := slices.IndexFunc(r.Sources, func(e RecordedSource) bool { return e.ID == id })
	if i < 0 {
		return RecordedSource{}, false
	}
	return r.Sources[i], true
}

// holds reports whether a request was last made for any content of a source: if it is gone
// now, the release may have read that.
func (r Record) holds(id string) bool {
	return slices.ContainsFunc(r.Sources, func(e RecordedSource) bool { return e.ID == id && e.Digest != "" })
}

// covers reports whether the content of a source was there when a request was made, in the
// object that there is now. Records of earlier versions do not name the object.
func (r Record) covers(s Source) bool {
	e, found := r.entry(s)
	return found && (e.Object == "" || e.Object == object(s))
}

// coversAll reports whether it covers all of the sources.
func (r Record) coversAll(sources []Source) bool {
	return !slices.ContainsFunc(sources, func(s Source) bool { return !r.covers(s) })
}

// names is like covers, and false for a record that does not name the object.
func (r Record) names(s Source) bool {
	e, found := r.entry(s)
	return found && e.Object == object(s) && (e.Object != "" || s.Digest == "")
}

// object returns what a record holds of the UID of a source.
func object(s Source) string {
	return string(s.UID[:min(len(s.UID), maxObject)])
}

// next returns the record of a further request.
func (r Record) next(uid types.UID, token string, force bool, revision int64, at time.Time, sources []RecordedSource) Record {
	for _, old := range r.Sources {
		if !slices.ContainsFunc(sources, func(s RecordedSource) bool { return s.ID == old.ID }) {
			sources = append(sources, old)
		}
	}
	if len(sources) > maxRecorded {
		sources = sources[:maxRecorded]
	}
	return Record{UID: uid, Token: token, Force: force, Revision: revision, At: at.UTC().Truncate(time.Second), Sources: sources, States: r.States}
}

// rejectedID is the name under which a record holds, as if it was a source, the content of a trigger that
// was last rolled back on the release. The status of a trigger, which says so too, goes with it when it is
// deleted and made again.
func rejectedID(trigger string) string { return "refused/" + trigger }

// rejecting returns the record with the content of a trigger that is rolled back by the
// request, none if it asks for what the sources hold.
func (r Record) rejecting(trigger, rejected string) Record {
	id := rejectedID(trigger)
	r.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s RecordedSource) bool { return s.ID == id })
	if rejected != "" {
		r.Sources = slices.Insert(r.Sources, 0, RecordedSource{ID: id, Digest: digest.Short(rejected)})
		r.Sources = r.Sources[:min(len(r.Sources), maxRecorded)]
	}
	return r
}

// Rejects reports whether the last request of a trigger on the release was to run earlier
// content in place of this, by its digest or one of those that it had formerly.
func (r Record) Rejects(trigger, content string, formerly ...string) bool {
	return slices.ContainsFunc(append([]string{content}, formerly...), func(content string) bool {
		return slices.Contains(r.Sources, RecordedSource{ID: rejectedID(trigger), Digest: digest.Short(content)})
	})
}
