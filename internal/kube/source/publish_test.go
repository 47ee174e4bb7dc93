// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestResolver_tells_what_is_published(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	listed := testConfigMap("listed", map[string]string{"a": "1", "b": "2"})
	listed.Annotations = map[string]string{triggerv1.PublishToAnnotation: "apps, shop"}
	endless := testConfigMap("endless", map[string]string{"a": "1"})
	endless.Annotations = map[string]string{triggerv1.PublishToAnnotation: strings.Repeat("apps,", 4000)}
	cl := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(listed, endless).Build()
	out, err := resolve(t, Resolver{Store: NewStore(cl, cl, testKeyring{}), Metadata: cl}, refs{
		{Kind: "ConfigMap", Name: "listed", Keys: []string{"b"}, PublishAs: "more"},
		{Kind: "ConfigMap", Name: "listed", Keys: []string{"a"}, PublishAs: "other"},
		{Kind: "ConfigMap", Name: "endless"},
		{Kind: "ConfigMap", Name: "absent", Optional: true, PublishAs: "more"},
	}...)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Sources).To(HaveExactElements(
		And(HaveField("ID", "ConfigMap/apps/absent"), HaveField("PublishAs", "more"), HaveField("PublishTo", "")),
		And(HaveField("ID", "ConfigMap/apps/endless"), HaveField("PublishTo", ""), HaveField("Keys", BeEmpty())),
		And(HaveField("ID", "ConfigMap/apps/listed"), HaveField("PublishTo", "apps, shop"), HaveField("PublishAs", "more"), HaveField("Keys", ConsistOf("a", "b"))),
	))
}

func TestStore_Read_reads_as_the_account(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"a": "1"}))
	obj, err := c.Read(t.Context(), Account{}, settings)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(obj.(*corev1.ConfigMap).Data).To(Equal(map[string]string{"a": "1"}))
	g.Expect(c.reads.Load()).To(BeEquivalentTo(1))

	asked := 0
	tenant := Account{Name: "tenant", Reader: interceptor.NewClient(c.client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
			asked++
			return next.Get(ctx, key, into, opts...)
		},
	})}
	_, err = c.Read(t.Context(), tenant, settings)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(asked).To(Equal(1))
	obj, err = c.Read(t.Context(), tenant, Ref{Kind: "ConfigMap", Namespace: "apps", Name: "absent"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(obj).To(BeNil())
}
