// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package publish decides which copies of the sources a target is to have, what is in
// them, who may have them, and when they are written or removed.
package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

const (
	// maxName and maxLabel bound the name of an object and the value of a label.
	maxName  = 253
	maxLabel = 63

	// hashDigits are those of the hash of a name that is cut: enough that no two meet
	// by chance.
	hashDigits = 16
)

// Source is a source that is copied.
type Source struct {
	// ID is Kind/namespace/name.
	ID string

	// Suffix is the end of the name of its copies.
	Suffix string
}

// Copy is an object that a target is to read.
type Copy struct {
	Kind      string
	Namespace string
	Name      string

	// Labels say whose it is.
	Labels map[string]string

	// Annotations and Owner are those of what is kept: see Kept.
	Annotations map[string]string
	Owner       *metav1.OwnerReference

	// Sources whose content it has, by ID, sorted.
	Sources []string
}

// Wanted returns the copies that a target is to have, sorted by kind and name.
func Wanted(trigger, target types.NamespacedName, sources []Source) []Copy {
	grouped := map[[2]string][]string{}
	for _, s := range sources {
		kind, _, _ := strings.Cut(s.ID, "/")
		key := [2]string{kind, Name(target.Name, s.Suffix)}
		grouped[key] = append(grouped[key], s.ID)
	}
	copies := make([]Copy, 0, len(grouped))
	for key, ids := range grouped {
		slices.Sort(ids)
		copies = append(copies, Copy{
			Kind: key[0], Namespace: target.Namespace, Name: key[1], Labels: Labels(trigger, target.Name), Sources: ids,
		})
	}
	slices.SortFunc(copies, func(a, b Copy) int { return strings.Compare(a.Kind+"/"+a.Name, b.Kind+"/"+b.Name) })
	return copies
}

// String returns kind, namespace and name.
func (c Copy) String() string {
	return c.Kind + " " + c.Namespace + "/" + c.Name
}

// Name returns the name of the copy of a target. What is too long loses the end of the
// target's name to a hash of it.
func Name(target, suffix string) string {
	return shorten(target, maxName-len(suffix)-1) + "-" + suffix
}

// IsNameOfCopy reports whether a trigger, by its spec, has copies of a kind and name for a target.
func IsNameOfCopy(vt *triggerv1.ValuesTrigger, target, kind, name string) bool {
	return vt.Spec.Publish != nil && slices.ContainsFunc(vt.Spec.Sources, func(s triggerv1.SourceReference) bool {
		return s.Kind == kind && Name(target, binding.Suffix(vt, s.PublishAs)) == name
	})
}

// Labels returns the labels of the copies that a trigger has for a target. The last one
// keeps them from being sources themselves.
func Labels(trigger types.NamespacedName, target string) map[string]string {
	labels := Selector(trigger)
	labels[triggerv1.PublishedForLabel] = LabelValue(target)
	labels[triggerv1.LabelReconcilerNameSourceKey] = triggerv1.LabelValueDisabled
	return labels
}

// Selector returns the labels of all copies of a trigger.
func Selector(trigger types.NamespacedName) map[string]string {
	return map[string]string{
		triggerv1.ManagedByLabel:            triggerv1.FieldManager,
		triggerv1.PublishedByLabel:          LabelValue(trigger.Name),
		triggerv1.PublishedByNamespaceLabel: trigger.Namespace,
	}
}

// GoWithTrigger has a copy go with its trigger, deleted as an account if the trigger acts as one.
// Without it a copy stays.
func (c *Copy) GoWithTrigger(account string) {
	c.Labels[triggerv1.DeletionPolicyLabel] = string(triggerv1.DeletionDelete)
	if account != "" {
		c.Annotations = map[string]string{triggerv1.AccountAnnotation: account}
	}
}

// GoesWith reports whether the labels of a copy have it go with its trigger.
func GoesWith(labels map[string]string) bool {
	return labels[triggerv1.DeletionPolicyLabel] == string(triggerv1.DeletionDelete)
}

// LabelValue returns a name as the value of a label.
func LabelValue(name string) string { return shorten(name, maxLabel) }

// Trigger returns the trigger that the labels of a copy name. The name is that of
// LabelValue. It returns false for what is not a copy.
func Trigger(labels map[string]string) (types.NamespacedName, bool) {
	by := types.NamespacedName{Namespace: labels[triggerv1.PublishedByNamespaceLabel], Name: labels[triggerv1.PublishedByLabel]}
	return by, labels[triggerv1.ManagedByLabel] == triggerv1.FieldManager && by.Namespace != "" && by.Name != ""
}

// shorten returns a name of at most the given length, with a hash of all of it in place
// of what is cut. Neither part ends in a character with which no name ends.
func shorten(name string, most int) string {
	if len(name) <= most {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.TrimRight(name[:most-hashDigits-1], "-.") + "-" + hex.EncodeToString(sum[:])[:hashDigits]
}

// Shared returns, by target, why a copy of it would be the same object as one of another
// target. Two names may meet where one ends with the beginning of the other's suffix.
func Shared(copies map[string][]Copy) map[string]error {
	of := map[string][]string{}
	for _, target := range slices.Sorted(maps.Keys(copies)) {
		for _, c := range copies[target] {
			of[c.String()] = append(of[c.String()], target)
		}
	}
	errs := map[string]error{}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if len(of[name]) < 2 {
			continue
		}
		err := fmt.Errorf("the HelmReleases %s would have the same copy %s; choose another spec.publish.name or publishAs", strings.Join(of[name], " and "), name)
		for _, target := range of[name] {
			errs[target] = err
		}
	}
	return errs
}
