// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// rings is a rollout in the middle: dev has the present content, staging soaks, prod waits
// for an approval, and one release is suspended. Copies hold what each has.
func rings() []client.Object {
	stage := func(name string) triggerv1.Stage {
		return triggerv1.Stage{Name: name, Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": triggerv1.LabelValue(name)}}}
	}
	vt := ready(trigger("platform", "platform",
		[]triggerv1.SourceReference{from("ConfigMap", "", "values", "values.yaml"), from("Secret", "", "keys")},
		target("dev", "shop", triggerv1.TargetDelivered, ""),
		target("staging", "shop", triggerv1.TargetTriggered, ""),
		target("prod", "ads", triggerv1.TargetHeld, "waits for the approval of stage prod; the values of the release would change"),
		target("prod", "shop", triggerv1.TargetHeld, "waits for the approval of stage prod; the values of the release would change"),
		target("prod", "direct", triggerv1.TargetHeld, "waits for the approval of stage prod; the values of the release would change"),
		target("prod", "blind", triggerv1.TargetHeld, "waits for the approval of stage prod; the release would be upgraded by force"),
		target("prod", "asleep", triggerv1.TargetHeld, "HelmRelease is suspended; the change is delivered when spec.suspend is removed"),
	), metav1.ConditionFalse, triggerv1.AwaitingApprovalReason, "Stage 3/3 prod, 0/5; waits for approval", false)
	vt.Spec.Publish = &triggerv1.Publish{Name: "platform"}
	staging, prod := stage("staging"), stage("prod")
	staging.MinSuccessTime.Duration, prod.Approval = 10*time.Minute, triggerv1.ApprovalManual
	last := triggerv1.Stage{Name: "last"}
	vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{stage("dev"), staging, stage("canary"), prod, last}}
	objects := []client.Object{vt,
		configMap("platform", "values", map[string]string{"values.yaml": "greeting: two\n"}),
		secret("platform", "keys", map[string]string{"keys.yaml": "key: hunter2"}),
	}
	for i, t := range vt.Status.Targets {
		hr := release(t.Name, valuesFrom("ConfigMap", t.Name+"-platform"), valuesFrom("Secret", t.Name+"-platform"))
		hr.Namespace, hr.Labels = t.Namespace, map[string]string{"ring": t.Namespace}
		hr.Spec.ValuesFrom[1].ValuesKey = "keys.yaml"
		hr.Spec.Suspend = t.Name == "asleep"
		content, key := "greeting: two\n", "hunter2"
		vt.Status.Targets[i].Published = "sha256:1"
		if t.Namespace == "prod" {
			content, key = "greeting: one\n", "hunter1"
			vt.Status.Targets[i].Published = "sha256:0"
		}
		switch t.Name {
		case "blind":
			hr.Spec.ValuesFrom = nil
		case "direct":
			hr.Namespace, vt.Status.Targets[i].Namespace, vt.Spec.Targets[i].Namespace = "platform", "platform", "platform"
			hr.Spec.ValuesFrom = hr.Spec.ValuesFrom[:1]
			hr.Spec.ValuesFrom[0].Name = "values"
			old := map[string]any{"greeting": "one"}
			hr.Status.History = helmv2.Snapshots{{Version: 1, ConfigDigest: chartutil.DigestValues(digest.Canonical, old).String()}}
		}
		objects = append(objects, hr, configMap(t.Namespace, t.Name+"-platform", map[string]string{"values.yaml": content}),
			secret(t.Namespace, t.Name+"-platform", map[string]string{"keys.yaml": "key: " + key}))
	}
	return objects
}

const ringsNow = `apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: platform}
data: {values.yaml: "greeting: two\n"}
`

func TestPreview_of_rings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ golden, args, in string }{
		{"rings-preview-waiting.txt", "preview -f -", ringsNow},
		{"rings-preview-edit.txt", "preview -f -", strings.Replace(ringsNow, "two", "three", 1)},
		{"rings-pending.txt", "preview --pending platform -n platform", ""},
		{"rings-pending.json", "preview --pending platform -n platform -o json", ""},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: rings(), in: c.in}).run(t, strings.Fields(c.args)...)
			g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
			g.Expect(got.out).NotTo(ContainSubstring("hunter"))
			g.Expect(got.out).NotTo(ContainSubstring("no trigger follows it"))
			golden(t, c.golden, got.out)
		})
	}
}

func TestPreview_pending(t *testing.T) {
	t.Parallel()
	t.Run("nothing", func(t *testing.T) {
		t.Parallel()
		objects := rings()
		vt := objects[0].(*triggerv1.ValuesTrigger)
		for i := range vt.Status.Targets {
			vt.Status.Targets[i].State = triggerv1.TargetDelivered
		}
		got := (&call{objects: objects}).run(t, "preview", "--pending", "platform", "-n", "platform")
		NewWithT(t).Expect(got).To(Equal(answer{"ValuesTrigger platform/platform: nothing waits, content sha256:1 is delivered\n", "", 0}))
	})
	t.Run("what has failed and is rolled back", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		got := (&call{objects: rolledBack()}).run(t, "preview", "--pending", "platform", "-n", "config")
		g.Expect(got.out).To(HavePrefix("ValuesTrigger config/platform: content sha256:1 has failed and is not delivered\n"))
		g.Expect(got.out).To(ContainSubstring("UpgradeLater (has failed and is not delivered: edit it, or retry it by name): HelmRelease apps/second\n"))
	})
	t.Run("what a person has rejected", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		objects := rolledBack()
		objects[0].(*triggerv1.ValuesTrigger).Status.Rollout.RejectedBy = &triggerv1.PersonRecord{User: "anna"}
		got := (&call{objects: objects}).run(t, "preview", "--pending", "platform", "-n", "config")
		g.Expect(got.out).To(HavePrefix("ValuesTrigger config/platform: content sha256:1 was rejected by a person and is not delivered\n"))
		g.Expect(got.out).To(ContainSubstring("UpgradeLater (was rejected by a person and is not delivered: edit it, or retry it by name): HelmRelease apps/second\n"))
	})
	t.Run("what a status does not list waits for the same", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		objects := awaiting()
		vt := objects[0].(*triggerv1.ValuesTrigger)
		vt.Status.Summary = plan.Count(vt.Status.Targets)
		listed := 0
		vt.Status.Targets = slices.DeleteFunc(vt.Status.Targets, func(t triggerv1.TargetStatus) bool {
			if t.Namespace == "prod" && strings.HasPrefix(t.Message, "waits for the approval") {
				listed++
				return listed > 1
			}
			return false
		})
		g.Expect(listed).To(BeNumerically(">", 1))
		got := (&call{objects: objects}).run(t, "preview", "--pending", "platform", "-n", "platform")
		g.Expect(got.out).NotTo(ContainSubstring("after the approval of stage prod"))
	})
	t.Run("it names its own command", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		objects := awaiting()
		ready(objects[0].(*triggerv1.ValuesTrigger), metav1.ConditionFalse, triggerv1.AwaitingApprovalReason, "Stage 3/3 prod; waits for approval: kubectl annotate vt/platform …", false)
		got := (&call{objects: objects}).run(t, "preview", "--pending", "platform", "-n", "platform")
		g.Expect(got.out).To(ContainSubstring("\n  Stage 3/3 prod; waits for approval: kubectl valuestrigger approve platform -n platform\n"))
	})
	t.Run("what a person went back from", func(t *testing.T) {
		t.Parallel()
		objects := rings()
		objects[0].(*triggerv1.ValuesTrigger).Status.Restored = &triggerv1.RestoreRecord{Revision: 2, Rejects: "sha256:99"}
		got := (&call{objects: objects}).run(t, "preview", "--pending", "platform", "-n", "platform")
		NewWithT(t).Expect(got.out).To(HavePrefix("ValuesTrigger platform/platform: content sha256:99 is rejected by the rollback to revision 2\n"))
	})
	t.Run("a Secret that may not be read", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, secret := obj.(*corev1.Secret); secret && key.Namespace == "platform" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
			}
			return c.Get(ctx, key, obj, opts...)
		}}
		got := (&call{objects: rings(), funcs: forbidden}).run(t, "preview", "--pending", "platform", "-n", "platform")
		g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
		g.Expect(got.out).To(ContainSubstring("Secret prod/shop-platform is left out, since you may not read it"))
		g.Expect(got.out).To(ContainSubstring(`~ greeting: "one" → "two"`))
	})
}

// An edit outside of the window of the schedule waits for it.
func TestPreview_of_a_window(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ cron, want string }{
		{"0 2 * * *", "1 HelmRelease: 1 Upgrade\n"},
		{"0 5 * * *", "UpgradeLater (when the window opens at 2026-01-02T05:00:00Z; it reads ConfigMap apps/values itself, and takes it up at its next interval at the latest): HelmRelease apps/one\n"},
	} {
		vt := fine(trigger("apps", "one", []triggerv1.SourceReference{from("ConfigMap", "apps", "values")}, target("apps", "one", triggerv1.TargetDelivered, "")))
		vt.Spec.Schedule = []triggerv1.Window{{Cron: c.cron, Window: metav1.Duration{Duration: 2 * time.Hour}}}
		objects := []client.Object{vt, release("one", valuesFrom("ConfigMap", "values")), configMap("apps", "values", map[string]string{"values.yaml": "a: 1"})}
		got := (&call{objects: objects, in: editedConfigMap}).run(t, "preview", "-f", "-")
		NewWithT(t).Expect(got.out).To(ContainSubstring(c.want), c.cron)
	}
}

// HelmReleases in the files count as they are there, as in the output of kustomize, which
// gives a ConfigMap another name for each content.
func TestPreview_of_HelmReleases(t *testing.T) {
	t.Parallel()
	const applied = `apiVersion: v1
kind: ConfigMap
metadata: {name: values-2, namespace: apps}
data: {values.yaml: "replicas: 2"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: one, namespace: apps}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: values-2}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: new, namespace: apps}
spec:
  values: {a: 1}
  valuesFrom:
  - {kind: ConfigMap, name: values-2}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: two, namespace: apps}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: values}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: three, namespace: apps}
spec:
  suspend: true
  valuesFrom:
  - {kind: ConfigMap, name: values-2}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: fixed, namespace: apps}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: nowhere}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: secretive, namespace: apps}
spec:
  values: {db: {password: open}}
`
	g := NewWithT(t)
	got := (&call{objects: readers(), in: applied}).run(t, "preview", "-f", "-")
	g.Expect([]any{got.code, got.err}).To(Equal([]any{1, ""}))
	g.Expect(got.out).NotTo(ContainSubstring("hunter"))
	golden(t, "preview-helmreleases.txt", got.out)

	same := applied[strings.Index(applied, "metadata: {name: two")-len("apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\n"):]
	same = same[:strings.Index(same, "---")]
	g.Expect((&call{objects: readers(), in: same}).run(t, "preview", "-f", "-")).To(Equal(answer{"Nothing changes: the cluster has these values already.\n", "", 0}))
}
