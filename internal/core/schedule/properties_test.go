// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

var zones = []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"}

// random returns a schedule of up to three windows.
func random(rng *rand.Rand) []Window {
	field := func(most int) string {
		switch rng.Intn(4) {
		case 0:
			return "*"
		case 1:
			return fmt.Sprintf("*/%d", 1+rng.Intn(most))
		case 2:
			return fmt.Sprintf("%d,%d", rng.Intn(most), rng.Intn(most))
		default:
			return fmt.Sprint(rng.Intn(most))
		}
	}
	var windows []Window
	for range 1 + rng.Intn(3) {
		windows = append(windows, Window{
			Cron:     fmt.Sprintf("%s %s * * %s", field(60), field(24), []string{"*", "*", "sun", "mon-fri"}[rng.Intn(4)]),
			TimeZone: zones[rng.Intn(len(zones))],
			Duration: time.Duration(1+rng.Intn(600)) * time.Minute,
		})
	}
	return windows
}

// What Next says is what Open says: closed until it opens, open from then on until it
// closes, and closed then.
func TestProperty_next_and_open_agree(t *testing.T) {
	t.Parallel()
	for seed := range int64(400) {
		g := NewWithT(t)
		rng := rand.New(rand.NewSource(seed))
		windows := random(rng)
		s := parsed(g, windows...)
		// Half of them around the days on which clocks are changed.
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rng.Int63n(int64(365 * 24 * time.Hour))))
		if rng.Intn(2) == 0 {
			day := [][2]int{{3, 8}, {3, 29}, {4, 5}, {10, 4}, {10, 25}, {11, 1}}[rng.Intn(6)]
			now = time.Date(2026, time.Month(day[0]), day[1]-1, 12, rng.Intn(720), 0, 0, time.UTC)
		}
		what := fmt.Sprintf("seed %d: %v at %s", seed, windows, now)
		if s.Open(now) {
			for _, w := range s.windows {
				g.Expect(w.next(now).After(now)).To(BeTrue(), what)
			}
			continue
		}
		opens, closes := s.Next(now)
		g.Expect(opens.After(now)).To(BeTrue(), what)
		g.Expect(s.Open(opens)).To(BeTrue(), what)
		for at := now; at.Before(opens); at = at.Add(opens.Sub(now)/7 + 1) {
			g.Expect(s.Open(at)).To(BeFalse(), "%s, %s", what, at)
		}
		if closes.IsZero() {
			continue
		}
		g.Expect(s.Open(closes)).To(BeFalse(), what)
		for at := opens; at.Before(closes); at = at.Add(closes.Sub(opens)/7 + 1) {
			g.Expect(s.Open(at)).To(BeTrue(), "%s, %s", what, at)
		}
	}
}

// A window at a fixed hour opens once on every day, whatever the clocks do.
func TestProperty_a_fixed_hour_comes_once_a_day(t *testing.T) {
	t.Parallel()
	for _, zone := range zones {
		for hour := range 24 {
			g := NewWithT(t)
			s := parsed(g, Window{Cron: fmt.Sprintf("30 %d * * *", hour), TimeZone: zone, Duration: time.Minute})
			after, count := at(zone, "2026-01-01 00:00"), 0
			for after = s.windows[0].next(after); after.Before(at(zone, "2027-01-01 00:00")); after = s.windows[0].next(after) {
				count++
			}
			g.Expect(count).To(Equal(365), "%s, %d:30", zone, hour)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("0 2 * * *", "Europe/Berlin", int64(7200))
	f.Add("*/5 1-3 1,15 jan-mar mon", "", int64(60))
	f.Add("TZ=x", "Local", int64(0))
	f.Add("@every 1s", "..", int64(-1))
	f.Fuzz(func(t *testing.T, cron, zone string, seconds int64) {
		s, err := Parse([]Window{{Cron: cron, TimeZone: zone, Duration: time.Duration(seconds%604800) * time.Second}})
		if err != nil {
			return
		}
		now := time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC)
		if !s.Open(now) {
			if opens, _ := s.Next(now); !opens.After(now) || !s.Open(opens) {
				t.Fatalf("%q %q: closed at %s, opens at %s", cron, zone, now, opens)
			}
		}
	})
}
