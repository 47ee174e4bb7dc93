// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Namespaces of gates: of the trigger and most of its targets, of another target, and of
// a source that is far from all of them.
const (
	teamNS  = "team"
	edgeNS  = "edge"
	vaultNS = "vault"
)

// suffix is the end of the names of copies.
const suffix = "shared"

// stageLabel is what stages select by.
const stageLabel = "stage"

// Windows of a schedule.
const (
	always = "always"
	never  = "never" // For a minute at New Year.
)

// gate is a declared trigger that publishes copies and perhaps holds changes back, with
// sources and targets that no one else has. Who watches what it does knows that no new
// content comes to a release in any other way than by a copy, and no copy but in its turn.
type gate struct {
	ns, name string
	sources  []*origin
	targets  []*member

	exists    bool
	suspended bool
	policy    triggerv1.DeletionPolicy

	// What holds changes back.
	quiet  time.Duration
	window string // always, never, or nothing
	staged bool
	manual bool // The second stage needs an approval.
	single bool // One at a time.
	back   bool // What fails is rolled back.

	// asked reports that a person has asked it to force, and that this is not handled yet.
	asked bool
	// nudged is when a person last did something to get it on.
	nudged time.Time
}

// origin is a ConfigMap or Secret that is published.
type origin struct {
	kind, ns, name string

	exists  bool
	values  int
	broken  string
	consent string // the annotation that says where to
	note    int

	// editions are all contents that it ever had, the oldest first, and consents all that
	// was ever said of where they may go.
	editions []edition
	consents []consent
}

// consent is what was said at a time.
type consent struct {
	at   time.Time
	text string
}

// edition is one content of a source.
type edition struct {
	text   string
	values int
	broken string

	// at is before it was written for the first time, and until after the next one was
	// written, if there is one.
	at, until time.Time

	// digests that it had.
	digests []string
}

// member is a target of a gate: a release that reads nothing but its copies.
type member struct {
	*release
	gate  *gate
	stage string

	// hands are when someone has changed its copies of a kind, and drifted is true if
	// that has happened since the last rest: a revision may have it, until helm-controller
	// looks again at the interval.
	hands   map[string][]time.Time
	drifted bool
	nudged  time.Time
}

func (g *gate) id() string    { return g.ns + "/" + g.name }
func (o *origin) id() string  { return o.kind + "/" + o.ns + "/" + o.name }
func (o *origin) key() string { return o.name + ".yaml" }

// text is the content of a source under its key.
func (o *origin) text() string {
	text := fmt.Sprintf("%s: %d\n", o.name, o.values)
	switch o.broken {
	case rejected, failing:
		text += o.broken + ": true\n"
	case rejectedFor:
		text += rejectedFor + ": " + lastMember + "\n"
	case malformed:
		text = fmt.Sprintf("]: [%d", o.values)
	}
	return text
}

// lastMember is the release that a change comes to last, if it is the one that fails.
const lastMember = "m3"

// copyName is the name of the copies of a target.
func (m *member) copyName() string { return m.name + "-" + suffix }

// kinds are those of the sources, of each of which a target has a copy.
func (g *gate) kinds() []string {
	var kinds []string
	for _, o := range g.sources {
		if !slices.Contains(kinds, o.kind) {
			kinds = append(kinds, o.kind)
		}
	}
	return kinds
}

// gated reports whether anything holds changes back.
func (g *gate) gated() bool { return g.quiet > 0 || g.window != "" || g.staged }

// newGate draws a gate. It has numbers of its own, so that the rest of the fleet is the
// same as without it.
func newGate(rng *rand.Rand, f *fleet) *gate {
	g := &gate{ns: teamNS, name: "gate", exists: chance(rng, 0.8), policy: pick(rng, triggerv1.DeletionOrphan, triggerv1.DeletionDelete)}
	g.sources = []*origin{
		{kind: triggerv1.ConfigMapKind, ns: teamNS, name: "a"},
		{kind: pick(rng, triggerv1.ConfigMapKind, triggerv1.SecretKind), ns: vaultNS, name: "b"},
	}
	for _, o := range g.sources {
		o.exists, o.values, o.consent = true, f.next(), consents[0]
	}
	for i, ns := range []string{teamNS, teamNS, edgeNS} {
		m := &member{
			release: &release{ns: ns, name: "m" + fmt.Sprint(i+1), exists: chance(rng, 0.8), interval: time.Hour, ledger: newLedger()},
			gate:    g, stage: "rest", hands: map[string][]time.Time{},
		}
		if i == 0 {
			m.stage = "first"
		}
		if chance(rng, 0.4) {
			m.interval = 5 * time.Second
		}
		g.targets = append(g.targets, m)
	}
	g.draw(rng)
	return g
}

// consents are what owners say of where their content may go, the first with all that is
// needed.
var consents = []string{teamNS + ", " + edgeNS, "*", teamNS, "elsewhere", ""}

// draw gives a gate another spec: sometimes one that holds nothing back.
func (g *gate) draw(rng *rand.Rand) {
	if g.quiet, g.window, g.staged, g.manual, g.back = 0, "", false, false, false; chance(rng, 0.2) {
		return
	}
	g.quiet = pick(rng, 0, 0, time.Second, 2*time.Second)
	g.window = pick(rng, "", "", always, never)
	g.staged = chance(rng, 0.7)
	g.manual = g.staged && chance(rng, 0.5)
	g.back = g.staged && chance(rng, 0.6)
	g.single = chance(rng, 0.5)
}

// String says what a gate is about, for the story.
func (g *gate) String() string {
	var parts []string
	for _, o := range g.sources {
		parts = append(parts, o.id())
	}
	return fmt.Sprintf("%s of %s, quiet=%s window=%q stages=%t manual=%t one at a time=%t rolled back=%t policy=%s suspended=%t",
		g.id(), strings.Join(parts, " and "), g.quiet, g.window, g.staged, g.manual, g.single, g.back, g.policy, g.suspended)
}

// members returns the targets of all gates.
func (f *fleet) members() []*member {
	var members []*member
	for _, g := range f.gates {
		members = append(members, g.targets...)
	}
	return members
}

// all returns the releases of the fleet and those of the gates.
func (f *fleet) all() []*release {
	all := slices.Clone(f.releases)
	for _, m := range f.members() {
		all = append(all, m.release)
	}
	return all
}
