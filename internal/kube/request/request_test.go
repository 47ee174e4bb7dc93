// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package request

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// written is a patch as it leaves the operator.
type written struct {
	kind, name string
	patchType  types.PatchType
	body       map[string]any
	manager    string
}

// newClient returns a client to a fake API server, and the patches made with it.
func newClient(t *testing.T, objects ...client.Object) (client.Client, *[]written) {
	t.Helper()
	scheme := runtime.NewScheme()
	NewWithT(t).Expect(corev1.AddToScheme(scheme)).To(Succeed())
	NewWithT(t).Expect(helmv2.AddToScheme(scheme)).To(Succeed())
	patches := &[]written{}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Patch: func(ctx context.Context, next client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			data, err := patch.Data(obj)
			if err != nil {
				return err
			}
			w := written{kind: obj.GetObjectKind().GroupVersionKind().Kind, name: obj.GetNamespace() + "/" + obj.GetName(), patchType: patch.Type()}
			if err := json.Unmarshal(data, &w.body); err != nil {
				return err
			}
			w.manager = (&client.PatchOptions{}).ApplyOptions(opts).FieldManager
			*patches = append(*patches, w)
			return next.Patch(ctx, obj, patch, opts...)
		},
	}).Build(), patches
}

func release() *helmv2.HelmRelease {
	return &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{
		Namespace: "apps", Name: "app", UID: "the-uid", Labels: map[string]string{"a": "b"},
		Annotations: map[string]string{"example.com/kept": "yes", "reconcile.fluxcd.io/forceAt": "an older one"},
	}}
}

func TestSend(t *testing.T) {
	t.Parallel()
	req := plan.Request{
		Token: "0123456789ab.7", Cause: "ConfigMap config/values via ValuesTrigger apps/trigger",
		Record: plan.Record{Token: "0123456789ab.7", Revision: 3, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
	}
	always := map[string]any{
		"reconcile.fluxcd.io/requestedAt": req.Token,
		"trigger.nebius.ai/cause":         req.Cause,
		"trigger.nebius.ai/request":       `{"token":"0123456789ab.7","revision":3,"at":"2026-03-01T12:00:00Z"}`,
	}
	for _, c := range []struct {
		name         string
		force, reset bool
		more         []string
	}{
		{"without force", false, false, nil},
		{"with force", true, false, []string{"reconcile.fluxcd.io/forceAt"}},
		{"with reset", false, true, []string{"reconcile.fluxcd.io/resetAt"}},
		{"with both", true, true, []string{"reconcile.fluxcd.io/forceAt", "reconcile.fluxcd.io/resetAt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cl, patches := newClient(t, release())
			hr := &helmv2.HelmRelease{}
			g.Expect(cl.Get(context.Background(), types.NamespacedName{Namespace: "apps", Name: "app"}, hr)).To(Succeed())
			observed := hr.DeepCopy()
			asked := req
			asked.Force, asked.Reset = c.force, c.reset
			g.Expect(Send(context.Background(), cl, hr, asked)).To(Succeed())
			g.Expect(hr).To(Equal(observed), "it comes from the cache and is not to be changed")

			annotations := map[string]any{}
			for key, value := range always {
				annotations[key] = value
			}
			for _, key := range c.more {
				annotations[key] = req.Token
			}
			g.Expect(*patches).To(Equal([]written{{
				kind: "HelmRelease", name: "apps/app", patchType: types.MergePatchType, manager: "helmrelease-trigger-operator",
				body: map[string]any{"metadata": map[string]any{
					"uid": "the-uid", "resourceVersion": observed.ResourceVersion, "annotations": annotations,
				}},
			}}), "one patch, with what it is conditional on, and nothing else")

			g.Expect(cl.Get(context.Background(), client.ObjectKeyFromObject(hr), hr)).To(Succeed())
			g.Expect(hr.Annotations).To(HaveKeyWithValue("example.com/kept", "yes"))
			g.Expect(hr.Annotations["reconcile.fluxcd.io/forceAt"] == req.Token).To(Equal(c.force))
			g.Expect(hr.Labels).To(Equal(observed.Labels))
		})
	}
}

func TestSend_aReleaseThatChangedSinceIsAConflict(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ctx := context.Background()
	cl, _ := newClient(t, release())
	hr := &helmv2.HelmRelease{}
	g.Expect(cl.Get(ctx, types.NamespacedName{Namespace: "apps", Name: "app"}, hr)).To(Succeed())
	decidedOn := hr.DeepCopy()
	hr.Spec.Suspend = true
	g.Expect(cl.Update(ctx, hr)).To(Succeed())

	err := Send(ctx, cl, decidedOn, plan.Request{Token: "a.1"})
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
	g.Expect(err).To(MatchError(HavePrefix("patch HelmRelease apps/app: ")))

	g.Expect(cl.Get(ctx, client.ObjectKeyFromObject(hr), hr)).To(Succeed())
	g.Expect(hr.Annotations).NotTo(HaveKey("reconcile.fluxcd.io/requestedAt"), "nothing was requested")
}

func TestSend_aReleaseThatIsGoneIsNotCreated(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cl, _ := newClient(t)
	err := Send(context.Background(), cl, release(), plan.Request{Token: "a.1"})
	g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ctx := context.Background()
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "values", UID: "the-uid", Annotations: map[string]string{"example.com/kept": "yes"}},
		Data:       map[string]string{"a": "b"},
	}
	cl, patches := newClient(t, cm)
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	g.Expect(cl.Get(ctx, client.ObjectKeyFromObject(cm), meta)).To(Succeed())
	version := meta.ResourceVersion
	observed := meta.DeepCopy()

	g.Expect(Annotate(ctx, cl, meta, version, "example.com/key", "value")).To(Succeed())
	g.Expect(meta).To(Equal(observed))
	g.Expect(*patches).To(Equal([]written{{
		kind: "ConfigMap", name: "apps/values", patchType: types.MergePatchType, manager: "helmrelease-trigger-operator",
		body: map[string]any{"metadata": map[string]any{
			"uid": "the-uid", "resourceVersion": version, "annotations": map[string]any{"example.com/key": "value"},
		}},
	}}))
	g.Expect(cl.Get(ctx, client.ObjectKeyFromObject(cm), cm)).To(Succeed())
	g.Expect(cm.Annotations).To(Equal(map[string]string{"example.com/kept": "yes", "example.com/key": "value"}))
	g.Expect(cm.Data).To(Equal(map[string]string{"a": "b"}))

	err := Annotate(ctx, cl, meta, version, "example.com/key", "another")
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "the version is an older one now: %v", err)
	g.Expect(err).To(MatchError(HavePrefix("annotate ConfigMap apps/values: ")))
}

func TestKeep_writes_the_record_alone(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ctx := context.Background()
	cl, patches := newClient(t, release())
	hr := &helmv2.HelmRelease{}
	g.Expect(cl.Get(ctx, types.NamespacedName{Namespace: "apps", Name: "app"}, hr)).To(Succeed())
	record := plan.Record{UID: hr.UID, States: map[string]plan.State{"apps/trigger": {State: "Delivered", Revision: 2}}}
	g.Expect(Keep(ctx, cl, hr, record)).To(Succeed())
	g.Expect(*patches).To(Equal([]written{{
		kind: "HelmRelease", name: "apps/app", patchType: types.MergePatchType, manager: "helmrelease-trigger-operator",
		body: map[string]any{"metadata": map[string]any{
			"uid": "the-uid", "resourceVersion": hr.ResourceVersion,
			"annotations": map[string]any{"trigger.nebius.ai/request": record.String()},
		}},
	}}), "nothing is requested of helm-controller")
	g.Expect(apierrors.IsConflict(Keep(ctx, cl, hr, record))).To(BeTrue(), "it holds for the version that was decided on")
}
