// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestRecord_Believed(t *testing.T) {
	t.Parallel()
	states := map[string]State{"apps/trigger": {State: triggerv1.TargetDelivered}}
	record := Record{UID: "u", Token: "0123456789ab.7", Force: true, Revision: 3, At: noon, States: states}
	unasked := Record{UID: "u", States: states}
	for _, c := range []struct {
		name   string
		record Record
		shown  []string
		want   Record
	}{
		{"nothing is shown", record, []string{"", ""}, record},
		{"its own request", record, []string{"0123456789ab.7", "0123456789ab.6"}, record},
		{"its own request, handled", record, []string{"0123456789ab.7", "0123456789ab.7"}, record},
		{"a later request", record, []string{"ba9876543210.8"}, Record{UID: "u", Token: "ba9876543210.8"}},
		{"a later request that was handled", record, []string{"0123456789ab.7", "", "ba9876543210.8"}, Record{UID: "u", Token: "ba9876543210.8"}},
		{"the latest of them", record, []string{"ba9876543210.8", "ba9876543210.10", "ba9876543210.9"}, Record{UID: "u", Token: "ba9876543210.10"}},
		{"a later request and one of a person", record, []string{"2026-03-01T12:00:00Z", "ba9876543210.8"}, Record{UID: "u", Token: "ba9876543210.8"}},
		{"one where nothing was asked before", unasked, []string{"0123456789ab.1"}, Record{UID: "u", Token: "0123456789ab.1"}},
		{"one where nothing is on record", Record{}, []string{"0123456789ab.1"}, Record{Token: "0123456789ab.1"}},
		{"one where nothing is known but an earlier token", Record{UID: "u", Token: "0123456789ab.1"}, []string{"0123456789ab.2"}, Record{UID: "u", Token: "0123456789ab.2"}},
		{"a request of a person", record, []string{"2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00+01:00"}, record},
		{"a request of a person where nothing was asked before", unasked, []string{"2026-03-01T12:00:00.123456789Z"}, unasked},
		{"the seconds of another client", record, []string{"1772366400.8", "1772366400"}, record},
		{"the milliseconds of another client", record, []string{"1772366400123.8"}, record},
		{"words of another client", record, []string{"commit.8", "0123456789AB.8", "0123456789abc.8", "0123456789a.8", "x0123456789ab.8", "0123456789ab.8\n"}, record},
		{"a number that is none of ours", record, []string{"0123456789ab.9999999999"}, record},
		{"a number that the operator does not get to", record, []string{"0123456789ab.1073741825"}, record},
		{"numbers that are used up", Record{Token: "0123456789ab.2147483648"}, []string{"0123456789ab.2147483647"}, Record{Token: "0123456789ab.2147483648"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := c.record.Believed(c.shown...)
			g.Expect(got).To(Equal(c.want))
			g.Expect(got.Believed(c.shown...)).To(Equal(got), "it is settled")
			g.Expect(ParseRecord(got.String())).To(Equal(got), "it is read as it was written")
			next := got.next("u", newToken("sha256:0123456789abcdef", got.Token), true, 4, noon, nil)
			g.Expect(next.Believed(append(c.shown, next.Token)...)).To(Equal(next), "a request is never later than its own record")
		})
	}
}

func TestRecordOf(t *testing.T) {
	t.Parallel()
	record := Record{UID: "u", Token: "0123456789ab.7", Revision: 3, At: noon}
	older := Record{UID: "u", Token: "0123456789ab.8"}
	for name, c := range map[string]struct {
		later func(hr *helmv2.HelmRelease)
		want  Record
	}{
		"no later request":  {func(*helmv2.HelmRelease) {}, record},
		"requested":         {func(hr *helmv2.HelmRelease) { hr.Annotations[meta.ReconcileRequestAnnotation] = older.Token }, older},
		"forced":            {func(hr *helmv2.HelmRelease) { hr.Annotations[meta.ForceRequestAnnotation] = older.Token }, older},
		"handled":           {func(hr *helmv2.HelmRelease) { hr.Status.LastHandledReconcileAt = older.Token }, older},
		"handled by force":  {func(hr *helmv2.HelmRelease) { hr.Status.LastHandledForceAt = older.Token }, older},
		"without a record":  {func(hr *helmv2.HelmRelease) { hr.Annotations = nil }, Record{}},
		"request of others": {func(hr *helmv2.HelmRelease) { hr.Annotations[meta.ReconcileRequestAnnotation] = "2026-03-01T12:00:00Z" }, record},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{triggerv1.RequestAnnotation: record.String()}}}
			c.later(hr)
			NewWithT(t).Expect(RecordOf(hr)).To(Equal(c.want))
		})
	}
}

// The record of a backup is put back after the release was asked for other content, and that is gone
// again: what the record says was proven is not what the release runs.
func TestDecide_a_record_that_is_put_back_proves_nothing(t *testing.T) {
	t.Parallel()
	const person = "2026-03-01T12:00:00Z"
	for name, c := range map[string]struct {
		then func(r *Release) // What happens to the release while the record is away.
		want outcome
	}{
		"the request is shown":         {func(*Release) {}, outcome{triggerv1.TargetTriggered, forced}},
		"a person asks":                {func(r *Release) { r.RequestedAt = person }, outcome{triggerv1.TargetPending, none}},
		"a person asks, it is handled": {func(r *Release) { r.RequestedAt, r.HandledAt = person, person }, outcome{triggerv1.TargetTriggered, forced}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := delivered(other)
			in := kept(s)
			handledForceAt := ""
			look := func() Decision {
				next := s.input()
				next.Knower, next.Release = in.Knower, in.Release
				next.Release.Record = in.Release.Record.Believed(in.Release.RequestedAt, in.Release.HandledAt, handledForceAt)
				next.Previous, next.Known = next.Release.Record.Recall(next.Knower, next.Release.UID, TranslationOf(next.Sources))
				d := Decide(next)
				record := next.Release.Record
				if d.Request != nil {
					record, in.Release.RequestedAt = d.Request.Record, d.Request.Token
				}
				record, _ = record.Keep(next, d.Status)
				in.Release.Record = ParseRecord(record.String())
				s.note()
				return d
			}
			backup := in.Release.Record

			s.edit(other)
			g.Expect(outcomeOf(look())).To(Equal(outcome{triggerv1.TargetTriggered, forced}))
			in.Release.Revision++ // It runs the edit.
			in.Release.Reconciling, in.Release.Ready = true, "Unknown"
			s.revert(other)
			g.Expect(look().Status.Message).To(Equal("newer content waits until the present request is handled"))
			in.Release.Reconciling, in.Release.Ready = false, "True"
			handledForceAt = in.Release.RequestedAt
			in.Release.HandledAt = in.Release.RequestedAt
			c.then(&in.Release)
			in.Release.Record = backup

			d := look()
			g.Expect(outcomeOf(d)).To(Equal(c.want))
			if d.Request != nil {
				g.Expect(sequence(d.Request.Token)).To(BeNumerically(">", sequence(handledForceAt)))
				g.Expect(in.Release.Record.Believed(in.Release.RequestedAt, in.Release.HandledAt, handledForceAt)).To(Equal(in.Release.Record))
			}
		})
	}
}
