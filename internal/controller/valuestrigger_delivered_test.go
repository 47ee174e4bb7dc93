// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

func TestDeliveredMessage_says_when_a_request_made_no_revision(t *testing.T) {
	t.Parallel()
	scheme := runtime.NewScheme()
	if err := helmv2.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		record plan.Record
		want   string
	}{
		{"a new revision", plan.Record{Token: "a.2", Revision: 2, At: time.Unix(1e9, 0)}, "Delivered, revision 3: who"},
		{"the revision of before", plan.Record{Token: "a.2", Revision: 3, At: time.Unix(1e9, 0)}, "Delivered, revision 3 as before: who"},
		{"another request since", plan.Record{Token: "b.3", Revision: 3, At: time.Unix(1e9, 0)}, "Delivered, revision 3: who"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", Annotations: map[string]string{
				triggerv1.RequestAnnotation: c.record.String(),
			}}}
			delivered := inState(triggerv1.TargetDelivered)
			delivered.Token, delivered.Revision = "a.2", 3
			e := triggerEvents{cache: fake.NewClientBuilder().WithScheme(scheme).WithObjects(hr).Build()}
			NewWithT(t).Expect(e.deliveredMessage(t.Context(), delivered)).To(Equal(c.want))
		})
	}
}
