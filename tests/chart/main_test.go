// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package chart tests the Helm chart and the kustomize installation: what they
// render, that both are the same, and what they do to a real API server.
package chart

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	chartDir = "../../config/chart"

	// As in the installation command of the documentation.
	release   = "helmrelease-trigger-operator"
	namespace = "helmrelease-trigger-operator-system"

	manager = "helmrelease-trigger-operator-controller-manager"

	// What is rendered is for a cluster that serves it.
	mutatingPolicies = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
)

var w *world.World

func TestMain(m *testing.M) {
	os.Exit(world.Main(m, world.Options{NoHelmController: true, AddToScheme: []func(*runtime.Scheme) error{triggerv1.AddToScheme}}, &w))
}

// objects are those of a rendered chart or kustomization.
type objects []*unstructured.Unstructured

// find returns the object, or nil.
func (o objects) find(kind, name string) *unstructured.Unstructured {
	for _, obj := range o {
		if obj.GetKind() == kind && obj.GetName() == name {
			return obj
		}
	}
	return nil
}

// kind returns all objects of a kind.
func (o objects) kind(kind string) objects {
	var found objects
	for _, obj := range o {
		if obj.GetKind() == kind {
			found = append(found, obj)
		}
	}
	return found
}

// deployment returns the only Deployment.
func (o objects) deployment(g Gomega) *appsv1.Deployment {
	found := o.kind("Deployment")
	g.Expect(found).To(HaveLen(1))
	return convert[appsv1.Deployment](g, found[0])
}

// container returns the only container of the only Deployment.
func (o objects) container(g Gomega) corev1.Container {
	containers := o.deployment(g).Spec.Template.Spec.Containers
	g.Expect(containers).To(HaveLen(1))
	g.Expect(containers[0].Name).To(Equal("manager"))
	return containers[0]
}

// yaml returns the objects as a stream that kubectl reads.
func (o objects) yaml(g Gomega) string {
	var out strings.Builder
	for _, obj := range o {
		data, err := obj.MarshalJSON()
		g.Expect(err).NotTo(HaveOccurred())
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.String()
}

func convert[T any](g Gomega, obj *unstructured.Unstructured) *T {
	into := new(T)
	g.Expect(runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, into, true)).To(Succeed())
	return into
}

// rendered is what helm template made of values: most are rendered for several tests.
var rendered sync.Map

// render returns what helm template makes of the values, of which the last win.
func render(t *testing.T, values ...string) objects {
	t.Helper()
	g := NewWithT(t)
	out, found := rendered.Load(strings.Join(values, "\x00"))
	if !found {
		var err error
		out, err = template(t, values...)
		g.Expect(err).NotTo(HaveOccurred())
		rendered.Store(strings.Join(values, "\x00"), out)
	}
	return decode(g, out.(string))
}

// template runs helm template with the values, as YAML.
func template(t *testing.T, values ...string) (string, error) {
	t.Helper()
	args := []string{"template", release, chartDir, "--namespace", namespace, "--api-versions", mutatingPolicies}
	for _, v := range values {
		args = append(args, "--values", valuesFile(t, v))
	}
	return helm(t, args...)
}

func valuesFile(t *testing.T, values string) string {
	t.Helper()
	g := NewWithT(t)
	// Not t.TempDir: at a comma in the name of the test, Helm sees two files.
	file, err := os.CreateTemp("", "values-*.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = os.Remove(file.Name()) })
	// The indentation is Go's, which YAML forbids.
	_, err = file.WriteString(strings.ReplaceAll(values, "\t", "  "))
	g.Expect(errors.Join(err, file.Close())).To(Succeed())
	return file.Name()
}

func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	needWorld(t)
	return w.Helm(t.Context(), args...)
}

// kustomize returns what kubectl kustomize makes of a directory.
func kustomize(t *testing.T, dir string) objects {
	t.Helper()
	needWorld(t)
	g := NewWithT(t)
	out, err := w.Kubectl(t.Context(), "kustomize", dir)
	g.Expect(err).NotTo(HaveOccurred())
	return decode(g, out)
}

func needWorld(t *testing.T) {
	t.Helper()
	if w == nil {
		t.Skip("needs a test world; running with -short")
	}
}

func decode(g Gomega, stream string) objects {
	var all objects
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewBufferString(stream), 4096); ; {
		obj := &unstructured.Unstructured{}
		err := dec.Decode(obj)
		if errors.Is(err, io.EOF) {
			return all
		}
		g.Expect(err).NotTo(HaveOccurred())
		if len(obj.Object) > 0 {
			all = append(all, obj)
		}
	}
}
