// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// deletable are releases that read an object in all ways: required, optional, by a copy, and not at all.
func deletable() []client.Object {
	optional := meta.ValuesReference{Kind: "ConfigMap", Name: "values", Optional: true}
	sources := func(optional bool) []triggerv1.SourceReference {
		ref := from("ConfigMap", "apps", "values")
		ref.Optional = optional
		return []triggerv1.SourceReference{ref}
	}
	values := configMap("apps", "values", map[string]string{"values.yaml": "replicas: 2"})
	values.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	copies := fine(trigger("apps", "copies", sources(false), target("apps", "copied", triggerv1.TargetDelivered, ""), target("apps", "forced", triggerv1.TargetDelivered, "")))
	copies.Spec.Publish = &triggerv1.Publish{Name: "copy"}
	return []client.Object{
		values, secret("apps", "db", map[string]string{"values.yaml": "password: hunter2"}), configMap("apps", "copied-copy", map[string]string{"values.yaml": "replicas: 2"}), configMap("apps", "unused", nil),
		release("one", valuesFrom("ConfigMap", "values")), release("two", valuesFrom("ConfigMap", "values")), release("three", optional, meta.ValuesReference{Kind: "Secret", Name: "db", Optional: true}),
		release("copied", valuesFrom("ConfigMap", "copied-copy")), release("forced"), release("other"),
		fine(automatic(trigger("apps", "one", sources(false), target("apps", "one", triggerv1.TargetDelivered, "")))),
		fine(automatic(trigger("apps", "three", sources(true), target("apps", "three", triggerv1.TargetDelivered, "")))),
		copies,
	}
}

func TestPreview_delete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden, args string
		code         int
	}{
		{"delete-configmap.txt", "configmap/values", 1},
		{"delete-configmap.json", "cm/values -o json", 1},
		{"delete-secret.txt", "secret/db", 0},
		{"delete-unused.txt", "cm/unused", 0},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: deletable()}).run(t, append([]string{"preview", "-n", "apps", "--delete"}, strings.Fields(c.args)...)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{c.code, ""}))
			g.Expect(got.out).NotTo(ContainSubstring("hunter"))
			golden(t, c.golden, got.out)
		})
	}
}

// The copies of a trigger that goes on without a source lose what came from it.
func TestPreview_delete_of_an_optional_source_of_copies(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := copying()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	vt.Spec.Sources[0].Optional = true
	got := (&call{objects: objects}).run(t, "preview", "--delete", "cm/platform", "-n", "config")
	g.Expect(got.out).To(ContainSubstring("Breaks (ConfigMap apps/first-platform, key values.yaml: "))
	g.Expect(got.out).To(ContainSubstring("Deliver what is left without it: ValuesTrigger config/platform\n"))
	g.Expect(got.code).To(Equal(1))

	got = (&call{objects: copying()}).run(t, "preview", "--delete", "cm/first-platform", "-n", "apps")
	g.Expect(got.out).To(ContainSubstring("It is a copy, kept by ValuesTrigger config/platform, and would be written again.\n"))
	g.Expect(got.code).To(Equal(0))
}

func TestPreview_delete_of_what_may_not_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, is := obj.(*corev1.Secret); is {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}}
	got := (&call{objects: deletable(), funcs: forbidden}).run(t, "preview", "--delete", "secret/db", "-n", "apps")
	g.Expect(got.err).To(Equal("warning: you may not read Secret apps/db: which values it sets is not known\n"))
	g.Expect(got.out).To(ContainSubstring("Secret apps/db is left out, since you may not read it\n"))
}

func TestPreview_delete_mistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args, want string
		code       int
	}{
		{"preview --delete hr/app", `error: --delete "hr/app": give configmap/NAME or secret/NAME` + "\n", 2},
		{"preview --delete app", `error: --delete "app": give configmap/NAME or secret/NAME` + "\n", 2},
		{"preview --delete cm/a -f -", "error: --delete is for one object by itself: preview --delete configmap/NAME\n", 2},
		{"preview --delete cm/gone -n apps", "error: there is no ConfigMap apps/gone\n", 1},
	} {
		NewWithT(t).Expect((&call{objects: deletable()}).run(t, strings.Fields(c.args)...)).To(Equal(answer{"", c.want, c.code}), c.args)
	}
}
