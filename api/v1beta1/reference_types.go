// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// ConfigMapKind and SecretKind are the kinds that a source may have.
	ConfigMapKind = "ConfigMap"
	SecretKind    = "Secret"
)

// ForcePolicy determines when a HelmRelease gets a forced upgrade
// (reconcile.fluxcd.io/forceAt beside requestedAt).
// +kubebuilder:validation:Enum=Auto;Always;Never
type ForcePolicy string

const (
	// ForceAuto forces only when a source has changed that the HelmRelease does
	// not read through valuesFrom, so that helm-controller cannot see the change.
	ForceAuto ForcePolicy = "Auto"

	// ForceAlways forces every time: each change makes a Helm revision.
	ForceAlways ForcePolicy = "Always"

	// ForceNever never forces. A change that helm-controller cannot see is then
	// requested, and counts as delivered once the request was handled.
	ForceNever ForcePolicy = "Never"
)

// SourceReference selects ConfigMaps or Secrets whose content is delivered.
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.selector)",message="set exactly one of name and selector"
type SourceReference struct {
	// Kind of the source, ConfigMap or Secret.
	// +kubebuilder:validation:Enum=ConfigMap;Secret
	// +required
	Kind string `json:"kind"`

	// Name of the source. Exactly one of name and selector must be set. When
	// the object does not exist and optional is false, no target is touched.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
	// +optional
	Name string `json:"name,omitempty"`

	// Selector selects sources by their labels in the namespace. Exactly one of
	// name and selector must be set. When nothing matches and optional is
	// false, no target is touched. At most 256 sources in all may match.
	// +optional
	Selector *Selector `json:"selector,omitempty"`

	// Namespace of the source. Defaults to the namespace of the ValuesTrigger.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Keys of data and binaryData whose content counts; changes of others are
	// ignored. Defaults to all keys. When a key does not exist and optional is
	// false, no target is touched.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="must be a key of a ConfigMap or Secret: letters, digits, '-', '_' and '.'"
	// +listType=set
	// +optional
	Keys []string `json:"keys,omitempty"`

	// Optional makes a missing source, or a missing key of it, part of the
	// content: to create or delete it is a change. Defaults to false: a missing
	// source holds the trigger back with reason SourceNotFound.
	// +optional
	Optional bool `json:"optional,omitempty"`

	// Force overrides spec.force for changes of this source. Defaults to
	// spec.force.
	// +optional
	Force ForcePolicy `json:"force,omitempty"`

	// PublishAs overrides spec.publish.name for this source. Sources of one
	// kind that have the same one share a copy and must not have a key in common. Of
	// several references to one object, the first counts. Defaults to
	// spec.publish.name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the end of a name: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +optional
	PublishAs string `json:"publishAs,omitempty"`
}

// TargetReference selects HelmReleases.
// +kubebuilder:validation:XValidation:rule="has(self.name) != has(self.selector)",message="set exactly one of name and selector"
// +kubebuilder:validation:XValidation:rule="!(has(self.__namespace__) && has(self.namespaceSelector))",message="set at most one of namespace and namespaceSelector"
type TargetReference struct {
	// Name of the HelmRelease. Exactly one of name and selector must be set.
	// While the object does not exist the target is Missing, unless it is
	// optional; it is delivered when it appears.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="must be the name of an object: lower-case letters, digits, '-' and '.', with a letter or digit at both ends"
	// +optional
	Name string `json:"name,omitempty"`

	// Selector selects HelmReleases by their labels. Exactly one of name and
	// selector must be set. While it matches none and optional is false, the
	// ValuesTrigger is not ready, reason SelectorMatchesNothing. At most 10,000
	// HelmReleases in all may match.
	// +optional
	Selector *Selector `json:"selector,omitempty"`

	// Namespace of the HelmReleases. Defaults to the namespace of the
	// ValuesTrigger. At most one of namespace and namespaceSelector may be set.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="must be the name of a namespace: lower-case letters, digits and '-', with a letter or digit at both ends"
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// NamespaceSelector selects the namespaces of the HelmReleases by their
	// labels. At most one of namespace and namespaceSelector may be set.
	// +optional
	NamespaceSelector *Selector `json:"namespaceSelector,omitempty"`

	// Optional allows the target not to be there: the selector may match no
	// HelmRelease, and a HelmRelease that is named may not exist. It is delivered to
	// when it appears. Defaults to false: the ValuesTrigger is not ready meanwhile,
	// with reason SelectorMatchesNothing or TargetNotFound.
	// +optional
	Optional bool `json:"optional,omitempty"`
}

// Selector is a label selector as known from Kubernetes (metav1.LabelSelector),
// with bounds. An empty selector matches everything.
type Selector struct {
	// MatchLabels is a map of labels that must all be present.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	MatchLabels map[string]LabelValue `json:"matchLabels,omitempty"`

	// MatchExpressions is a list of requirements that must all hold.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	MatchExpressions []SelectorRequirement `json:"matchExpressions,omitempty"`
}

// LabelValue is the value of a label.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
type LabelValue string

// SelectorRequirement relates a label key to values.
// +kubebuilder:validation:XValidation:rule="(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",message="values must be set for the operators In and NotIn, and only for these"
type SelectorRequirement struct {
	// Key of the label.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([-a-z0-9.]{1,253}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$`
	// +required
	Key string `json:"key"`

	// Operator relates the key to the values.
	// +kubebuilder:validation:Enum=In;NotIn;Exists;DoesNotExist
	// +required
	Operator metav1.LabelSelectorOperator `json:"operator"`

	// Values that the operators In and NotIn compare with. Must be empty for
	// Exists and DoesNotExist.
	// +kubebuilder:validation:MaxItems=64
	// +listType=atomic
	// +optional
	Values []LabelValue `json:"values,omitempty"`
}

// AsSelector returns the selector in apimachinery's form. A nil Selector
// selects nothing. The error names the requirement that is malformed.
func (in *Selector) AsSelector() (labels.Selector, error) {
	if in == nil {
		return labels.Nothing(), nil
	}
	out := &metav1.LabelSelector{MatchLabels: make(map[string]string, len(in.MatchLabels))}
	for key, value := range in.MatchLabels {
		out.MatchLabels[key] = string(value)
	}
	for _, expr := range in.MatchExpressions {
		values := make([]string, 0, len(expr.Values))
		for _, value := range expr.Values {
			values = append(values, string(value))
		}
		out.MatchExpressions = append(out.MatchExpressions, metav1.LabelSelectorRequirement{
			Key: expr.Key, Operator: expr.Operator, Values: values,
		})
	}
	return metav1.LabelSelectorAsSelector(out)
}
