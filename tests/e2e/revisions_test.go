// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// decide sets annotations of the trigger, given by name and value.
func (e *env) decide(namespace string, pairs ...string) {
	e.t.Helper()
	edit(e, kit.Trigger(namespace, "platform"), func(vt *triggerv1.ValuesTrigger) {
		if vt.Annotations == nil {
			vt.Annotations = map[string]string{}
		}
		for i := 0; i < len(pairs); i += 2 {
			vt.Annotations[pairs[i]] = pairs[i+1]
		}
	})
}

// platform returns the trigger as it is.
func (e *env) platform(namespace string) *triggerv1.ValuesTrigger {
	e.t.Helper()
	vt, err := e.trigger(namespace, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	return vt
}

func TestRevisions(t *testing.T) {
	e, op := own(t, kit.World(), operator.Options{Values: []string{"--set=publish.enabled=true"}})

	t.Run("a person goes back to a revision of a ConfigMap and a Secret, through the stages and by an approval", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 2})
		first := e.platform(ns).Status.LastDigest
		e.setValues(kit.Values(ns, "values", ""), "a: 2\n")
		e.Eventually(e.rendered(ns, "prod-01"), time.Minute).Should(ContainSubstring("a: 2"))
		e.atRest(ns, 3)
		edit(e, kit.Secret(ns, "secrets", nil), func(s *corev1.Secret) { s.Data["secret.yaml"] = []byte("b: 3\n") })
		e.Eventually(e.rendered(ns, "prod-01"), time.Minute).Should(ContainSubstring("b: 3"))
		e.atRest(ns, 3)
		e.Eventually(e.kept(ns)).Should(ConsistOf("ConfigMap a: 1\n", "ConfigMap a: 2\n", "Secret b: 1\n", "Secret b: 3\n"))
		before := e.platform(ns)
		e.Expect(before.Status.History).To(HaveExactElements(HaveField("Revision", int64(3)), HaveField("Revision", int64(2)), HaveField("Revision", int64(1))))
		edit(e, kit.Trigger(ns, "platform"), func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Rollout.Stages[1].Approval = triggerv1.ApprovalManual
		})

		asked := e.witness(ns)
		e.decide(ns, triggerv1.RollbackAnnotation, "1/"+before.Status.LastDigest, triggerv1.RolledBackByAnnotation, "alice")
		e.Eventually(e.phase(ns), time.Minute).Should(Equal(triggerv1.RolloutAwaitingApproval))
		e.Expect(e.rendered(ns, "canary-00")()).To(ContainSubstring("a: 1"))
		e.Expect(e.rendered(ns, "prod-00")()).To(ContainSubstring("a: 2"))
		e.Expect(e.platform(ns).Status.Rollout.Digest).To(Equal(first))
		e.decide(ns, triggerv1.ApproveAnnotation, first+"/prod", triggerv1.ApprovedByAnnotation, "bob")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "Rolled back to revision 1, content "+first[:19]+" by alice", "is rejected until they change")
		e.Expect(asked.inOrder()).To(Equal([]string{"canary", "prod"}))
		for _, name := range []string{"canary-00", "prod-00", "prod-01"} {
			e.Expect(e.rendered(ns, name)()).To(And(ContainSubstring("a: 1"), ContainSubstring("b: 1")), name)
			e.Expect(e.get(ns, name).Annotations[triggerv1.CauseAnnotation]).To(HaveSuffix(", rollback to revision 1 by alice via ValuesTrigger " + ns + "/platform"))
		}
		restored := e.platform(ns)
		e.Expect(restored.Status.History[0]).To(And(HaveField("Revision", int64(4)), HaveField("Digest", first), HaveField("Outcome", triggerv1.ChangeDelivered),
			HaveField("Restores.User", "alice"), HaveField("Approvals", HaveExactElements(And(HaveField("Stage", "prod"), HaveField("User", "bob"))))))
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RollbackRequestedReason)).Should(ConsistOf(ContainSubstring("Rollback to revision 1, content " + first[:19] + " by alice")))

		mark := e.mark()
		e.Expect(op.Stop(e.ctx)).To(Succeed())
		e.Expect(op.Start(e.ctx)).To(Succeed())
		e.Consistently(e.asked(op, ns, mark), patience).Should(BeEmpty())
		e.create(readingCopies(ns, "canary-01", "canary"))
		e.Eventually(e.rendered(ns, "canary-01")).Should(And(ContainSubstring("a: 1"), ContainSubstring("b: 1")), "what is new begins with what is restored")

		e.decide(ns, meta.ReconcileRequestAnnotation, "again", helmv2.ResetRequestAnnotation, "again")
		e.Eventually(e.phase(ns), time.Minute).Should(Equal(triggerv1.RolloutAwaitingApproval))
		e.Expect(e.rendered(ns, "canary-00")()).To(ContainSubstring("b: 3"), "a person wants what the sources hold")
		e.Expect(e.platform(ns).Status.Restored).To(BeNil())
	})

	t.Run("content that a person rejects is rolled back, and is rejected until the sources change", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 1})
		soaking(e, ns)
		e.setValues(kit.Values(ns, "values", ""), "a: 2\n")
		e.Eventually(e.phase(ns), time.Minute).Should(Equal(triggerv1.RolloutSoaking))
		rejected := e.platform(ns).Status.Rollout.Digest
		e.decide(ns, triggerv1.RejectAnnotation, rejected, triggerv1.RejectedByAnnotation, "alice")
		e.stalled(ns, "platform", triggerv1.RolledBackReason, "since "+rejected[:19]+" was rejected by alice")
		e.Expect(e.rendered(ns, "canary-00")()).To(ContainSubstring("a: 1"))
		e.Expect(e.revision(ns, "prod-00")()).To(Equal(1), "it never got the change")
		e.Expect(e.platform(ns).Status.History).To(ContainElement(And(HaveField("Digest", rejected), HaveField("Rejection.User", "alice"))))
		e.setValues(kit.Values(ns, "values", ""), "a: 3\n")
		e.Eventually(e.rendered(ns, "canary-00"), time.Minute).Should(ContainSubstring("a: 3"))
	})

	t.Run("a rollback that cannot be is refused, and says why", func(t *testing.T) {
		e := e.again(t)
		ns := e.takingBack(map[string]int{"canary": 1, "prod": 1})
		present := e.platform(ns).Status.LastDigest
		for i, c := range []struct{ value, says string }{
			{"9/" + present, "status.history has no revision 9; these can be restored: 1"},
			{"1/" + present, "revision 1 is what is delivered now"},
		} {
			e.decide(ns, triggerv1.RollbackAnnotation, c.value)
			e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RollbackRefusedReason)).Should(HaveLen(i + 1))
			e.Expect(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, "platform", "Warning", triggerv1.RollbackRefusedReason)()).To(ContainElement(HaveSuffix(c.says)), fmt.Sprint(i))
		}
		e.Expect(e.platform(ns).Status.Restored).To(BeNil())
	})
}
