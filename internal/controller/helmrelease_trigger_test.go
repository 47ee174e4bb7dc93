// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// newRelease returns HelmRelease apps/app, which reads ConfigMap values.
func newRelease() *helmv2.HelmRelease {
	return &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "the-release"},
		Spec:       helmv2.HelmReleaseSpec{ValuesFrom: []meta.ValuesReference{{Kind: "ConfigMap", Name: "values"}}},
	}
}

// newGenerated returns what was generated for that release when it also read ConfigMap old,
// changed since.
func newGenerated(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	source := func(name string) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Namespace: "apps", Name: name, Keys: []string{"values.yaml"}, Force: triggerv1.ForceAuto}
	}
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "apps", Name: "app-auto", UID: "the-trigger",
			Labels:        map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
			ManagedFields: []metav1.ManagedFieldsEntry{applies(triggerv1.FieldManager, `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`)},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: helmv2.GroupVersion.String(), Kind: helmv2.HelmReleaseKind, Name: "app", UID: "the-release", Controller: new(true),
			}},
		},
		Spec: triggerv1.ValuesTriggerSpec{
			Suspend: true, // That is the user's, and stays.
			Sources: []triggerv1.SourceReference{source("old"), source("values")},
			Targets: []triggerv1.TargetReference{{Namespace: "apps", Name: "app"}},
		},
		Status: triggerv1.ValuesTriggerStatus{UID: "the-trigger"},
	}
	for _, change := range changes {
		change(vt)
	}
	return vt
}

func orphaned(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences = nil }

func relabelled(vt *triggerv1.ValuesTrigger) {
	vt.Labels = map[string]string{triggerv1.ManagedByLabel: "platform-team"}
}

// restored is what an object has that is created of the manifest of another.
func restored(vt *triggerv1.ValuesTrigger) {
	vt.OwnerReferences, vt.ManagedFields, vt.UID = nil, nil, "the-restored-trigger"
}

func declaredByGit(vt *triggerv1.ValuesTrigger) {
	vt.ManagedFields = append(vt.ManagedFields, applies("kustomize-controller", `{"f:spec":{"f:sources":{},"f:targets":{}}}`))
}

func applies(manager, fields string) metav1.ManagedFieldsEntry {
	entry := metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: triggerv1.GroupVersion.String(),
		Time: &metav1.Time{}, FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{},
	}
	entry.FieldsV1.SetRawString(fields)
	return entry
}

func namedTrigger(name string) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) { vt.Name = name }
}

func triggerScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, helmv2.AddToScheme, triggerv1.AddToScheme} {
		NewWithT(t).Expect(add(scheme)).To(Succeed())
	}
	return scheme
}

// reconcileReleases runs the reconciler over objects as the cache has them, and returns the
// triggers, those that were let go, and the events.
func reconcileReleases(t *testing.T, objects ...client.Object) (triggers map[string]triggerv1.ValuesTrigger, letGo, events []string) {
	t.Helper()
	g := NewWithT(t)
	builder := fake.NewClientBuilder().WithScheme(triggerScheme(t)).WithReturnManagedFields().WithObjects(objects...)
	g.Expect(index.Setup(t.Context(), indexed{builder}, true)).To(Succeed())
	cl := builder.WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, next client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if _, isTrigger := obj.(*triggerv1.ValuesTrigger); isTrigger && patch.Type() == types.MergePatchType {
				letGo = append(letGo, obj.GetName())
				return nil
			}
			return next.Patch(ctx, obj, patch, opts...)
		},
	}).Build()
	recorder := record.NewFakeRecorder(10)
	r := &HelmReleaseReconciler{
		cache: cl, writer: cl, live: cl, applier: apply.New(cl), derive: deriver{cache: cl, autodiscovery: true, secrets: true},
		events: recorder, reported: newReported(), serves: func(client.Object) bool { return true }, autodiscovery: true,
	}
	_, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "apps", Name: "app"}})
	g.Expect(err).NotTo(HaveOccurred())
	list := &triggerv1.ValuesTriggerList{}
	g.Expect(cl.List(t.Context(), list)).To(Succeed())
	triggers = map[string]triggerv1.ValuesTrigger{}
	for _, vt := range list.Items {
		triggers[vt.Name] = vt
	}
	close(recorder.Events)
	for event := range recorder.Events {
		events = append(events, event)
	}
	return triggers, letGo, events
}

// Whatever it has lost, there is one trigger, owned, labelled and in line.
func TestHelmReleaseReconciler_adopts_what_it_has_generated(t *testing.T) {
	t.Parallel()
	other := generated.Names("app")[1]
	for name, existing := range map[string][]*triggerv1.ValuesTrigger{
		"as it was":                       {newGenerated()},
		"orphaned":                        {newGenerated(orphaned)},
		"with another label":              {newGenerated(relabelled)},
		"orphaned and with another label": {newGenerated(orphaned, relabelled)},
		"restored":                        {newGenerated(restored)},
		"restored with its owner":         {newGenerated(func(vt *triggerv1.ValuesTrigger) { vt.ManagedFields = nil })},
		"and one that was restored under another name": {newGenerated(), newGenerated(restored, namedTrigger(other))},
		"restored under two names":                     {newGenerated(restored, namedTrigger("app")), newGenerated(restored)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			objects := []client.Object{newRelease()}
			for _, vt := range existing {
				objects = append(objects, vt)
			}
			triggers, letGo, events := reconcileReleases(t, objects...)
			g.Expect(triggers).To(HaveLen(1))
			got := triggers["app-auto"]
			g.Expect(got.Labels).To(HaveKeyWithValue(triggerv1.ManagedByLabel, triggerv1.FieldManager))
			g.Expect(got.OwnerReferences).To(ConsistOf(HaveField("UID", types.UID("the-release"))))
			g.Expect(got.Spec.Sources).To(ConsistOf(HaveField("Name", "values")))
			g.Expect(got.Spec.Suspend).To(BeTrue(), "what the user has set stays")
			g.Expect(letGo).To(BeEmpty())
			g.Expect(events).To(BeEmpty())
		})
	}
}

// What another applies, or what nothing shows to be generated, is declared, and another name is
// taken. What is doubtful is reported.
func TestHelmReleaseReconciler_leaves_alone_what_others_declare(t *testing.T) {
	t.Parallel()
	const mark = "has the label app.kubernetes.io/managed-by: helmrelease-trigger-operator and "
	for _, c := range []struct {
		name     string
		existing *triggerv1.ValuesTrigger
		letGo    []string
		says     string
	}{
		{"declared in Git over a generated one", newGenerated(declaredByGit), []string{"app-auto"},
			"Normal Declared The field manager kustomize-controller applies this ValuesTrigger, which the operator had generated for HelmRelease apps/app"},
		{"declared in Git over one of an earlier version", newGenerated(declaredByGit, namedTrigger("app")), []string{"app"}, "Normal Declared"},
		{"declared in Git", newGenerated(restored, declaredByGit, func(vt *triggerv1.ValuesTrigger) { vt.Labels = nil }), nil, ""},
		{"copied into Git with its label", newGenerated(restored, declaredByGit), nil,
			"Warning AmbiguousTrigger ValuesTrigger apps/app-auto " + mark + "counts as declared, since the field manager kustomize-controller applies it"},
		{"labelled, with another target", newGenerated(restored, func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Namespace: "apps", Name: "other"})
		}), nil, "Warning AmbiguousTrigger ValuesTrigger apps/app-auto " + mark + "is not what the operator generates"},
		{"labelled, under another name", newGenerated(restored, namedTrigger("mine")), nil, "Warning AmbiguousTrigger ValuesTrigger apps/mine has the label"},
		{"restored, with another label", newGenerated(restored, relabelled), nil, "Warning AmbiguousTrigger ValuesTrigger apps/app-auto looks like the one that the operator generates and counts as declared"},
		{"named like the release, by a person who spells all out", newGenerated(restored, relabelled, namedTrigger("app")), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			triggers, letGo, events := reconcileReleases(t, newRelease(), c.existing)
			left := triggers[c.existing.Name]
			g.Expect(left.Spec).To(Equal(c.existing.Spec))
			g.Expect(left.Labels).To(Equal(c.existing.Labels))
			g.Expect(letGo).To(Equal(c.letGo))
			name := "app-auto"
			if c.existing.Name == name {
				name = generated.Names("app")[1]
			}
			g.Expect(triggers).To(HaveLen(2))
			g.Expect(triggers).To(HaveKey(name))
			if c.says == "" {
				g.Expect(events).To(BeEmpty())
			} else {
				g.Expect(events).To(ConsistOf(HavePrefix(c.says)))
			}
		})
	}
}

// The name may be taken by the generated trigger of another release: by chance, where long names
// are cut.
func TestHelmReleaseReconciler_takes_no_name_of_another_release(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	other := newGenerated(func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Targets[0].Name, vt.OwnerReferences[0].Name, vt.OwnerReferences[0].UID = "other", "other", "the-other-release"
	})
	triggers, letGo, events := reconcileReleases(t, newRelease(), other)
	g.Expect(triggers).To(HaveLen(2))
	g.Expect(triggers["app-auto"].Spec).To(Equal(other.Spec))
	g.Expect(triggers).To(HaveKey(generated.Names("app")[1]))
	g.Expect(append(letGo, events...)).To(BeEmpty())
}

func TestHelmReleaseReconciler_says_that_all_names_are_taken(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := []client.Object{newRelease()}
	for _, name := range generated.Names("app") {
		objects = append(objects, newGenerated(restored, relabelled, namedTrigger(name), func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Targets[0].Name, vt.Status = "other", triggerv1.ValuesTriggerStatus{}
		}))
	}
	triggers, _, events := reconcileReleases(t, objects...)
	g.Expect(triggers).To(HaveLen(len(objects) - 1))
	g.Expect(events).To(ConsistOf(HavePrefix("Warning AmbiguousTrigger each of the names that the generated ValuesTrigger may have is taken: app-auto, app-auto-")))
}

// The garbage collector deletes what has an owner. What was orphaned is the operator's to
// delete, and what has just been restored waits for its release.
func TestHelmReleaseReconciler_deletes_what_was_orphaned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		existing *triggerv1.ValuesTrigger
		left     bool
		says     string
	}{
		{"orphaned", newGenerated(orphaned), false, ""},
		{"orphaned, with another label", newGenerated(orphaned, relabelled), false, ""},
		{"owned", newGenerated(), true, ""},
		{"restored", newGenerated(restored), true, "Warning AmbiguousTrigger ValuesTrigger apps/app-auto is generated for HelmRelease apps/app, which does not exist"},
		{"declared", newGenerated(restored, declaredByGit), true, ""},
		{"declared over a generated one", newGenerated(declaredByGit), true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			triggers, _, events := reconcileReleases(t, c.existing)
			g.Expect(triggers).To(HaveLen(map[bool]int{true: 1}[c.left]))
			if c.says == "" {
				g.Expect(events).To(BeEmpty())
			} else {
				g.Expect(events).To(ConsistOf(HavePrefix(c.says)))
			}
		})
	}
}
