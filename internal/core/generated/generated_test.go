// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package generated

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// trigger returns the trigger of HelmRelease apps/app as the operator applies it, changed.
func trigger(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "apps", Name: "app-auto",
			Labels:          map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
			OwnerReferences: []metav1.OwnerReference{{Kind: "HelmRelease", Name: "app", UID: "1", Controller: new(true)}},
		},
		Spec: triggerv1.ValuesTriggerSpec{
			Sources: []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "values", Force: triggerv1.ForceAuto}},
			Targets: []triggerv1.TargetReference{{Namespace: "apps", Name: "app"}},
		},
	}
	applied(triggerv1.FieldManager, `{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`)(vt)
	for _, change := range changes {
		change(vt)
	}
	return vt
}

func applied(manager, owned string) func(*triggerv1.ValuesTrigger) {
	return managed(manager, metav1.ManagedFieldsOperationApply, owned)
}

func updated(manager, owned string) func(*triggerv1.ValuesTrigger) {
	return managed(manager, metav1.ManagedFieldsOperationUpdate, owned)
}

func managed(manager string, operation metav1.ManagedFieldsOperationType, owned string) func(*triggerv1.ValuesTrigger) {
	return func(vt *triggerv1.ValuesTrigger) {
		entry := metav1.ManagedFieldsEntry{Manager: manager, Operation: operation, FieldsV1: &metav1.FieldsV1{}}
		entry.FieldsV1.SetRawString(owned)
		vt.ManagedFields = append(vt.ManagedFields, entry)
	}
}

// What a manager may own.
const (
	spec    = `"f:spec":{"f:sources":{},"f:targets":{}}`
	mark    = `"f:app.kubernetes.io/managed-by":{}`
	flux    = `"f:kustomize.toolkit.fluxcd.io/name":{}`
	helm    = `"f:helm.toolkit.fluxcd.io/name":{}`
	argo    = `"f:argocd.argoproj.io/tracking-id":{}`
	helmCLI = `"f:meta.helm.sh/release-name":{}`

	resourceSet  = `"f:resourceset.fluxcd.controlplane.io/name":{}`
	fluxInstance = `"f:fluxcd.controlplane.io/name":{}`
)

func labelled(labels, more string) string {
	return `{"f:metadata":{"f:labels":{` + labels + `}}` + more + `}`
}

func annotated(annotations string) string {
	return `{"f:metadata":{"f:annotations":{` + annotations + `}}}`
}

func TestFor(t *testing.T) {
	t.Parallel()
	type change = func(*triggerv1.ValuesTrigger)
	orphaned := func(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences = nil }
	relabelled := func(vt *triggerv1.ValuesTrigger) {
		vt.Labels = map[string]string{triggerv1.ManagedByLabel: "platform-team"}
	}
	restored := func(vt *triggerv1.ValuesTrigger) {
		vt.ManagedFields = nil
		updated("velero-server", labelled(mark, ","+spec))(vt)
	}
	named := func(name string) change { return func(vt *triggerv1.ValuesTrigger) { vt.Name = name } }
	another := func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Namespace: "apps", Name: "other"})
	}
	elsewhere := func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets[0].Namespace = "other" }
	manifest := func(manifest string) change {
		return func(vt *triggerv1.ValuesTrigger) {
			vt.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: manifest}
		}
	}
	const labelledManifest = `"metadata":{"labels":{"app.kubernetes.io/managed-by":"helmrelease-trigger-operator"}}`
	for _, c := range []struct {
		name       string
		changes    []change
		want       bool
		declaredBy string
	}{
		{"as it is applied", nil, true, ""},
		{"orphaned", []change{orphaned}, true, ""},
		{"with the label changed by a policy", []change{relabelled}, true, ""},
		{"orphaned, with the label changed by a policy", []change{orphaned, relabelled}, true, ""},
		{"restored", []change{orphaned, restored}, true, ""},
		{"restored with its owner", []change{restored}, true, ""},
		{"restored under another of its names", []change{orphaned, restored, named(Names("app")[1])}, true, ""},
		{"restored under the name of an earlier version", []change{orphaned, restored, named("app")}, true, ""},
		{"restored under the other name of an earlier version", []change{orphaned, restored, named("app-generated-1f6a832c")}, true, ""},
		{"restored, with the label changed by a policy", []change{orphaned, restored, relabelled}, false, ""},
		{"labelled, under a name that is not generated", []change{orphaned, restored, named("mine")}, false, ""},
		{"labelled, with another target", []change{orphaned, restored, another}, false, ""},
		{"labelled, with a target elsewhere", []change{orphaned, restored, elsewhere}, false, ""},
		{"labelled, with a selector", []change{orphaned, restored, func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Sources[0].Name, vt.Spec.Sources[0].Selector = "", &triggerv1.Selector{}
		}}, false, ""},
		{"labelled, as a person writes it", []change{orphaned, restored, func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Force = "" }}, false, ""},
		{"controlled by something else", []change{func(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences[0].Kind = "Kustomization" }}, false, ""},
		{"created by the operator and not applied yet", []change{func(vt *triggerv1.ValuesTrigger) {
			vt.ManagedFields = nil
			updated(triggerv1.FieldManager, labelled(mark, ","+spec))(vt)
		}}, true, ""},
		{"with a finalizer that the operator once put on declared ones", []change{orphaned, relabelled, func(vt *triggerv1.ValuesTrigger) {
			vt.ManagedFields = nil
			updated(triggerv1.FieldManager, `{"f:metadata":{"f:finalizers":{}}}`)(vt)
		}}, false, ""},

		{"suspended by a person", []change{updated("kubectl-patch", `{"f:spec":{"f:suspend":{}}}`)}, true, ""},
		{"suspended by another program", []change{updated("dashboard", `{"f:spec":{"f:suspend":{}}}`)}, true, ""},
		{"with a quiet period that a person applies", []change{applied("kubectl", `{"f:spec":{"f:quietPeriod":{}}}`)}, true, ""},
		{"with sources that a person has edited", []change{another, updated("kubectl-edit", `{"f:spec":{"f:sources":{}}}`)}, true, ""},
		{"with a status that another writes", []change{updated("other", "{"+spec+"}"), func(vt *triggerv1.ValuesTrigger) { vt.ManagedFields[1].Subresource = "status" }}, true, ""},
		{"labelled by another program", []change{updated("labeller", labelled(`"f:team":{}`, ""))}, true, ""},
		{"with the label of a Kustomization that it inherits from its release", []change{func(vt *triggerv1.ValuesTrigger) {
			vt.Labels["kustomize.toolkit.fluxcd.io/name"] = "apps"
			vt.ManagedFields = nil
			applied(triggerv1.FieldManager, labelled(mark+","+flux, ","+spec))(vt)
		}}, true, ""},

		{"applied by kustomize-controller over it", []change{applied("kustomize-controller", "{"+spec+"}")}, false, "kustomize-controller"},
		{"only its targets applied", []change{applied("kustomize-controller", `{"f:spec":{"f:targets":{}}}`)}, false, "kustomize-controller"},
		{"applied over it by a person", []change{applied("kubectl", "{"+spec+"}")}, false, "kubectl"},
		{"applied by two", []change{applied("flux", "{"+spec+"}"), applied("argocd", "{"+spec+"}")}, false, "flux"},
		{"copied into Git with its label", []change{applied("kustomize-controller", labelled(mark+","+flux, ","+spec))}, false, "kustomize-controller"},
		{"copied into Git with its label, and restored from a backup", []change{orphaned, func(vt *triggerv1.ValuesTrigger) {
			vt.ManagedFields = nil
			updated("velero-server", labelled(mark+","+flux, ","+spec))(vt)
		}}, false, "velero-server"},
		{"overwritten by an earlier version after a ResourceSet had applied it", []change{applied("flux-operator", labelled(resourceSet, `,"f:spec":{"f:quietPeriod":{}}`))}, false, "flux-operator"},
		{"overwritten by an earlier version after a FluxInstance had applied it", []change{applied("flux-operator", labelled(fluxInstance, `,"f:spec":{"f:quietPeriod":{}}`))}, false, "flux-operator"},
		{"overwritten by an earlier version after kustomize-controller had applied it", []change{applied("kustomize-controller", labelled(flux, `,"f:spec":{"f:quietPeriod":{}}`))}, false, "kustomize-controller"},
		{"rendered by a chart that helm-controller installs", []change{updated("helm-controller", labelled(helm, ""))}, false, "helm-controller"},
		{"rendered by a chart", []change{updated("helm", annotated(helmCLI))}, false, "helm"},
		{"tracked by Argo CD", []change{updated("argocd-controller", annotated(argo))}, false, "argocd-controller"},
		{"updated by another program", []change{updated("provisioner", `{"f:spec":{"f:sources":{}}}`)}, false, "provisioner"},
		{"declared over it by kubectl apply", []change{manifest(`{"metadata":{"name":"app-auto"},"spec":{"sources":[],"targets":[]}}`)}, false, clientSideApply},
		{"restored by kubectl apply", []change{orphaned, restored, manifest(`{` + labelledManifest + `,"spec":{"sources":[],"targets":[]}}`)}, true, ""},
		{"suspended by kubectl apply", []change{manifest(`{"metadata":{"name":"app-auto"},"spec":{"suspend":true}}`)}, true, ""},
		{"with an annotation that cannot be read", []change{manifest(`{`)}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt := trigger(c.changes...)
			want := ""
			if c.want {
				want = "app"
			}
			g.Expect(For(vt)).To(Equal(want))
			g.Expect(Is(vt)).To(Equal(c.want))
			g.Expect(DeclaredBy(vt)).To(Equal(c.declaredBy))

			// What the operator keeps of it in memory says the same.
			kept := vt.DeepCopy()
			kept.ManagedFields, kept.Annotations = Origin(vt), nil
			g.Expect(For(kept)).To(Equal(want))
			g.Expect(DeclaredBy(kept)).To(Equal(c.declaredBy))
			g.Expect(IsHeld(kept)).To(Equal(IsHeld(vt)))
			g.Expect(Origin(kept)).To(Equal(Origin(vt)))
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	long := strings.Repeat("a", maxName)
	g.Expect(Names("app")).To(HaveLen(1 + alternatives))
	g.Expect(Names("app")[0]).To(Equal("app-auto"))
	g.Expect(Names("app")[1:]).To(HaveEach(MatchRegexp("^app-auto-[0-9a-f]{16}$")))
	g.Expect(Names("app")).To(Equal(Names("app")), "they do not change")
	g.Expect(Names(long[:248])[0]).To(Equal(long[:248]+"-auto"), "the longest that fits")

	seen := map[string]string{}
	for _, release := range []string{
		"a", "app", "app-auto", long[:247], long[:248], long[:249], long, long[:252] + "b", long[:231] + "." + long[:21],
		strings.TrimSuffix(Names(long)[0], "-auto"), // A release that is named like what another is cut to.
	} {
		for _, name := range Names(release) {
			g.Expect(validation.IsDNS1123Subdomain(name)).To(BeEmpty(), name)
			g.Expect(seen).NotTo(HaveKey(name), "%s and %s", seen[name], release)
			seen[name] = release
		}
		for _, name := range AllNames(release) {
			g.Expect(validation.IsDNS1123Subdomain(name)).To(BeEmpty(), name)
		}
	}
	g.Expect(AllNames("app")).To(ContainElements("app", "app-generated-1f6a832c", "app-auto"))
}

func TestReleaseOf(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(ReleaseOf("app-auto")).To(Equal("app"))
	g.Expect(ReleaseOf("app-auto-auto")).To(Equal("app-auto"))
	g.Expect(ReleaseOf("app")).To(BeEmpty())
	g.Expect(ReleaseOf(Names("app")[1])).To(BeEmpty())
}
