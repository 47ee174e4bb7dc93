// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestLabelled(t *testing.T) {
	t.Parallel()
	const key, name = triggerv1.LabelReconcilerNameSourceKey, triggerv1.HRNameAnnotation
	owned := func(keys ...string) []metav1.ManagedFieldsEntry {
		fields := &metav1.FieldsV1{}
		fields.SetRawString(`{"f:metadata":{"f:labels":{"f:` + strings.Join(keys, `":{},"f:`) + `":{}}}}`)
		return []metav1.ManagedFieldsEntry{{Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply, FieldsV1: fields}}
	}
	for _, c := range []struct {
		name    string
		labels  map[string]string
		managed []metav1.ManagedFieldsEntry
		desired map[string]string
		want    bool
	}{
		{"nothing wanted, nothing there", nil, nil, nil, true},
		{"wanted and missing", nil, nil, map[string]string{key: "true"}, false},
		{"wanted and there", map[string]string{key: "true"}, owned(key), map[string]string{key: "true"}, true},
		{"wanted and set by someone else", map[string]string{key: "true"}, nil, map[string]string{key: "true"}, true},
		{"wanted with another value", map[string]string{name: "a"}, owned(name), map[string]string{name: "b"}, false},
		{"not wanted and ours", map[string]string{key: "true"}, owned(key), nil, false},
		{"one of two not wanted any more", map[string]string{key: "true", name: "a"}, owned(key, name), map[string]string{key: "true"}, false},
		{"not wanted and someone else's", map[string]string{key: "true"}, nil, nil, true},
		{"not wanted, and only another label is ours", map[string]string{key: "true", name: "a"}, owned("example.com/other"), nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Labels: c.labels, ManagedFields: c.managed}}
			NewWithT(t).Expect(labelled(hr, c.desired)).To(Equal(c.want))
		})
	}
}
