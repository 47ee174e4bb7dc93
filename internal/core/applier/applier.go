// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package applier knows which GitOps tool, or Helm, applies an object: by the labels and
// annotations that it leaves on what it applies, and by its field manager. Such a tool
// applies what belongs together one object after the other.
package applier

import (
	"path"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Applier is what applies an object, as the object has it: anyone may have written that.
type Applier struct {
	// Kind of the object that the tool works by: Kustomization, HelmRelease, ResourceSet
	// and FluxInstance of Flux, Application of Argo CD. "Helm release" is not one of
	// Kubernetes. Empty if only the field manager is known, which is then the name.
	Kind string

	// Namespace of it, empty if the object does not say.
	Namespace string
	Name      string
}

// String returns kind and namespace/name, as far as they are known.
func (a Applier) String() string {
	return strings.TrimSpace(a.Kind + " " + path.Join(a.Namespace, a.Name))
}

// Kinds of appliers.
const (
	Kustomization = "Kustomization"
	HelmRelease   = "HelmRelease"
	ResourceSet   = "ResourceSet"
	FluxInstance  = "FluxInstance"
	Application   = "Application"
	Helm          = "Helm release"
)

// marks are the keys by which tools mark what they apply. Those that say more come first:
// helm-controller leaves the marks of Helm besides its own, and charts are often applied
// by other tools than Helm.
var marks = []struct {
	kind            string
	inAnnotations   bool
	name, namespace string
}{
	{kind: Kustomization, name: "kustomize.toolkit.fluxcd.io/name", namespace: "kustomize.toolkit.fluxcd.io/namespace"},
	{kind: HelmRelease, name: "helm.toolkit.fluxcd.io/name", namespace: "helm.toolkit.fluxcd.io/namespace"},
	{kind: ResourceSet, name: "resourceset.fluxcd.controlplane.io/name", namespace: "resourceset.fluxcd.controlplane.io/namespace"},
	{kind: FluxInstance, name: "fluxcd.controlplane.io/name", namespace: "fluxcd.controlplane.io/namespace"},
	{kind: Helm, inAnnotations: true, name: "meta.helm.sh/release-name", namespace: "meta.helm.sh/release-namespace"},
}

const (
	// trackingID holds <application>:<group>/<kind>:<namespace>/<name>. An application
	// outside the namespace of Argo CD is <namespace>_<name>.
	trackingID = "argocd.argoproj.io/tracking-id"

	// instance is the label that people have Argo CD track by in the place of its default,
	// app.kubernetes.io/instance, which is on what anyone applies.
	instance = "argocd.argoproj.io/instance"
)

// Marks returns the keys of the labels and annotations by which tools find again what they have
// applied.
func Marks() (labels, annotations []string) {
	labels, annotations = []string{instance}, []string{trackingID}
	for _, mark := range marks {
		if mark.inAnnotations {
			annotations = append(annotations, mark.name)
		} else {
			labels = append(labels, mark.name)
		}
	}
	return labels, annotations
}

// Of returns what applies an object with these labels and annotations, and false if they
// do not say.
func Of(labels, annotations map[string]string) (Applier, bool) {
	if app, _, found := strings.Cut(annotations[trackingID], ":"); found && app != "" {
		return application(app), true
	}
	if app := labels[instance]; app != "" {
		return application(app), true
	}
	for _, mark := range marks {
		on := labels
		if mark.inAnnotations {
			on = annotations
		}
		if name := on[mark.name]; name != "" {
			return of(mark.kind, on[mark.namespace], name), true
		}
	}
	return Applier{}, false
}

func application(name string) Applier {
	if namespace, name, found := strings.Cut(name, "_"); found {
		return of(Application, namespace, name)
	}
	return of(Application, "", name)
}

// of bounds what others wrote. Names that fit into a label are left as they are.
func of(kind, namespace, name string) Applier {
	return Applier{Kind: kind, Namespace: text.Word(namespace), Name: text.Word(name)}
}

// Tool returns a field manager as an applier, for an object that says no more.
func Tool(manager string) Applier { return of("", "", manager) }

// managers are the field managers of tools that apply objects from Git or charts. People
// use others, such as those of kubectl and flux-client-side-apply.
var managers = []string{
	"kustomize-controller", "helm-controller", "flux-operator", // Flux
	"argocd-controller", "argocd-application-controller", // Argo CD
	"helm", "Helm", // Helm
}

// IsManager reports whether a field manager is one of a tool that applies objects, not of
// a person or another controller.
func IsManager(name string) bool {
	return slices.Contains(managers, name) || strings.HasPrefix(name, "terraform-provider-helm")
}
