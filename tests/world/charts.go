// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Chart is a Helm chart in memory.
type Chart struct {
	Name    string
	Version string // a semantic version
	// Files by their path inside the chart, such as templates/a.yaml.
	// Chart.yaml is made from Name and Version unless it is here.
	Files map[string]string
}

// files returns the chart's files with Chart.yaml.
func (c Chart) files() map[string]string {
	files := map[string]string{
		"Chart.yaml": fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", c.Name, c.Version),
	}
	maps.Copy(files, c.Files)
	return files
}

// Write writes the chart's files into a directory, for helm to read.
func (c Chart) Write(dir string) error {
	for name, data := range c.files() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("writing chart %s: %w", c.Name, err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			return fmt.Errorf("writing chart %s: %w", c.Name, err)
		}
	}
	return nil
}

// archive packs the chart as helm package does. The same chart makes the same
// bytes, and so the same digest.
func (c Chart) archive() ([]byte, error) {
	files := c.files()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	pack := tar.NewWriter(zip)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: c.Name + "/" + name, Mode: 0o644, Size: int64(len(files[name]))}
		if err := pack.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := pack.Write([]byte(files[name])); err != nil {
			return nil, err
		}
	}
	if err := pack.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// PublishChart serves a chart and records it in an OCIRepository as
// source-controller would, so that HelmReleases can name it in chartRef:
// helm-controller takes the URL in its status at its word. Publishing again
// under the same name is a new revision of the source. A world with
// Options.GitOps has a source-controller, and PushChart for it.
func (w *World) PublishChart(ctx context.Context, namespace, name string, c Chart) error {
	if w.services[SourceController] != nil {
		return fmt.Errorf("publishing chart %s: source-controller fetches charts in this world, use PushChart", c.Name)
	}
	data, err := c.archive()
	if err != nil {
		return fmt.Errorf("packing chart %s: %w", c.Name, err)
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	path := fmt.Sprintf("ocirepository/%s/%s/%s.tgz", namespace, name, digest)
	w.artifacts.add(path, data)

	repo := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "source.toolkit.fluxcd.io/v1",
		"kind":       "OCIRepository",
		"metadata":   map[string]any{"namespace": namespace, "name": name},
		"spec": map[string]any{
			"url":      "oci://charts.invalid/" + c.Name,
			"interval": "1h",
			"ref":      map[string]any{"tag": c.Version},
		},
	}}
	owner := client.FieldOwner("source-controller")
	err = w.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(repo), owner, client.ForceOwnership)
	if err != nil {
		return fmt.Errorf("applying OCIRepository %s/%s: %w", namespace, name, err)
	}
	now := time.Now().UTC().Format(time.RFC3339)
	revision := c.Version + "@sha256:" + digest
	patch, err := json.Marshal(map[string]any{"status": map[string]any{
		"observedGeneration": repo.GetGeneration(),
		"url":                w.artifacts.url + path,
		"artifact": map[string]any{
			"url":            w.artifacts.url + path,
			"path":           path,
			"revision":       revision,
			"digest":         "sha256:" + digest,
			"lastUpdateTime": now,
			"size":           int64(len(data)),
		},
		"conditions": []any{map[string]any{
			"type":               "Ready",
			"status":             string(metav1.ConditionTrue),
			"reason":             "Succeeded",
			"message":            "stored artifact for digest '" + revision + "'",
			"observedGeneration": repo.GetGeneration(),
			"lastTransitionTime": now,
		}},
	}})
	if err != nil {
		return fmt.Errorf("encoding the status of OCIRepository %s/%s: %w", namespace, name, err)
	}
	if err := w.client.Status().Patch(ctx, repo, client.RawPatch(types.MergePatchType, patch), owner); err != nil {
		return fmt.Errorf("recording the artifact of OCIRepository %s/%s: %w", namespace, name, err)
	}
	return nil
}

// Artifacts returns the address below which charts are served.
func (w *World) Artifacts() string { return w.artifacts.url }

// artifactServer stands in for the file server of source-controller.
type artifactServer struct {
	url    string
	server *http.Server
	mu     sync.RWMutex
	files  map[string][]byte
}

func startArtifactServer() (*artifactServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving charts: %w", err)
	}
	s := &artifactServer{url: "http://" + listener.Addr().String() + "/", files: map[string][]byte{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *artifactServer) add(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = data
}

// ServeHTTP serves the artifacts by their path.
func (s *artifactServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.RLock()
	data, found := s.files[strings.TrimPrefix(r.URL.Path, "/")]
	s.mu.RUnlock()
	if !found {
		http.NotFound(rw, r)
		return
	}
	_, _ = rw.Write(data)
}

func (s *artifactServer) close() {
	if s != nil {
		_ = s.server.Close()
	}
}
