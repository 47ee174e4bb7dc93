// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

func TestStripSource_bounds_what_the_owner_of_an_object_can_put_in(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	contract := map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled}
	many := maps.Clone(contract)
	for i := range 2000 {
		many[fmt.Sprintf("l%d", i)] = strings.Repeat("x", 63)
	}
	strip := func(labels map[string]string) *metav1.PartialObjectMetadata {
		obj := index.Metadata(triggerv1.ConfigMapKind)
		obj.Labels = labels
		obj.Annotations = map[string]string{triggerv1.HRNameAnnotation: strings.Repeat("x,", 1<<17), "other": "x"}
		obj.Finalizers = []string{"x"}
		_, err := stripSource(obj)
		g.Expect(err).NotTo(HaveOccurred())
		return obj
	}
	g.Expect(strip(map[string]string{"a": "b"}).Labels).To(Equal(map[string]string{"a": "b"}))
	g.Expect(strip(map[string]string{"a": "b"}).Annotations).To(Equal(map[string]string{triggerv1.HRNameAnnotation: ""}), "that there are names, none of them")
	g.Expect(strip(many).Labels).To(Equal(contract))
	g.Expect(len(strip(contract).Annotations[triggerv1.HRNameAnnotation])).To(BeNumerically("<", 1<<17))
	g.Expect(strip(contract).Annotations).To(HaveLen(1))
	g.Expect(strip(contract).Finalizers).To(BeEmpty())
	delete(many, triggerv1.LabelReconcilerNameSourceKey)
	g.Expect(strip(many).Labels).To(BeEmpty())
}
