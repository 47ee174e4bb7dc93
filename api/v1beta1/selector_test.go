// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package v1beta1

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"
)

// admission is what the schema asks of a key and of a value of a selector.
type admission struct {
	key, value       *regexp.Regexp
	keyMax, valueMax int64
}

func admissionOf(t testing.TB) admission {
	t.Helper()
	g := NewWithT(t)
	file, err := os.ReadFile("../../config/crd/bases/trigger.nebius.ai_valuestriggers.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	crd := &apiextensionsv1.CustomResourceDefinition{}
	g.Expect(yaml.Unmarshal(file, crd)).To(Succeed())
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	expression := spec.Properties["sources"].Items.Schema.Properties["selector"].Properties["matchExpressions"].Items.Schema.Properties
	key, value := expression["key"], expression["values"].Items.Schema
	return admission{regexp.MustCompile(key.Pattern), regexp.MustCompile(value.Pattern), *key.MaxLength, *value.MaxLength}
}

func (a admission) admits(s *Selector) bool {
	for _, expr := range s.MatchExpressions {
		if !a.key.MatchString(expr.Key) || int64(utf8.RuneCountInString(expr.Key)) > a.keyMax {
			return false
		}
		if takes := expr.Operator == metav1.LabelSelectorOpIn || expr.Operator == metav1.LabelSelectorOpNotIn; takes != (len(expr.Values) > 0) {
			return false
		}
		if slices.ContainsFunc(expr.Values, func(v LabelValue) bool { return !a.admitsValue(v) }) {
			return false
		}
	}
	for _, value := range s.MatchLabels {
		if !a.admitsValue(value) {
			return false
		}
	}
	return true
}

func (a admission) admitsValue(v LabelValue) bool {
	return a.value.MatchString(string(v)) && int64(utf8.RuneCountInString(string(v))) <= a.valueMax
}

// selects says in other words what a selector selects.
func selects(s *Selector, set labels.Set) bool {
	for key, value := range s.MatchLabels {
		if had, found := set[key]; !found || had != string(value) {
			return false
		}
	}
	for _, expr := range s.MatchExpressions {
		value, found := set[expr.Key]
		listed := found && slices.Contains(expr.Values, LabelValue(value))
		switch expr.Operator {
		case metav1.LabelSelectorOpIn:
			if !listed {
				return false
			}
		case metav1.LabelSelectorOpNotIn:
			if listed {
				return false
			}
		case metav1.LabelSelectorOpExists:
			if !found {
				return false
			}
		case metav1.LabelSelectorOpDoesNotExist:
			if found {
				return false
			}
		}
	}
	return true
}

func TestSelector_nilSelectsNothingAndEmptyEverything(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var none *Selector
	s, err := none.AsSelector()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Matches(labels.Set{})).To(BeFalse())
	s, err = (&Selector{}).AsSelector()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Matches(labels.Set{})).To(BeTrue())
}

// Whatever the schema admits selects what it says, or has a key that is not a label's.
func FuzzSelector(f *testing.F) {
	f.Add("app", "a", "tier", uint8(0), "b,c", "tier", "b")
	f.Add("app", "", "x.io/y", uint8(1), "b", "app", "")
	f.Add("a b", "", "-/a", uint8(2), "", "app", "a")
	f.Add("kubernetes.io/os", "linux", "app", uint8(3), "", "kubernetes.io/os", "linux")
	f.Add(strings.Repeat("k", 64), "v", ".../a", uint8(0), ",", "", "")
	schema := admissionOf(f)
	operators := []metav1.LabelSelectorOperator{
		metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn, metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist,
	}
	f.Fuzz(func(t *testing.T, label, value, key string, operator uint8, values, hasKey, hasValue string) {
		expr := SelectorRequirement{Key: key, Operator: operators[int(operator)%len(operators)]}
		if values != "" {
			for v := range strings.SplitSeq(values, ",") {
				expr.Values = append(expr.Values, LabelValue(v))
			}
		}
		in := &Selector{MatchExpressions: []SelectorRequirement{expr}}
		if label != "" {
			in.MatchLabels = map[string]LabelValue{label: LabelValue(value)}
		}
		if !schema.admits(in) {
			return
		}
		s, err := in.AsSelector()
		if err != nil {
			if len(validation.IsQualifiedName(key)) == 0 && len(validation.IsQualifiedName(label)) == 0 {
				t.Errorf("%+v is admitted and refused: %s", in, err)
			}
			return
		}
		for _, set := range []labels.Set{{}, {hasKey: hasValue}, {key: hasValue}, {label: value}, {label: value, key: strings.Split(values, ",")[0]}} {
			if s.Matches(set) != selects(in, set) {
				t.Errorf("%+v selects %v: %t", in, set, s.Matches(set))
			}
			// This is how a selector is sent to the API server.
			if again, err := labels.Parse(s.String()); err != nil || again.Matches(set) != s.Matches(set) {
				t.Errorf("%+v is written as %q: %v", in, s, err)
			}
		}
	})
}
