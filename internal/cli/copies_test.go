// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// copying is a trigger with copies half way: one release has the present content, one waits
// with the old one, one does not list its copy. The key "internal" is not copied.
func copying() []client.Object {
	vt := ready(trigger("config", "platform",
		[]triggerv1.SourceReference{from("ConfigMap", "", "platform", "values.yaml"), from("Secret", "", "tokens")},
		target("apps", "first", triggerv1.TargetDelivered, ""),
		target("apps", "second", triggerv1.TargetHeld, "waits for the approval of stage prod; the values of the release would change"),
		target("apps", "third", triggerv1.TargetMissing, "HelmRelease does not exist; create it, or remove it from spec.targets"),
		target("apps", "blind", triggerv1.TargetDelivered, ""),
	), metav1.ConditionFalse, triggerv1.AwaitingApprovalReason, "Stage 2/2 canary→prod, 0/2, 0 failed; waits for approval", false)
	vt.Spec.Publish = &triggerv1.Publish{Name: "platform"}
	for i, published := range []string{"sha256:1", "sha256:0", "", "sha256:1"} {
		vt.Status.Targets[i].Published = published
	}
	objects := []client.Object{vt, release("blind"),
		configMap("config", "platform", map[string]string{"values.yaml": "greeting: two\n", "internal": "hunter2"}),
		secret("config", "tokens", map[string]string{"token.yaml": "token: hunter2"})}
	for i, name := range []string{"first", "second"} {
		content := []string{"greeting: two\n", "greeting: one\n"}[i]
		hr := release(name, valuesFrom("ConfigMap", name+"-platform"), valuesFrom("Secret", name+"-platform"))
		hr.Spec.ValuesFrom[1].ValuesKey = "token.yaml"
		copies := []client.Object{
			configMap("apps", name+"-platform", map[string]string{"values.yaml": content}),
			secret("apps", name+"-platform", map[string]string{"token.yaml": "token: hunter2"}),
		}
		for _, one := range copies {
			one.SetLabels(publish.Labels(client.ObjectKeyFromObject(vt), name))
		}
		objects = append(append(objects, hr), copies...)
	}
	return objects
}

// rolledBack is the same after the new content has failed in a release that still has it: the
// others have the earlier one.
func rolledBack() []client.Object {
	objects := copying()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	ready(vt, metav1.ConditionUnknown, meta.ProgressingReason, "Rolling back to sha256:0, stage prod, 1/2: sha256:1 failed: apps/first: UpgradeFailed", false)
	vt.Status.LastDigest = "sha256:0"
	vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: "sha256:1", Phase: triggerv1.RolloutRollingBack, Rollback: &triggerv1.RollbackStatus{Digest: "sha256:0"}}
	second := objects[7].(*helmv2.HelmRelease)
	second.Status.History = helmv2.Snapshots{snapshot(3, time.Minute, "1.0.0", "a")}
	vt.Status.Targets[1] = target("apps", "second", triggerv1.TargetDelivered, "")
	vt.Status.Targets[1].Published = "sha256:0"
	vt.Status.Targets[1].Cause = "ConfigMap config/platform sha256:00, rollback of content sha256:01 via ValuesTrigger config/platform"
	return objects
}

func TestCopies_that_are_taken_back_are_told(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ golden, args string }{
		{"copies-back-tree.txt", "tree platform -n config"},
		{"copies-back-why.txt", "why second -n apps"},
	} {
		golden(t, c.golden, (&call{objects: rolledBack()}).run(t, strings.Fields(c.args)...).out)
	}
}

func TestCopies_are_told(t *testing.T) {
	t.Parallel()
	edit := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: platform, namespace: config}\ndata: {values.yaml: 'greeting: three', internal: hunter3}\n"
	hidden := "apiVersion: v1\nkind: Secret\nmetadata: {name: tokens, namespace: config}\nstringData: {token.yaml: 'token: hunter4'}\n"
	for _, c := range []struct {
		golden, args, in string
		code             int
	}{
		{"copies-tree.txt", "tree platform -n config", "", 0},
		{"copies-tree.yaml", "tree platform -n config -o yaml", "", 0},
		{"copies-tree-release.txt", "tree hr/second -n apps", "", 0},
		{"copies-tree-source.txt", "tree cm/platform -n config", "", 0},
		{"copies-tree-copy.txt", "tree cm/second-platform -n apps", "", 0},
		{"copies-why.txt", "why second -n apps", "", 0},
		{"copies-why-blind.txt", "why blind -n apps", "", 0},
		{"copies-preview.txt", "preview -f -", edit, 0},
		{"copies-preview-secret.txt", "preview -f -", hidden, 0},
		{"copies-preview-missing-key.txt", "preview -f -", strings.Replace(edit, "values.yaml", "renamed.yaml", 1), 1},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: copying(), in: c.in}).run(t, strings.Fields(c.args)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{c.code, ""}))
			g.Expect(got.out).NotTo(ContainSubstring("hunter"))
			golden(t, c.golden, got.out)
		})
	}
}

// What two sources have in common cannot be in one copy, and what may not be read is left out.
func TestPreview_of_copies_that_cannot_be_composed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	objects := copying()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	vt.Spec.Sources = append(vt.Spec.Sources, from("ConfigMap", "", "more"))
	edit := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: config}\ndata: {values.yaml: 'greeting: three'}\n"
	got := (&call{objects: objects, in: edit}).run(t, "preview", "-f", "-")
	g.Expect(got.out).To(ContainSubstring(
		"no copy can be made: ConfigMap config/more and ConfigMap config/platform both have the key values.yaml and would share a copy"))

	forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, secret := obj.(*corev1.Secret); secret && key.Namespace == "config" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}}
	vt.Spec.Sources = append(vt.Spec.Sources[:2], from("Secret", "", "another"))
	hr := objects[len(objects)-3].(*helmv2.HelmRelease)
	hr.Spec.ValuesFrom[1].ValuesKey = "values.yaml"
	another := "apiVersion: v1\nkind: Secret\nmetadata: {name: another, namespace: apps}\nstringData: {values.yaml: 'a: 1'}\n"
	vt.Spec.Sources[2].Namespace = "apps"
	got = (&call{objects: objects, in: another, funcs: forbidden}).run(t, "preview", "-f", "-")
	g.Expect(got.out).To(ContainSubstring("Secret apps/" + hr.Name + "-platform is left out, since you may not read it"))
}
