// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// secretText must not survive, and as much of it as an object may hold.
var secretText = strings.Repeat("hunter2 ", 1<<10)

// heavy returns metadata with everything that an object may carry.
func heavy(labels map[string]string) metav1.ObjectMeta {
	now := metav1.Now()
	fields := &metav1.FieldsV1{}
	fields.SetRawString(`{"f:data":{"f:` + secretText + `":{}}}`)
	return metav1.ObjectMeta{
		Namespace: "apps", Name: "a", UID: "the-uid", ResourceVersion: "7", Generation: 3, CreationTimestamp: now,
		Labels:          labels,
		OwnerReferences: []metav1.OwnerReference{{Kind: "Kustomization", Name: "owner"}},
		Finalizers:      []string{"finalizer"},
		Annotations: map[string]string{
			corev1.LastAppliedConfigAnnotation: secretText,
			"example.com/other":                secretText,
			"nebius.ai/helmreleases-name":      "app",
			"nebius.ai/helmreleases-namespace": "apps",
			"nebius.ai/config-digest":          "sha256:0",
			"trigger.nebius.ai/allow-from":     "config",
		},
		ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl", Operation: "Update", Time: &now, FieldsV1: fields}},
	}
}

func TestStripSource(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		labels map[string]string
		want   metav1.ObjectMeta
	}{{
		name: "an object that names HelmReleases and has no label: no more than its owner learns of",
		want: metav1.ObjectMeta{
			Namespace: "apps", Name: "a", ResourceVersion: "7", UID: "the-uid",
			Annotations: map[string]string{"nebius.ai/helmreleases-name": ""},
		},
	}, {
		name:   "an object that is excluded",
		labels: map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false", "group": "one"},
		want: metav1.ObjectMeta{
			Namespace: "apps", Name: "a", ResourceVersion: "7",
			Labels: map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false", "group": "one"},
		},
	}, {
		name:   "a source of the contract",
		labels: map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true"},
		want: metav1.ObjectMeta{
			Namespace: "apps", Name: "a", ResourceVersion: "7", UID: "the-uid",
			Labels: map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true"},
			Annotations: map[string]string{
				"nebius.ai/helmreleases-name": "app", "nebius.ai/helmreleases-namespace": "apps", "nebius.ai/config-digest": "sha256:0",
			},
		},
	}, {
		name:   "a copy that is forged",
		labels: publish.Selector(types.NamespacedName{Namespace: "apps", Name: "platform"}),
		want: metav1.ObjectMeta{
			Namespace: "apps", Name: "a", ResourceVersion: "7", Labels: publish.Selector(types.NamespacedName{Namespace: "apps", Name: "platform"}),
		},
	}} {
		for _, kind := range []string{"ConfigMap", "Secret"} {
			t.Run(kind+": "+c.name, func(t *testing.T) {
				t.Parallel()
				g := NewWithT(t)
				obj := index.Metadata(kind)
				obj.ObjectMeta = heavy(c.labels)
				want := index.Metadata(kind)
				want.ObjectMeta = c.want
				g.Expect(stripSource(obj)).To(Equal(want))
			})
		}
	}
}

func TestStripSource_keeps_next_to_nothing_of_what_does_not_concern_the_contract(t *testing.T) {
	t.Parallel()
	obj, want := index.Metadata("Secret"), index.Metadata("Secret")
	obj.ObjectMeta = heavy(nil)
	obj.Annotations = map[string]string{"note": secretText}
	want.ObjectMeta = metav1.ObjectMeta{Namespace: "apps", Name: "a", ResourceVersion: "7"}
	NewWithT(t).Expect(stripSource(obj)).To(Equal(want))
}

func TestStripSource_keeps_of_a_copy_who_made_it_and_what_becomes_of_it(t *testing.T) {
	t.Parallel()
	obj, want := index.Metadata("ConfigMap"), index.Metadata("ConfigMap")
	labels := publish.Selector(types.NamespacedName{Namespace: "apps", Name: "platform"})
	obj.ObjectMeta = heavy(labels)
	obj.Annotations[triggerv1.AccountAnnotation] = "deployer"
	obj.DeletionTimestamp = new(metav1.Now())
	obj.ManagedFields = append(obj.ManagedFields, metav1.ManagedFieldsEntry{Manager: triggerv1.FieldManager, Operation: "Apply", FieldsV1: obj.ManagedFields[0].FieldsV1})
	want.ObjectMeta = metav1.ObjectMeta{
		Namespace: "apps", Name: "a", ResourceVersion: "7", Labels: labels, DeletionTimestamp: obj.DeletionTimestamp,
		Annotations: map[string]string{triggerv1.AccountAnnotation: "deployer"}, ManagedFields: madeByUs,
	}
	NewWithT(t).Expect(stripSource(obj)).To(Equal(want))
}

func TestStripNamespace(t *testing.T) {
	t.Parallel()
	obj, want := index.Metadata("Namespace"), index.Metadata("Namespace")
	obj.ObjectMeta = heavy(map[string]string{"env": "prod"})
	obj.Namespace = ""
	obj.DeletionTimestamp = &metav1.Time{Time: time.Unix(1700000000, 0)}
	want.ObjectMeta = metav1.ObjectMeta{
		Name: "a", ResourceVersion: "7", Labels: map[string]string{"env": "prod"}, Annotations: map[string]string{"trigger.nebius.ai/allow-from": "config"},
		DeletionTimestamp: obj.DeletionTimestamp.DeepCopy(),
	}
	NewWithT(t).Expect(stripNamespace(obj)).To(Equal(want))
}

// fullRelease returns a release with everything that one may carry.
func fullRelease() *helmv2.HelmRelease {
	condition := func(kind string) metav1.Condition {
		return metav1.Condition{
			Type: kind, Status: "True", Reason: "RetriesExceeded", Message: "message of " + kind, ObservedGeneration: 3,
			LastTransitionTime: metav1.NewTime(time.Unix(1700000000, 0)),
		}
	}
	snapshot := func(version int, status string) *helmv2.Snapshot {
		return &helmv2.Snapshot{
			Name: "app", Namespace: "apps", Version: version, Status: status, ConfigDigest: fmt.Sprint("sha256:", version),
			Action: helmv2.ReleaseActionRollback,
			Digest: secretText, ChartName: "chart", ChartVersion: "1.0.0", LastDeployed: metav1.NewTime(time.Unix(1700000000, 0)),
			TestHooks: &map[string]*helmv2.TestHookStatus{"test": {}},
		}
	}
	hr := &helmv2.HelmRelease{ObjectMeta: heavy(map[string]string{"app": "a"})}
	hr.Annotations[meta.ReconcileRequestAnnotation] = "token"
	hr.Annotations[triggerv1.RequestAnnotation] = `{"token":"0123456789ab.6","at":"2026-03-01T10:00:00Z"}`
	hr.Spec = helmv2.HelmReleaseSpec{
		Suspend: true, ReleaseName: secretText, Values: &apiextensionsv1.JSON{Raw: []byte(`{"a":1}`)},
		ValuesFrom:    []meta.ValuesReference{{Kind: "ConfigMap", Name: "values"}},
		DependsOn:     []helmv2.DependencyReference{{Name: "db"}},
		PostRenderers: []helmv2.PostRenderer{{Kustomize: &helmv2.Kustomize{}}},
		Chart:         &helmv2.HelmChartTemplate{},
		Timeout:       &metav1.Duration{Duration: time.Minute},
		Upgrade:       &helmv2.Upgrade{Timeout: &metav1.Duration{Duration: time.Hour}},
	}
	hr.Status = helmv2.HelmReleaseStatus{
		ObservedGeneration: 3, HelmChart: secretText, LastAttemptedConfigDigest: secretText, Failures: 7,
		ReconcileRequestStatus: meta.ReconcileRequestStatus{LastHandledReconcileAt: "token"},
		Conditions:             []metav1.Condition{condition("Released"), condition("Ready"), condition("TestSuccess"), condition("Reconciling"), condition("Stalled")},
		History:                helmv2.Snapshots{snapshot(5, "deployed"), snapshot(4, "superseded")},
		Inventory:              &helmv2.ResourceInventory{Entries: []helmv2.ResourceRef{{ID: secretText}}},
	}
	return hr
}

func TestStripRelease(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	full := fullRelease()
	observed := target.Observe(full, nil)
	for field, value := range reflect.ValueOf(observed).Fields() {
		// What excludes others of them is tested below.
		if !slices.Contains([]string{"Denied", "Ending", "Reads", "Copied", "Retrying"}, field.Name) {
			g.Expect(value.IsZero()).To(BeFalse(), "the planner observes %s, which the release of this test lacks", field.Name)
		}
	}
	in := full.DeepCopy()
	delete(in.Annotations, "example.com/other")
	out, err := stripRelease(in)
	g.Expect(err).NotTo(HaveOccurred())
	hr := out.(*helmv2.HelmRelease)

	g.Expect(target.Observe(hr, nil)).To(Equal(observed), "the planner sees the same")

	retries := full.DeepCopy()
	retries.Status.Conditions = []metav1.Condition{
		{Type: "Ready", Status: "False", Reason: "UpgradeFailed"}, {Type: "Reconciling", Status: "True", Reason: "ProgressingWithRetry"},
	}
	observed = target.Observe(retries, nil)
	g.Expect(observed.Retrying).To(BeTrue())
	again, err := stripRelease(retries)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(target.Observe(again.(*helmv2.HelmRelease), nil)).To(Equal(observed))
	g.Expect(hr.Spec).To(Equal(helmv2.HelmReleaseSpec{
		Suspend: true, Values: full.Spec.Values, ValuesFrom: full.Spec.ValuesFrom, DependsOn: full.Spec.DependsOn,
		Timeout: &metav1.Duration{Duration: time.Hour},
	}), "what values are composed of")
	g.Expect(hr.Labels).To(Equal(full.Labels))
	g.Expect(hr.Annotations).To(And(HaveKey("trigger.nebius.ai/allow-from"), HaveKey(meta.ReconcileRequestAnnotation)))
	g.Expect(hr.UID).To(Equal(full.UID))
	g.Expect(hr.ResourceVersion).To(Equal("7"))
	g.Expect(hr.Generation).To(Equal(full.Generation))

	text, err := json.Marshal(hr)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).NotTo(ContainSubstring("hunter2"))
	g.Expect(len(text)).To(BeNumerically("<", 2000))
}

func TestStripRelease_without_history(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := fullRelease()
	hr.Status.History = nil
	out, err := stripRelease(hr)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.(*helmv2.HelmRelease).Status.History).To(BeNil())
}

// The labels of autodiscovery are recognised by the operator's own entry alone.
func TestStripRelease_keeps_who_applied_the_labels(t *testing.T) {
	t.Parallel()
	entry := func(manager string, operation metav1.ManagedFieldsOperationType, key string) metav1.ManagedFieldsEntry {
		fields := &metav1.FieldsV1{}
		fields.SetRawString(`{"f:metadata":{"f:labels":{"f:` + key + `":{}}}}`)
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, FieldsV1: fields}
	}
	const key = triggerv1.LabelReconcilerNameSourceKey
	for _, c := range []struct {
		name    string
		entries []metav1.ManagedFieldsEntry
		owned   bool
	}{
		{"stranger", nil, false},
		{"the operator", []metav1.ManagedFieldsEntry{entry("kubectl", "Update", "x"), entry(triggerv1.FieldManager, "Apply", key)}, true},
		{"someone else", []metav1.ManagedFieldsEntry{entry("kubectl", "Apply", key)}, false},
		{"the operator, another label", []metav1.ManagedFieldsEntry{entry(triggerv1.FieldManager, "Apply", "x")}, false},
		{"the operator by its requests", []metav1.ManagedFieldsEntry{entry(triggerv1.FieldManager, "Update", key)}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			hr := fullRelease()
			hr.ManagedFields = c.entries
			out, err := stripRelease(hr)
			g.Expect(err).NotTo(HaveOccurred())
			kept := out.(*helmv2.HelmRelease)
			g.Expect(ownsLabel(kept, key)).To(Equal(c.owned))
			g.Expect(len(kept.ManagedFields)).To(BeNumerically("<=", 1))
		})
	}
}

func TestStripTrigger(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: heavy(nil)}
	vt.Annotations[meta.ReconcileRequestAnnotation] = "now"
	vt.Spec.Suspend = true
	vt.Status.LastDigest = "sha256:1"
	want := vt.DeepCopy()
	want.ManagedFields = nil
	delete(want.Annotations, corev1.LastAppliedConfigAnnotation)
	g.Expect(stripTrigger(vt)).To(Equal(want))
}

// A watch may deliver something else, such as a tombstone.
func TestStrip_leaves_alone_what_it_does_not_know(t *testing.T) {
	t.Parallel()
	for _, strip := range []func(any) (any, error){stripSource, stripNamespace, stripRelease, stripTrigger} {
		g := NewWithT(t)
		g.Expect(strip("something")).To(Equal("something"))
	}
}

func TestCacheOptions(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	by := func(options cache.Options) map[string]cache.ByObject {
		found := map[string]cache.ByObject{}
		for obj, by := range options.ByObject {
			found[fmt.Sprintf("%T", obj)] = by
		}
		return found
	}
	with, without := by(CacheOptions(true)), by(CacheOptions(false))
	g.Expect(with).To(HaveLen(5))
	for kind, options := range with {
		g.Expect(options.Transform).NotTo(BeNil(), kind)
	}
	g.Expect(with["*v1.Secret"].Field.String()).To(Equal("type!=helm.sh/release.v1"))
	g.Expect(with["*v1.ConfigMap"].Field).To(BeNil())
	g.Expect(without).To(HaveLen(4))
	g.Expect(without).NotTo(HaveKey("*v1.Secret"))
}
