// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// This file says what is missing, and where to say that it may be.

// check returns an error that names the fix if something that is required is missing.
func (w wanted) check(release *helmv2.HelmRelease, object Object) error {
	missing := object.Content.Missing(w.Required)
	switch {
	case w.Optional:
		return nil
	case contract.IsExcluded(object.Labels):
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s is excluded by its label %s: %q; remove the label%s", w.ref(),
			triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled, prefixed(", or ", w.places(release, nil, "", "")))
	case !object.Exists:
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s does not exist; create it%s", w.ref(), prefixed(", or set ", w.places(release, nil, "optional", "optional")))
	case len(missing) > 0:
		return fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: %s has no key %s; add it%s", w.ref(), text.Some(missing, 5), prefixed(", or correct ", w.places(release, missing, "keys", "valuesKey")))
	}
	return nil
}

// places names where an object, or one of the keys of it, is required, with the field to be
// changed there. What a generated trigger lists is put back: it is the HelmRelease that counts,
// or the label of the object, which is gone with it.
func (w wanted) places(release *helmv2.HelmRelease, keys []string, inSources, inValuesFrom string) string {
	if release != nil {
		return w.placesInRelease(release, keys, inValuesFrom)
	}
	var places []string
	for _, r := range w.requiredBy {
		if keys == nil || slices.ContainsFunc(r.keys, func(key string) bool { return slices.Contains(keys, key) }) {
			places = append(places, place("spec.sources", r.ref, inSources))
		}
	}
	return text.Some(places, 5)
}

func (w wanted) placesInRelease(release *helmv2.HelmRelease, keys []string, field string) string {
	var places []string
	for _, r := range binding.ReadsOf(release) {
		if r.Object == w.ref() && !r.Optional && (keys == nil || slices.Contains(keys, r.Key)) {
			places = append(places, place("spec.valuesFrom", r.Index, field))
		}
	}
	if len(places) == 0 {
		return ""
	}
	return fmt.Sprintf("%s of HelmRelease %s/%s", text.Some(places, 5), release.Namespace, release.Name)
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
