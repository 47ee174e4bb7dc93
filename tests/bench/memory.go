// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// plainBytes and helmBytes are the sizes of the content of what no one refers to.
	plainBytes = 4 << 10
	helmBytes  = 100 << 10
)

// memory measures what objects cost that nothing refers to.
func memory(ctx context.Context, b *bench) (Result, error) {
	s, err := b.open(ctx, world.Options{NoAudit: true})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if err := s.fill(ctx, 0, b.sizes.plain, plainBytes); err != nil {
		return Result{}, err
	}
	if err := s.fillHelm(ctx, b.sizes.helm); err != nil {
		return Result{}, err
	}
	if err := s.install(ctx); err != nil {
		return Result{}, err
	}
	if err := pause(ctx, s.sizes.rest); err != nil {
		return Result{}, err
	}
	now, _, err := memoryOf(s.op.Process())
	if err != nil {
		return Result{}, err
	}

	// Both come up again, with all the objects there.
	if err := s.restart(ctx); err != nil {
		return Result{}, err
	}
	if err := s.w.RestartComponent(ctx, world.HelmController); err != nil {
		return Result{}, err
	}
	if err := pause(ctx, s.sizes.rest); err != nil {
		return Result{}, err
	}
	again, peak, err := memoryOf(s.op.Process())
	if err != nil {
		return Result{}, err
	}
	flux, fluxPeak, err := memoryOf(s.w.Component(world.HelmController))
	if err != nil {
		return Result{}, err
	}
	what := fmt.Sprintf("memory with %d ConfigMaps and Secrets each, %d of Helm", b.sizes.plain, b.sizes.helm)
	resident := row(what+": resident", "MiB", max(now, again), 64, "64 MiB")
	resident.Flux = &flux
	most := row(what+": peak of a start", "MiB", peak, 64, "64 MiB")
	most.Flux = &fluxPeak
	return Result{Rows: []Row{resident, most}}, nil
}

// fill makes the ConfigMaps and Secrets from a number up to another, of this size.
func (s *stage) fill(ctx context.Context, from, to, bytes int) error {
	const namespaces = 50
	if from == 0 {
		for i := range namespaces {
			if err := s.namespace(ctx, fmt.Sprintf("plain-%02d", i)); err != nil {
				return err
			}
		}
	}
	return many(to-from, func(i int) error {
		i += from
		named := metav1.ObjectMeta{
			Namespace: fmt.Sprintf("plain-%02d", i%namespaces),
			Name:      fmt.Sprintf("plain-%05d", i),
			Labels:    map[string]string{"app.kubernetes.io/name": fmt.Sprintf("app-%03d", i%500), "app.kubernetes.io/managed-by": "Helm"},
		}
		text := noise(bytes)
		if err := s.c.Create(ctx, &corev1.ConfigMap{ObjectMeta: named, Data: map[string]string{"key": text}}); err != nil {
			return err
		}
		return s.c.Create(ctx, &corev1.Secret{ObjectMeta: named, StringData: map[string]string{"key": text}})
	})
}

// fillHelm makes Secrets as Helm keeps its releases in them.
func (s *stage) fillHelm(ctx context.Context, n int) error {
	return many(n, func(i int) error {
		return s.c.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: fmt.Sprintf("plain-%02d", i%50),
				Name:      fmt.Sprintf("sh.helm.release.v1.app-%04d.v1", i),
				Labels:    map[string]string{"owner": "helm", "status": "deployed", "name": fmt.Sprintf("app-%04d", i), "version": "1"},
			},
			Type:       "helm.sh/release.v1",
			StringData: map[string]string{"release": noise(helmBytes)},
		})
	})
}

// noise returns a text that does not compress.
func noise(bytes int) string {
	text := make([]byte, 0, bytes)
	for len(text) < bytes {
		text = append(text, rand.Text()...)
	}
	return string(text[:bytes])
}
