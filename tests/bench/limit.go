// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// limitCommand is the first argument by which this program becomes the limit.
	limitCommand = "limit"

	// limitLabel is on the ConfigMaps that the limit watches, limitTargets names
	// the HelmReleases of the same namespace.
	limitLabel   = "bench/limit"
	limitTargets = "bench/targets"

	// limitCopies ends the names of the copies that each of them is to have.
	limitCopies = "bench/copies"

	// limitReady is what the limit says when it watches.
	limitReady = "watching"
)

// startLimit runs the limit in a process of its own.
func (s *stage) startLimit(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := s.w.Run(world.Spec{Name: limitCommand, Path: self, Args: []string{limitCommand}})
	if err != nil {
		return err
	}
	for !strings.Contains(p.Tail(1), limitReady) {
		if !p.Running() {
			return errors.New("the limit has ended: " + p.Tail(10))
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// runLimit is what can be done at best: it watches, gets what changed, and patches. It
// checks nothing, remembers nothing and proves nothing.
func runLimit([]string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.QPS = -1
	c, err := client.NewWithWatch(config, client.Options{})
	if err != nil {
		return err
	}
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMapList"))
	options := &client.ListOptions{}
	client.HasLabels{limitLabel}.ApplyToList(options)
	if err := c.List(ctx, list, options); err != nil {
		return err
	}
	options.Raw = &metav1.ListOptions{ResourceVersion: list.ResourceVersion}
	changes, err := c.Watch(ctx, list, options)
	if err != nil {
		return err
	}
	fmt.Println(limitReady)
	slots := make(chan struct{}, concurrency)
	for change := range changes.ResultChan() {
		if change.Type != watch.Modified {
			continue
		}
		obj, ok := change.Object.(*metav1.PartialObjectMetadata)
		if !ok {
			return fmt.Errorf("the watch ended with %v", change.Object)
		}
		go pass(ctx, c, client.ObjectKeyFromObject(obj), slots)
	}
	return ctx.Err()
}

// pass gets a ConfigMap and patches the HelmReleases that it names.
func pass(ctx context.Context, c client.Client, key types.NamespacedName, slots chan struct{}) {
	cm := &corev1.ConfigMap{}
	if err := c.Get(ctx, key, cm); err != nil {
		fmt.Println(err)
		return
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"limit.%s"}}}`, meta.ReconcileRequestAnnotation, cm.ResourceVersion)
	for name := range strings.SplitSeq(cm.Annotations[limitTargets], ",") {
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			if suffix := cm.Annotations[limitCopies]; suffix != "" {
				if err := applyCopy(ctx, c, cm, copyOf(name, suffix)); err != nil {
					fmt.Println(err)
				}
			}
			hr := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: name}}
			hr.SetGroupVersionKind(helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind))
			if err := c.Patch(ctx, hr, client.RawPatch(types.MergePatchType, patch)); err != nil {
				fmt.Println(err)
			}
		}()
	}
}

// applyCopy writes a copy as the operator does, whatever there is.
func applyCopy(ctx context.Context, c client.Client, of *corev1.ConfigMap, name string) error {
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": triggerv1.ConfigMapKind, "data": of.Data,
		"metadata": map[string]any{"namespace": of.Namespace, "name": name, "labels": map[string]string{
			triggerv1.ManagedByLabel: limitCommand, limitCopies: name, triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueDisabled,
		}},
	})
	if err != nil {
		return err
	}
	obj := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: of.Namespace, Name: name}}
	obj.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(triggerv1.ConfigMapKind))
	return c.Patch(ctx, obj, client.RawPatch(types.ApplyPatchType, body), client.FieldOwner(limitCommand), client.ForceOwnership)
}
