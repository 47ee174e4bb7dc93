// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

// editor returns the field manager that wrote the keys, empty if that is not known. The
// manager that owns a key wrote the value that it has. A key that was removed has no owner,
// and of several owners it is not known which one wrote last. Without keys, all count.
func editor(obj client.Object, keys []string) string {
	if editors := editors(obj, keys); len(editors) == 1 {
		return editors[0]
	}
	return ""
}

// appliedBy returns which tool applied the keys, and nothing if they were written by hand, or
// by another controller. In doubt they are of the tool that marks the object as its own, or
// that has written any of the content.
func appliedBy(obj client.Object, keys []string) applier.Applier {
	by, marked := applier.Of(obj.GetLabels(), obj.GetAnnotations())
	writers := editors(obj, nil)
	if one := editor(obj, keys); one != "" {
		writers = []string{one}
	} else if marked {
		return by
	}
	tool := slices.IndexFunc(writers, applier.IsManager)
	switch {
	case tool < 0:
		return applier.Applier{}
	case marked:
		return by
	}
	return applier.Tool(writers[tool])
}

// editors returns the field managers, without the operator's own, that own all the keys.
func editors(obj client.Object, keys []string) []string {
	var editors []string
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager == triggerv1.FieldManager || slices.Contains(editors, entry.Manager) {
			continue
		}
		if owns(fields.Of(entry), keys) {
			editors = append(editors, entry.Manager)
		}
	}
	return editors
}

// owns reports whether a set of fields has all the keys of a ConfigMap or Secret, or any
// content if no keys are given.
func owns(owned fields.Set, keys []string) bool {
	data, binary := owned.At("data"), owned.At("binaryData")
	if len(keys) == 0 {
		return len(data)+len(binary) > 0
	}
	return !slices.ContainsFunc(keys, func(key string) bool { return !data.Has(key) && !binary.Has(key) })
}
