// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// rolledBack returns a trigger whose content was rolled back, with its present sources.
func rolledBack() (*triggerv1.ValuesTrigger, []plan.Source) {
	before := []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:before"}}
	present := []plan.Source{{ID: "ConfigMap/apps/a", Digest: "sha256:present"}}
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback}
	vt.Status.LastDelivered = plan.Delivered(before)
	vt.Status.Rollout = &triggerv1.RolloutStatus{
		Digest: plan.Combined(present), Phase: triggerv1.RolloutRolledBack, Rollback: &triggerv1.RollbackStatus{Digest: plan.Combined(before)},
	}
	return vt, present
}

func TestWithKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		modify   func(vt *triggerv1.ValuesTrigger, snap *snapshot)
		rejected bool
		earlier  bool
	}{
		{"content that was rolled back", func(*triggerv1.ValuesTrigger, *snapshot) {}, true, true},
		{"other content", func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.sources[0].Digest = "sha256:other" }, false, true},
		{"it is forced", func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.force = "now" }, false, true},
		{"nothing is recorded", func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Status.LastDelivered = nil }, false, false},
		{"another policy", func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt }, false, false},
		{"no copies", func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Spec.Publish = nil }, false, false},
		{"a generated trigger", func(_ *triggerv1.ValuesTrigger, snap *snapshot) { snap.release = reading("apps") }, false, false},
		{"a status that someone has written", func(vt *triggerv1.ValuesTrigger, _ *snapshot) {
			vt.Status.LastDelivered.Sources[0].Digest = "sha256:forged"
		}, false, false},
		{"a record of something else", func(vt *triggerv1.ValuesTrigger, _ *snapshot) { vt.Status.Rollout.Rollback.Digest = "sha256:else" }, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			vt, sources := rolledBack()
			snap := snapshot{vt: vt, sources: sources}
			c.modify(vt, &snap)
			snap.diff = plan.Compare(nil, "", snap.sources)
			content := plan.Combined(snap.sources)
			snap = snap.withKept()
			g.Expect(snap.content).To(Equal(content))
			g.Expect(snap.earlier != "").To(Equal(c.earlier))
			g.Expect(snap.rejected != "").To(Equal(c.rejected))
			if c.rejected {
				g.Expect(snap.rejected).To(Equal(content))
				content = vt.Status.LastDelivered.Digest
			}
			g.Expect(plan.Combined(snap.sources)).To(Equal(content))
			g.Expect(snap.diff.To).To(Equal(content))
		})
	}
}

// What is kept of a Secret has another name and UID than the Secret, and the same digest,
// also if that was made when UIDs were used.
func TestReadKept(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	original := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "config", Name: "s", UID: "of-the-secret"}, Data: map[string][]byte{"k": []byte("v"), "other": nil}}
	s := plan.Source{ID: "Secret/config/s", Digest: testKeys.OfSecret(original).Digest("k"), Keys: []string{"k"}, UID: original.UID}
	p := aPublication()
	kept := p.keptBy(s)
	stored := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: kept.Namespace, Name: kept.Name, Labels: kept.Labels, Annotations: kept.Annotations, UID: "its-own"},
		Data:       map[string][]byte{"k": []byte("v")},
	}
	read := func(objects ...client.Object) error {
		store := source.NewStore(nil, fake.NewClientBuilder().WithObjects(objects...).Build(), nil)
		p.get, p.restored = func(ref source.Ref) (client.Object, error) { return store.Read(t.Context(), source.Account{}, ref) }, true
		restored := s
		restored.Keys, restored.UID = nil, ""
		_, err := p.load([]plan.Source{restored})
		return err
	}
	g.Expect(read(stored)).To(Succeed())
	g.Expect(read()).To(WithTransform(fault.ReasonOf, Equal(triggerv1.RollbackHaltedReason)))
	g.Expect(read()).To(MatchError(ContainSubstring("Secret config/s")))
	current := s.Digest
	s.Digest = testKeys.OfSecret(original).Former("k")[0]
	former := stored.DeepCopy()
	former.Name = p.keptBy(s).Name
	g.Expect(read(former)).To(WithTransform(fault.ReasonOf, Equal(triggerv1.RollbackHaltedReason)), "without the UID it cannot be recognised")
	former.Annotations = map[string]string{triggerv1.KeptUIDAnnotation: "of-the-secret"}
	g.Expect(read(former)).To(Succeed())
	s.Digest = current
	for _, modify := range []func(*corev1.Secret){
		func(s *corev1.Secret) { s.Data["k"] = []byte("forged") },
		func(s *corev1.Secret) { s.Data["more"] = nil },
	} {
		changed := stored.DeepCopy()
		modify(changed)
		err := read(changed)
		g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.RollbackHaltedReason)))
		g.Expect(err.Error()).NotTo(ContainSubstring("forged"))
	}
}

func TestMayKeep(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := aPublication(aConfigMap("a", "k", "v")) // Of the namespace config; the trigger is in apps.
	g.Expect(p.mayKeep()).To(Succeed())
	p.sources[0].PublishTo = "prod"
	g.Expect(p.mayKeep()).To(WithTransform(fault.ReasonOf, Equal(acl.AccessDeniedReason)))
	g.Expect(p.mayKeep()).To(MatchError(ContainSubstring("onFailure Rollback keeps content in the namespace of the ValuesTrigger: ConfigMap config/a may not be copied into namespace apps")))
	p.actor.Name = "system:serviceaccount:apps:deployer"
	g.Expect(p.mayKeep()).To(Succeed(), "who may read it may keep it")
}

func TestMarkDelivered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt, sources := rolledBack()
	first := vt.Status.LastDelivered
	snap := snapshot{sources: sources, content: plan.Combined(sources), publication: aPublication()}
	markDelivered(vt, snap, outcome{})
	g.Expect(vt.Status.LastDelivered).To(BeIdenticalTo(first), "it has not passed")
	markDelivered(vt, snapshot{sources: sources, content: snap.content, rejected: snap.content, publication: snap.publication}, outcome{passed: true})
	g.Expect(vt.Status.LastDelivered).To(BeIdenticalTo(first), "it is refused")
	markDelivered(vt, snap, outcome{passed: true})
	g.Expect(vt.Status.LastDelivered.Digest).To(Equal(snap.content))
	second := vt.Status.LastDelivered
	markDelivered(vt, snap, outcome{passed: true})
	g.Expect(vt.Status.LastDelivered).To(BeIdenticalTo(second), "no news")
	vt.Spec.Rollout.OnFailure = triggerv1.FailureHalt
	markDelivered(vt, snap, outcome{passed: true})
	g.Expect(vt.Status.LastDelivered).To(BeNil(), "nothing is kept any more")
}

func TestSummarize_what_is_taken_back(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt, _ := rolledBack()
	out := outcome{targets: []triggerv1.TargetStatus{inState(triggerv1.TargetDelivered)}}
	summary := summarize(vt, out, true)
	g.Expect(summary.Reason).To(Equal(triggerv1.RolledBackReason))
	g.Expect(summary.Stalled).To(BeTrue())
	g.Expect(summary.Ready).To(Equal(metav1.ConditionFalse))
	g.Expect(summary.Outcome).To(Equal(triggerv1.ChangeDelivered), "the earlier content is")

	vt.Status.Rollout.Phase = triggerv1.RolloutRollingBack
	g.Expect(summarize(vt, out, false).Outcome).To(Equal(triggerv1.ChangeRolledBack), "of the content that fails, when it is seen to")
}
