// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// patience bounds every wait for something that must come by itself.
const patience = 90 * time.Second

// wait polls until a condition holds, and says what was missing at the end.
func (d *driver) wait(what string, condition func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(d.ctx, 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = condition()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, last)
	}
	return nil
}

// put creates or updates an object as a user would, again while the API server is away
// or someone else is faster.
func put[T client.Object](d *driver, obj T, change func(T)) error {
	key := client.ObjectKeyFromObject(obj)
	return d.wait("write "+key.String(), func() error {
		err := d.c.Get(d.ctx, key, obj)
		if apierrors.IsNotFound(err) {
			obj.SetNamespace(key.Namespace)
			obj.SetName(key.Name)
			obj.SetResourceVersion("")
			change(obj)
			return d.c.Create(d.ctx, obj)
		}
		if err != nil {
			return err
		}
		change(obj)
		return d.c.Update(d.ctx, obj)
	})
}

// patch merges into an object, and does nothing about one that does not exist.
func (d *driver) patch(obj client.Object, patch map[string]any) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return d.wait("patch "+obj.GetName(), func() error {
		err := d.c.Patch(d.ctx, obj, client.RawPatch(types.MergePatchType, text), client.FieldOwner("kubectl-edit"))
		return client.IgnoreNotFound(err)
	})
}

// remove deletes an object and waits until it is gone.
func (d *driver) remove(obj client.Object) error {
	return d.wait("delete "+obj.GetName(), func() error {
		if err := d.c.Delete(d.ctx, obj); client.IgnoreNotFound(err) != nil {
			return err
		}
		err := d.c.Get(d.ctx, client.ObjectKeyFromObject(obj), obj.DeepCopyObject().(client.Object))
		if err == nil {
			return fmt.Errorf("still there")
		}
		return client.IgnoreNotFound(err)
	})
}

// object returns an empty ConfigMap or Secret.
func (s *source) object() client.Object {
	named := metav1.ObjectMeta{Namespace: s.ns, Name: s.name}
	if s.kind == triggerv1.SecretKind {
		return &corev1.Secret{ObjectMeta: named}
	}
	return &corev1.ConfigMap{ObjectMeta: named}
}

// write brings the API server up to a source of the fleet.
func (d *driver) writeSource(s *source) error {
	if !s.exists {
		return d.remove(s.object())
	}
	s.written = time.Now()
	return put(d, s.object(), func(obj client.Object) {
		set := map[string]string{groupLabel: s.group, triggerv1.LabelReconcilerNameSourceKey: "", meta.LabelKeyWatch: ""}
		switch {
		case s.contract != nil:
			set[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueEnabled
		case s.excluded:
			set[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueDisabled
		}
		if s.fluxWatch {
			set[meta.LabelKeyWatch] = meta.LabelValueWatchEnabled
		}
		obj.SetLabels(merged(obj.GetLabels(), set))
		annotations := map[string]string{"note": fmt.Sprint(s.note), triggerv1.HRNameAnnotation: strings.Join(s.contract, ", "), triggerv1.HRNSAnnotation: ""}
		if s.contract != nil && !s.omitNS {
			annotations[triggerv1.HRNSAnnotation] = s.contractNS
		}
		obj.SetAnnotations(merged(obj.GetAnnotations(), annotations))
		switch obj := obj.(type) {
		case *corev1.ConfigMap:
			obj.Data = s.data()
		case *corev1.Secret:
			obj.Data = map[string][]byte{}
			for key, value := range s.data() {
				obj.Data[key] = []byte(value)
			}
		}
	})
}

// merged returns a map with other values, without those that are empty.
func merged(m, set map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range m {
		out[key] = value
	}
	for key, value := range set {
		if out[key] = value; value == "" {
			delete(out, key)
		}
	}
	return out
}

func (r *release) object() *helmv2.HelmRelease {
	return &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: r.ns, Name: r.name}}
}

// writeRelease brings the API server up to a release of the fleet.
func (d *driver) writeRelease(r *release) error {
	if !r.exists {
		return d.remove(r.object())
	}
	r.written = append(r.written, time.Now())
	return put(d, r.object(), func(hr *helmv2.HelmRelease) {
		optOut := map[string]string{tierLabel: r.tier}
		if r.optOut {
			optOut[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueDisabled
		} else if hr.Labels[triggerv1.LabelReconcilerNameSourceKey] == triggerv1.LabelValueDisabled {
			optOut[triggerv1.LabelReconcilerNameSourceKey] = ""
		}
		hr.Labels = merged(hr.Labels, optOut)
		hr.Annotations = merged(hr.Annotations, map[string]string{"note": fmt.Sprint(r.note)})
		hr.Spec = helmv2.HelmReleaseSpec{
			Interval:   metav1.Duration{Duration: r.interval},
			Suspend:    r.suspended,
			ChartRef:   &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: chartName},
			MaxHistory: new(int), // Every revision is to be checked.
			Values:     d.fleet.inline(r),
		}
		for _, read := range r.reads {
			hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{Kind: read.source.kind, Name: read.source.name, Optional: read.optional})
		}
		if r.dependsOn != "" {
			hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: r.dependsOn}}
		}
	})
}

// inline returns the values in the spec of a release: a number, and all sources to
// look up.
func (f *fleet) inline(r *release) *apiextensionsv1.JSON {
	values := map[string]any{"inline": r.inline}
	var lookups []map[string]string
	for _, s := range f.sources {
		lookups = append(lookups, map[string]string{"kind": s.kind, "namespace": s.ns, "name": s.name})
	}
	values["lookups"] = lookups
	raw, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	return &apiextensionsv1.JSON{Raw: raw}
}

func (t *trigger) object() *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: t.name}}
}

// writeTrigger brings the API server up to a declared trigger of the fleet.
func (d *driver) writeTrigger(t *trigger) error {
	if !t.exists {
		return d.remove(t.object())
	}
	return put(d, t.object(), func(vt *triggerv1.ValuesTrigger) {
		vt.Annotations = merged(vt.Annotations, map[string]string{"note": fmt.Sprint(t.note)})
		vt.Spec = triggerv1.ValuesTriggerSpec{Suspend: t.suspended, Force: t.force}
		for _, s := range t.sources {
			ref := triggerv1.SourceReference{Keys: s.keys, Optional: s.optional, Force: s.force, Kind: s.kind, Namespace: s.ns}
			if s.source != nil {
				ref.Kind, ref.Namespace, ref.Name = s.source.kind, s.source.ns, s.source.name
			} else {
				ref.Selector = selecting(groupLabel, s.group)
			}
			vt.Spec.Sources = append(vt.Spec.Sources, ref)
		}
		for _, target := range t.targets {
			ref := triggerv1.TargetReference{Namespace: target.ns}
			if target.release != nil {
				ref.Namespace, ref.Name = target.release.ns, target.release.name
			} else {
				ref.Selector, ref.Optional = selecting(tierLabel, target.tier), true // Perhaps none is left.
				if target.ns == "" {
					ref.NamespaceSelector = selecting(envLabel, "prod")
				}
			}
			vt.Spec.Targets = append(vt.Spec.Targets, ref)
		}
	})
}

func selecting(key, value string) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{key: triggerv1.LabelValue(value)}}
}

// writeNamespace brings a namespace up to the fleet.
func (d *driver) writeNamespace(ns string) error {
	env := "test"
	if d.fleet.prod[ns] {
		env = "prod"
	}
	return put(d, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, func(obj *corev1.Namespace) {
		obj.Labels = merged(obj.Labels, map[string]string{envLabel: env})
	})
}

// writeChart brings the source of the charts in a namespace up to the fleet.
func (d *driver) writeChart(ns string) error {
	c := d.fleet.charts[ns]
	c.written = append(c.written, time.Now())
	version := c.version
	if c.broken {
		version += 1000 // Another chart under the same version would be a doubtful story.
	}
	return d.wait("publish the chart in "+ns, func() error {
		if !c.notReady {
			return d.w.PublishChart(d.ctx, ns, chartName, chart(version, c.broken))
		}
		repo := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
			"metadata": map[string]any{"namespace": ns, "name": chartName},
		}}
		return d.c.Status().Patch(d.ctx, repo, client.RawPatch(types.MergePatchType, []byte(`{"status":{"artifact":null}}`)))
	})
}
