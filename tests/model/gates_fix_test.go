// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// pace is how often a person does something about what makes no progress.
const pace = 3 * time.Second

// fixGates makes everything possible, and opens all gates. At first it leaves what has to be
// rolled back.
func (d *driver) fixGates(all bool) error {
	for _, g := range d.fleet.gates {
		for _, o := range g.sources {
			if err := d.fixOrigin(o, g.back && !all); err != nil {
				return err
			}
		}
		for _, m := range g.targets {
			if err := d.fixMember(m); err != nil {
				return err
			}
		}
		if !g.exists {
			if err := d.remove(g.object()); err != nil {
				return err
			}
		}
		if _, err := d.act("open "+g.id(), func() {
			if g.exists, g.suspended = true, false; g.window == never {
				g.window = always
			}
		}, func() error { return d.writeGate(g) }); err != nil {
			return err
		}
		// No one tells the operator that a name is free.
		if err := d.patch(g.object(), d.annotation("person", false)); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) fixOrigin(o *origin, leave bool) error {
	if o.exists && (o.broken == "" || leave) && (o.consent == "*" || o.consent == consents[0]) {
		return nil
	}
	_, err := d.act("fix "+o.id(), func() {
		if o.broken != "" && !leave {
			o.values, o.broken = d.fleet.next(), ""
		}
		o.exists, o.consent = true, consents[0]
	}, func() error { return d.writeOrigin(o) })
	return err
}

func (d *driver) fixMember(m *member) error {
	for _, kind := range m.gate.kinds() {
		obj := dataObject(kind, m.ns, m.copyName())
		err := d.c.Get(d.ctx, client.ObjectKeyFromObject(obj), obj)
		if client.IgnoreNotFound(err) != nil {
			return err
		}
		if err == nil && !ours(obj.GetLabels()) {
			d.note("%s %s/%s makes room", kind, m.ns, m.copyName())
			m.hands[kind] = append(m.hands[kind], time.Now())
			if err := d.remove(obj); err != nil {
				return err
			}
		}
	}
	if !m.exists {
		_, err := d.createMember(m)
		return err
	}
	if m.suspended {
		_, err := d.suspendMember(m)
		return err
	}
	return nil
}

// ours reports whether labels are those of a copy.
func ours(labels map[string]string) bool { return labels[triggerv1.PublishedByLabel] != "" }

// tend does what a person does about a gate while all settles: it is approved,
// tried again after helm-controller was cut off, and a release that has read what
// someone wrote into its copy is checked before its interval ends.
func (d *driver) tend() error {
	for _, g := range d.fleet.gates {
		vt := g.object()
		if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(vt), vt); err != nil {
			return err
		}
		if err := d.tendRollout(g, vt); err != nil {
			return err
		}
		for _, m := range g.targets {
			if err := d.tendMember(m, vt); err != nil {
				return err
			}
		}
	}
	return nil
}

// lost reports whether a rollout waits for a person since the targets of its stage are gone.
func lost(r *triggerv1.RolloutStatus) bool {
	return r.Phase == triggerv1.RolloutBlocked && slices.ContainsFunc(r.Stages, func(st triggerv1.StageStatus) bool {
		return st.Name == r.Stage && st.Targets == 0
	})
}

func (d *driver) tendRollout(g *gate, vt *triggerv1.ValuesTrigger) error {
	r := vt.Status.Rollout
	if r == nil || vt.Spec.Rollout == nil || time.Since(g.nudged) < pace {
		return nil
	}
	switch {
	case r.Phase == triggerv1.RolloutAwaitingApproval:
		g.nudged = time.Now()
		approval := rollout.Approval(r.Digest, r.Stage, vt.Status.LastHandledApproval)
		d.note("approve %s: %s", g.id(), approval)
		return d.approve(g, approval)
	case (r.Phase == triggerv1.RolloutHalted || r.Phase == triggerv1.RolloutRollbackHalted) && len(d.outages) > 0, lost(r):
		g.nudged = time.Now()
		text := fmt.Sprintf("reset %s, which is %s: %s", g.id(), r.Phase, r.Message)
		d.note("%s", text)
		d.count("rollouts reset")
		for _, m := range g.targets {
			m.entitle(effective{at: time.Now(), retry: true, why: text})
		}
		patch := d.annotation("person", false)
		annotations := patch["metadata"].(map[string]any)["annotations"].(map[string]any)
		annotations[helmv2.ResetRequestAnnotation] = annotations[meta.ReconcileRequestAnnotation]
		return d.patch(g.object(), patch)
	}
	return nil
}

func (d *driver) tendMember(m *member, vt *triggerv1.ValuesTrigger) error {
	if !m.drifted || time.Since(m.nudged) < pace || d.memberRuns(m) == nil {
		return nil
	}
	for _, t := range vt.Status.Targets {
		if t.Namespace != m.ns || t.Name != m.name || t.State != triggerv1.TargetDelivered || t.Digest != vt.Status.LastDigest {
			continue
		}
		m.nudged = time.Now()
		d.note("reconcile %s by hand, since someone has changed its copy", m.id())
		d.count("releases reconciled after a drift")
		return d.patch(m.object(), d.annotation("person", false))
	}
	return nil
}

// fixed forgets what had to be fixed by a person.
func (d *driver) fixed() {
	for _, m := range d.fleet.members() {
		m.drifted = false
	}
}

// memberRuns returns what is old in a target of a gate, or in its copies.
func (d *driver) memberRuns(m *member) error {
	values, _, err := d.running(m.release)
	if err != nil {
		return err
	}
	for _, o := range m.gate.sources {
		obj := dataObject(o.kind, m.ns, m.copyName())
		if err := d.c.Get(d.ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return about(m.release, "copy %s: %v", o.kind, err)
		}
		if have := texts(obj)[o.key()]; have != o.text() {
			return about(m.release, "the copy %s has %q, and %s holds %q", o.kind, strings.TrimSpace(have), o.id(), strings.TrimSpace(o.text()))
		}
		if have := fmt.Sprint(values[o.name]); have != fmt.Sprint(o.values) {
			return about(m.release, "runs values %s of %s, which holds %d", have, o.id(), o.values)
		}
	}
	return nil
}
