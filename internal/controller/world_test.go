// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/refusal"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/request"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// What a fake client cannot prove: who owns which field, what a status is apart from, and what the
// API server refuses.

const worldTimeout = 30 * time.Second

// realWorld has a real API server, nil with -short.
var realWorld *world.World

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(world.Main(m, world.Options{
		NoHelmController: true, NoAudit: true, CRDs: []string{filepath.Join("..", "..", "config", "crd", "bases")},
	}, &realWorld))
}

// place is a namespace of the real API server.
type place struct {
	*WithT
	client.Client
	t         *testing.T
	namespace string
}

// newPlace returns a namespace, with the controllers at work if they are to be.
func newPlace(t *testing.T, controllers bool) place {
	t.Helper()
	if realWorld == nil {
		t.Skip("needs a test world; running with -short")
	}
	g, scheme := NewWithT(t), triggerScheme(t)
	c, err := client.New(realWorld.Config(), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	namespace, err := realWorld.Namespace(t.Context(), "controller")
	g.Expect(err).NotTo(HaveOccurred())
	if controllers {
		start(t, namespace)
	}
	return place{g, c, t, namespace}
}

// start runs the controllers, for one namespace, until the end of the test.
func start(t *testing.T, namespace string) {
	t.Helper()
	g := NewWithT(t)
	cached := CacheOptions(true)
	cached.ReaderFailOnMissingInformer = true
	cached.DefaultNamespaces = map[string]cache.Config{namespace: {}}
	mgr, err := ctrl.NewManager(realWorld.Config(), ctrl.Options{
		Scheme: triggerScheme(t), Cache: cached, Metrics: server.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
		Client: client.Options{FieldOwner: triggerv1.FieldManager, Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}}}},
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(SetupWithManager(t.Context(), mgr, Options{
		Concurrent: 1, Secrets: true, Autodiscovery: true, RuntimeNamespace: namespace, CacheSyncTimeout: worldTimeout,
		Events: &record.FakeRecorder{}, Meter: metrics.New(prometheus.NewRegistry()),
		NewRateLimiter: workqueue.DefaultTypedControllerRateLimiter[ctrl.Request],
	})).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		NewWithT(t).Expect(<-done).To(Succeed())
	})
}

// make creates an object in the namespace.
func (p place) make(obj client.Object) {
	p.t.Helper()
	obj.SetNamespace(p.namespace)
	p.Expect(p.Create(p.t.Context(), obj)).To(Succeed())
}

// eventually waits until an object is as it is to be.
func (p place) eventually(obj client.Object, name string, is func(g Gomega)) {
	p.t.Helper()
	p.Eventually(func(g Gomega) {
		g.Expect(p.Get(p.t.Context(), types.NamespacedName{Namespace: p.namespace, Name: name}, obj)).To(Succeed())
		is(g)
	}).WithTimeout(worldTimeout).Should(Succeed())
}

// owners returns which managers own which of some fields.
func owners(obj client.Object, path ...string) map[string]bool {
	found := map[string]bool{}
	for _, entry := range obj.GetManagedFields() {
		if entry.Subresource == "" && fields.Of(entry).Has(path...) {
			found[entry.Manager+" "+string(entry.Operation)] = true
		}
	}
	return found
}

// aRelease returns a HelmRelease that reads a ConfigMap.
func aRelease(name, reads string) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Name: name}}
	hr.Spec.Interval.Duration = time.Hour
	hr.Spec.ChartRef = &helmv2.CrossNamespaceSourceReference{Kind: "OCIRepository", Name: "none"}
	hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: reads}}
	return hr
}

// declared returns a ValuesTrigger of one ConfigMap and one release.
func declared() *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Name: "platform"}}
	vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "settings"}}
	vt.Spec.Targets = []triggerv1.TargetReference{{Name: "app"}}
	return vt
}

func TestWorld_a_generated_trigger_is_owned_field_by_field(t *testing.T) {
	t.Parallel()
	p := newPlace(t, true)
	p.make(aRelease("app", "settings"))
	vt := &triggerv1.ValuesTrigger{}
	sources := func(g Gomega) { g.Expect(vt.Spec.Sources).To(HaveExactElements(HaveField("Name", "settings"))) }
	p.eventually(vt, "app-auto", sources)
	operator := map[string]bool{triggerv1.FieldManager + " Apply": true}
	p.Expect(owners(vt, "spec", "sources")).To(Equal(operator))
	p.Expect(owners(vt, "metadata", "labels", triggerv1.ManagedByLabel)).To(Equal(operator))

	edited := vt.DeepCopy()
	edited.Spec.Suspend, edited.Spec.Sources[0].Name = true, "other"
	p.Expect(p.Patch(t.Context(), edited, client.MergeFrom(vt), client.FieldOwner("kubectl-edit"))).To(Succeed())
	p.eventually(vt, "app-auto", sources)
	p.Expect(vt.Spec.Suspend).To(BeTrue(), "that is the person's")
	p.Expect(owners(vt, "spec", "suspend")).To(Equal(map[string]bool{"kubectl-edit Update": true}))

	hr := &helmv2.HelmRelease{}
	p.eventually(hr, "app", func(Gomega) {})
	p.Expect(p.Patch(t.Context(), hr, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"valuesFrom":[]}}`)))).To(Succeed())
	p.Eventually(func() bool {
		return apierrors.IsNotFound(p.Get(t.Context(), client.ObjectKeyFromObject(vt), vt))
	}).WithTimeout(worldTimeout).Should(BeTrue(), "without sources there is none")
}

func TestWorld_a_copy_is_owned_by_the_operator_and_its_data_by_no_one_else(t *testing.T) {
	t.Parallel()
	p := newPlace(t, true)
	p.make(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"values.yaml": "a: 1"}})
	p.make(aRelease("app", "app-shared"))
	vt := declared()
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	p.make(vt)
	copied := &corev1.ConfigMap{}
	current := func(g Gomega) { g.Expect(copied.Data).To(Equal(map[string]string{"values.yaml": "a: 1"})) }
	p.eventually(copied, "app-shared", current)
	p.Expect(owners(copied, "data", "values.yaml")).To(Equal(map[string]bool{triggerv1.FieldManager + " Apply": true}))

	edited := copied.DeepCopy()
	edited.Data["values.yaml"] = "a: 2"
	p.Expect(p.Patch(t.Context(), edited, client.MergeFrom(copied), client.FieldOwner("kubectl-edit"))).To(Succeed())
	p.eventually(copied, "app-shared", current)
	p.Expect(owners(copied, "data", "values.yaml")).To(Equal(map[string]bool{triggerv1.FieldManager + " Apply": true}))
}

func TestWorld_a_status_is_apart_from_its_spec(t *testing.T) {
	t.Parallel()
	p := newPlace(t, true)
	vt := declared()
	vt.Status.Delivered = "forged"
	p.make(vt)
	p.eventually(vt, "platform", func(g Gomega) {
		g.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(triggerv1.SourceNotFoundReason))
	})
	p.Expect(vt.Status.Delivered).NotTo(Equal("forged"), "who writes the spec does not write the status")
	p.Expect(vt.Generation).To(Equal(int64(1)))
	p.Expect(vt.ManagedFields).To(ContainElement(And(HaveField("Manager", triggerv1.FieldManager), HaveField("Subresource", "status"))))
	p.Expect(owners(vt, "spec")).NotTo(HaveKey(ContainSubstring(triggerv1.FieldManager)))
}

// Each write that rests on what was looked at holds for that version only.
func TestWorld_writes_hold_for_the_version_that_was_looked_at(t *testing.T) {
	t.Parallel()
	p := newPlace(t, false)
	hr, vt := aRelease("app", "settings"), declared()
	p.make(hr)
	p.make(vt)
	oldRelease, old := hr.DeepCopy(), vt.DeepCopy()
	touch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"a":"b"}}}`))
	p.Expect(p.Patch(t.Context(), hr, touch)).To(Succeed())
	p.Expect(p.Patch(t.Context(), vt, touch)).To(Succeed())

	releases := &HelmReleaseReconciler{writer: p}
	status := func(old *triggerv1.ValuesTrigger) error {
		now := old.DeepCopy()
		now.Status.Delivered += "1"
		return newPatcher(old, p).patch(t.Context(), now)
	}
	send := func(hr *helmv2.HelmRelease) error {
		return request.Send(t.Context(), p, hr, plan.Request{Token: "0123456789ab.1"})
	}
	applied := func(vt *triggerv1.ValuesTrigger) error {
		vt.Namespace, vt.Spec.Sources[0].Name = p.namespace, "another"
		_, err := apply.New(p).Apply(t.Context(), vt)
		return err
	}
	remove := func(vt *triggerv1.ValuesTrigger) error {
		return releases.deleteAll(t.Context(), []triggerv1.ValuesTrigger{*vt})
	}
	seen, unseen := declared(), declared()
	seen.ResourceVersion = old.ResourceVersion
	for name, err := range map[string]error{
		"status": status(old), "request": send(oldRelease), "deletion": remove(old),
		"apply": applied(seen), "apply over one that was not seen": applied(unseen),
	} {
		p.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%s: %v", name, err)
		p.Expect(refusal.Is(err)).To(BeFalse(), name)
	}
	p.Expect(send(hr)).To(Succeed())
	p.Expect(status(vt)).To(Succeed())
	p.eventually(vt, "platform", func(Gomega) {})
	p.Expect(remove(vt)).To(Succeed())
	p.Expect(remove(vt)).To(Succeed(), "what is gone needs no deletion")
	p.Expect(apierrors.IsNotFound(status(vt))).To(BeTrue())
}

// What reconcilers do about an answer depends on who refuses: permission or the schema.
func TestWorld_who_refuses_is_recognized(t *testing.T) {
	t.Parallel()
	p := newPlace(t, false)
	for name, c := range map[string]struct {
		change func(*triggerv1.ValuesTrigger)
		says   string
	}{
		"neither name nor selector": {func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Name = "" }, "set exactly one of name and selector"},
		"maxDelay alone": {func(vt *triggerv1.ValuesTrigger) { vt.Spec.MaxDelay = metav1.Duration{Duration: time.Minute} },
			"maxDelay needs a quietPeriod"},
		"a way back without copies": {func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback, Stages: []triggerv1.Stage{{Name: "all"}}}
		}, "onFailure Rollback needs publish"},
	} {
		vt := declared()
		vt.Namespace = p.namespace
		c.change(vt)
		err := p.Create(t.Context(), vt)
		p.Expect(err).To(MatchError(ContainSubstring(c.says)), name)
		p.Expect(apierrors.IsInvalid(err)).To(BeTrue(), name)
		p.Expect(refusal.Is(err)).To(BeTrue(), name)
		p.Expect(refusal.ByAdmission(err)).To(BeFalse(), name)
	}

	vt := declared()
	p.make(vt)
	wrong := vt.DeepCopy()
	wrong.Status.Targets = []triggerv1.TargetStatus{{Namespace: p.namespace, Name: "app", State: "Unknown"}}
	err := newPatcher(vt, p).patch(t.Context(), wrong)
	p.Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
	p.Expect(refusal.ByAdmission(err)).To(BeFalse(), "a status that the schema refuses is a fault to be seen")

	p.make(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "stranger"}})
	cfg, err := realWorld.ConfigForServiceAccount(t.Context(), p.namespace, "stranger")
	p.Expect(err).NotTo(HaveOccurred())
	stranger, err := client.New(cfg, client.Options{Scheme: p.Scheme()})
	p.Expect(err).NotTo(HaveOccurred())
	right := vt.DeepCopy()
	right.Status.Delivered = "0/1"
	err = newPatcher(vt, stranger).patch(t.Context(), right)
	p.Expect(refusal.IsUnauthorized(err)).To(BeTrue(), "%v", err)
	p.Expect(refusal.Is(err)).To(BeTrue())
}
