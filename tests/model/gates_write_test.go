// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"encoding/json"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// populateGates writes all that there is of gates at the beginning.
func (d *driver) populateGates() error {
	for _, g := range d.fleet.gates {
		for _, o := range g.sources {
			if err := d.writeOrigin(o); err != nil {
				return err
			}
		}
		if g.exists {
			d.note("there is %s", g)
			if err := d.writeGate(g); err != nil {
				return err
			}
		}
		for _, m := range g.targets {
			d.note("there is %s: %t, in stage %s, every %s", m.id(), m.exists, m.stage, m.interval)
			if !m.exists {
				continue
			}
			m.entitle(effective{at: time.Now(), why: "creation"})
			if err := d.writeMember(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// dataObject returns an empty ConfigMap or Secret.
func dataObject(kind, ns, name string) client.Object {
	named := metav1.ObjectMeta{Namespace: ns, Name: name}
	if kind == triggerv1.SecretKind {
		return &corev1.Secret{ObjectMeta: named}
	}
	return &corev1.ConfigMap{ObjectMeta: named}
}

// setText sets what is under a key of a ConfigMap or Secret.
func setText(obj client.Object, key, text string) {
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		if obj.Data == nil {
			obj.Data = map[string]string{}
		}
		obj.Data[key] = text
	case *corev1.Secret:
		if obj.Data == nil {
			obj.Data = map[string][]byte{}
		}
		obj.Data[key] = []byte(text)
	}
}

// texts returns what is in a ConfigMap or Secret.
func texts(obj client.Object) map[string]string {
	all := map[string]string{}
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		return obj.Data
	case *corev1.Secret:
		for key, value := range obj.Data {
			all[key] = string(value)
		}
	}
	return all
}

// writeOrigin brings the API server up to a source of a gate, and notes its editions.
func (d *driver) writeOrigin(o *origin) error {
	obj := dataObject(o.kind, o.ns, o.name)
	if !o.exists {
		return d.remove(obj)
	}
	at := time.Now()
	if err := put(d, obj, func(obj client.Object) {
		annotations := map[string]string{triggerv1.PublishToAnnotation: o.consent, "note": ""}
		if o.note > 0 {
			annotations["note"] = "touched"
		}
		obj.SetAnnotations(merged(obj.GetAnnotations(), annotations))
		setText(obj, o.key(), o.text())
	}); err != nil {
		return err
	}
	if n := len(o.editions); n == 0 || o.editions[n-1].values != o.values {
		if n > 0 {
			o.editions[n-1].until = time.Now()
		}
		o.editions = append(o.editions, edition{text: o.text(), values: o.values, broken: o.broken, at: at})
	}
	o.consents = append(o.consents, consent{at, o.consent})
	last := &o.editions[len(o.editions)-1]
	last.digests = append(last.digests, keys.Of(obj).Digest())
	return nil
}

// writeMember brings the API server up to a target of a gate.
func (d *driver) writeMember(m *member) error {
	m.written = append(m.written, time.Now())
	values, err := json.Marshal(map[string]any{"inline": m.inline})
	if err != nil {
		return err
	}
	return put(d, m.object(), func(hr *helmv2.HelmRelease) {
		hr.Labels = merged(hr.Labels, map[string]string{stageLabel: m.stage})
		hr.Annotations = merged(hr.Annotations, map[string]string{triggerv1.AllowFromAnnotation: m.gate.ns})
		hr.Spec = helmv2.HelmReleaseSpec{
			Interval:   metav1.Duration{Duration: m.interval},
			Suspend:    m.suspended,
			ChartRef:   &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: chartName},
			MaxHistory: new(int),
			Values:     &apiextensionsv1.JSON{Raw: values},
		}
		for _, o := range m.gate.sources {
			hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{Kind: o.kind, Name: m.copyName(), ValuesKey: o.key()})
		}
	})
}

// object returns an empty trigger of the name.
func (g *gate) object() *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: g.ns, Name: g.name}}
}

// writeGate brings the API server up to the trigger of a gate.
func (d *driver) writeGate(g *gate) error {
	if !g.exists {
		return d.remove(g.object())
	}
	return put(d, g.object(), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec = triggerv1.ValuesTriggerSpec{
			Suspend: g.suspended, QuietPeriod: metav1.Duration{Duration: g.quiet},
			Publish: &triggerv1.Publish{Name: suffix, DeletionPolicy: g.policy},
		}
		for _, o := range g.sources {
			vt.Spec.Sources = append(vt.Spec.Sources, triggerv1.SourceReference{Kind: o.kind, Namespace: o.ns, Name: o.name})
		}
		for _, m := range g.targets {
			vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Namespace: m.ns, Name: m.name})
		}
		switch g.window {
		case always:
			vt.Spec.Schedule = []triggerv1.Window{{Cron: "* * * * *", TimeZone: "UTC", Window: metav1.Duration{Duration: 2 * time.Minute}}}
		case never:
			vt.Spec.Schedule = []triggerv1.Window{{Cron: "0 0 1 1 *", TimeZone: "UTC", Window: metav1.Duration{Duration: time.Minute}}}
		}
		if !g.staged {
			return
		}
		first, rest := triggerv1.Stage{Name: "first", Selector: selecting(stageLabel, "first")}, triggerv1.Stage{Name: "rest"}
		if g.manual {
			rest.Approval = triggerv1.ApprovalManual
		}
		if g.single {
			one := intstr.FromInt32(1)
			rest.MaxConcurrency = &one
		}
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{first, rest}, OnFailure: triggerv1.FailureHalt}
		if g.back {
			vt.Spec.Rollout.OnFailure = triggerv1.FailureRollback
		}
	})
}
