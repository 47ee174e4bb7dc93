// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Target is a HelmRelease that a trigger selects.
type Target struct {
	types.NamespacedName

	// Release is nil if it is named and does not exist.
	Release *helmv2.HelmRelease
}

// TargetReference is a reference to HelmReleases, with what it means where its fields are
// empty.
type TargetReference struct {
	// Name of the HelmRelease, or the labels that select it.
	Name     string
	Selector labels.Selector

	// Namespace of the HelmRelease, or the labels of namespaces that select it.
	Namespace         string
	NamespaceSelector labels.Selector

	Optional bool
}

// TargetReferenceOf returns what a reference of a trigger means. The error begins with the
// field of the reference that is malformed.
func TargetReferenceOf(vt *triggerv1.ValuesTrigger, ref triggerv1.TargetReference) (TargetReference, error) {
	out := TargetReference{Name: ref.Name, Optional: ref.Optional}
	var err error
	if ref.Name == "" {
		if out.Selector, err = ref.Selector.AsSelector(); err != nil {
			return out, fmt.Errorf("selector: %w", err)
		}
	}
	if ref.NamespaceSelector == nil {
		out.Namespace = cmp.Or(ref.Namespace, vt.Namespace)
	} else if out.NamespaceSelector, err = ref.NamespaceSelector.AsSelector(); err != nil {
		return out, fmt.Errorf("namespaceSelector: %w", err)
	}
	return out, nil
}

// TargetReferences returns what the references in spec.targets mean. The error begins with the
// field that is malformed.
func TargetReferences(vt *triggerv1.ValuesTrigger) ([]TargetReference, error) {
	refs := make([]TargetReference, 0, len(vt.Spec.Targets))
	for i, ref := range vt.Spec.Targets {
		one, err := TargetReferenceOf(vt, ref)
		if err != nil {
			return nil, fmt.Errorf("spec.targets[%d].%w", i, err)
		}
		refs = append(refs, one)
	}
	return refs, nil
}

// Selects reports whether the reference leads to a HelmRelease with these labels, in a
// namespace into which it leads.
func (r TargetReference) Selects(name string, of map[string]string) bool {
	if r.Name != "" {
		return name == r.Name
	}
	return r.Selector.Matches(labels.Set(of))
}

// LeadsInto reports whether the reference leads into a namespace that has these labels.
func (r TargetReference) LeadsInto(namespace string, of map[string]string) bool {
	if r.NamespaceSelector != nil {
		return r.NamespaceSelector.Matches(labels.Set(of))
	}
	return namespace == r.Namespace
}

// Candidates are what there is where a reference leads.
type Candidates struct {
	Reference TargetReference

	// Namespaces into which it leads.
	Namespaces []string

	// Releases in them. Others are left out.
	Releases []*helmv2.HelmRelease
}

// Select returns the HelmReleases that the references in spec.targets select, given the
// candidates of all of them in order: each release once, sorted by namespace and name.
// selectNothing says which references select none and must. The error says that they select too
// many.
func Select(candidates []Candidates) (targets []Target, selectNothing []string, err error) {
	found := map[types.NamespacedName]*helmv2.HelmRelease{}
	for i, c := range candidates {
		if !c.selectInto(found) && !c.Reference.Optional {
			selectNothing = append(selectNothing, c.nothing(fmt.Sprintf("spec.targets[%d]", i)))
		}
	}
	if len(found) > triggerv1.MaxResolvedTargets {
		return nil, nil, fmt.Errorf("spec.targets select %d HelmReleases, more than %d; split them over several ValuesTriggers",
			len(found), triggerv1.MaxResolvedTargets)
	}
	targets = make([]Target, 0, len(found))
	for key, hr := range found {
		targets = append(targets, Target{NamespacedName: key, Release: hr})
	}
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.String(), b.String()) })
	return targets, selectNothing, nil
}

// selectInto adds what the reference selects, and reports whether that is anything. One that
// is named counts though it does not exist, and is left out if it is optional.
func (c Candidates) selectInto(found map[types.NamespacedName]*helmv2.HelmRelease) bool {
	within := make(map[string]bool, len(c.Namespaces))
	for _, namespace := range c.Namespaces {
		within[namespace] = true
	}
	some := false
	for _, hr := range c.Releases {
		if within[hr.Namespace] && c.Reference.Selects(hr.Name, hr.Labels) {
			found[types.NamespacedName{Namespace: hr.Namespace, Name: hr.Name}] = hr
			some = true
		}
	}
	if c.Reference.Name == "" {
		return some
	}
	for _, namespace := range c.Namespaces {
		key := types.NamespacedName{Namespace: namespace, Name: c.Reference.Name}
		if found[key] == nil && !c.Reference.Optional {
			found[key] = nil
		}
	}
	return len(c.Namespaces) > 0
}

// nothing says that the reference selects no HelmRelease, and what to do about it.
func (c Candidates) nothing(field string) string {
	switch {
	case c.Reference.NamespaceSelector != nil && len(c.Namespaces) == 0:
		return fmt.Sprintf("%s.namespaceSelector matches no namespace; label one, correct the selector, or set %s.optional", field, field)
	case c.Reference.NamespaceSelector != nil:
		return fmt.Sprintf("%s.selector matches no HelmRelease in the namespaces of namespaceSelector; label one, correct the selectors, or set %s.optional", field, field)
	}
	return fmt.Sprintf("%s.selector matches no HelmRelease in namespace %s; label one, correct selector or namespace, or set %s.optional", field, c.Reference.Namespace, field)
}
