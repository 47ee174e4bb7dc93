// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestRecord_roundTrip(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	record := Record{
		UID: "u", Token: "0123456789ab.7", Force: true, Revision: 12, At: noon,
		Sources: []RecordedSource{{ID: "Secret/apps/s", Digest: "ba9876543210", Object: "01234567", After: 11}, {ID: "ConfigMap/apps/c"}},
	}
	g.Expect(ParseRecord(record.String())).To(Equal(record))
	g.Expect(ParseRecord(Record{}.String())).To(Equal(Record{}))
	g.Expect(record.String()).To(Equal(`{"uid":"u","token":"0123456789ab.7","force":true,"revision":12,"at":"2026-03-01T12:00:00Z",` +
		`"sources":[{"id":"Secret/apps/s","digest":"ba9876543210","object":"01234567","after":11},{"id":"ConfigMap/apps/c","digest":""}]}`))
}

func TestParseRecord_unintelligibleIsNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "{", "null", "[]", "7", `"token"`, `{"token":7}`, `{"at":"yesterday"}`, `{"sources":{}}`, "\x00", `{"token":"a"} {"token":"b"}`,
		`{"at":"2026-03-01T12:00:00Z"}`, `{"token":"flux","at":"2026-03-01T12:00:00Z"}`,
		`{"token":"a.1\n","at":"2026-03-01T12:00:00Z"}`, `{"token":"0123456789abc.1","at":"2026-03-01T12:00:00Z"}`,
		`{"token":"a.1","at":"2026-03-01T12:00:00Z","revision":-1}`, `{"token":"a.1","at":"2026-03-01T12:00:00Z","revision":1e99}`,
		`{"token":"a.1","at":"9999-12-31T23:59:59-23:59"}`, `{"token":"a.1","at":"0000-01-01T00:00:00+23:59"}`,
	} {
		NewWithT(t).Expect(ParseRecord(text)).To(Equal(Record{}), "%q", text)
	}
}

// A record fits into the annotations of any release, whatever was in its place before.
func TestParseRecord_leavesOutWhatIsNoSource(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	head := `{"token":"a.1","at":"2026-03-01T12:00:00Z","sources":[`
	for _, source := range []string{
		`{"id":"","digest":""}`, `{"id":"ConfigMap/a","digest":""}`, `{"id":"ConfigMap/a/b c","digest":""}`, `{"id":"ConfigMap/a/<","digest":""}`,
		`{"id":"ConfigMap/a/b","digest":"0123456789abc"}`, `{"id":"ConfigMap/a/b","digest":"via"}`, `{"id":"ConfigMap/a/` + strings.Repeat("b", maxID) + `","digest":""}`,
	} {
		r := ParseRecord(head + source + `,{"id":"ConfigMap/a/b","digest":"c"}]}`)
		g.Expect(r.Token).To(Equal("a.1"))
		g.Expect(r.Sources).To(ConsistOf(RecordedSource{ID: "ConfigMap/a/b", Digest: "c"}), source)
	}
	g.Expect(ParseRecord(head + strings.Repeat(`{"id":"ConfigMap/a/b","digest":"c"},`, 1000) + `{"id":"ConfigMap/a/b","digest":"c"}]}`).Sources).To(HaveLen(maxRecorded))
}

func TestRecord_next(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	before := Record{Token: "x.1", Sources: []RecordedSource{{ID: "ConfigMap/apps/a", Digest: "1"}, {ID: "ConfigMap/apps/b", Digest: "1"}}}
	g.Expect(before.next("u", "x.2", true, 4, noon.Add(1500*time.Millisecond), []RecordedSource{{ID: "ConfigMap/apps/b", Digest: "2"}, {ID: "ConfigMap/apps/c", Digest: "2"}})).To(Equal(Record{
		UID: "u", Token: "x.2", Force: true, Revision: 4, At: noon.Add(time.Second),
		Sources: []RecordedSource{{ID: "ConfigMap/apps/b", Digest: "2"}, {ID: "ConfigMap/apps/c", Digest: "2"}, {ID: "ConfigMap/apps/a", Digest: "1"}},
	}), "the newest first, each once, with what earlier requests carried")
}

func TestRecord_isBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var r Record
	for i := range 1000 {
		r = r.next("01234567-0123-0123-0123-0123456789ab", newToken("sha256:0123456789ab", r.Token), false, 1, noon, []RecordedSource{{ID: fmt.Sprintf("ConfigMap/%063d/%0253d", i, i), Digest: "0123456789ab", Object: "01234567", After: 1 << 40}})
	}
	g.Expect(r.Sources).To(HaveLen(300))
	g.Expect(r.Sources[0].ID).To(HaveSuffix("999"), "the newest are kept")
	g.Expect(r.Sources[299].ID).To(HaveSuffix("700"))
	g.Expect(len(r.String())).To(BeNumerically("<", 200<<10), "annotations of an object may take 256 KiB together")
}

func TestRecord_covers(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	full := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	r := Record{Sources: []RecordedSource{{ID: "ConfigMap/apps/a", Digest: "0123456789ab"}, {ID: "ConfigMap/apps/gone", Digest: ""}}}
	g.Expect(r.covers(Source{ID: "ConfigMap/apps/a", Full: full})).To(BeTrue())
	g.Expect(r.covers(Source{ID: "ConfigMap/apps/a", Full: "sha256:f" + full[8:]})).To(BeFalse())
	g.Expect(r.covers(Source{ID: "ConfigMap/apps/b", Full: full})).To(BeFalse())
	g.Expect(r.covers(Source{ID: "ConfigMap/apps/a", Full: ""})).To(BeFalse(), "absence is other content")
	g.Expect(r.covers(Source{ID: "ConfigMap/apps/gone", Full: ""})).To(BeTrue())
}

func TestNewToken(t *testing.T) {
	t.Parallel()
	const content = "sha256:0123456789abcdef"
	for _, c := range []struct {
		name     string
		previous []string
		want     string
	}{
		{"the first", nil, "0123456789ab.1"},
		{"the first after none", []string{"", ""}, "0123456789ab.1"},
		{"the one after the own", []string{"", "ffff.4"}, "0123456789ab.5"},
		{"the one after the larger", []string{"eeee.7", "ffff.4"}, "0123456789ab.8"},
		{"tokens of others do not count", []string{"2026-03-01T12:00:00Z", "flux", "a.b", "a.-1", "a."}, "0123456789ab.1"},
		{"a number that would overflow does not count", []string{"a.99999999999999999999", "a.2147483648"}, "0123456789ab.1"},
		{"the largest number that counts", []string{"a.2147483647"}, "0123456789ab.2147483648"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(newToken(content, c.previous...)).To(Equal(c.want))
			g.Expect(newToken(content, c.previous...)).To(Equal(c.want), "a repeated patch changes nothing")
		})
	}
}

// What a user wrote in the place of a record: what is read of it could be the operator's,
// and what follows from it can be stored.
func FuzzParseRecord(f *testing.F) {
	f.Add("")
	f.Add(`{"token":"a.1","at":"2026-03-01T12:00:00Z","sources":[{"id":"ConfigMap/a/b","digest":"c"}]}`)
	f.Add(`{"token":"a.1","revision":-1,"at":"0000-01-01T00:00:00+23:59"}`)
	f.Add(`{"token":"a.2147483647","revision":9223372036854775807,"at":"9999-12-31T23:59:59-23:59"}`)
	f.Add(`{"token":"a.1","at":"2026-03-01T12:00:00Z","sources":[{"id":"<<<<//","digest":"\u2028"},{"id":"A/b/c"}]}`)
	f.Add(`{"token":"\ud800"}`)
	f.Add(`{"uid":"x","states":{"apps/trigger":{"state":"Delivered","revision":1},"generated":{"state":"Held"},"x":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		r := ParseRecord(text)
		if r.Token == "" && !reflect.DeepEqual(r, Record{UID: r.UID, States: r.States}) {
			t.Errorf("%q is read as %s", text, r)
		}
		if again := ParseRecord(r.String()); again.String() != r.String() {
			t.Errorf("%q is read as %s and then as %s", text, r, again)
		}
		if len(r.Token) > 23 || strings.ContainsAny(r.Token, " \n<\"") || r.Revision < 0 || len(r.Sources) > maxRecorded {
			t.Errorf("%q is read as %s", text, r)
		}
		next := r.next("01234567-0123-0123-0123-0123456789ab", newToken("sha256:0123456789ab", r.Token), true, 1, noon, []RecordedSource{{ID: "ConfigMap/a/b"}})
		if len(next.Sources) > maxRecorded || !next.covers(Source{ID: "ConfigMap/a/b"}) || ParseRecord(next.String()).String() != next.String() {
			t.Errorf("%s does not hold what was requested", next)
		}
		if next.States = nil; len(next.String()) > 160<<10 {
			t.Errorf("without states, the next record has %d bytes", len(next.String()))
		}
	})
}

func FuzzNewToken(f *testing.F) {
	f.Add("sha256:0123456789ab", "0123456789ab.1", "2026-03-01T12:00:00Z")
	f.Add("", "", "")
	f.Add("a", "a.2147483647", "a.-1")
	f.Fuzz(func(t *testing.T, content, one, two string) {
		token := newToken(content, one, two)
		if sequence(one) < 1<<31-1 && sequence(two) < 1<<31-1 {
			if token == one || token == two {
				t.Errorf("token %q was used before", token)
			}
			if strings.Contains(content, ".") {
				return // No digest.
			}
			if sequence(token) <= max(sequence(one), sequence(two)) {
				t.Errorf("token %q is not newer than %q and %q", token, one, two)
			}
		}
	})
}

// The request that rolls back says so on the release, and the next one of the same trigger
// does not any more.
func TestRecord_rejects_what_was_rolled_back(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const trigger, content = "apps/platform", "sha256:0123456789abcdef"
	r := Record{Sources: []RecordedSource{{ID: "ConfigMap/apps/a", Digest: "00"}}}.rejecting(trigger, content)
	g.Expect(r.Rejects(trigger, content)).To(BeTrue())
	g.Expect(r.Rejects(trigger, "sha256:fedcba9876543210")).To(BeFalse())
	g.Expect(r.Rejects("apps/other", content)).To(BeFalse())
	r.Token, r.At = "0123456789ab.3", noon
	g.Expect(ParseRecord(r.String()).Rejects(trigger, content)).To(BeTrue(), "it is read as it was written")

	other := r.next("", "0123456789ab.4", false, 3, noon, nil).rejecting("apps/other", "")
	g.Expect(other.Rejects(trigger, content)).To(BeTrue(), "another trigger has not delivered it")
	g.Expect(r.next("", "0123456789ab.4", false, 3, noon, nil).rejecting(trigger, "").Rejects(trigger, content)).To(BeFalse())

	for i := range 2 * maxRecorded {
		r = r.rejecting(fmt.Sprintf("apps/t%d", i), content)
	}
	g.Expect(r.Sources).To(HaveLen(maxRecorded))
	g.Expect(r.Rejects(fmt.Sprintf("apps/t%d", 2*maxRecorded-1), content)).To(BeTrue())
}
