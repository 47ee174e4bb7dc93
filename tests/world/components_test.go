// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// waitLong is for what others do at their own pace; waits end as soon as they can.
const waitLong = 30 * time.Second

func TestWorldsSideBySide(t *testing.T) {
	g := NewWithT(t)
	one := shared(t)
	start := time.Now()
	two := world.ForTest(t, world.Options{NoHelmController: true})
	t.Logf("up in %s", time.Since(start))

	g.Expect(two.Config().Host).NotTo(Equal(one.Config().Host))
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "only-in-two"}}
	g.Expect(two.Client().Create(t.Context(), cm)).To(Succeed())
	err := one.Client().Get(t.Context(), client.ObjectKeyFromObject(cm), cm)
	g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)

	two.Stop()
	two.Stop()
	g.Expect(two.Dir()).NotTo(BeAnExistingFile())
	g.Expect(one.Client().Get(t.Context(), client.ObjectKey{Name: "default"}, &corev1.Namespace{})).To(Succeed())
}

func TestHelmControllerRestarts(t *testing.T) {
	g := NewWithT(t)
	w := shared(t)
	ctx := t.Context()
	ns := install(t, w, "app")

	g.Expect(w.StopComponent(ctx, world.HelmController)).To(Succeed())
	g.Expect(w.Component(world.HelmController).Running()).To(BeFalse())
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "app"}}
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(hr), hr)).To(Succeed())
	hr.Spec.Interval.Duration = 2 * time.Hour
	g.Expect(w.Client().Update(ctx, hr)).To(Succeed())
	g.Expect(w.StartComponent(ctx, world.HelmController, "--feature-gates=DisableConfigWatchers=true")).To(Succeed())
	waitReady(t, w, hr)
	g.Expect(w.StartComponent(ctx, world.HelmController)).To(MatchError(ContainSubstring("runs already")))

	// Wrong arguments are reported at once, and the next start drops them.
	g.Expect(w.KillComponent(world.HelmController)).To(Succeed())
	err := w.StartComponent(ctx, world.HelmController, "--no-such-flag")
	g.Expect(err).To(MatchError(ContainSubstring("unknown flag: --no-such-flag")))
	g.Expect(w.StartComponent(ctx, world.HelmController)).To(Succeed())
}

func TestAPIServerRestarts(t *testing.T) {
	g := NewWithT(t)
	w := world.ForTest(t, world.Options{})
	ctx := t.Context()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", GenerateName: "kept-"}}
	g.Expect(w.Client().Create(ctx, cm)).To(Succeed())

	g.Expect(w.KillComponent(world.APIServer)).To(Succeed())
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(cm), cm)).NotTo(Succeed())
	g.Expect(w.StartComponent(ctx, world.APIServer)).To(Succeed())
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(cm), cm)).To(Succeed())

	start := time.Now()
	g.Expect(w.RestartComponent(ctx, world.APIServer)).To(Succeed())
	t.Logf("restarted in %s", time.Since(start))
	g.Expect(w.Client().Get(ctx, client.ObjectKeyFromObject(cm), cm)).To(Succeed())
	install(t, w, "app") // the controllers reconnect
}

// The controller manager does what objects rely on: service accounts with
// tokens that are worth what RBAC says, garbage collection, ends of namespaces.
func TestControllersWork(t *testing.T) {
	g := NewWithT(t)
	w := shared(t)
	ctx := t.Context()
	ns, err := w.Namespace(ctx, "test")
	g.Expect(err).NotTo(HaveOccurred())

	named := metav1.ObjectMeta{Namespace: ns, Name: "reader"}
	g.Expect(w.Client().Create(ctx, &corev1.ServiceAccount{ObjectMeta: named})).To(Succeed())
	g.Expect(w.Client().Create(ctx, &rbacv1.Role{ObjectMeta: named, Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get"},
	}}})).To(Succeed())
	g.Expect(w.Client().Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: named,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: ns, Name: "reader"}},
	})).To(Succeed())
	kubeconfig, err := w.KubeconfigForServiceAccount(ctx, ns, "reader")
	g.Expect(err).NotTo(HaveOccurred())
	asReader := func(args ...string) (string, error) {
		return w.Kubectl(ctx, append([]string{"--kubeconfig", kubeconfig}, args...)...)
	}
	g.Eventually(func() error {
		_, err := asReader("get", "configmap", "kube-root-ca.crt")
		return err
	}, waitLong).Should(Succeed())
	mark, err := w.AuditMark(ctx)
	g.Expect(err).NotTo(HaveOccurred())
	_, err = asReader("get", "secret", "any")
	g.Expect(err).To(MatchError(ContainSubstring("system:serviceaccount:" + ns + ":reader")))
	_, err = asReader("delete", "configmap", "kube-root-ca.crt")
	g.Expect(err).To(MatchError(ContainSubstring("forbidden")))
	reader := world.ServiceAccountUser(ns, "reader")
	g.Expect(w.AuditEvents(ctx, mark, world.WritesBy(reader))).To(BeEmpty())
	events, err := w.AuditEvents(ctx, mark, func(e world.AuditEvent) bool { return e.User == reader && e.Verb == "delete" })
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(events).To(HaveLen(1))
	g.Expect(events[0].Code).To(Equal(http.StatusForbidden))

	owner := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owner"},
		Spec: helmv2.HelmReleaseSpec{
			Suspend:  true,
			ChartRef: &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "none"},
		},
	}
	g.Expect(w.Client().Create(ctx, owner)).To(Succeed())
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owned", OwnerReferences: []metav1.OwnerReference{{
		APIVersion: helmv2.GroupVersion.String(), Kind: "HelmRelease", Name: owner.Name, UID: owner.UID,
	}}}}
	g.Expect(w.Client().Create(ctx, owned)).To(Succeed())
	g.Expect(w.Client().Delete(ctx, owner)).To(Succeed())
	g.Eventually(func() bool {
		return apierrors.IsNotFound(w.Client().Get(ctx, client.ObjectKeyFromObject(owned), owned))
	}, waitLong).Should(BeTrue())

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
	g.Expect(w.Client().Delete(ctx, namespace)).To(Succeed())
	g.Eventually(func() bool {
		return apierrors.IsNotFound(w.Client().Get(ctx, client.ObjectKeyFromObject(namespace), namespace))
	}, waitLong).Should(BeTrue())
}

func TestAlertsReachAProvider(t *testing.T) {
	g := NewWithT(t)
	w := shared(t)
	ctx := t.Context()
	got := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got <- r.Header.Get("Gotk-Component")
	}))
	t.Cleanup(hook.Close)
	ns, err := w.Namespace(ctx, "test")
	g.Expect(err).NotTo(HaveOccurred())
	_, err = w.KubectlInput(ctx, `
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: hook, namespace: `+ns+`}
spec: {type: generic, address: `+hook.URL+`}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: hook, namespace: `+ns+`}
spec:
  providerRef: {name: hook}
  eventSources: [{kind: HelmRelease, name: "*"}]
`, "apply", "-f", "-")
	g.Expect(err).NotTo(HaveOccurred())
	hr := release(t, w, ns, "app")
	// An event that comes before the Alert is in the controller's cache is
	// lost, and nothing says when it is there: make more events.
	g.Eventually(func(g Gomega) {
		token := fmt.Sprint(time.Now().UnixNano())
		patch := client.MergeFrom(hr.DeepCopy())
		hr.Annotations = map[string]string{meta.ReconcileRequestAnnotation: token, helmv2.ForceRequestAnnotation: token}
		g.Expect(w.Client().Patch(ctx, hr, patch)).To(Succeed())
		g.Eventually(got, time.Second).Should(Receive(Equal("helm-controller")))
	}, waitLong).Should(Succeed())
}

func TestHelmInstallsAPlainChart(t *testing.T) {
	g := NewWithT(t)
	w := shared(t)
	ctx := t.Context()
	ns, err := w.Namespace(ctx, "test")
	g.Expect(err).NotTo(HaveOccurred())
	dir := t.TempDir()
	g.Expect(world.TestChart().Write(dir)).To(Succeed())
	_, err = w.Helm(ctx, "install", "plain", dir, "--namespace", ns, "--set", "color=blue")
	g.Expect(err).NotTo(HaveOccurred())
	out, err := w.Kubectl(ctx, "get", "configmap", "plain", "--namespace", ns, "-o", "yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out).To(ContainSubstring("color: blue"))
	_, err = w.Helm(ctx, "upgrade", "plain", dir, "--namespace", ns, "--set", "fail=true")
	g.Expect(err).To(MatchError(ContainSubstring("the value fail is true")))
}
