// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// annotation returns a patch that asks for a reconciliation, forced or not.
func (d *driver) annotation(who string, forced bool) map[string]any {
	d.requests++
	value := fmt.Sprintf("%s-%d", who, d.requests)
	annotations := map[string]any{meta.ReconcileRequestAnnotation: value}
	if forced {
		annotations[meta.ForceRequestAnnotation] = value
	}
	return map[string]any{"metadata": map[string]any{"annotations": annotations}}
}

// requestRelease is another actor that uses the annotation of the operator.
func requestRelease(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	if r == nil {
		return "", nil
	}
	forced := chance(rng, 0.2)
	text := fmt.Sprintf("someone requests %s, forced: %t", r.id(), forced)
	return d.act(text, func() {
		if forced {
			r.entitle(effective{at: time.Now(), forced: true, why: text})
		}
	}, func() error {
		err := d.patch(r.object(), d.annotation("stranger", forced))
		return err
	})
}

func deleteTrigger(d *driver, rng *rand.Rand) (string, error) {
	return d.onTrigger(rng, true, func(t *trigger) (string, func()) {
		return "delete " + t.id(), func() { t.exists, t.asked = false, nil }
	})
}

func createTrigger(d *driver, rng *rand.Rand) (string, error) {
	return d.onTrigger(rng, false, func(t *trigger) (string, func()) {
		if chance(rng, 0.5) {
			d.fleet.draw(rng, t)
		}
		return "declare " + t.String(), func() { t.exists = true }
	})
}

// recreateTrigger deletes and creates a declared trigger, which loses its status.
func recreateTrigger(d *driver, rng *rand.Rand) (string, error) {
	t := among(rng, d.fleet.triggers, existingTrigger)
	if t == nil {
		return "", nil
	}
	if text, err := d.act("delete "+t.id()+" for a moment", func() { t.exists, t.asked = false, nil }, func() error { return d.writeTrigger(t) }); err != nil {
		return text, err
	}
	return d.act("declare "+t.String(), func() { t.exists = true }, func() error { return d.writeTrigger(t) })
}

func editTrigger(d *driver, rng *rand.Rand) (string, error) {
	return d.onTrigger(rng, true, func(t *trigger) (string, func()) {
		next := *t
		d.fleet.draw(rng, &next)
		return "edit " + next.String(), func() { *t = next }
	})
}

func suspendTrigger(d *driver, rng *rand.Rand) (string, error) {
	return d.onTrigger(rng, true, func(t *trigger) (string, func()) {
		return fmt.Sprintf("suspend %s: %t", t.id(), !t.suspended), func() { t.suspended = !t.suspended }
	})
}

func (d *driver) onTrigger(rng *rand.Rand, exists bool, do func(t *trigger) (string, func())) (string, error) {
	t := among(rng, d.fleet.triggers, func(t *trigger) bool { return t.exists == exists })
	if t == nil {
		return "", nil
	}
	text, change := do(t)
	return d.act(text, change, func() error { return d.writeTrigger(t) })
}

// requestTrigger is a person who asks a declared trigger for a delivery.
func requestTrigger(d *driver, rng *rand.Rand) (string, error) {
	t := among(rng, d.fleet.triggers, existingTrigger)
	if t == nil {
		return "", nil
	}
	forced := chance(rng, 0.5)
	text := fmt.Sprintf("request %s, forced: %t", t.id(), forced)
	return d.act(text, func() {
		if forced {
			t.asked = map[*release]bool{}
		}
	}, func() error {
		err := d.patch(t.object(), d.annotation("person", forced))
		return err
	})
}

// handled forgets what a person has asked of triggers that have handled it.
func (d *driver) handled() {
	for _, g := range d.fleet.gates {
		vt := g.object()
		if g.asked && d.c.Get(d.ctx, client.ObjectKeyFromObject(vt), vt) == nil && vt.Status.LastHandledForceAt == vt.Annotations[meta.ForceRequestAnnotation] {
			g.asked = false
		}
	}
	for _, t := range d.fleet.triggers {
		if t.asked == nil {
			continue
		}
		vt := t.object()
		err := d.c.Get(d.ctx, client.ObjectKeyFromObject(vt), vt)
		if err == nil && vt.Status.LastHandledForceAt == vt.Annotations[meta.ForceRequestAnnotation] {
			t.asked = nil
		}
	}
}

// meddle is a person who does to a generated trigger what one should not.
func meddle(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	if r == nil {
		return "", nil
	}
	vt := &triggerv1.ValuesTrigger{}
	vt.Namespace, vt.Name = r.ns, generated.Names(r.name)[0]
	another := among(rng, d.fleet.releases, func(other *release) bool { return other != r })
	source := among(rng, d.fleet.sources, existingSource)
	spec := map[string]any{}
	what := pick(rng, "delete", "delete", "suspend", "resume", "force", "source", "target", "request")
	switch what {
	case "suspend", "resume":
		spec["suspend"] = what == "suspend"
	case "force":
		spec["force"] = pick(rng, triggerv1.ForceAlways, triggerv1.ForceNever)
	case "source":
		if source == nil {
			return "", nil
		}
		spec["sources"] = []any{map[string]any{"kind": source.kind, "namespace": source.ns, "name": source.name, "force": "Never"}}
	case "target":
		spec["targets"] = []any{map[string]any{"namespace": another.ns, "name": another.name}}
	}
	text := fmt.Sprintf("meddle with the trigger of %s: %s", r.id(), what)
	return d.act(text, func() {}, func() error {
		switch what {
		case "delete":
			return d.wait("delete", func() error { return client.IgnoreNotFound(d.c.Delete(d.ctx, vt)) })
		case "request":
			err := d.patch(vt, d.annotation("person", false))
			return err
		}
		err := d.patch(vt, map[string]any{"spec": spec})
		return err
	})
}

// tamper is a person who removes or forges what the operator has written on objects of
// others.
func tamper(d *driver, rng *rand.Rand) (string, error) {
	r := among(rng, d.fleet.releases, existingRelease)
	s := among(rng, d.fleet.sources, func(s *source) bool { return s.exists && s.contract != nil })
	what, obj := "labels", client.Object(nil)
	metadata := map[string]any{}
	if chance(rng, 0.5) && s != nil {
		what, obj = "digest of "+s.id(), s.object()
		metadata["annotations"] = map[string]any{triggerv1.HashAnnotation: pick[any](rng, nil, "sha256:00", "nonsense!")}
	} else if r != nil && len(r.reads) > 0 {
		what, obj = "labels of "+r.id(), r.object()
		key := pick(rng, triggerv1.HRNameAnnotation, triggerv1.HRNSAnnotation)
		metadata["labels"] = map[string]any{key: pick[any](rng, nil, "another")}
	}
	if obj == nil {
		return "", nil
	}
	return d.act("tamper with the "+what, func() {}, func() error {
		return d.patch(obj, map[string]any{"metadata": metadata})
	})
}

// labelNamespace changes which namespaces the triggers select.
func labelNamespace(d *driver, rng *rand.Rand) (string, error) {
	ns := pick(rng, "flux-system", "apps")
	return d.act(fmt.Sprintf("namespace %s is in production: %t", ns, !d.fleet.prod[ns]), func() { d.fleet.prod[ns] = !d.fleet.prod[ns] },
		func() error { return d.writeNamespace(ns) })
}

// changeChart publishes a chart, or breaks or fixes what is there.
func changeChart(d *driver, rng *rand.Rand) (string, error) {
	ns := pick(rng, "flux-system", "apps")
	c := d.fleet.charts[ns]
	next := *c
	switch {
	case c.broken || c.notReady:
		next.broken, next.notReady = false, false
	default:
		switch rng.IntN(3) {
		case 0:
			next.version = d.fleet.next()
		case 1:
			next.broken = true
		case 2:
			next.notReady = true
		}
	}
	text := fmt.Sprintf("the chart in %s has version %d, broken: %t, not ready: %t", ns, next.version, next.broken, next.notReady)
	return d.act(text, func() { *c = next }, func() error { return d.writeChart(ns) })
}

// troubleManager is what can happen to the operator.
func troubleManager(d *driver, rng *rand.Rand) (string, error) {
	m := pick(rng, d.managers...)
	what := pick(rng, "kill", "kill", "kill at a write", "kill at a write", "kill at a write", "stop", "freeze", "faults", "faults", "no faults")
	text := m.name + ": " + what
	switch {
	case m.frozen:
		return d.act(m.name+" goes on", func() {}, func() error { m.thaw(); return nil })
	case !m.running():
		// It may be killed again right at the beginning.
		m.plan(m.fault, pick(rng, 0, 0, 1, 2, 3, 5), chance(rng, 0.5))
		return d.act(m.name+" starts", func() {}, func() error { m.start(d); return nil })
	}
	return d.act(text, func() {}, func() error {
		switch what {
		case "kill at a write":
			m.plan(m.fault, 1+rng.IntN(6), chance(rng, 0.5))
		case "freeze":
			return m.freeze()
		case "faults":
			d.events = true
			m.plan(pick(rng, 0.05, 0.2, 0.5), 0, false)
		case "no faults":
			m.plan(0, 0, false)
		default:
			return m.end(d, what == "kill")
		}
		return nil
	})
}

// troubleLease takes the leadership away from anyone who has it.
func troubleLease(d *driver, rng *rand.Rand) (string, error) {
	if len(d.managers) == 1 {
		return "", nil
	}
	switch rng.IntN(3) {
	case 0:
		return d.act("someone takes the lease", func() {}, func() error { return d.takeLease(false) })
	case 1:
		return d.act("the lease is deleted", func() {}, func() error { return d.takeLease(true) })
	default:
		m := pick(rng, d.managers...)
		return d.act(m.name+" cannot renew its lease", func() {}, func() error { m.cutOff(); return nil })
	}
}

// troubleHelm kills helm-controller, or starts it.
func troubleHelm(d *driver, _ *rand.Rand) (string, error) {
	if d.w.Component(world.HelmController).Running() {
		return d.act("kill helm-controller", func() {}, d.killHelm)
	}
	return d.act("start helm-controller", func() {}, d.startHelm)
}

func troubleAPI(d *driver, rng *rand.Rand) (string, error) {
	if !chance(rng, 0.5) {
		return "", nil
	}
	return d.act("restart the API server", func() {}, d.restartAPI)
}
