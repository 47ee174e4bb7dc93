// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// dice make anything at all out of what a fuzzer comes up with.
type dice struct {
	bytes []byte
	words []string
}

func (d *dice) below(n int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % n
}

func (d *dice) yes() bool { return d.below(2) == 1 }

func one[T any](d *dice, of ...T) T { return of[d.below(len(of))] }

func (d *dice) word() string { return one(d, d.words...) }

func (d *dice) number() int64 {
	return one[int64](d, 0, 1, 2, 4, 5, 6, 1<<31-1, 1<<31, 1<<63-1, -1, -1<<31, -1<<63)
}

func (d *dice) time() time.Time {
	return one(d, time.Time{}, noon, noon.Add(-time.Hour), noon.Add(-3*time.Second), noon.Add(time.Hour),
		time.Date(9998, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -24*60*60+60)),
		time.Date(0, 1, 1, 0, 0, 0, 0, time.FixedZone("", 24*60*60-60)), time.Unix(-1<<40, 0), time.Unix(1<<40, 0))
}

func (d *dice) stamp() *metav1.Time {
	if d.yes() {
		return nil
	}
	return &metav1.Time{Time: d.time()}
}

func (d *dice) source(id string) Source {
	content := one(d, "", "sha256:c", "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	return Source{
		ID: id, Digest: content, Full: content, UID: types.UID(d.word()),
		Force:  one(d, triggerv1.ForceAuto, triggerv1.ForceAlways, triggerv1.ForceNever, ""),
		Editor: d.word(), ChangedKeys: []string{d.word(), d.word(), d.word(), d.word()}[:d.below(5)],
		Baseline: map[string]bool{"apps/release": d.yes()},
	}
}

func (d *dice) target() *triggerv1.TargetStatus {
	return &triggerv1.TargetStatus{
		Namespace: "apps", Name: "release", State: triggerv1.TargetState(d.word()), Digest: d.word(), Token: d.word(), Forced: d.yes(),
		Attempts: int32(d.number()), TriggeredAt: d.stamp(), DeliveredAt: d.stamp(), Revision: d.number(), Message: d.word(), Cause: d.word(),
	}
}

func (d *dice) release(record string) Release {
	return Release{
		Exists: d.below(8) > 0, Denied: one(d, "", "", "", d.word()), Suspended: d.below(4) == 1,
		Reads: map[string]bool{read: d.yes(), other: d.yes()},
		Ready: one(d, "True", "False", "Unknown", "", d.word()), ReadyReason: one(d, "UpgradeFailed", "DependencyNotReady", d.word()), ReadyMessage: d.word(),
		ReadyCurrent: d.yes(), Reconciling: d.yes(), Current: d.yes(), RequestedAt: d.word(), HandledAt: d.word(),
		Revision: max(0, d.number()), ConfigDigest: d.word(), Deployed: d.yes(), UID: types.UID(d.word()), Record: ParseRecord(record),
	}
}

func (d *dice) input(record string) Input {
	sources := []Source{d.source(read), d.source(other), d.source(always)}[:d.below(4)]
	var recorded []triggerv1.SourceStatus
	for _, s := range sources {
		if d.yes() {
			parts := strings.SplitN(s.ID, "/", 3)
			recorded = append(recorded, triggerv1.SourceStatus{Kind: parts[0], Namespace: parts[1], Name: parts[2], Digest: one(d, s.Digest, d.word()), UID: types.UID(d.word())})
		}
	}
	in := Input{
		Now: noon, Timeout: one(d, 5*time.Minute, time.Second, 24*time.Hour), Trigger: "apps/trigger", Target: "apps/release",
		Sources: sources, Diff: Compare(recorded, d.word(), sources), Force: one(d, "", d.word()), Reset: one(d, "", d.word()),
		Policy: one(d, triggerv1.ForceAuto, triggerv1.ForceAlways, triggerv1.ForceNever), Release: d.release(record),
	}
	in.Digest = in.Diff.To
	if d.yes() {
		in.Previous = d.target()
		in.Previous.Digest = one(d, in.Digest, in.Diff.From, d.word())
	}
	return in
}

var allStates = []triggerv1.TargetState{
	triggerv1.TargetPending, triggerv1.TargetHeld, triggerv1.TargetTriggered,
	triggerv1.TargetDelivered, triggerv1.TargetFailed, triggerv1.TargetMissing,
}

// storable complains of a state that the API server would not take.
func storable(t *testing.T, what string, s triggerv1.TargetStatus) {
	t.Helper()
	if !slices.Contains(allStates, s.State) {
		t.Errorf("%s: state %q", what, s.State)
	}
	for _, line := range []string{s.Message, s.Cause} {
		encoded, _ := json.Marshal(line)
		if len(encoded)-2 > maxText || !isLine(line) {
			t.Errorf("%s: %q", what, line)
		}
	}
	if s.Cause != "" && !strings.HasSuffix(s.Cause, " via ValuesTrigger apps/trigger") {
		t.Errorf("%s: %q is not signed", what, s.Cause)
	}
	if at := s.TriggeredAt; at != nil && at.After(noon) || s.Attempts < 0 || s.Attempts > MaxAttempts {
		t.Errorf("%s: triggered at %s, %d attempts", what, at, s.Attempts)
	}
}

func isLine(line string) bool {
	return utf8.ValidString(line) && !strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Whatever is recorded and observed: a decision is a state that can be stored, or a request
// that can be made, and the same each time.
func FuzzDecide(f *testing.F) {
	record := Record{Token: "0123456789ab.7", Force: true, Revision: 12, At: noon, Sources: []RecordedSource{{ID: read, Digest: "0123456789ab"}, {ID: other, Digest: "c"}}}.String()
	f.Add([]byte{}, record, "a\nb", "0123456789ab.7")
	f.Add([]byte("\x03\x01\x01\x01\x01\x00\x01\x01\x00\x02\x01\x02\x03\x01\x00\x00\x01\x01\x01\x01\x05\x01\x07\x01"), record, strings.Repeat("<", 400), "0123456789ab.7")
	f.Add([]byte("hostile"), `{"token":"a.2147483647","at":"9998-12-31T23:59:59Z","revision":9223372036854775807}`, "a via ValuesTrigger b", "a.2147483647")
	f.Add([]byte("000000000000000000000000000000000000001"), `{"token":"0.0","at":"2027-01-10T00:00:00Z"}`, "", "")
	f.Fuzz(func(t *testing.T, bytes []byte, record, hostile, token string) {
		in := (&dice{bytes, []string{"", hostile, token, strings.Repeat("é\n", 300), "Delivered", "Triggered", "sha256:c"}}).input(record)
		decision := Decide(in)
		if decision.NeedValues {
			for _, in.Values = range []ValuesState{ValuesEqual, ValuesDiffer, ValuesUnreadable} {
				if Decide(in).NeedValues {
					t.Fatalf("asks for values again")
				}
			}
			in.Values = ValuesDiffer
			decision = Decide(in)
		}
		if !reflect.DeepEqual(decision, Decide(in)) {
			t.Error("decides otherwise the second time")
		}
		storable(t, "status", decision.Status)
		if decision.After < 0 {
			t.Errorf("comes back %s ago", -decision.After)
		}
		if decision.Request == nil {
			return
		}
		storable(t, "unsent", decision.Unsent)
		request := decision.Request
		if !in.Release.Exists || in.Release.Denied != "" || in.Release.Suspended || in.Release.requestPending() {
			t.Errorf("requests of %+v", in.Release)
		}
		if request.Cause != decision.Status.Cause || request.Cause == "" && (in.Previous == nil || in.Previous.Cause != "") {
			t.Errorf("cause %q", request.Cause)
		}
		if kept := ParseRecord(request.Record.String()); kept.Token != request.Token || kept.String() != request.Record.String() {
			t.Errorf("%s is read as %s", request.Record, kept)
		}
	})
}

// Whatever the states are: what is said of all of them is one line in the words of kstatus.
func FuzzSummarize(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6}, "why", true)
	f.Add([]byte{4, 4, 4, 4}, strings.Repeat("a\n", 1000), false)
	f.Fuzz(func(t *testing.T, bytes []byte, hostile string, denied bool) {
		d := &dice{bytes, []string{hostile, "", "b"}}
		var targets []triggerv1.TargetStatus
		undelivered := 0
		for len(d.bytes) > 0 && len(targets) < 50 {
			target := *d.target()
			if target.State = one(d, allStates...); target.State != triggerv1.TargetDelivered {
				undelivered++
			}
			targets = append(targets, target)
		}
		if denied && len(targets) > 0 {
			targets[0].Refused = &triggerv1.Refusal{Reason: one(d, acl.AccessDeniedReason, triggerv1.DeliveryFailedReason)}
		}
		s := Summarize(targets)
		if !isLine(s.Message) || len(s.Message) > text.MaxMessage {
			t.Errorf("message %q", s.Message)
		}
		if s.Reason == "" || !slices.Contains([]metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}, s.Ready) ||
			s.Stalled && s.Ready != metav1.ConditionFalse {
			t.Errorf("%+v", s)
		}
		if s.Ready == metav1.ConditionTrue && undelivered > 0 || s.Ready != metav1.ConditionTrue && undelivered == 0 && s.Reason != "AccessDenied" {
			t.Errorf("%+v of %d that are not delivered", s, undelivered)
		}
	})
}

// Whatever the history holds: it stays bounded, and the newest change is its first entry.
func FuzzRemember(f *testing.F) {
	f.Add([]byte{1, 2, 3}, "sha256:a", "sha256:b")
	f.Fuzz(func(t *testing.T, bytes []byte, old, digest string) {
		d := &dice{bytes, []string{old, digest, "InProgress", "Failed", ""}}
		var history []triggerv1.Change
		for len(d.bytes) > 0 && len(history) < 20 {
			history = append(history, triggerv1.Change{Digest: d.word(), Cause: d.word(), Time: metav1.NewTime(d.time()), Outcome: triggerv1.ChangeOutcome(d.word()), Revision: int64(len(d.bytes) % 3)})
		}
		limit := 1 + len(bytes)%triggerv1.MaxHistory
		before := slices.Clone(history)
		change := triggerv1.Change{Digest: digest, Outcome: triggerv1.ChangeInProgress, Delivered: "0/1"}
		after := Remember(history, change, limit)
		if len(after) > max(2, limit) || after[0].Digest != digest || after[0].Outcome != change.Outcome {
			t.Errorf("%+v became %+v", history, after)
		}
		if !reflect.DeepEqual(before, history) {
			t.Errorf("the history itself was changed")
		}
		if latest := latestRevision(history); latest > 0 && latestRevision(after) < 0 {
			t.Errorf("no revision is left of %+v", history)
		}
		if again := Remember(after, change, limit); !reflect.DeepEqual(after, again) {
			t.Errorf("%+v became %+v", after, again)
		}
	})
}
