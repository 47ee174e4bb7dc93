// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	namespace = "apps"
	releases  = 8

	// beat is the time between two edits, and acts their number.
	beat = 4 * time.Second
	acts = 60
)

// story is what happens while Prometheus looks on.
type story struct {
	w  *world.World
	c  client.Client
	op *operator.Operator
}

// tell plays the story: releases whose values are edited now and then, and what else goes
// on in a cluster.
func (s *story) tell(ctx context.Context) error {
	if err := s.c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	if err := s.w.PublishChart(ctx, namespace, kit.ChartName, world.TestChart()); err != nil {
		return err
	}
	objects := []client.Object{values("platform", "region: north"), flags("0")}
	for i := range releases {
		objects = append(objects, values(app(i), "replicas: 1"), release(app(i)))
	}
	for _, obj := range objects {
		if err := s.c.Create(ctx, obj); err != nil {
			return err
		}
	}

	events := map[int]func(context.Context) error{
		8:  func(ctx context.Context) error { return s.suspend(ctx, app(6), true) },
		10: func(ctx context.Context) error { return s.edit(ctx, "platform", "region: south") },
		14: func(ctx context.Context) error { return s.c.Create(ctx, missing()) },
		18: func(ctx context.Context) error { return s.edit(ctx, app(2), "fail: true") },
		26: func(ctx context.Context) error { return s.edit(ctx, app(2), "replicas: 3") },
		29: s.lose,
		34: func(ctx context.Context) error { return s.suspend(ctx, app(6), false) },
		38: func(ctx context.Context) error { return s.c.Delete(ctx, missing()) },
		42: func(ctx context.Context) error { return s.edit(ctx, "platform", "region: east") },
		46: s.restart,
		52: func(ctx context.Context) error { return s.edit(ctx, app(4), "reject: true") },
	}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for act := range acts {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		happens, found := events[act]
		switch {
		case found:
		case act%4 == 1:
			happens = func(ctx context.Context) error { return s.edit(ctx, app(act%2), fmt.Sprint("replicas: ", act)) }
		default:
			continue
		}
		if err := happens(ctx); err != nil {
			return fmt.Errorf("act %d: %w", act, err)
		}
	}
	return nil
}

func app(i int) string { return fmt.Sprintf("app-%d", i) }

func values(name, content string) *corev1.ConfigMap { return kit.Values(namespace, name, content) }

// flags is a labelled source of two releases that do not read it through valuesFrom.
func flags(value string) *corev1.ConfigMap {
	return kit.Source(kit.ConfigMap(namespace, "flags", map[string]string{"flag": value}), app(0)+","+app(1), namespace)
}

func release(name string) *helmv2.HelmRelease {
	return kit.Release(namespace, name, kit.Reads(triggerv1.ConfigMapKind, "platform"), kit.Reads(triggerv1.ConfigMapKind, name))
}

// missing is a trigger whose target does not exist.
func missing() *triggerv1.ValuesTrigger {
	return kit.Trigger(namespace, "typo", kit.From(triggerv1.ConfigMapKind, "platform"), kit.To("ap-1"))
}

func (s *story) edit(ctx context.Context, name, content string) error {
	patch := client.MergeFrom(kit.ConfigMap(namespace, name, nil))
	return s.c.Patch(ctx, values(name, content), patch)
}

func (s *story) suspend(ctx context.Context, name string, suspend bool) error {
	hr := &helmv2.HelmRelease{}
	if err := s.c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, hr); err != nil {
		return err
	}
	patch := client.MergeFrom(hr.DeepCopy())
	hr.Spec.Suspend = suspend
	return s.c.Patch(ctx, hr, patch)
}

// lose has forced requests overwritten by someone else before helm-controller, which is
// down for a moment, sees them.
func (s *story) lose(ctx context.Context) error {
	if err := s.w.StopComponent(ctx, world.HelmController); err != nil {
		return err
	}
	if err := s.c.Patch(ctx, flags("1"), client.Merge); err != nil {
		return err
	}
	for _, name := range []string{app(0), app(1)} {
		if err := s.overwrite(ctx, name); err != nil {
			return err
		}
	}
	return s.w.StartComponent(ctx, world.HelmController)
}

// overwrite waits for a request and puts another one in its place.
func (s *story) overwrite(ctx context.Context, name string) error {
	hr := &helmv2.HelmRelease{}
	for {
		if err := s.c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, hr); err != nil {
			return err
		}
		if hr.Annotations[meta.ReconcileRequestAnnotation] != hr.Status.LastHandledReconcileAt {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	patch := client.MergeFrom(hr.DeepCopy())
	hr.Annotations[meta.ReconcileRequestAnnotation] = "someone else's"
	return s.c.Patch(ctx, hr, patch)
}

func (s *story) restart(ctx context.Context) error {
	if err := s.op.Stop(ctx); err != nil {
		return err
	}
	return s.op.Start(ctx)
}
