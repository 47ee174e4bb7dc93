// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
)

func TestForgetOther(t *testing.T) {
	t.Parallel()
	status := triggerv1.ValuesTriggerStatus{
		LastDigest: "sha256:1", Targets: []triggerv1.TargetStatus{{Name: "app", State: triggerv1.TargetDelivered}},
		Rollout: &triggerv1.RolloutStatus{}, LastHandledResetAt: "reset", LastHandledApproval: "approval",
		LastHandledTriggerAt: "triggered", LastHandledReject: "rejected", LastHandledRollback: "rolled back", Restored: &triggerv1.RestoreRecord{},
	}
	status.LastHandledReconcileAt, status.LastHandledForceAt = "requested", "forced"
	for uid, believed := range map[string]bool{"the-trigger": true, "": true, "another": false} {
		g := NewWithT(t)
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{UID: "the-trigger"}, Status: *status.DeepCopy()}
		vt.Status.UID = types.UID(uid)
		forgetOther(vt)
		want := *status.DeepCopy()
		if !believed {
			want.LastDigest, want.Targets, want.Rollout, want.Restored = "", nil, nil, nil
		}
		want.UID = "the-trigger"
		g.Expect(vt.Status).To(Equal(want), "of %q", uid)
	}
}

// generatedForApp returns what was generated for release app when it also read ConfigMap old.
func generatedForApp(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{
		Namespace: "apps", Name: "app-auto", UID: "the-trigger", Labels: map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
		ManagedFields: []metav1.ManagedFieldsEntry{{
			Manager: triggerv1.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: triggerv1.GroupVersion.String(),
			FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{},
		}},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: helmv2.GroupVersion.String(), Kind: helmv2.HelmReleaseKind, Name: "app", UID: "the-release", Controller: new(true),
		}},
	}}
	vt.ManagedFields[0].FieldsV1.SetRawString(`{"f:metadata":{"f:labels":{"f:app.kubernetes.io/managed-by":{}}},"f:spec":{"f:sources":{},"f:targets":{}}}`)
	for _, name := range []string{"old", "values"} {
		vt.Spec.Sources = append(vt.Spec.Sources, triggerv1.SourceReference{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: name})
	}
	vt.Spec.Targets = []triggerv1.TargetReference{{Namespace: "apps", Name: "app"}}
	for _, change := range changes {
		change(vt)
	}
	return vt
}

// A trigger that presents itself as generated is trusted with what its release reads, and no more.
func TestTrusted(t *testing.T) {
	t.Parallel()
	running := reading("apps", "values")
	for _, c := range []struct {
		name    string
		vt      *triggerv1.ValuesTrigger
		release *helmv2.HelmRelease
		sources []string
		reason  string
	}{
		{"a declared one", &triggerv1.ValuesTrigger{Spec: triggerv1.ValuesTriggerSpec{Sources: []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "settings"}}}}, nil, []string{"settings"}, ""},
		{"a generated one", generatedForApp(), running, []string{"values"}, ""},
		{"whose release is gone", generatedForApp(), nil, nil, ""},
		{"of an earlier release", generatedForApp(func(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences[0].UID = "former" }), running, nil, ""},
		{"whose release reads nothing", generatedForApp(), reading("apps"), nil, ""},
		{"with other targets", generatedForApp(func(vt *triggerv1.ValuesTrigger) { vt.Spec.Targets[0].Name = "other" }), running, nil, ""},
		{"forged", generatedForApp(func(vt *triggerv1.ValuesTrigger) {
			vt.ManagedFields = nil
			vt.Spec.Targets[0].Name = "other"
		}), running, nil, triggerv1.InvalidSpecReason},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r := newTidying(t).resolver
			if c.release != nil {
				release := c.release.DeepCopy()
				release.UID = "the-release"
				r = newTidying(t, release).resolver
			}
			r.derive = func(_ context.Context, hr *helmv2.HelmRelease) ([]triggerv1.SourceReference, error) {
				return discovery.Found(hr), nil
			}
			refs, _, err := r.trusted(t.Context(), c.vt)
			g.Expect(err != nil).To(Equal(c.reason != ""), "%v", err)
			g.Expect(fault.ReasonOf(err)).To(Equal(c.reason))
			var names []string
			for _, ref := range refs {
				names = append(names, ref.Name)
			}
			g.Expect(names).To(Equal(c.sources))
		})
	}
}
