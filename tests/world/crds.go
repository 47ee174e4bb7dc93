// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fluxCRDs returns a directory with the manifests of Flux's kinds, copied out
// of the modules of its controllers.
func (b *builder) fluxCRDs(ctx context.Context) (string, error) {
	pin, err := readPin("flux-crds")
	if err != nil {
		return "", err
	}
	dir := pin.dir(b.cache)
	crds := filepath.Join(dir, "crds")
	if _, err := os.Stat(crds); err == nil {
		return crds, nil
	}
	unlock, err := b.lock(ctx, dir)
	if err != nil {
		return "", fmt.Errorf("downloading Flux's manifests: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(crds); err == nil {
		return crds, nil
	}
	if err := pin.write(dir); err != nil {
		return "", err
	}
	done := b.report("downloading Flux's manifests", 10*time.Second)
	err = copyCRDs(ctx, dir, crds)
	done(err)
	if err != nil {
		return "", fmt.Errorf("downloading Flux's manifests: %w", err)
	}
	return crds, nil
}

func copyCRDs(ctx context.Context, dir, crds string) error {
	out, err := runGo(ctx, dir, "mod", "download", "-json",
		pinnedModules["helm-controller"], pinnedModules["kustomize-controller"], pinnedModules["notification-controller"], pinnedModules["source-controller"])
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o755)); err != nil {
		return fmt.Errorf("clearing a former download: %w", err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var module struct{ Path, Dir string }
		if err := dec.Decode(&module); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("reading the output of go mod download: %w", err)
		}
		paths, err := filepath.Glob(filepath.Join(module.Dir, "config", "crd", "bases", "*.yaml"))
		if err != nil || len(paths) == 0 {
			return fmt.Errorf("no manifests found in module %s", module.Path)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(filepath.Join(tmp, filepath.Base(path)), data, 0o644)
			}
			if err != nil {
				return fmt.Errorf("copying a manifest: %w", err)
			}
		}
	}
	if err := os.Rename(tmp, crds); err != nil {
		return fmt.Errorf("moving the manifests into the cache: %w", err)
	}
	return nil
}

// InstallCRDs applies every CustomResourceDefinition in the given YAML files
// or directories of such files, and returns once all of them are served. The
// API server holds back the creation of objects of a kind for the kind's first
// two seconds.
func (w *World) InstallCRDs(ctx context.Context, paths ...string) error {
	var crds []*unstructured.Unstructured
	for _, path := range paths {
		files := []string{path}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			files, _ = filepath.Glob(filepath.Join(path, "*.yaml"))
		}
		for _, file := range files {
			found, err := readCRDs(file)
			if err != nil {
				return fmt.Errorf("reading manifests: %w", err)
			}
			crds = append(crds, found...)
		}
	}
	for _, crd := range crds {
		err := w.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(crd), client.FieldOwner("world"), client.ForceOwnership)
		if err != nil {
			return fmt.Errorf("installing %s: %w", crd.GetName(), err)
		}
	}
	for _, crd := range crds {
		if err := w.waitServed(ctx, crd); err != nil {
			return err
		}
	}
	return nil
}

func readCRDs(file string) ([]*unstructured.Unstructured, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var crds []*unstructured.Unstructured
	for dec := yaml.NewYAMLOrJSONDecoder(f, 4096); ; {
		u := &unstructured.Unstructured{}
		if err := dec.Decode(u); errors.Is(err, io.EOF) {
			return crds, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if u.GetKind() == "CustomResourceDefinition" {
			crds = append(crds, u)
		}
	}
}

// waitServed waits until lists of every served version succeed. The condition
// Established comes some milliseconds too early for that.
func (w *World) waitServed(ctx context.Context, crd *unstructured.Unstructured) error {
	group, _, _ := unstructured.NestedString(crd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	for _, v := range versions {
		version, _ := v.(map[string]any)
		if served, _ := version["served"].(bool); !served {
			continue
		}
		path := fmt.Sprintf("/apis/%s/%s/%s", group, version["name"], plural)
		if err := w.waitGet(ctx, path+"?limit=1"); err != nil {
			return fmt.Errorf("waiting for %s to be served: %w", crd.GetName(), err)
		}
	}
	return nil
}
