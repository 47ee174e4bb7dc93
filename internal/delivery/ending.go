// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// This file is about targets whose namespace is being deleted. helm-controller fails in
// it, whatever the content: nothing new can be created there.

// endingMessage is what is said of a target that goes with its namespace.
const endingMessage = "its namespace is being deleted; a failure there does not count against the change"

// ending returns which namespaces of targets are being deleted, as a reader shows them.
// Where only the operator's own is watched, the reader is nil.
func (e *Engine) ending(ctx context.Context, reader client.Reader, targets []target.Target) (map[string]bool, error) {
	ending := map[string]bool{}
	if reader == nil {
		return ending, nil
	}
	seen := map[string]bool{}
	for _, t := range targets {
		if seen[t.Namespace] {
			continue
		}
		seen[t.Namespace] = true
		namespace := &metav1.PartialObjectMetadata{}
		namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
		err := reader.Get(ctx, types.NamespacedName{Name: t.Namespace}, namespace)
		if client.IgnoreNotFound(err) != nil {
			return nil, err
		}
		if err == nil && !namespace.DeletionTimestamp.IsZero() {
			ending[t.Namespace] = true
		}
	}
	return ending, nil
}

// isVerdict reports whether a rollout ends, or begins to go back, since targets have
// failed.
func isVerdict(was, is *triggerv1.RolloutStatus) bool {
	switch is.Phase {
	case triggerv1.RolloutHalted, triggerv1.RolloutRollingBack, triggerv1.RolloutRollbackHalted:
		return was == nil || was.Digest != is.Digest || was.Phase != is.Phase
	default:
		return false
	}
}

// doubt looks again, before a verdict, at the namespaces of the targets that it rests on:
// the cache may know of a release that fails before it knows why. It reports whether any
// of them has to be left out.
func (e *Engine) doubt(ctx context.Context, snap snapshot, cases []*targetCase) (bool, error) {
	if e.Namespaces == nil {
		return false, nil
	}
	var failing []target.Target
	for _, c := range cases {
		if release := c.input.Release; release.Exists && (release.Ready == "False" || c.decision.Status.State == triggerv1.TargetFailed) {
			failing = append(failing, c.Target)
		}
	}
	ending, err := e.ending(ctx, e.Live, failing)
	if err != nil || len(ending) == 0 {
		return false, err
	}
	changed := false
	for _, c := range cases {
		if ending[c.Namespace] && c.input.Release.Exists {
			snap.ending[c.Namespace] = true
			e.decide(ctx, snap, c, target.Observe(c.hr, snap.sources))
			changed = true
		}
	}
	return changed, nil
}
