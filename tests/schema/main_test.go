// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package schema tests the CustomResourceDefinitions against a real API server:
// what it rejects and how it says so, what it fills in, and the samples.
package schema

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const crds = "../../config/crd/bases"

var w *world.World

func TestMain(m *testing.M) {
	os.Exit(world.Main(m, world.Options{NoHelmController: true, CRDs: []string{crds}}, &w))
}

func needWorld(t *testing.T) {
	t.Helper()
	if w == nil {
		t.Skip("needs a test world; running with -short")
	}
}

// trigger returns a ValuesTrigger with the spec, in YAML.
func trigger(g Gomega, spec string) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	g.Expect(yaml.Unmarshal([]byte(spec), &obj.Object)).To(Succeed())
	obj.Object = map[string]any{"spec": obj.Object}
	obj.SetAPIVersion("trigger.nebius.ai/v1beta1")
	obj.SetKind("ValuesTrigger")
	obj.SetNamespace("default")
	obj.SetGenerateName("schema-")
	return obj
}

func decode(g Gomega, stream []byte) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096); ; {
		obj := &unstructured.Unstructured{}
		err := dec.Decode(obj)
		if errors.Is(err, io.EOF) {
			return all
		}
		g.Expect(err).NotTo(HaveOccurred())
		all = append(all, obj)
	}
}

const samples = "../../config/samples"

// sampleFiles are all files with samples.
func sampleFiles(g Gomega) []string {
	entries, err := os.ReadDir(samples)
	g.Expect(err).NotTo(HaveOccurred())
	var files []string
	for _, entry := range entries {
		if entry.Name() != "kustomization.yaml" {
			files = append(files, entry.Name())
		}
	}
	return files
}

// listedSamples are those that kubectl apply -k applies.
func listedSamples(g Gomega) []string {
	data, err := os.ReadFile(samples + "/kustomization.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	var kustomization struct{ Resources []string }
	g.Expect(yaml.Unmarshal(data, &kustomization)).To(Succeed())
	return kustomization.Resources
}
