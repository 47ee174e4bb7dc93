// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
	"sigs.k8s.io/kustomize/api/krusty"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// chart packs the Helm chart with the version of the release. The image that it names by default is that of
// the release.
func (r *release) chart(context.Context) error {
	c, err := loader.LoadDir(filepath.Join(r.root, "config", "chart"))
	if err != nil {
		return err
	}
	c.Metadata.Version, c.Metadata.AppVersion = r.chartVersion(), r.version
	// For those who scan the images of charts.
	c.Metadata.Annotations["artifacthub.io/images"] = fmt.Sprintf("- name: manager\n  image: %s:%s\n", r.image, r.version)
	c.ModTime, c.SchemaModTime = r.epoch, r.epoch
	for _, f := range c.Raw {
		f.ModTime = r.epoch
	}
	for _, f := range append(c.Templates, c.Files...) {
		f.ModTime = r.epoch
	}
	_, err = util.Save(c, r.out)
	return err
}

// chartVersion is the version as Helm requires it: semantic, without the v. What git describe says of a commit
// between two releases, or before the first, is made one that sorts before the next release.
func (r *release) chartVersion() string {
	version := strings.TrimPrefix(r.version, "v")
	if parts := strings.SplitN(version, "-", 2); strings.Count(parts[0], ".") == 2 {
		return version
	}
	return "0.0.0-" + strings.ReplaceAll(version, "_", "-")
}

// manifests writes what kubectl apply needs to install the operator, with the image of the release.
func (r *release) manifests(context.Context) error {
	// kustomize takes changes from files alone: an overlay beside the checkout's own files.
	overlay, err := os.MkdirTemp(filepath.Join(r.root, "config"), ".release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(overlay)
	k := kustomize.Kustomization{
		TypeMeta:  kustomize.TypeMeta{APIVersion: kustomize.KustomizationVersion, Kind: kustomize.KustomizationKind},
		Resources: []string{"../default"},
		Images:    []kustomize.Image{{Name: r.image, NewTag: r.version}},
	}
	text, err := yaml.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), text, 0o600); err != nil {
		return err
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		return err
	}
	if text, err = resources.AsYaml(); err != nil {
		return err
	}
	if !strings.Contains(string(text), r.image+":"+r.version) {
		return fmt.Errorf("config/default does not use the image %s", r.image)
	}
	return r.write("install.yaml", text)
}

// schemas writes the JSON schema of each kind and version, under the name by which kubeconform and editors
// look for it.
func (r *release) schemas(context.Context) error {
	paths, err := filepath.Glob(filepath.Join(r.root, "config", "crd", "bases", "*.yaml"))
	if err != nil {
		return err
	}
	var files []file
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found, err := schemasOf(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		files = append(files, found...)
	}
	archive, err := packed(r.epoch, files)
	if err != nil {
		return err
	}
	return r.write("crd-schemas.tar.gz", archive)
}

// schemasOf returns the schemas of one CustomResourceDefinition.
func schemasOf(text []byte) ([]file, error) {
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				}
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return nil, err
	}
	var files []file
	for _, v := range crd.Spec.Versions {
		schema := v.Schema.OpenAPIV3Schema
		closeObjects(schema)
		schema["$schema"] = "http://json-schema.org/draft-07/schema#"
		data, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return nil, err
		}
		group, _, _ := strings.Cut(crd.Spec.Group, ".")
		name := strings.ToLower(strings.Join([]string{crd.Spec.Names.Kind, group, v.Name}, "-")) + ".json"
		files = append(files, file{name, append(data, '\n'), 0o644})
	}
	return files, nil
}

// closeObjects rejects unknown fields, as the API server does when it is strict. Only objects whose
// fields are all known are closed.
func closeObjects(schema map[string]any) {
	if properties, ok := schema["properties"].(map[string]any); ok {
		if _, open := schema["additionalProperties"]; !open {
			schema["additionalProperties"] = false
		}
		for _, property := range properties {
			if property, ok := property.(map[string]any); ok {
				closeObjects(property)
			}
		}
	}
	if items, ok := schema["items"].(map[string]any); ok {
		closeObjects(items)
	}
}
