// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"context"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// w is the world that the tests of this package share.
var w *world.World

func TestMain(m *testing.M) {
	if os.Getenv(doomed) != "" {
		startDoomed()
	}
	os.Exit(world.Main(m, world.Options{NotificationController: true}, &w))
}

func shared(t *testing.T) *world.World {
	t.Helper()
	if w == nil {
		t.Skip("needs a test world; running with -short")
	}
	w.DumpOnFailure(t)
	return w
}

func TestReleaseRendersItsValues(t *testing.T) {
	g := NewWithT(t)
	w := shared(t)
	ns := install(t, w, "app")

	rendered := &corev1.ConfigMap{}
	g.Expect(w.Client().Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "app"}, rendered)).To(Succeed())
	g.Expect(rendered.Data["values"]).To(ContainSubstring("color: red"))
}

// install makes a namespace with a release of the test chart that reads the
// values {color: red} from a ConfigMap, and waits until it is ready.
func install(t *testing.T, w *world.World, name string) (namespace string) {
	t.Helper()
	g := NewWithT(t)
	ctx := t.Context()
	ns, err := w.Namespace(ctx, "test")
	g.Expect(err).NotTo(HaveOccurred())
	release(t, w, ns, name)
	return ns
}

// release makes the release in a namespace that is there.
func release(t *testing.T, w *world.World, ns, name string) *helmv2.HelmRelease {
	t.Helper()
	g := NewWithT(t)
	ctx := t.Context()
	g.Expect(w.PublishChart(ctx, ns, "chart", world.TestChart())).To(Succeed())
	values := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "values"},
		Data:       map[string]string{"values.yaml": "color: red"},
	}
	g.Expect(w.Client().Create(ctx, values)).To(Succeed())
	hr := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: helmv2.HelmReleaseSpec{
			Interval:   metav1.Duration{Duration: time.Hour},
			ChartRef:   &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "chart"},
			ValuesFrom: []helmv2.ValuesReference{{Kind: "ConfigMap", Name: "values"}},
		},
	}
	g.Expect(w.Client().Create(ctx, hr)).To(Succeed())
	waitReady(t, w, hr)
	return hr
}

func waitReady(t *testing.T, w *world.World, hr *helmv2.HelmRelease) {
	t.Helper()
	NewWithT(t).Eventually(func(g Gomega, ctx context.Context) {
		g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(hr), hr)).To(Succeed())
		g.Expect(hr.Status.ObservedGeneration).To(Equal(hr.Generation))
		g.Expect(apimeta.IsStatusConditionTrue(hr.Status.Conditions, meta.ReadyCondition)).To(BeTrue(),
			"conditions: %v", hr.Status.Conditions)
	}).WithContext(t.Context()).WithTimeout(waitLong).WithPolling(50 * time.Millisecond).Should(Succeed())
}
