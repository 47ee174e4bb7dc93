// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nonroot is the user of distroless images, so that both ways to build the image run as the same one.
const nonroot = "65532"

// writeImage writes an OCI image layout with one image per architecture. The image is from scratch: the
// operator is one static file, which trusts the cluster's certificate and carries its time zones itself.
func (r *release) writeImage(context.Context) error {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, j := range r.jobs {
		if j.program != manager {
			continue
		}
		image, err := r.imageOf(j)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: j.os, Architecture: j.arch},
		}})
	}
	index = mutate.Annotations(index, r.labels()).(v1.ImageIndex)
	path, err := layout.Write(filepath.Join(r.out, "image"), empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	// What is signed, and what a cautious user pins.
	return r.write("image-digest.txt", []byte(digest.String()+"\n"))
}

func (r *release) imageOf(j job) (v1.Image, error) {
	files, err := r.rootFiles(j)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := writeTar(tar.NewWriter(&content), r.epoch, files); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = j.os, j.arch, v1.Time{Time: r.epoch}
	config.History = []v1.History{{Created: v1.Time{Time: r.epoch}, CreatedBy: "make release-artifacts"}}
	config.Config = v1.Config{
		User:       nonroot + ":" + nonroot,
		Entrypoint: []string{"/manager"},
		WorkingDir: "/",
		Labels:     r.labels(),
	}
	return mutate.ConfigFile(image, config)
}

// rootFiles are all files of the image.
func (r *release) rootFiles(j job) ([]file, error) {
	program, err := os.ReadFile(r.binary(j))
	if err != nil {
		return nil, err
	}
	licence, err := os.ReadFile(filepath.Join(r.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	return []file{
		{"etc/", nil, 0o755},
		{"etc/passwd", []byte("nonroot:x:" + nonroot + ":" + nonroot + "::/:/sbin/nologin\n"), 0o644},
		{"licenses/", nil, 0o755},
		{"licenses/LICENSE", licence, 0o644},
		{"manager", program, 0o755},
	}, nil
}

// labels are those of the Dockerfile.
func (r *release) labels() map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "helmrelease-trigger-operator",
		"org.opencontainers.image.description": "Delivers changes of ConfigMaps and Secrets to Flux HelmReleases",
		"org.opencontainers.image.source":      "https://" + module,
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     r.version,
		"org.opencontainers.image.revision":    r.revision,
	}
}
