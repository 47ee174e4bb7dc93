// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// gateOperations are what can happen about gates.
var gateOperations = []operation{
	{10, onGates, editOrigin},
	{4, onGates, breakOrigin},
	{3, onGates, deleteOrigin},
	{3, onGates, consentOrigin},
	{1, onGates, touchOrigin},

	{4, onGates, driftCopy},
	{3, onGates, deleteCopy},
	{3, onGates, estrangeCopy},

	{5, onGates, editGate},
	{3, onGates, suspendGate},
	{2, onGates, recreateGate},
	{6, onGates, approveGate},
	{2, onGates, requestGate},

	{3, onGates, createMember},
	{3, onGates, suspendMember},
	{2, onGates, editMember},
}

// onOrigin makes something of a source of a gate. Its content is then noted as decided.
func (d *driver) onOrigin(rng *rand.Rand, fits func(*origin) bool, do func(o *origin) (string, func())) (string, error) {
	g := pick(rng, d.fleet.gates...)
	o := among(rng, g.sources, fits)
	if o == nil {
		return "", nil
	}
	text, change := do(o)
	return d.act(text, change, func() error { return d.writeOrigin(o) })
}

func existingOrigin(o *origin) bool { return o.exists }

func editOrigin(d *driver, rng *rand.Rand) (string, error) {
	return d.onOrigin(rng, existingOrigin, func(o *origin) (string, func()) {
		next := d.fleet.next()
		return fmt.Sprintf("edit %s to %d (fixed: %t)", o.id(), next, o.broken != ""), func() { o.values, o.broken = next, "" }
	})
}

func breakOrigin(d *driver, rng *rand.Rand) (string, error) {
	return d.onOrigin(rng, existingOrigin, func(o *origin) (string, func()) {
		next, how := d.fleet.next(), pick(rng, rejected, failing, malformed, rejectedFor, rejectedFor)
		return fmt.Sprintf("break %s: %s %d", o.id(), how, next), func() { o.values, o.broken = next, how }
	})
}

// deleteOrigin deletes a source, or creates it again as it was or with other content.
func deleteOrigin(d *driver, rng *rand.Rand) (string, error) {
	return d.onOrigin(rng, func(*origin) bool { return true }, func(o *origin) (string, func()) {
		if o.exists {
			return "delete " + o.id(), func() { o.exists = false }
		}
		same := chance(rng, 0.5)
		return fmt.Sprintf("create %s (as before: %t)", o.id(), same), func() {
			if o.exists = true; !same {
				o.values = d.fleet.next()
			}
		}
	})
}

// consentOrigin is the owner of a source who says where its content may go.
func consentOrigin(d *driver, rng *rand.Rand) (string, error) {
	return d.onOrigin(rng, existingOrigin, func(o *origin) (string, func()) {
		consent := pick(rng, consents...)
		return fmt.Sprintf("%s may be copied to %q", o.id(), consent), func() { o.consent = consent }
	})
}

func touchOrigin(d *driver, rng *rand.Rand) (string, error) {
	return d.onOrigin(rng, existingOrigin, func(o *origin) (string, func()) {
		return "edit metadata of " + o.id(), func() { o.note = 1 - o.note }
	})
}

// onCopy is someone who has no business with a copy.
func (d *driver) onCopy(rng *rand.Rand, what string, do func(m *member, kind string, obj client.Object) error) (string, error) {
	m := pick(rng, pick(rng, d.fleet.gates...).targets...)
	kind := pick(rng, m.gate.kinds()...)
	text := fmt.Sprintf("%s %s %s/%s", what, kind, m.ns, m.copyName())
	return d.act(text, func() { m.drifted = true }, func() error {
		m.hands[kind] = append(m.hands[kind], time.Now())
		defer func() { m.hands[kind] = append(m.hands[kind], time.Now()) }()
		return do(m, kind, dataObject(kind, m.ns, m.copyName()))
	})
}

// driftCopy edits a copy, of one key or of all.
func driftCopy(d *driver, rng *rand.Rand) (string, error) {
	remove := chance(rng, 0.3)
	return d.onCopy(rng, fmt.Sprintf("edit (removing a key: %t)", remove), func(m *member, kind string, obj client.Object) error {
		for _, o := range m.gate.sources {
			if o.kind != kind {
				continue
			}
			var value any
			if !remove {
				value = fmt.Sprintf("%s: %d\n", o.name, d.foreign())
			}
			if kind == triggerv1.SecretKind {
				if text, ok := value.(string); ok {
					value = []byte(text)
				}
			}
			return d.patch(obj, map[string]any{"data": map[string]any{o.key(): value}})
		}
		return nil
	})
}

// foreign returns a number for content that is of no source.
func (d *driver) foreign() int { return -d.fleet.next() }

func deleteCopy(d *driver, rng *rand.Rand) (string, error) {
	return d.onCopy(rng, "delete", func(_ *member, _ string, obj client.Object) error {
		return d.wait("delete", func() error { return client.IgnoreNotFound(d.c.Delete(d.ctx, obj)) })
	})
}

// estrangeCopy makes a copy someone else's: what a label says is all that makes it one. If
// there is none, someone takes the name.
func estrangeCopy(d *driver, rng *rand.Rand) (string, error) {
	return d.onCopy(rng, "take over", func(m *member, kind string, obj client.Object) error {
		return put(d, obj, func(obj client.Object) {
			labels := obj.GetLabels()
			delete(labels, triggerv1.PublishedByLabel)
			obj.SetLabels(labels)
			if len(texts(obj)) > 0 {
				return
			}
			for _, o := range m.gate.sources {
				if o.kind == kind {
					setText(obj, o.key(), fmt.Sprintf("%s: %d\n", o.name, d.foreign()))
				}
			}
		})
	})
}

// editGate opens or closes it, or gives it another spec.
func editGate(d *driver, rng *rand.Rand) (string, error) {
	g := pick(rng, d.fleet.gates...)
	if !g.exists {
		return d.declareGate(g)
	}
	next := *g
	if next.draw(rng); g.window != "" && chance(rng, 0.6) {
		next = *g
		next.window = map[string]string{always: never, never: always}[g.window]
	}
	return d.act("edit "+next.String(), func() { *g = next }, func() error { return d.writeGate(g) })
}

// declareGate creates a trigger, if the one before it is gone.
func (d *driver) declareGate(g *gate) (string, error) {
	if !apierrors.IsNotFound(d.c.Get(d.ctx, client.ObjectKeyFromObject(g.object()), g.object())) {
		return "", nil
	}
	return d.act("declare "+g.String(), func() { g.exists = true }, func() error { return d.writeGate(g) })
}

func suspendGate(d *driver, rng *rand.Rand) (string, error) {
	g := pick(rng, d.fleet.gates...)
	if !g.exists {
		return "", nil
	}
	return d.act(fmt.Sprintf("suspend %s: %t", g.id(), !g.suspended), func() { g.suspended = !g.suspended }, func() error { return d.writeGate(g) })
}

// recreateGate deletes a trigger, which loses its status, and perhaps its copies, and
// mostly creates it again at once.
func recreateGate(d *driver, rng *rand.Rand) (string, error) {
	g := pick(rng, d.fleet.gates...)
	if !g.exists {
		return "", nil
	}
	text, err := d.act("delete "+g.id(), func() { g.exists, g.asked = false, false }, func() error {
		return d.wait("delete "+g.id(), func() error { return client.IgnoreNotFound(d.c.Delete(d.ctx, g.object())) })
	})
	if err != nil || chance(rng, 0.3) {
		return text, err
	}
	d.pause(rng)
	_, err = d.declareGate(g)
	return text, err
}

// approveGate is a person who approves what waits, or who comes with an old approval.
func approveGate(d *driver, rng *rand.Rand) (string, error) {
	g := pick(rng, d.fleet.gates...)
	vt := g.object()
	found := d.c.Get(d.ctx, client.ObjectKeyFromObject(vt), vt) == nil
	if !found || vt.Status.Rollout == nil || vt.Spec.Rollout == nil || !g.manual {
		return "", nil
	}
	approval := rollout.Approval(vt.Status.Rollout.Digest, "rest", vt.Status.LastHandledApproval)
	if chance(rng, 0.3) {
		approval = pick(rng, "sha256:00", approval+"/first", "nonsense")
	}
	return d.act(fmt.Sprintf("approve %s: %s", g.id(), approval), func() {}, func() error { return d.approve(g, approval) })
}

func (d *driver) approve(g *gate, approval string) error {
	return d.patch(g.object(), map[string]any{"metadata": map[string]any{"annotations": map[string]any{triggerv1.ApproveAnnotation: approval}}})
}

// requestGate is a person who asks for a delivery, and who may not want to wait for
// anything.
func requestGate(d *driver, rng *rand.Rand) (string, error) {
	g := pick(rng, d.fleet.gates...)
	if !g.exists {
		return "", nil
	}
	forced := chance(rng, 0.5)
	text := fmt.Sprintf("request %s, forced: %t", g.id(), forced)
	return d.act(text, func() {
		if g.asked = g.asked || forced; forced {
			for _, m := range g.targets {
				m.entitle(effective{at: time.Now(), forced: true, lasting: true, why: text})
			}
		}
	}, func() error { return d.patch(g.object(), d.annotation("person", forced)) })
}

func createMember(d *driver, rng *rand.Rand) (string, error) {
	m := among(rng, d.fleet.members(), func(m *member) bool { return !m.exists })
	if m == nil {
		return "", nil
	}
	return d.createMember(m)
}

func (d *driver) createMember(m *member) (string, error) {
	text := "create " + m.id()
	return d.act(text, func() {
		m.exists = true
		m.entitle(effective{at: time.Now(), why: text})
		if m.gate.asked {
			m.entitle(effective{at: time.Now(), forced: true, lasting: true, why: "forced, by " + text})
		}
	}, func() error { return d.writeMember(m) })
}

// suspendMember suspends a release, or resumes it: after a failure, that is another try.
func suspendMember(d *driver, rng *rand.Rand) (string, error) {
	m := among(rng, d.fleet.members(), func(m *member) bool { return m.exists })
	if m == nil {
		return "", nil
	}
	return d.suspendMember(m)
}

func (d *driver) suspendMember(m *member) (string, error) {
	text := fmt.Sprintf("suspend %s: %t", m.id(), !m.suspended)
	return d.act(text, func() {
		m.suspended = !m.suspended
		m.entitle(effective{at: time.Now(), retry: true, why: text})
	}, func() error { return d.writeMember(m) })
}

func editMember(d *driver, rng *rand.Rand) (string, error) {
	m := among(rng, d.fleet.members(), func(m *member) bool { return m.exists })
	if m == nil {
		return "", nil
	}
	text := "edit values of " + m.id()
	return d.act(text, func() {
		m.inline = d.fleet.next()
		m.entitle(effective{at: time.Now(), why: text})
	}, func() error { return d.writeMember(m) })
}
