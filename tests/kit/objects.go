// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package kit has what tests in a world make and wait for: objects as users write them, and
// what the status of an object says.
package kit

import (
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// ChartName is the OCIRepository from which releases are installed.
	ChartName = "chart"

	// ValuesKey is what a release reads of a ConfigMap or Secret by default.
	ValuesKey = "values.yaml"
)

// World returns the options of a world whose client knows the kinds of the operator. They
// leave the CustomResourceDefinition to the chart.
func World() world.Options {
	return world.Options{AddToScheme: []func(*runtime.Scheme) error{triggerv1.AddToScheme}}
}

// ConfigMap returns a ConfigMap with some data.
func ConfigMap(namespace, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

// Values returns a ConfigMap with values that releases can read.
func Values(namespace, name, values string) *corev1.ConfigMap {
	return ConfigMap(namespace, name, map[string]string{ValuesKey: values})
}

// Secret returns a Secret with some data.
func Secret(namespace, name string, data map[string]string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, StringData: data}
}

// Source makes an object a source of the contract: of the releases of these names, in a
// namespace if one is given.
func Source[T client.Object](obj T, names, namespace string) T {
	obj.SetLabels(map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled})
	annotations := map[string]string{triggerv1.HRNameAnnotation: names}
	if namespace != "" {
		annotations[triggerv1.HRNSAnnotation] = namespace
	}
	obj.SetAnnotations(annotations)
	return obj
}

// Labelled adds a label to an object that is to be created.
func Labelled[T client.Object](obj T, key, value string) T {
	labels := maps.Clone(obj.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	obj.SetLabels(labels)
	return obj
}

// Release returns a HelmRelease of the chart of its namespace.
func Release(namespace, name string, modify ...func(*helmv2.HelmRelease)) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: helmv2.HelmReleaseSpec{
			Interval: metav1.Duration{Duration: time.Hour},
			ChartRef: &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: ChartName},
			// For each, the API server compresses its whole schema, and helm-controller reads it.
			Install: &helmv2.Install{DisableOpenAPIValidation: true},
			Upgrade: &helmv2.Upgrade{DisableOpenAPIValidation: true},
		},
	}
	for _, m := range modify {
		m(hr)
	}
	return hr
}

// Reads makes a HelmRelease read the values of a ConfigMap or Secret.
func Reads(kind, name string, modify ...func(*meta.ValuesReference)) func(*helmv2.HelmRelease) {
	return func(hr *helmv2.HelmRelease) {
		ref := meta.ValuesReference{Kind: kind, Name: name}
		for _, m := range modify {
			m(&ref)
		}
		hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, ref)
	}
}

// Optional lets a HelmRelease do without what it reads.
func Optional(ref *meta.ValuesReference) { ref.Optional = true }
