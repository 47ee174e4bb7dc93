// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"maps"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

const askedToken = "0123456789ab.1"

// namespaced returns a reader of the namespace prod, which is being deleted or not.
func namespaced(ending bool) client.Reader {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "prod", Finalizers: []string{"kubernetes"}}}
	if ending {
		namespace.DeletionTimestamp = &metav1.Time{Time: time.Unix(1700000000, 0)}
	}
	return fake.NewClientBuilder().WithObjects(namespace).Build()
}

// failing returns a rollout whose only release was triggered and has failed.
func failing() (*triggerv1.ValuesTrigger, snapshot, *targetCase) {
	sources := []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:present", Full: "sha256:present"}}
	digest := plan.Combined(sources)
	vt := staged()
	vt.Status.LastDigest, vt.Status.Sources = digest, plan.Statuses(sources)
	vt.Status.Rollout = &triggerv1.RolloutStatus{
		Digest: digest, Phase: triggerv1.RolloutProgressing, Stage: "rest", Stages: []triggerv1.StageStatus{
			{Name: "canary", Phase: triggerv1.StageFinished}, {Name: "rest", Phase: triggerv1.StageProgressing},
		},
	}
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "prod", Name: "app", Generation: 1}}
	hr.Annotations = map[string]string{
		meta.ReconcileRequestAnnotation: askedToken, triggerv1.RequestAnnotation: plan.Record{Token: askedToken, Revision: 1, At: time.Unix(1700000000, 0)}.String(),
	}
	hr.Status.ObservedGeneration, hr.Status.LastHandledReconcileAt = 1, askedToken
	hr.Status.Conditions = []metav1.Condition{{
		Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: "UpgradeFailed", ObservedGeneration: 1,
		Message: "unable to create new content in namespace prod because it is being terminated",
	}}
	hr.Status.History = helmv2.Snapshots{{Version: 2, Status: "failed"}}
	c := &targetCase{
		Target: target.Target{NamespacedName: types.NamespacedName{Namespace: "prod", Name: "app"}, Release: hr}, hr: hr,
		listed: &triggerv1.TargetStatus{
			Namespace: "prod", Name: "app", State: triggerv1.TargetTriggered, Digest: digest, Token: askedToken, Attempts: 1, Revision: 1,
			TriggeredAt: &metav1.Time{Time: time.Now().Add(-time.Minute)},
		},
	}
	snap := snapshot{vt: vt, at: time.Now(), sources: sources, content: digest, diff: plan.Compare(vt.Status.Sources, digest, sources), targets: []target.Target{c.Target}}
	return vt, snap, c
}

// The namespace is known to be ending by the cache, or by the API server alone: a watch
// may be behind another.
func TestHold_what_a_dying_namespace_says_is_not_a_verdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		cached, there bool
		phase         triggerv1.RolloutPhase
		state         triggerv1.TargetState
	}{
		{"lives", false, false, triggerv1.RolloutHalted, triggerv1.TargetFailed},
		{"is known to be ending", true, true, triggerv1.RolloutBlocked, triggerv1.TargetMissing},
		{"is ending", false, true, triggerv1.RolloutBlocked, triggerv1.TargetMissing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt, snap, one := failing()
			r := New(Config{Namespaces: namespaced(c.cached), Live: namespaced(c.there)})
			var err error
			snap.gate, err = newGate(vt)
			g.Expect(err).NotTo(HaveOccurred())
			ending, err := endingNamespaces(t.Context(), namespaced(c.cached), snap.targets)
			g.Expect(err).NotTo(HaveOccurred())
			one.ending, snap.ending = ending[one.Namespace], maps.Clone(ending)
			stored := vt.DeepCopy()
			r.decider.decide(t.Context(), snap, one, target.Observe(one.hr, snap.sources))
			judged, err := r.gatekeeper.hold(t.Context(), snap, []*targetCase{one})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(snap.ending).To(Equal(ending), "no phase changes the snapshot")
			g.Expect(vt).To(Equal(stored), "nor the trigger in it")
			g.Expect(judged.rollout.Phase).To(Equal(c.phase))
			g.Expect(one.decision.Status.State).To(Equal(c.state))
			if c.there {
				g.Expect(one.decision.Status.Message).To(Equal(endingMessage))
			}
		})
	}
}

func TestEnding_without_a_view_of_namespaces(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	_, snap, _ := failing()
	g.Expect(endingNamespaces(t.Context(), nil, snap.targets)).To(BeEmpty())
	g.Expect(endingNamespaces(t.Context(), fake.NewClientBuilder().Build(), snap.targets)).To(BeEmpty(), "it is gone")
}

// A trigger that was made again finds on the releases what was rolled back.
func TestDecide_what_a_release_says_was_rolled_back(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		modify func(vt *triggerv1.ValuesTrigger, snap snapshot, record *plan.Record)
		phase  triggerv1.RolloutPhase
	}{
		"this content":        {func(*triggerv1.ValuesTrigger, snapshot, *plan.Record) {}, triggerv1.RolloutHalted},
		"other content":       {func(_ *triggerv1.ValuesTrigger, _ snapshot, record *plan.Record) { record.Sources[0].Digest = "0123" }, triggerv1.RolloutProgressing},
		"of another trigger":  {func(_ *triggerv1.ValuesTrigger, _ snapshot, record *plan.Record) { record.Sources[0].ID += "2" }, triggerv1.RolloutProgressing},
		"it does not go back": {func(vt *triggerv1.ValuesTrigger, _ snapshot, _ *plan.Record) { vt.Spec.Publish = nil }, triggerv1.RolloutProgressing},
		"a rollout is recorded": {func(vt *triggerv1.ValuesTrigger, snap snapshot, _ *plan.Record) {
			vt.Status.Rollout = &triggerv1.RolloutStatus{Digest: snap.content, Phase: triggerv1.RolloutProgressing}
		}, triggerv1.RolloutProgressing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt, snap, one := failing()
			vt.Status = triggerv1.ValuesTriggerStatus{}
			vt.Spec.Publish, vt.Spec.Rollout.OnFailure = &triggerv1.Publish{Name: "shared"}, triggerv1.FailureRollback
			record := plan.Record{Sources: []plan.RecordedSource{{ID: "refused/apps/platform", Digest: snap.content[len("sha256:"):][:12]}}}
			c.modify(vt, snap, &record)
			one.input = plan.Input{Trigger: "apps/platform", Release: plan.Release{Exists: true, Record: record}}
			one.decision = plan.Decision{Request: &plan.Request{}}
			gate, err := newGate(vt)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(gate.decide(snap, []*targetCase{one}, findings{}).Status.Phase).To(Equal(c.phase))
		})
	}
}
