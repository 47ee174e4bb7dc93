// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// answersOf returns the answers for pages about the cluster of a call.
func answersOf(t *testing.T, call *call) pageAnswers {
	t.Helper()
	call.run(t, "version") // It has a client afterwards.
	return pageAnswers{&cli{Env: Env{Err: io.Discard, Now: func() time.Time { return now }}, client: call.client}}
}

// published is a HelmRelease that reads copies of a ConfigMap and a Secret in revision 2, and what is kept of revision 1.
func published() (*triggerv1.ValuesTrigger, []client.Object) {
	vt := fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values"), from("Secret", "", "db")}, target("apps", "app", triggerv1.TargetDelivered, "")))
	vt.UID, vt.Spec.Publish = "vt", &triggerv1.Publish{Name: "shared"}
	vt.Status.LastDigest = "sha256:2"
	vt.Status.Targets[0].Digest, vt.Status.Targets[0].Published, vt.Status.Targets[0].Revision = "sha256:2", "sha256:2", 4
	kept := []triggerv1.KeptSource{
		{SourceStatus: triggerv1.SourceStatus{Kind: "ConfigMap", Namespace: "apps", Name: "values", Digest: "sha256:01"}},
		{SourceStatus: triggerv1.SourceStatus{Kind: "Secret", Namespace: "apps", Name: "db", Digest: "sha256:02"}},
	}
	vt.Status.History = []triggerv1.Change{
		{Digest: "sha256:2", Revision: 2, Time: *ago(time.Hour), Outcome: triggerv1.ChangeDelivered, Kept: kept},
		{Digest: "sha256:1", Revision: 1, Time: *ago(2 * time.Hour), Outcome: triggerv1.ChangeDelivered, Kept: kept},
	}
	hr := release("app", valuesFrom("ConfigMap", "app-shared"), valuesFrom("Secret", "app-shared"))
	hr.Status.History = helmv2.Snapshots{snapshot(4, time.Hour, "1.0.0", "sha256:44")}
	objects := []client.Object{
		vt, hr, configMap("apps", "values", map[string]string{"values.yaml": "replicas: 2"}), secret("apps", "db", map[string]string{"values.yaml": "password: hunter2"}),
		configMap("apps", "app-shared", map[string]string{"values.yaml": "replicas: 2"}), secret("apps", "app-shared", map[string]string{"values.yaml": "password: hunter2"}),
	}
	for _, k := range kept {
		named := publish.Kept(vt, k.Kind+"/apps/"+k.Name, k.Digest)
		if k.Kind == triggerv1.SecretKind {
			objects = append(objects, secret(named.Namespace, named.Name, map[string]string{"values.yaml": "password: hunter1"}))
		} else {
			objects = append(objects, configMap(named.Namespace, named.Name, map[string]string{"values.yaml": "replicas: 1"}))
		}
	}
	return vt, objects
}

func TestPageAnswers_Release(t *testing.T) {
	t.Parallel()
	key := types.NamespacedName{Namespace: "apps", Name: "app"}
	t.Run("by what its trigger keeps, Secrets masked", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		vt, objects := published()
		objects = append(objects, &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "e"}, Type: corev1.EventTypeWarning, Reason: "UpgradeFailed", Message: "timed out", FirstTimestamp: *ago(time.Hour),
			InvolvedObject: corev1.ObjectReference{Kind: helmv2.HelmReleaseKind, Namespace: "apps", Name: "app"},
		})
		got, err := answersOf(t, &call{objects: objects}).Release(t.Context(), key, []triggerv1.ValuesTrigger{*vt})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got.Before.What).To(Equal("revision 1 of ValuesTrigger apps/app"))
		raw, err := json.Marshal(got.Before.Differences)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(raw)).To(MatchJSON(`[
			{"path": "password", "op": "changed", "secret": "Secret apps/db"},
			{"path": "replicas", "op": "changed", "before": 1, "after": 2}]`))
		g.Expect(got.Notes).To(BeEmpty())
		g.Expect(got.Warnings).To(HaveLen(1))
		g.Expect(got.Changes[0].Releases).To(HaveLen(1), "it runs the newest")
	})
	t.Run("by what Helm remembers", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		hr := release("app", valuesFrom("ConfigMap", "values"))
		hr.Status.History = helmv2.Snapshots{{Version: 2, Status: "deployed", ConfigDigest: chartutil.DigestValues(digest.Canonical, map[string]any{"greeting": "two"}).String()}}
		secretive := hr.DeepCopy()
		secretive.Name, secretive.Spec.ValuesFrom = "secretive", append(secretive.Spec.ValuesFrom, meta.ValuesReference{Kind: "Secret", Name: "keys", Optional: true})
		answers := answersOf(t, &call{objects: []client.Object{
			hr, secretive, configMap("apps", "values", map[string]string{"values.yaml": "greeting: two"}),
			helmSecret(g, "app", "1", "superseded", time.Hour, map[string]any{"greeting": "one", "debug": true}), helmSecret(g, "secretive", "1", "superseded", time.Hour, map[string]any{"greeting": "hunter1"}),
		}})
		got, err := answers.Release(t.Context(), key, nil)
		g.Expect(err).NotTo(HaveOccurred())
		raw, err := json.Marshal(got.Before)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(string(raw)).To(MatchJSON(`{"What": "Helm's revision 1", "Command": "", "LeftOut": null, "Differences": [
			{"path": "debug", "op": "removed", "before": true}, {"path": "greeting", "op": "changed", "before": "one", "after": "two"}]}`))
		got, err = answers.Release(t.Context(), types.NamespacedName{Namespace: "apps", Name: "secretive"}, nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(got.Before.Command).To(Equal("helm get values -n apps secretive --revision 1"), "it may hold content of a Secret")
		g.Expect(got.Before.Differences).To(BeEmpty())
	})
	t.Run("that does not exist", func(t *testing.T) {
		t.Parallel()
		_, err := answersOf(t, &call{}).Release(t.Context(), key, nil)
		NewWithT(t).Expect(apierrors.IsNotFound(err)).To(BeTrue())
	})
}

func TestPageAnswers_Subject_and_Deletion(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	_, objects := published()
	call := &call{objects: objects}
	call.funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if key.Name == "private" {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}
	answers := answersOf(t, call)
	for name, note := range map[string]string{"db": "", "gone": "does not exist", "private": "you may not read"} {
		got, err := answers.Subject(t.Context(), binding.Object{Kind: "Secret", Namespace: "apps", Name: name})
		g.Expect(err).NotTo(HaveOccurred())
		if note == "" {
			g.Expect(got.Notes).To(BeEmpty())
		} else {
			g.Expect(got.Notes).To(ConsistOf(ContainSubstring(note)))
		}
	}
	got, err := answers.Deletion(t.Context(), binding.Object{Kind: "Secret", Namespace: "apps", Name: "db"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got.Summary).To(Equal(map[graph.Loss]int{graph.Stops: 1}))
	raw, err := json.Marshal(got)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(raw)).NotTo(ContainSubstring("hunter"))
}
