// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"testing"

	. "github.com/onsi/gomega"
)

func TestWorst(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Worst()).To(Equal(Current))
	g.Expect(Worst(Current, Absent)).To(Equal(Absent))
	g.Expect(Worst(Absent, Outdated, Current)).To(Equal(Outdated))
	g.Expect(Worst(Outdated, Foreign, Absent)).To(Equal(Foreign))
}

func TestMoment_Now(t *testing.T) {
	t.Parallel()
	running := Moment{Exists: true, Installed: true}
	with := func(m Moment, edit func(*Moment)) Moment { edit(&m); return m }
	for _, c := range []struct {
		name   string
		moment Moment
		// outdated and absent are the answers for such copies.
		outdated, absent bool
	}{
		{"nothing to do", running, false, false},
		{"a request that is made", with(running, func(m *Moment) { m.Due = true }), true, true},
		{"a request that is held", with(running, func(m *Moment) { m.Due, m.Held, m.Gated = true, true, true }), false, false},
		{"a request that is held from a release that was delivered something else", with(running, func(m *Moment) { m.Due, m.Held = true, true }), false, false},
		{"someone has changed what is delivered", with(running, func(m *Moment) { m.Delivered, m.Gated = true, true }), true, true},
		{"no release", Moment{}, true, true},
		{"no release behind a gate", Moment{Gated: true}, false, true},
		{"a release that is not installed", Moment{Exists: true, Gated: true}, false, true},
		{"a release that is not installed and held", Moment{Exists: true, Due: true, Held: true, Gated: true}, false, true},
		{"what a release finds when it is installed first has been edited", Moment{Exists: true}, true, true},
		{"what a release finds when it is installed first, while the change waits", Moment{Exists: true, Due: true, Held: true}, false, true},
		{"a release that is denied", with(running, func(m *Moment) { m.Denied, m.Delivered = true, true }), false, false},
		{"a release that does not exist and is denied", Moment{Denied: true}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			for state, want := range map[State]bool{Current: false, Foreign: false, Outdated: c.outdated, Absent: c.absent} {
				m := c.moment
				m.Copies = state
				g.Expect(m.Now()).To(Equal(want), "state %d", state)
			}
		})
	}
}

// FuzzMoment: behind a gate, content of a release that runs something else changes only
// with its request.
func FuzzMoment(f *testing.F) {
	f.Add(uint16(0), uint8(0))
	f.Fuzz(func(t *testing.T, bits uint16, state uint8) {
		bit := func(i int) bool { return bits&(1<<i) != 0 }
		m := Moment{Copies: State(state % 4), Denied: bit(0), Due: bit(1), Held: bit(2), Exists: bit(3), Installed: bit(4), Delivered: bit(5), Gated: bit(6)}
		asked := m.Due && !m.Held
		if m.Now() && m.Copies == Outdated && m.Gated && !asked && !m.Delivered {
			t.Errorf("new values pass the gate: %+v", m)
		}
		if m.Now() && (m.Denied || m.Copies == Foreign) {
			t.Errorf("what is not ours is written: %+v", m)
		}
		if asked && !m.Denied && (m.Copies == Outdated || m.Copies == Absent) && !m.Now() {
			t.Errorf("a request goes without its content: %+v", m)
		}
	})
}

func TestCrossing_Check(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		crossing Crossing
		err      string
	}{
		{"all in one namespace", Crossing{From: "apps", To: "apps", Trigger: "apps"}, ""},
		{"out of the trigger's namespace", Crossing{From: "config", To: "apps", Trigger: "config", Consented: true}, "Secret config/s may not be copied into namespace apps"},
		{"into the trigger's namespace", Crossing{From: "config", To: "apps", Trigger: "apps"}, "trigger.nebius.ai/publish-to: apps"},
		{"with consent", Crossing{From: "config", To: "apps", Trigger: "apps", PublishTo: "other, apps"}, ""},
		{"with consent to all", Crossing{From: "config", To: "apps", Trigger: "apps", PublishTo: "*"}, ""},
		{"with consent to others", Crossing{From: "config", To: "apps", Trigger: "apps", PublishTo: "app,apps2, ,"}, "may not be copied"},
		{"as an account", Crossing{From: "config", To: "apps", Trigger: "apps", Account: true}, ""},
		{"as an account into another namespace", Crossing{From: "config", To: "apps", Trigger: "config", Account: true}, ""},
		{"into another namespace with the consent of its owner", Crossing{From: "apps", To: "apps", Trigger: "config", Consented: true}, ""},
		{"into another namespace without", Crossing{From: "config", To: "apps", Trigger: "config", PublishTo: "*", Target: "app", Copy: Copy{Kind: "Secret", Namespace: "apps", Name: "app-s"}}, "trigger.nebius.ai/allow-from: config on HelmRelease apps/app, or on Namespace apps for all in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.crossing.Source = "Secret/config/s"
			if c.err == "" {
				NewWithT(t).Expect(c.crossing.Check()).To(Succeed())
			} else {
				NewWithT(t).Expect(c.crossing.Check()).To(MatchError(ContainSubstring(c.err)))
			}
		})
	}
}

func TestMoment_Carried(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	held := Moment{Copies: Absent, Exists: true, Installed: true, Due: true, Held: true, Gated: true}
	g.Expect(held.Carried()).To(BeTrue())
	for name, edit := range map[string]func(*Moment){
		"there":         func(m *Moment) { m.Copies = Outdated },
		"denied":        func(m *Moment) { m.Denied = true },
		"its turn":      func(m *Moment) { m.Held = false },
		"not installed": func(m *Moment) { m.Installed = false },
		"gone":          func(m *Moment) { m.Exists = false },
	} {
		m := held
		edit(&m)
		g.Expect(m.Carried()).To(BeFalse(), name)
	}
}

func TestPredecessor(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	copyOf := func(kind, target, suffix string) Copy {
		return Wanted(platform, key(target), []Source{{kind + "/config/a", suffix}})[0]
	}
	want := copyOf("ConfigMap", "app", "new")
	others := []Copy{copyOf("Secret", "app", "old"), copyOf("ConfigMap", "other", "old")}
	_, sure := Predecessor(want, others)
	g.Expect(sure).To(BeFalse(), "of another kind, or for another release")
	i, sure := Predecessor(want, append(others, copyOf("ConfigMap", "app", "old")))
	g.Expect(sure).To(BeTrue())
	g.Expect(i).To(Equal(2))
	_, sure = Predecessor(want, append(others, copyOf("ConfigMap", "app", "old"), copyOf("ConfigMap", "app", "older")))
	g.Expect(sure).To(BeFalse(), "which of them holds these sources is not known")
	kept := copyOf("ConfigMap", "app", "old")
	kept.Labels["trigger.nebius.ai/kept"] = "true"
	_, sure = Predecessor(want, []Copy{kept})
	g.Expect(sure).To(BeFalse(), "what is kept is not a copy")
}

func TestJudge_what_the_owner_applies_is_his(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	want := Wanted(platform, key("app"), []Source{{"ConfigMap/config/a", "new"}})[0]
	content := Content{Data: map[string]string{"a": "1"}}
	have := &Existing{Labels: want.Labels, Content: content, Taken: []string{"b"}}
	g.Expect(Judge(want, content, have)).To(Equal(Current), "a key of his own")
	have.Taken = []string{"a"}
	g.Expect(Judge(want, content, have)).To(Equal(Foreign))
}
