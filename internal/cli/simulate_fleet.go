// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

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
	selected, err := c.selected(ctx, f.Trigger, &out)
	if err != nil {
		return out, err
	}
	stages, err := binding.StagesOf(f.Trigger)
	if err != nil {
		return out, err
	}
	for _, hr := range selected {
		name := hr.Namespace + "/" + hr.Name
		t := simulate.Target{Name: name}
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
		for _, d := range hr.Spec.DependsOn {
			namespace := d.Namespace
			if namespace == "" {
				namespace = hr.Namespace
			}
			t.DependsOn = append(t.DependsOn, namespace+"/"+d.Name)
		}
		f.Targets = append(f.Targets, t)
	}
	return out, nil
}

// selected returns the HelmReleases that the targets of a trigger name or select, in the
// order in which they are asked.
func (c *cli) selected(ctx context.Context, vt *triggerv1.ValuesTrigger, out *leftOut) ([]*helmv2.HelmRelease, error) {
	all, err := widest(c, vt.Namespace, "HelmReleases", func(in string) ([]helmv2.HelmRelease, error) { return c.releases(ctx, in) })
	if err != nil {
		return nil, err
	}
	found := map[string]*helmv2.HelmRelease{}
	for i, ref := range vt.Spec.Targets {
		field := fmt.Sprintf("spec.targets[%d]", i)
		within, err := c.within(ctx, vt, ref)
		if err != nil {
			return nil, fmt.Errorf("%s.namespaceSelector: %w", field, err)
		}
		selector, err := ref.Selector.AsSelector()
		if err != nil {
			return nil, fmt.Errorf("%s.selector: %w", field, err)
		}
		for j := range all {
			hr := &all[j]
			if within[hr.Namespace] && (ref.Name != "" && hr.Name == ref.Name || ref.Name == "" && selector.Matches(labels.Set(hr.Labels))) {
				found[hr.Namespace+"/"+hr.Name] = hr
			}
		}
		for namespace := range within {
			if name := namespace + "/" + ref.Name; ref.Name != "" && found[name] == nil {
				out.Missing = append(out.Missing, name)
			}
		}
	}
	releases := make([]*helmv2.HelmRelease, 0, len(found))
	for _, hr := range found {
		releases = append(releases, hr)
	}
	slices.SortFunc(releases, func(a, b *helmv2.HelmRelease) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	slices.Sort(out.Missing)
	return releases, nil
}

// within returns the namespaces of a reference.
func (c *cli) within(ctx context.Context, vt *triggerv1.ValuesTrigger, ref triggerv1.TargetReference) (map[string]bool, error) {
	switch {
	case ref.NamespaceSelector == nil && ref.Namespace == "":
		return map[string]bool{vt.Namespace: true}, nil
	case ref.NamespaceSelector == nil:
		return map[string]bool{ref.Namespace: true}, nil
	}
	selector, err := ref.NamespaceSelector.AsSelector()
	if err != nil {
		return nil, err
	}
	within := map[string]bool{}
	err = pages(ctx, c.client, "", func() *metav1.PartialObjectMetadataList {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("NamespaceList"))
		return list
	}, func(list *metav1.PartialObjectMetadataList) {
		for _, item := range list.Items {
			if selector.Matches(labels.Set(item.Labels)) {
				within[item.Name] = true
			}
		}
	})
	return within, err
}
