// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/rollout"
	"github.com/nebius/helmrelease-trigger-operator/internal/simulate"
)

// leftOut are HelmReleases that a change would not reach.
type leftOut struct {
	Missing   []string `json:"missing,omitempty"`
	Suspended []string `json:"suspended,omitempty"`
	Unmatched []string `json:"inNoStage,omitempty"`
}

// fleet finds the HelmReleases of a trigger in the cluster, and their stages.
func (c *cli) fleet(ctx context.Context, f *simulate.Fleet) (leftOut, error) {
	var out leftOut
	selected, err := c.selected(ctx, f.Trigger)
	if err != nil {
		return out, err
	}
	stages, err := binding.StagesOf(f.Trigger)
	if err != nil {
		return out, err
	}
	for _, target := range selected {
		hr, name := target.Release, target.String()
		if hr == nil || !hr.DeletionTimestamp.IsZero() {
			out.Missing = append(out.Missing, name)
			continue
		}
		t := simulate.Target{Name: name, DependsOn: binding.DependsOn(hr)}
		if f.Trigger.Spec.Rollout != nil {
			t.Stage = stages.Of(hr)
		}
		switch {
		case hr.Spec.Suspend:
			out.Suspended = append(out.Suspended, name)
			continue
		case t.Stage == rollout.NoStage:
			out.Unmatched = append(out.Unmatched, name)
			continue
		}
		f.Targets = append(f.Targets, t)
	}
	return out, nil
}

// selected returns what the targets of a trigger name or select, in the order in which they
// are triggered.
func (c *cli) selected(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]binding.Target, error) {
	refs, err := binding.TargetReferences(vt)
	if err != nil {
		return nil, err
	}
	all, err := widest(c, vt.Namespace, "HelmReleases", c.releasesIn(ctx))
	if err != nil {
		return nil, err
	}
	releases := make([]*helmv2.HelmRelease, 0, len(all))
	for i := range all {
		releases = append(releases, &all[i])
	}
	candidates := make([]binding.Candidates, 0, len(refs))
	for i, ref := range refs {
		namespaces, err := c.within(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("spec.targets[%d].namespaceSelector: %w", i, err)
		}
		candidates = append(candidates, binding.Candidates{Reference: ref, Namespaces: namespaces, Releases: releases})
	}
	targets, selectNothing, err := binding.Select(candidates)
	for _, reason := range selectNothing {
		c.warn("%s", reason)
	}
	return targets, err
}

// within returns the namespaces of a reference.
func (c *cli) within(ctx context.Context, ref binding.TargetReference) ([]string, error) {
	if ref.NamespaceSelector == nil {
		return []string{ref.Namespace}, nil
	}
	var within []string
	err := pages(ctx, c.client, "", func() *metav1.PartialObjectMetadataList {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
		return list
	}, func(list *metav1.PartialObjectMetadataList) {
		for _, item := range list.Items {
			within = append(within, item.Name)
		}
	}, client.MatchingLabelsSelector{Selector: ref.NamespaceSelector})
	return within, err
}
