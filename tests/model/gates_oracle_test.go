// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// gateIsRight returns an error if a gate is not Ready with the present content delivered
// to all.
func (d *driver) gateIsRight(g *gate, vt *triggerv1.ValuesTrigger) error {
	wrong := func(format string, args ...any) error {
		return problem{release: g.targets[0].release, text: "gate " + g.id() + ": " + fmt.Sprintf(format, args...)}
	}
	if vt == nil {
		return wrong("does not exist")
	}
	if vt.Status.ObservedGeneration != vt.Generation || !conditions.IsReady(vt) {
		return wrong("not ready: %s", conditions.GetMessage(vt, meta.ReadyCondition))
	}
	if !slices.Contains(g.digests(nil), vt.Status.LastDigest) {
		return wrong("has digest %s, which its sources never had", vt.Status.LastDigest)
	}
	for _, t := range vt.Status.Targets {
		if t.State != triggerv1.TargetDelivered || t.Digest != vt.Status.LastDigest {
			return wrong("%s/%s is %s with %s: %s", t.Namespace, t.Name, t.State, t.Digest, t.Message)
		}
	}
	if r := vt.Status.Rollout; g.gated() && (r == nil || r.Phase != triggerv1.RolloutFinished || r.Digest != vt.Status.LastDigest) {
		return wrong("the rollout is not finished: %+v", r)
	}
	return nil
}

// digests returns those that all sources together may have had when those that are given,
// by number, had these values.
func (g *gate) digests(numbers map[*origin]int) []string {
	combined := []map[string]string{{}}
	for _, o := range g.sources {
		var next []map[string]string
		for _, e := range o.editions {
			if want, given := numbers[o]; given && want != e.values {
				continue
			}
			for _, digest := range e.digests {
				for _, parts := range combined {
					parts = maps.Clone(parts)
					parts[o.id()] = digest
					next = append(next, parts)
				}
			}
		}
		combined = next
	}
	var all []string
	for _, parts := range combined {
		var sources []plan.Source
		for id, digest := range parts {
			sources = append(sources, plan.Source{ID: id, Digest: digest})
		}
		all = append(all, plan.Combined(sources))
	}
	return all
}

// kept returns what has happened to copies and releases of a gate that must not.
func (d *driver) kept(g *gate) error {
	for _, m := range g.targets {
		revisions, err := d.revisions(m.release)
		if err != nil {
			return err
		}
		for _, kind := range g.kinds() {
			j := judge{driver: d, member: m, kind: kind, seen: d.seen.of(kind, m.ns, m.copyName()), triggers: d.seen.of(triggerv1.ValuesTriggerKind, g.ns, g.name)}
			if len(revisions) > 0 {
				j.installed = revisions[0].Info.LastDeployed
			}
			if err := j.copies(); err != nil {
				return about(m.release, "copy %s: %v", kind, err)
			}
			for _, rev := range revisions {
				if err := j.revision(rev); err != nil {
					return about(m.release, "%v", err)
				}
			}
		}
	}
	return d.soundly(g)
}

// judge looks at all versions of a copy.
type judge struct {
	*driver
	*member
	kind      string
	seen      []sighting
	triggers  []sighting
	installed time.Time // the first revision, if there is one
}

// copies returns an error if the operator has ever written less than all keys, what the
// sources did not hold at one time, what is older than what was there, or anything before
// its turn.
func (j *judge) copies() error {
	last := map[*origin]int{}
	var before *sighting
	for i := range j.seen {
		one, previous := &j.seen[i], before
		before = one
		if one.gone || !ours(one.labels) || previous != nil && !previous.gone && maps.Equal(previous.texts, one.texts) {
			continue
		}
		numbers, err := j.numbers(one)
		if err != nil {
			if j.touched(previous, one) {
				continue
			}
			return fmt.Errorf("%s: %w", j.when(one), err)
		}
		news, back := false, j.takesBack(one, numbers)
		for o, number := range numbers {
			if number < last[o] && !back {
				return fmt.Errorf("%s: %d of %s after %d", j.when(one), number, o.id(), last[o])
			}
			news = news || number > last[o] && !back
		}
		last = numbers
		absent := previous == nil || previous.gone
		if err := j.consented(one); err != nil {
			return fmt.Errorf("%s: %w", j.when(one), err)
		}
		if news && !one.gap {
			first := absent && (j.installed.IsZero() || j.installed.After(j.since(one.at)))
			if err := j.turn(one, numbers, first); err != nil {
				return fmt.Errorf("%s: before its turn: %w", j.when(one), err)
			}
			j.count("changes of copies")
		}
	}
	return nil
}

func (j *judge) when(one *sighting) string {
	return fmt.Sprintf("at %.3f with %s", one.at.Sub(j.begun).Seconds(), brief(one.texts))
}

// numbers returns which edition of each source a version holds.
func (j *judge) numbers(one *sighting) (map[*origin]int, error) {
	numbers, editions := map[*origin]int{}, map[*origin]edition{}
	for _, o := range j.gate.sources {
		if o.kind != j.kind {
			continue
		}
		i := slices.IndexFunc(o.editions, func(e edition) bool { return e.text == one.texts[o.key()] })
		if i < 0 {
			return nil, fmt.Errorf("%q is not a content of %s", one.texts[o.key()], o.id())
		}
		numbers[o], editions[o] = o.editions[i].values, o.editions[i]
	}
	if len(one.texts) != len(numbers) {
		return nil, fmt.Errorf("%d keys and not %d", len(one.texts), len(numbers))
	}
	for _, a := range editions {
		for _, b := range editions {
			if !b.until.IsZero() && a.at.After(b.until) {
				return nil, fmt.Errorf("%d and %d were never there at the same time", a.values, b.values)
			}
		}
	}
	return numbers, nil
}

// touched reports whether someone has changed a copy since the version before.
func (j *judge) touched(previous, one *sighting) bool {
	since := one.at.Add(-notice)
	if previous != nil && previous.at.Before(since) {
		since = previous.at
	}
	return slices.ContainsFunc(j.hands[j.kind], func(at time.Time) bool {
		return at.After(since.Add(-instant)) && at.Before(one.at.Add(instant))
	})
}

// since returns from when on the operator may have decided what it wrote at a time: it
// may have been frozen in between.
func (j *judge) since(at time.Time) time.Time {
	since := at.Add(-notice)
	for _, m := range j.managers {
		for _, n := range m.naps {
			if n.from.Before(since) && n.meets(since) {
				since = n.from.Add(-notice)
			}
		}
	}
	return since
}

// known returns how old what the operator knew at a time may have been, if it does not
// ask the API server: its watches may have been silent.
func (j *judge) known(at time.Time) time.Time {
	since := j.since(at)
	for _, m := range j.managers {
		for _, n := range m.deaf {
			if n.from.Before(since) && n.meets(since) {
				since = n.from.Add(-notice)
			}
		}
	}
	return since
}

// consented returns an error if the owner of a source did not consent.
func (j *judge) consented(one *sighting) error {
	since := j.known(one.at)
	for _, o := range j.gate.sources {
		if o.kind != j.kind || o.ns == j.ns {
			continue
		}
		allowed := false
		for i, c := range o.consents {
			over := i+1 < len(o.consents) && o.consents[i+1].at.Before(since)
			allowed = allowed || !over && !c.at.After(one.at) && (c.text == "*" || strings.Contains(c.text, j.ns))
		}
		if !allowed {
			return fmt.Errorf("%s may not be copied to %s", o.id(), j.ns)
		}
	}
	return nil
}

// revision returns an error if a revision was made of what its copy did not hold.
func (j *judge) revision(rev revision) error {
	for _, o := range j.gate.sources {
		if o.kind != j.kind {
			continue
		}
		want := fmt.Sprintf("%s: %v\n", o.name, rev.Config[o.name])
		if !slices.ContainsFunc(j.seen, func(one sighting) bool {
			return one.gap || strings.HasPrefix(one.texts[o.key()], want) && one.at.Before(rev.Info.LastDeployed.Add(instant))
		}) {
			return fmt.Errorf("%s was made before its copy held that of %s", rev, o.id())
		}
	}
	return nil
}
