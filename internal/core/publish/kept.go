// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Kept returns the object that keeps content of a source, so that a trigger can go back to
// it: one of the source's kind in the trigger's namespace, which goes with the trigger. The
// same content of the same source is the same object.
func Kept(trigger *triggerv1.ValuesTrigger, source, digest string) Copy {
	kind, _, _ := strings.Cut(source, "/")
	key := types.NamespacedName{Namespace: trigger.Namespace, Name: trigger.Name}
	sum := sha256.Sum256([]byte(source + "\n" + digest))
	suffix := "kept-" + hex.EncodeToString(sum[:])[:hashDigits]
	kept := Copy{
		Kind: kind, Namespace: trigger.Namespace, Name: Name(trigger.Name, suffix),
		Labels: KeptSelector(key), Sources: []string{source},
		Owner: &metav1.OwnerReference{
			APIVersion: triggerv1.GroupVersion.String(), Kind: triggerv1.ValuesTriggerKind, Name: trigger.Name, UID: trigger.UID,
		},
	}
	kept.Labels[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueDisabled
	return kept
}

// IsOwned reports whether what goes with its trigger does: one of the same name may have
// been there before.
func (c Copy) IsOwned(owners []metav1.OwnerReference) bool {
	return c.Owner == nil || slices.ContainsFunc(owners, func(o metav1.OwnerReference) bool { return o.UID == c.Owner.UID })
}

// KeptSelector returns the labels of all that is kept for a trigger.
func KeptSelector(trigger types.NamespacedName) map[string]string {
	labels := Selector(trigger)
	labels[triggerv1.KeptLabel] = "true"
	return labels
}
