// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/app"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/notify"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const timeout = 30 * time.Second

// shared is the world of the tests in this package.
var shared *world.World

// runManager in the environment makes this test binary the manager.
const runManager = "APP_TEST_RUN_MANAGER"

func TestMain(m *testing.M) {
	if os.Getenv(runManager) != "" {
		os.Exit(app.Run(ctrl.SetupSignalHandler(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
	}
	os.Exit(world.Main(m, world.Options{
		NoHelmController: true,
		NoAudit:          true,
		CRDs:             []string{filepath.Join("..", "..", "config", "crd", "bases")},
	}, &shared))
}

func needWorld(t *testing.T) *world.World {
	t.Helper()
	if shared == nil {
		t.Skip("needs a test world; running with -short")
	}
	shared.DumpOnFailure(t)
	return shared
}

func address(t *testing.T, w *world.World) string {
	t.Helper()
	addr, err := w.ReservePort()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return addr
}

// account creates a service account that may do nothing, and returns its access.
func account(t *testing.T, w *world.World) (*corev1.ServiceAccount, *rest.Config) {
	t.Helper()
	g := NewWithT(t)
	ns, err := w.Namespace(t.Context(), "app")
	g.Expect(err).NotTo(HaveOccurred())
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "stranger"}}
	g.Expect(w.Client().Create(t.Context(), sa)).To(Succeed())
	cfg, err := w.ConfigForServiceAccount(t.Context(), ns, sa.Name)
	g.Expect(err).NotTo(HaveOccurred())
	return sa, cfg
}

// grant binds a cluster role to the service account.
func grant(t *testing.T, w *world.World, sa *corev1.ServiceAccount, role string) {
	t.Helper()
	NewWithT(t).Expect(w.Client().Create(context.Background(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: sa.Namespace, Name: sa.Name}},
	})).To(Succeed())
}

// mayGet lets someone get a path that is not a resource.
func mayGet(t *testing.T, w *world.World, path string, who rbacv1.Subject) {
	t.Helper()
	g := NewWithT(t)
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-test-"},
		Rules:      []rbacv1.PolicyRule{{NonResourceURLs: []string{path}, Verbs: []string{"get"}}},
	}
	g.Expect(w.Client().Create(t.Context(), role)).To(Succeed())
	g.Expect(w.Client().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "app-test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{who},
	})).To(Succeed())

	// The manager would remember a refusal for half a minute.
	asked := authorizationv1.SubjectAccessReviewSpec{
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: path, Verb: "get"},
	}
	if who.Kind == rbacv1.GroupKind {
		asked.Groups = []string{who.Name}
	} else {
		asked.User = world.ServiceAccountUser(who.Namespace, who.Name)
	}
	g.Eventually(func() (bool, error) {
		review := &authorizationv1.SubjectAccessReview{Spec: asked}
		err := w.Client().Create(t.Context(), review)
		return review.Status.Allowed, err
	}).WithTimeout(timeout).Should(BeTrue())
}

// start runs the manager in this process. The result of the run arrives in done.
func start(t *testing.T, cfg *rest.Config, env map[string]string, args ...string) (done <-chan error, stop func()) {
	t.Helper()
	g := NewWithT(t)
	opts, err := app.ParseOptions(args, func(name string) string { return env[name] })
	g.Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	mgr, err := app.New(ctx, cfg, opts)
	g.Expect(err).NotTo(HaveOccurred())
	result := make(chan error, 1)
	go func() { result <- mgr.Start(ctx) }()
	return result, cancel
}

// get returns the status of an answer, or the error.
func get(url, token string) func() string {
	return func() string {
		req, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			return err.Error()
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		// The certificate is self-signed, as documented.
		httpClient := http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		}}
		resp, err := httpClient.Do(req)
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%d %s", resp.StatusCode, resp.Proto)
	}
}

const (
	ok        = "200 HTTP/1.1"
	notReady  = "500 HTTP/1.1" // what controller-runtime answers for a failed check
	noToken   = "401 HTTP/1.1"
	forbidden = "403 HTTP/1.1"
)

func TestReadyOnceCachesAreSynced(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	sa, cfg := account(t, w)
	health := address(t, w)

	done, stop := start(t, cfg, nil, "--metrics-addr=0", "--health-addr="+health)
	g.Eventually(get("http://"+health+"/healthz", "")).WithTimeout(timeout).Should(Equal(ok))
	g.Consistently(get("http://"+health+"/readyz", "")).WithTimeout(time.Second).Should(Equal(notReady),
		"nothing can be listed without a permission")

	grant(t, w, sa, "cluster-admin")
	g.Eventually(get("http://"+health+"/readyz", "")).WithTimeout(timeout).Should(Equal(ok))

	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
}

func TestNotReadyWhileItsCRDIsGone(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	health := address(t, w)
	done, stop := start(t, w.Config(), nil, "--metrics-addr=0", "--health-addr="+health)
	ready := get("http://"+health+"/readyz", "")
	g.Eventually(ready).WithTimeout(timeout).Should(Equal(ok))

	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	g.Expect(w.Client().Get(t.Context(), client.ObjectKey{Name: "valuestriggers." + triggerv1.GroupVersion.Group}, crd)).To(Succeed())
	g.Expect(w.Client().Delete(t.Context(), crd)).To(Succeed())
	t.Cleanup(func() { _ = w.Client().Create(context.Background(), bare(crd)) })
	g.Eventually(ready).WithTimeout(timeout).Should(Equal(notReady))
	g.Expect(get("http://"+health+"/healthz", "")()).To(Equal(ok), "a restart would not help")

	g.Eventually(func() error { return w.Client().Create(t.Context(), bare(crd)) }).WithTimeout(timeout).Should(Succeed())
	g.Eventually(ready).WithTimeout(timeout).Should(Equal(ok), "by itself")

	ns, err := w.Namespace(t.Context(), "again")
	g.Expect(err).NotTo(HaveOccurred())
	c, err := client.New(w.Config(), client.Options{Scheme: app.NewScheme()})
	g.Expect(err).NotTo(HaveOccurred())
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "new"}}
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "values"}}
	vt.Spec.Targets = []triggerv1.TargetReference{{Name: "app"}}
	back := time.Now()
	g.Eventually(func() error { return c.Create(t.Context(), vt) }).WithTimeout(timeout).Should(Succeed())
	g.Eventually(func() (int64, error) {
		err := c.Get(t.Context(), client.ObjectKeyFromObject(vt), vt)
		return vt.Status.ObservedGeneration, err
	}).WithTimeout(timeout).Should(Equal(vt.Generation), "its watch goes on")
	t.Logf("evaluated after %s", time.Since(back).Round(time.Millisecond))

	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
}

// The API server takes what the fake one of internal/kube/notify takes.
func TestEveryEventIsStored(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	ns, err := w.Namespace(t.Context(), "events")
	g.Expect(err).NotTo(HaveOccurred())
	store := notify.NewStore(app.NewScheme(), w.Client(), "tester", logr.Discard())
	ctx, cancel := context.WithCancel(t.Context())
	go store.Run(ctx)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "platform", UID: "one"}}
	for i := range 30 {
		store.Eventf(vt, corev1.EventTypeNormal, triggerv1.StageStartedReason, "Stage %d/3 started", i%3+1)
		store.AnnotatedEventf(vt, map[string]string{"helm.toolkit.fluxcd.io/token": "a.1"}, corev1.EventTypeWarning, triggerv1.RolledBackReason, "again")
	}
	cancel()
	store.Wait(timeout)
	stored := &corev1.EventList{}
	g.Expect(w.Client().List(t.Context(), stored, client.InNamespace(ns))).To(Succeed())
	g.Expect(stored.Items).To(HaveLen(60))
}

// bare returns an object as it is created.
func bare(obj *unstructured.Unstructured) *unstructured.Unstructured {
	created := &unstructured.Unstructured{Object: map[string]any{"spec": obj.Object["spec"]}}
	created.SetGroupVersionKind(obj.GroupVersionKind())
	created.SetName(obj.GetName())
	return created
}

func TestCachesThatDoNotSyncEndTheRun(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	sa, cfg := account(t, w)
	// What is left behind waits for its caches; see Manager.Start.
	t.Cleanup(func() { grant(t, w, sa, "cluster-admin") })

	done, _ := start(t, cfg, map[string]string{"CACHE_SYNC_TIMEOUT": "500ms"}, "--metrics-addr=0", "--health-addr=0")
	g.Eventually(done).WithTimeout(timeout).Should(Receive(
		MatchError(ContainSubstring("caches not synced within 500ms (--cache-sync-timeout)"))))
}

func TestStopWhileCachesSync(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	sa, cfg := account(t, w)
	t.Cleanup(func() { grant(t, w, sa, "cluster-admin") })
	health := address(t, w)

	done, stop := start(t, cfg, nil, "--metrics-addr=0", "--health-addr="+health)
	g.Eventually(get("http://"+health+"/healthz", "")).WithTimeout(timeout).Should(Equal(ok))
	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
}

func TestSecureMetrics(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	metrics := address(t, w)
	_, stranger := account(t, w)
	done, stop := start(t, w.Config(), nil, "--metrics-bind-address="+metrics, "--health-addr=0")
	url := "https://" + metrics + "/metrics"

	g.Eventually(get(url, "")).WithTimeout(timeout).Should(Equal(noToken))
	g.Expect(get(url, "nonsense")()).To(Equal(noToken))
	g.Expect(get(url, stranger.BearerToken)()).To(Equal(forbidden))

	sa, reader := account(t, w)
	mayGet(t, w, "/metrics", rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: sa.Namespace, Name: sa.Name})
	g.Expect(get(url, reader.BearerToken)()).To(Equal(ok))
	heap := "https://" + metrics + "/debug/pprof/heap"
	g.Expect(get(heap, reader.BearerToken)()).To(Equal(forbidden))

	// Groups count, too, those that the API server adds included.
	mayGet(t, w, "/debug/pprof/heap", rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:authenticated"})
	g.Expect(get(heap, stranger.BearerToken)()).To(Equal(ok))

	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
}

func TestPlainMetrics(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	metrics := address(t, w)
	start(t, w.Config(), nil, "--metrics-addr="+metrics, "--health-addr=0")

	g.Eventually(get("http://"+metrics+"/metrics", "")).WithTimeout(timeout).Should(Equal(ok))
	g.Expect(get("http://"+metrics+"/debug/pprof/heap", "")()).To(Equal(ok))
	body := func() string {
		resp, err := http.Get("http://" + metrics + "/metrics")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	g.Expect(body()).To(And(
		ContainSubstring("trigger_build_info{"),
		ContainSubstring("trigger_events_dropped_total"),
	))
}

func TestFollowerIsReadyAndTakesOver(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	ns, err := w.Namespace(t.Context(), "lead")
	g.Expect(err).NotTo(HaveOccurred())
	env := map[string]string{"RUNTIME_NAMESPACE": ns}
	args := []string{"--leader-elect", "--leader-election-retry-period=200ms", "--metrics-addr=0"}
	holder := func() string {
		lease := &coordinationv1.Lease{}
		key := client.ObjectKey{Namespace: ns, Name: "helmrelease-trigger-operator-leader-election"}
		if err := w.Client().Get(context.Background(), key, lease); err != nil || lease.Spec.HolderIdentity == nil {
			return ""
		}
		return *lease.Spec.HolderIdentity
	}

	leader, follower := address(t, w), address(t, w)
	done, stop := start(t, w.Config(), env, append(args, "--health-probe-bind-address="+leader)...)
	g.Eventually(get("http://"+leader+"/readyz", "")).WithTimeout(timeout).Should(Equal(ok))
	g.Eventually(holder).WithTimeout(timeout).ShouldNot(BeEmpty())
	first := holder()

	start(t, w.Config(), env, append(args, "--health-probe-bind-address="+follower)...)
	g.Eventually(get("http://"+follower+"/readyz", "")).WithTimeout(timeout).Should(Equal(ok))
	g.Expect(holder()).To(Equal(first))

	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
	g.Eventually(holder).WithTimeout(timeout).ShouldNot(Or(BeEmpty(), Equal(first)))
}

// TestRun runs the program as a process of its own, since it sets the logger of the
// whole process.
func TestRun(t *testing.T) {
	g := NewWithT(t)
	w := needWorld(t)
	health := address(t, w)
	self, err := os.Executable()
	g.Expect(err).NotTo(HaveOccurred())
	run := func(name string) *world.Process {
		process, err := w.Run(world.Spec{Name: name, Path: self, Env: []string{runManager + "=1"},
			Args: []string{"--metrics-addr=0", "--health-addr=" + health, "--log-level=error"}})
		g.Expect(err).NotTo(HaveOccurred())
		return process
	}

	manager := run("manager")
	g.Eventually(get("http://"+health+"/readyz", "")).WithTimeout(timeout).Should(Equal(ok))

	second := run("second")
	g.Eventually(second.Done()).WithTimeout(timeout).Should(BeClosed())
	g.Expect(second.Wait(t.Context())).To(MatchError(ContainSubstring("exit status 1")))
	complaint, err := os.ReadFile(second.LogPath())
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(complaint)).To(And(HavePrefix("manager: "), ContainSubstring("address already in use")))
	g.Expect(strings.Count(string(complaint), "\n")).To(Equal(1))

	g.Expect(manager.Signal(syscall.SIGTERM)).To(Succeed())
	g.Expect(manager.Wait(t.Context())).To(Succeed())
}

func TestOutdatedFlux(t *testing.T) {
	g := NewWithT(t)
	w := world.ForTest(t, world.Options{NoHelmController: true, CRDs: []string{"../../config/crd/bases"}})
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	crd.SetName("helmreleases.helm.toolkit.fluxcd.io")
	g.Expect(w.Client().Get(t.Context(), client.ObjectKeyFromObject(crd), crd)).To(Succeed())
	versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
	g.Expect(err).NotTo(HaveOccurred())
	for _, version := range versions {
		unstructured.RemoveNestedField(version.(map[string]any),
			"schema", "openAPIV3Schema", "properties", "status", "properties", "history", "items", "properties", "action")
	}
	g.Expect(unstructured.SetNestedSlice(crd.Object, versions, "spec", "versions")).To(Succeed())
	g.Expect(w.Client().Update(t.Context(), crd)).To(Succeed())
	served, err := kubernetes.NewForConfig(w.Config())
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() (string, error) {
		document, err := served.RESTClient().Get().AbsPath("/openapi/v3/apis/helm.toolkit.fluxcd.io/v2").DoRaw(t.Context())
		return string(document), err
	}).WithTimeout(timeout).Should(And(ContainSubstring(`"configDigest"`), Not(ContainSubstring(`"action":{`))), "it follows the definition after a moment")

	done, stop := start(t, w.Config(), nil, "--metrics-addr=0", "--health-addr=0")
	g.Eventually(func() ([]string, error) {
		list := &corev1.EventList{}
		err := w.Client().List(t.Context(), list, client.InNamespace(metav1.NamespaceDefault))
		var found []string
		for _, event := range list.Items {
			if event.Reason == triggerv1.FluxOutdatedReason && event.InvolvedObject.Name == "helmreleases.helm.toolkit.fluxcd.io" {
				found = append(found, event.Message)
			}
		}
		return found, err
	}).WithTimeout(timeout).Should(ConsistOf(ContainSubstring("is older than helm-controller 1.5 (Flux 2.8)")))
	stop()
	g.Eventually(done).WithTimeout(timeout).Should(Receive(BeNil()))
}
