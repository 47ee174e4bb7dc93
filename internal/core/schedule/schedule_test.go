// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

const (
	berlin = "Europe/Berlin"
	stamp  = "2006-01-02 15:04 MST"
)

func at(zone, text string) time.Time {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", text, location)
	if err != nil {
		panic(err)
	}
	return t
}

func parsed(g Gomega, windows ...Window) Schedule {
	s, err := Parse(windows)
	g.Expect(err).NotTo(HaveOccurred())
	return s
}

// starts returns the first starts of a window after a time, as its place shows them.
func starts(s Schedule, after time.Time, n int) []string {
	var out []string
	for range n {
		if after = s.windows[0].next(after); after.IsZero() {
			break
		}
		out = append(out, after.In(s.windows[0].location).Format(stamp))
	}
	return out
}

func TestStarts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cron, zone, after string
		want                    []string
	}{
		{"in UTC without a zone", "30 2 * * *", "", "2026-01-01 00:00", []string{"2026-01-01 02:30 UTC", "2026-01-02 02:30 UTC"}},
		{"not at the time itself", "0 2 * * *", "", "2026-01-01 02:00", []string{"2026-01-02 02:00 UTC"}},
		{"on days of the week", "0 22 * * mon-thu", "", "2026-11-26 00:00", []string{"2026-11-26 22:00 UTC", "2026-11-30 22:00 UTC"}},
		{"on a day that few years have", "0 0 29 2 *", "", "2026-01-01 00:00", []string{"2028-02-29 00:00 UTC", "2032-02-29 00:00 UTC"}},

		{"spring, before the gap", "30 1 * * *", berlin, "2026-03-28 12:00", []string{"2026-03-29 01:30 CET", "2026-03-30 01:30 CEST"}},
		{"spring, at the beginning of the gap", "0 2 * * *", berlin, "2026-03-28 12:00", []string{"2026-03-29 03:00 CEST", "2026-03-30 02:00 CEST"}},
		{"spring, inside of the gap", "30 2 * * *", berlin, "2026-03-28 12:00", []string{"2026-03-29 03:00 CEST", "2026-03-30 02:30 CEST"}},
		{"spring, several inside of the gap", "*/20 2 * * *", berlin, "2026-03-29 00:00", []string{"2026-03-29 03:00 CEST", "2026-03-30 02:00 CEST"}},
		{"spring, at the end of the gap", "0 3 * * *", berlin, "2026-03-28 12:00", []string{"2026-03-29 03:00 CEST", "2026-03-30 03:00 CEST"}},
		{"spring, every hour", "15 * * * *", berlin, "2026-03-29 01:00", []string{"2026-03-29 01:15 CET", "2026-03-29 03:15 CEST", "2026-03-29 04:15 CEST"}},
		{"spring, every hour on the hour", "0 * * * *", berlin, "2026-03-29 01:00", []string{"2026-03-29 03:00 CEST", "2026-03-29 04:00 CEST"}},
		{"autumn, in the hour that comes twice", "30 2 * * *", berlin, "2026-10-24 12:00", []string{"2026-10-25 02:30 CEST", "2026-10-26 02:30 CET"}},
		{"autumn, on the hour that comes twice", "0 2 * * *", berlin, "2026-10-24 12:00", []string{"2026-10-25 02:00 CEST", "2026-10-26 02:00 CET"}},
		{"autumn, after it", "0 3 * * *", berlin, "2026-10-24 12:00", []string{"2026-10-25 03:00 CET", "2026-10-26 03:00 CET"}},
		{"autumn, every hour", "30 * * * *", berlin, "2026-10-25 01:00", []string{
			"2026-10-25 01:30 CEST", "2026-10-25 02:30 CEST", "2026-10-25 02:30 CET", "2026-10-25 03:30 CET"}},
		{"the other hemisphere", "30 2 * * *", "Australia/Sydney", "2026-10-03 12:00", []string{"2026-10-04 03:00 AEDT", "2026-10-05 02:30 AEDT"}},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00", []string{"2026-10-04 02:30 +11", "2026-10-05 02:15 +11"}},
		{"no midnight", "0 0 * * *", "Asia/Beirut", "2026-03-28 12:00", []string{"2026-03-29 01:00 EEST", "2026-03-30 00:00 EEST"}},
		{"no midnight on a day of the month", "0 0 29 * *", "Asia/Beirut", "2026-03-27 12:00", []string{"2026-03-29 01:00 EEST", "2026-04-29 00:00 EEST"}},
		{"no midnight in a day of all hours", "0 * 29 3 *", "Asia/Beirut", "2026-03-27 12:00", []string{"2026-03-29 01:00 EEST", "2026-03-29 02:00 EEST"}},
		{"in America", "30 2 * * *", "America/New_York", "2026-03-07 12:00", []string{"2026-03-08 03:00 EDT", "2026-03-09 02:30 EDT"}},
		{"where clocks are never changed", "30 2 * * *", "Asia/Tokyo", "2026-03-28 12:00", []string{"2026-03-29 02:30 JST", "2026-03-30 02:30 JST"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := parsed(g, Window{Cron: c.cron, TimeZone: c.zone, Duration: time.Hour})
			g.Expect(starts(s, at(c.zone, c.after), len(c.want))).To(Equal(c.want))
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := parsed(g, Window{Cron: "0 2 * * *", TimeZone: berlin, Duration: 2 * time.Hour})
	for text, want := range map[string]bool{
		"2026-01-01 01:59": false, "2026-01-01 02:00": true, "2026-01-01 03:59": true, "2026-01-01 04:00": false,
		// The gap moves the start, and the window keeps its length.
		"2026-03-29 01:59": false, "2026-03-29 03:00": true, "2026-03-29 04:59": true, "2026-03-29 05:00": false,
	} {
		g.Expect(s.Open(at(berlin, text))).To(Equal(want), text)
	}
	// The hour that comes twice is a part of the window both times: two hours in all.
	first := at("UTC", "2026-10-25 00:00")
	for minutes, want := range map[int]bool{-1: false, 0: true, 59: true, 60: true, 119: true, 120: false} {
		g.Expect(s.Open(first.Add(time.Duration(minutes)*time.Minute))).To(Equal(want), "%d minutes", minutes)
	}
	g.Expect(Schedule{}.Open(first)).To(BeTrue(), "no windows, no limits")
	g.Expect(parsed(g, Window{Cron: "* * * * *", Duration: time.Minute}).Open(first.Add(17 * time.Second))).To(BeTrue())
}

func TestNext(t *testing.T) {
	t.Parallel()
	const end = "15:04"
	for _, c := range []struct {
		name          string
		windows       []Window
		after         string
		opens, closes string
	}{
		{"one window", []Window{{"0 2 * * *", "", time.Hour}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 03:00"},
		{"the sooner of two", []Window{{"0 4 * * *", "", time.Hour}, {"0 2 * * *", "", time.Hour}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 03:00"},
		{"two that overlap", []Window{{"0 2 * * *", "", 2 * time.Hour}, {"0 3 * * *", "", 2 * time.Hour}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 05:00"},
		{"two that touch", []Window{{"0 2 * * *", "", time.Hour}, {"0 3 * * *", "", time.Hour}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 04:00"},
		{"one inside of another", []Window{{"0 2 * * *", "", 4 * time.Hour}, {"0 3 * * *", "", time.Hour}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 06:00"},
		{"one that overlaps itself", []Window{{"0 2,3,4 * * *", "", 90 * time.Minute}}, "2026-01-01 12:00", "2026-01-02 02:00", "2026-01-02 05:30"},
		{"of two zones", []Window{{"0 2 * * *", "Europe/Berlin", time.Hour}, {"30 1 * * *", "UTC", time.Hour}}, "2026-01-01 12:00", "2026-01-02 01:00", "2026-01-02 02:30"},
		{"one that never ends", []Window{{"* * * * *", "", time.Minute}}, "2026-01-01 12:00", "2026-01-01 12:01", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			opens, closes := parsed(g, c.windows...).Next(at("UTC", c.after))
			g.Expect(opens.UTC().Format("2006-01-02 " + end)).To(Equal(c.opens))
			if c.closes == "" {
				g.Expect(closes).To(BeZero())
				return
			}
			g.Expect(closes.UTC().Format("2006-01-02 " + end)).To(Equal(c.closes))
		})
	}
	opens, closes := Schedule{}.Next(at("UTC", "2026-01-01 12:00"))
	NewWithT(t).Expect([]time.Time{opens, closes}).To(HaveEach(BeZero()))
}

func TestParse_tells_what_is_wrong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, cron, zone string
		duration         time.Duration
		message          string
	}{
		{"a field too few", "0 2 * *", "", time.Hour, `[0]: cron "0 2 * *": expected exactly 5 fields, found 4: [0 2 * *]`},
		{"seconds", "0 0 2 * * *", "", time.Hour, "expected exactly 5 fields, found 6"},
		{"a minute too late", "60 2 * * *", "", time.Hour, "end of range (60) above maximum (59): 60"},
		{"a word", "0 2 * * someday", "", time.Hour, "failed to parse int from someday"},
		{"a descriptor", "@daily", "", time.Hour, "parser does not accept descriptors"},
		{"an interval", "@every 1h", "", time.Hour, "parser does not accept descriptors"},
		{"nothing", "", "", time.Hour, "empty spec string"},
		{"a zone in the expression", "TZ=UTC 0 2 * * *", "", time.Hour, "the time zone has a field of its own"},
		{"a zone alone in the expression", "TZ=", "", time.Hour, "the time zone has a field of its own"},
		{"a day that does not exist", "0 0 30 2 *", "", time.Hour, `cron "0 0 30 2 *" never comes`},
		{"an unknown zone", "0 2 * * *", "Europe/Nowhere", time.Hour, `time zone "Europe/Nowhere" is not known; use an IANA name, such as Europe/Berlin`},
		{"a zone outside of the database", "0 2 * * *", "../passwd", time.Hour, "is not known"},
		{"the zone of the machine", "0 2 * * *", "Local", time.Hour, "name a zone"},
		{"no time", "0 2 * * *", "", 0, "must last longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]Window{{Cron: c.cron, TimeZone: c.zone, Duration: c.duration}})
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(c.message)))
		})
	}
}

func TestSchedule_Local(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := parsed(g, Window{Cron: "0 2 * * *", TimeZone: berlin, Duration: time.Hour}, Window{Cron: "0 2 * * *", TimeZone: "Asia/Tokyo", Duration: time.Hour})
	for when, want := range map[string]string{
		"2026-03-01 01:00": "2026-03-01 02:00 CET", "2026-03-01 17:00": "2026-03-02 02:00 JST", "2026-07-01 11:00": "2026-07-01 13:00 CEST",
	} {
		g.Expect(s.Local(at("UTC", when)).Format(stamp)).To(Equal(want))
		g.Expect(Schedule{}.Local(at("UTC", when)).Format(stamp)).To(Equal(when + " UTC"))
	}
}
