// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package contract reads the labels and annotations with which users of the
// operator bind ConfigMaps, Secrets and HelmReleases.
package contract

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Binding is what a labelled ConfigMap or Secret asks for.
type Binding struct {
	// Targets are the HelmReleases to trigger, without repetition, in the order
	// of the annotation.
	Targets []types.NamespacedName

	// Problems are sentences about what is malformed. Each names the annotation
	// and the fix.
	Problems []string
}

const (
	// maxShown bounds how much of a malformed value a message repeats.
	maxShown = 64

	// maxMalformed bounds how many malformed names a message repeats.
	maxMalformed = 3

	// maxNames bounds how much of the list of names is read, in bytes: enough for
	// the longest names that Helm can work with, and little of the memory of an
	// operator that has to keep the lists of everyone who may write ConfigMaps.
	maxNames = 64 << 10

	// maxValue bounds the other annotations. What is longer is malformed anyhow.
	maxValue = 256
)

// Annotations returns the annotations of the contract, as much of each as is read.
// Others may hold content, such as the one in which kubectl keeps what was applied.
func Annotations(all map[string]string) map[string]string {
	kept := map[string]string{}
	for key, bound := range map[string]int{
		triggerv1.HRNameAnnotation: maxNames, triggerv1.HRNSAnnotation: maxValue, triggerv1.HashAnnotation: maxValue,
	} {
		value, found := all[key]
		if len(value) > bound {
			// One more than the bound, to show that something is missing. A copy, for
			// the rest of the value to be freed.
			value = strings.Clone(value[:bound+1])
		}
		if found {
			kept[key] = value
		}
	}
	return kept
}

// Labels returns the label of the contract alone. An object may have as many as fit into it.
func Labels(all map[string]string) map[string]string {
	value, found := all[triggerv1.LabelReconcilerNameSourceKey]
	if !found {
		return nil
	}
	return map[string]string{triggerv1.LabelReconcilerNameSourceKey: strings.Clone(value)}
}

// IsSource reports whether the labels make an object a source of the contract.
func IsSource(labels map[string]string) bool {
	return labels[triggerv1.LabelReconcilerNameSourceKey] == triggerv1.LabelValueEnabled
}

// IsExcluded reports whether the labels take an object out: a ConfigMap or Secret
// from being a source, a HelmRelease from being found.
func IsExcluded(labels map[string]string) bool {
	return labels[triggerv1.LabelReconcilerNameSourceKey] == triggerv1.LabelValueDisabled
}

// Unheard says why an object that someone means to be a source is none, or nothing: its
// label has a value that means nothing, or it names HelmReleases and has no label.
func Unheard(labels, annotations map[string]string) string {
	value, labelled := labels[triggerv1.LabelReconcilerNameSourceKey]
	_, names := annotations[triggerv1.HRNameAnnotation]
	switch {
	case IsSource(labels), IsExcluded(labels):
		return ""
	case labelled:
		return fmt.Sprintf("label %s has the value %s, which means nothing; set it to %q to make this object a source",
			triggerv1.LabelReconcilerNameSourceKey, shown(value), triggerv1.LabelValueEnabled)
	case names:
		return fmt.Sprintf("annotation %s has no effect without the label %s: %q",
			triggerv1.HRNameAnnotation, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueEnabled)
	}
	return ""
}

// Parse reads the annotations of a labelled object. What is malformed is
// reported, the rest holds.
func Parse(annotations map[string]string) Binding {
	var b Binding

	namespace := triggerv1.DefaultFluxcdNamespace
	if value := strings.TrimSpace(annotations[triggerv1.HRNSAnnotation]); value != "" {
		namespace = value
	}
	if errs := validation.IsDNS1123Label(namespace); len(errs) > 0 {
		b.report("annotation %s: %s is not a valid namespace name; set the namespace of the HelmReleases, or remove the annotation to use %s",
			triggerv1.HRNSAnnotation, shown(namespace), triggerv1.DefaultFluxcdNamespace)
		return b
	}

	names := annotations[triggerv1.HRNameAnnotation]
	if len(names) > maxNames {
		names = names[:max(0, strings.LastIndexByte(names[:maxNames], ','))]
		b.report("annotation %s: longer than %d KiB, the names beyond that are ignored; move them to a ValuesTrigger with a selector",
			triggerv1.HRNameAnnotation, maxNames>>10)
	}
	var malformed []string
	seen := map[string]bool{}
	over, bad := 0, 0
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "" || seen[name]:
			continue
		case !isName(name):
			if bad++; bad <= maxMalformed {
				malformed = append(malformed, shown(name))
			}
		case len(b.Targets) == triggerv1.MaxTargetNames:
			over++
		default:
			b.Targets = append(b.Targets, types.NamespacedName{Namespace: namespace, Name: name})
		}
		seen[name] = true
	}

	if bad > 0 {
		more := ""
		if bad > maxMalformed {
			more = fmt.Sprintf(" and %d more", bad-maxMalformed)
		}
		b.report("annotation %s: %s%s cannot be the name of a HelmRelease; use lower-case letters, digits, '-' and '.', and commas between names",
			triggerv1.HRNameAnnotation, strings.Join(malformed, ", "), more)
	}
	if over > 0 {
		b.report("annotation %s: %d names beyond the first %d are ignored; move them to a ValuesTrigger with a selector",
			triggerv1.HRNameAnnotation, over, triggerv1.MaxTargetNames)
	}
	if len(seen) == 0 {
		b.report("annotation %s is missing or empty; give the names of the HelmReleases to trigger, comma separated",
			triggerv1.HRNameAnnotation)
	}
	return b
}

func (b *Binding) report(format string, args ...any) {
	b.Problems = append(b.Problems, fmt.Sprintf(format, args...))
}

// isName says what validation.IsDNS1123Subdomain tells, without its regular expressions:
// a list may hold thirty thousand names, and is read for every HelmRelease that it may name.
func isName(name string) bool {
	if len(name) > validation.DNS1123SubdomainMaxLength {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] == '-' || part[len(part)-1] == '-' {
			return false
		}
		for i := range len(part) {
			if c := part[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// shown quotes a value that a user wrote, without control characters and cut to
// a bearable length.
func shown(value string) string {
	count := 0
	for i := range value {
		if count++; count > maxShown {
			return fmt.Sprintf("%q", value[:i]+"…")
		}
	}
	return fmt.Sprintf("%q", value)
}

// Baseline is what the digest annotation of a labelled object says.
type Baseline struct {
	// Digest last delivered to all targets, "sha256:<hex>", or empty. It is for people: an
	// annotation travels with backups and exports, and proves nothing.
	Digest string

	// Legacy is true if the first operator wrote the annotation. Its digest cannot be
	// compared with; the contract has it that its content was delivered.
	Legacy bool
}

var (
	digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	legacyPattern = regexp.MustCompile(`^[0-9a-fA-F]{1,64}$`)
)

// ParseBaseline reads the digest annotation. An unintelligible one counts as
// none, so that the content is delivered rather than lost.
func ParseBaseline(annotations map[string]string) Baseline {
	value := annotations[triggerv1.HashAnnotation]
	switch {
	case digestPattern.MatchString(value):
		return Baseline{Digest: value}
	case legacyPattern.MatchString(value):
		return Baseline{Legacy: true}
	default:
		return Baseline{}
	}
}

// Names reports whether Parse finds the HelmRelease in the annotations. It takes much less.
func Names(annotations map[string]string, target types.NamespacedName) bool {
	namespace := strings.TrimSpace(annotations[triggerv1.HRNSAnnotation])
	if namespace == "" {
		namespace = triggerv1.DefaultFluxcdNamespace
	}
	names := annotations[triggerv1.HRNameAnnotation]
	if namespace != target.Namespace || !strings.Contains(names, target.Name) {
		return false
	}
	if strings.Count(names, ",") >= triggerv1.MaxTargetNames || len(names) > maxNames {
		return slices.Contains(Parse(annotations).Targets, target) // Perhaps beyond a bound.
	}
	for name := range strings.SplitSeq(names, ",") {
		if strings.TrimSpace(name) == target.Name {
			return isName(target.Name) && len(validation.IsDNS1123Label(namespace)) == 0
		}
	}
	return false
}
