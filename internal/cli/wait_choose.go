// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// appearance is how long a ValuesTrigger may take to be generated.
const appearance = 10 * time.Second

// choose returns the ValuesTriggers that are meant. Those that are still to be generated
// are given some time to appear.
func (w *waiter) choose(ctx context.Context, refs []reference) ([]types.NamespacedName, error) {
	patience, cancel := context.WithTimeout(ctx, appearance)
	defer cancel()
	for {
		keys, err := w.resolve(ctx, refs)
		if err != nil || len(keys) > 0 {
			return keys, err
		}
		select {
		case <-patience.Done():
			return nil, errors.New("there is no ValuesTrigger to wait for; 'tree' shows what depends on what")
		case <-time.After(pollInterval):
		}
	}
}

func (w *waiter) resolve(ctx context.Context, refs []reference) ([]types.NamespacedName, error) {
	if len(refs) == 0 {
		all, err := w.c.selectedTriggers(ctx)
		return keysOf(all), err
	}
	var keys []types.NamespacedName
	known := map[types.NamespacedName]bool{}
	for _, ref := range refs {
		found := []types.NamespacedName{{Namespace: w.c.namespace, Name: ref.name}}
		if ref.kind != triggerv1.ValuesTriggerKind {
			var err error
			if found, err = w.related(ctx, ref); err != nil {
				return nil, err
			}
		}
		for _, key := range found {
			if !known[key] {
				keys, known[key] = append(keys, key), true
			}
		}
	}
	return keys, nil
}

func keysOf(triggers []triggerv1.ValuesTrigger) []types.NamespacedName {
	var keys []types.NamespacedName
	for i := range triggers {
		keys = append(keys, client.ObjectKeyFromObject(&triggers[i]))
	}
	return keys
}

// related returns the triggers that have an object as a source or as a target.
func (w *waiter) related(ctx context.Context, ref reference) ([]types.NamespacedName, error) {
	answer, _, err := w.c.treeOf(ctx, ref, false)
	if err != nil {
		return nil, err
	}
	var keys []types.NamespacedName
	switch answer := answer.(type) {
	case graph.Feeds:
		for _, t := range answer.Triggers {
			keys = append(keys, t.NamespacedName())
		}
	case reached:
		for _, e := range answer.Edges {
			if e.Trigger != (graph.Key{}) {
				keys = append(keys, e.Trigger.NamespacedName)
			}
		}
	}
	return keys, nil
}
