// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

func TestForgetOther(t *testing.T) {
	t.Parallel()
	status := triggerv1.ValuesTriggerStatus{
		LastDigest: "sha256:1", Targets: []triggerv1.TargetStatus{{Name: "app", State: triggerv1.TargetDelivered}},
		Rollout: &triggerv1.RolloutStatus{}, LastHandledResetAt: "reset", LastHandledApproval: "approval",
		LastHandledTriggerAt: "triggered",
	}
	status.LastHandledReconcileAt, status.LastHandledForceAt = "requested", "forced"
	for uid, believed := range map[string]bool{"the-trigger": true, "": true, "another": false} {
		g := NewWithT(t)
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{UID: "the-trigger"}, Status: *status.DeepCopy()}
		vt.Status.UID = types.UID(uid)
		forgetOther(vt)
		want := *status.DeepCopy()
		if !believed {
			want.LastDigest, want.Targets, want.Rollout = "", nil, nil
		}
		want.UID = "the-trigger"
		g.Expect(vt.Status).To(Equal(want), "of %q", uid)
	}
}

// What a restored status says of another trigger or release is not written on a source.
func TestDeliveredBy(t *testing.T) {
	t.Parallel()
	content := digest.Content{}
	ref := source.Ref{Kind: "ConfigMap", Namespace: "apps", Name: "flags"}
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "the-release"}}
	for _, c := range []struct {
		trigger, release string
		want             bool
	}{{"the-trigger", "the-release", true}, {"another", "the-release", false}, {"the-trigger", "another", false}} {
		vt := &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "the-trigger"},
			Status: triggerv1.ValuesTriggerStatus{
				UID: types.UID(c.trigger), LastDigest: "sha256:1",
				Sources: []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "flags", Digest: content.Digest()}},
				Targets: []triggerv1.TargetStatus{{Namespace: "apps", Name: "app", UID: types.UID(c.release), State: triggerv1.TargetDelivered, Digest: "sha256:1"}},
			},
		}
		NewWithT(t).Expect(deliveredBy(vt, hr, ref, source.Object{Content: content})).To(Equal(c.want), "%+v", c)
	}
}
