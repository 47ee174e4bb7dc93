// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// This file says what is missing, and where to say that it may be.

// check returns an error that names the fix if something that is required is missing.
func check(w binding.Source, release *helmv2.HelmRelease, object Object) error {
	missing := object.Content.Missing(w.Required)
	switch {
	case w.Optional:
		return nil
	case contract.IsExcluded(object.Labels):
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s is excluded by its label %s: %q; remove the label%s", w.Object,
			triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled, prefixed(", or ", places(w, release, nil, "", "")))
	case !object.Exists:
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s does not exist; create it%s", w.Object, prefixed(", or set ", places(w, release, nil, "optional", "optional")))
	case len(missing) > 0:
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s has no key %s; add it%s", w.Object, text.Some(missing, 5), prefixed(", or correct ", places(w, release, missing, "keys", "valuesKey")))
	}
	return nil
}

// places names where an object, or one of the keys of it, is required, with the field to be
// changed there. What a generated trigger lists is put back: it is the HelmRelease that counts,
// or the label of the object, which is gone with it.
func places(w binding.Source, release *helmv2.HelmRelease, keys []string, inSources, inValuesFrom string) string {
	if release != nil {
		return placesInRelease(w, release, keys, inValuesFrom)
	}
	var all []string
	for _, r := range w.RequiredBy {
		if keys == nil || slices.ContainsFunc(r.Keys, func(key string) bool { return slices.Contains(keys, key) }) {
			all = append(all, place("spec.sources", r.Reference, inSources))
		}
	}
	return text.Some(all, 5)
}

func placesInRelease(w binding.Source, release *helmv2.HelmRelease, keys []string, field string) string {
	var all []string
	for _, r := range binding.ReadsOf(release) {
		if r.Object == w.Object && !r.Optional && (keys == nil || slices.Contains(keys, r.Key)) {
			all = append(all, place("spec.valuesFrom", r.Index, field))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("%s of HelmRelease %s/%s", text.Some(all, 5), release.Namespace, release.Name)
}

func prefixed(prefix, places string) string {
	if places == "" {
		return ""
	}
	return prefix + places
}

func place(list string, i int, field string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", list, i, field), ".")
}
