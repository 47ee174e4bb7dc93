// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// The ways in which one ConfigMap reaches many HelmReleases. The limit is one of them.
const (
	labelledShape   = "labelled"
	discoveredShape = "autodiscovered"
	declaredShape   = "declared"
	copiesShape     = "copies"
	rolloutShape    = "rollout"
	scaleShape      = "scale"
	copyingLimit    = "copying-limit"
)

const (
	// copySuffix ends the names of copies.
	copySuffix = "shared"

	// stageLabel tells to which stage of a rollout a HelmRelease belongs.
	stageLabel = "bench/stage"
)

// rolloutStages are the stages of a rollout, with how many of ten HelmReleases are in each.
var rolloutStages = []struct {
	name string
	of10 int
}{{"canary", 1}, {"early", 3}, {"rest", 6}}

// isDeclared reports whether one trigger has all the HelmReleases of a fan.
func (f *fan) isDeclared() bool {
	return f.shape == declaredShape || f.shape == copiesShape || f.shape == rolloutShape || f.shape == scaleShape
}

// readsCopies reports whether each HelmRelease of a fan has a ConfigMap of its own.
func (f *fan) readsCopies() bool {
	return f.shape == copiesShape || f.shape == rolloutShape || f.shape == copyingLimit
}

// fan makes a fleet whose releases depend on one ConfigMap in the way of the shape.
func (f *fans) fan(ctx context.Context, shape string, n int) (*fan, error) {
	made := &fan{shape: shape}
	namespace := fmt.Sprintf("%s-%d", shape, n)
	cm := values(namespace, sourceName, 0)
	var modify []func(*helmv2.HelmRelease)
	switch shape {
	case limit:
		cm.Labels[limitLabel], cm.Annotations[limitTargets] = "true", "all"
		modify = append(modify, kit.Reads(triggerv1.ConfigMapKind, sourceName), optedOut)
	case copyingLimit:
		cm.Labels[limitLabel], cm.Annotations[limitTargets], cm.Annotations[limitCopies] = "true", "all", copySuffix
	case labelledShape:
		cm.Labels[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueEnabled
		cm.Annotations[triggerv1.HRNameAnnotation], cm.Annotations[triggerv1.HRNSAnnotation] = "all", namespace
	case discoveredShape:
		modify = append(modify, kit.Reads(triggerv1.ConfigMapKind, sourceName))
	case scaleShape:
		modify = append(modify, halfReading, optedOut, canaries(n))
	}
	if made.isDeclared() {
		modify = append(modify, func(hr *helmv2.HelmRelease) { kit.Labelled(hr, declaredShape, namespace) })
	}
	if made.readsCopies() {
		modify = append(modify, readingCopy, optedOut)
	}
	if shape == rolloutShape {
		modify = append(modify, staged)
	}
	var err error
	if made.fleet, err = f.fleet(ctx, namespace, n, cm, modify...); err != nil {
		return nil, err
	}
	made.releases, made.answered = f.releases, map[string]string{}
	made.followed = shape != limit && shape != copyingLimit
	if made.isDeclared() {
		if err := f.c.Create(ctx, declared(namespace, shape)); err != nil {
			return nil, err
		}
	}
	if err := made.settle(ctx, 0); err != nil {
		return nil, err
	}
	return made, f.quiet(ctx, time.Second)
}

// readingCopy makes a HelmRelease read a copy, which is not there at first.
func readingCopy(hr *helmv2.HelmRelease) {
	kit.Reads(triggerv1.ConfigMapKind, copyOf(hr.Name, copySuffix), kit.Optional)(hr)
}

func copyOf(release, suffix string) string { return release + "-" + suffix }

// staged puts a HelmRelease into a stage, by the last digit of its name.
func staged(hr *helmv2.HelmRelease) {
	digit := int(hr.Name[len(hr.Name)-1] - '0')
	for _, part := range rolloutStages {
		kit.Labelled(hr, stageLabel, part.name)
		if digit -= part.of10; digit < 0 {
			return
		}
	}
}

func declared(namespace, shape string) *triggerv1.ValuesTrigger {
	vt := kit.Trigger(namespace, shape, kit.From(triggerv1.ConfigMapKind, sourceName), kit.ToSelected(kit.Selecting(declaredShape, namespace)))
	if shape == copiesShape || shape == rolloutShape {
		vt.Spec.Publish = &triggerv1.Publish{Name: copySuffix}
	}
	if shape == rolloutShape {
		vt.Spec.Rollout = &triggerv1.Rollout{}
		for _, part := range rolloutStages {
			vt.Spec.Rollout.Stages = append(vt.Spec.Rollout.Stages, triggerv1.Stage{
				Name: part.name, Selector: kit.Selecting(stageLabel, part.name), MaxConcurrency: new(intstr.FromString("10%")),
			})
		}
	}
	return vt
}
