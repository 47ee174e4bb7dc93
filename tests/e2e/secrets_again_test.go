// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/keyring"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// secretWorld has a labelled Secret, and one that goes through stages with an approval.
type secretWorld struct {
	*env
	op        *operator.Operator
	ns        string
	revisions map[string]int
}

func newSecretWorld(t *testing.T) *secretWorld {
	t.Helper()
	e, op := own(t, kit.World(), operator.Options{})
	w := &secretWorld{env: e, op: op, ns: e.namespace("again"), revisions: map[string]int{}}
	w.make()
	w.releases(kit.Release(w.ns, "contract"), kit.Labelled(kit.Release(w.ns, "canary"), stageLabel, "canary"), kit.Labelled(kit.Release(w.ns, "prod"), stageLabel, "prod"))
	w.create(kit.Trigger(w.ns, "platform", kit.From(secretKind, "staged"), kit.To("canary"), kit.To("prod"), inStages("canary"), inStages("prod", manually)))
	w.settle()
	w.note()
	return w
}

func (w *secretWorld) make() {
	w.t.Helper()
	w.create(kit.Source(kit.Secret(w.ns, "labelled", map[string]string{"key": "one"}), "contract", w.ns))
	w.create(kit.Secret(w.ns, "staged", map[string]string{"key": "one"}))
}

// settle approves what waits, and expects all to be delivered.
func (w *secretWorld) settle() {
	w.t.Helper()
	w.Eventually(func() (string, error) {
		if vt, err := w.trigger(w.ns, "platform"); err == nil && vt.Status.Rollout != nil && vt.Status.Rollout.Phase == triggerv1.RolloutAwaitingApproval {
			annotate(w.env, vt, map[string]string{triggerv1.ApproveAnnotation: vt.Status.Rollout.Digest})
		}
		return w.condition(w.ns, "platform", meta.ReadyCondition)()
	}).Should(HavePrefix("True "))
	w.Eventually(w.condition(w.ns, "contract", meta.ReadyCondition)).Should(HavePrefix("True "))
	w.Eventually(w.annotation(kit.Secret(w.ns, "labelled", nil), triggerv1.HashAnnotation)).ShouldNot(BeEmpty())
}

// note remembers the revisions.
func (w *secretWorld) note() {
	w.t.Helper()
	for _, name := range []string{"contract", "canary", "prod"} {
		n, err := w.revision(w.ns, name)()
		w.Expect(err).NotTo(HaveOccurred())
		w.revisions[name] = n
	}
}

// digests returns those in the status of the trigger.
func (w *secretWorld) digests() (sources, all string, err error) {
	vt, err := w.trigger(w.ns, "platform")
	if err != nil || len(vt.Status.Sources) != 1 {
		return "", "", err
	}
	return vt.Status.Sources[0].Digest, vt.Status.LastDigest, nil
}

// restarted stops the operator, does something, and expects that the statuses have other
// digests afterwards and that nothing else has happened.
func (w *secretWorld) restarted(what string, do func()) {
	w.t.Helper()
	w.Expect(w.op.Stop(w.ctx)).To(Succeed())
	before, _, err := w.digests()
	w.Expect(err).NotTo(HaveOccurred())
	do()
	happened := func() []string {
		list := &corev1.EventList{}
		w.Expect(w.c.List(w.ctx, list, client.InNamespace(w.ns))).To(Succeed())
		var all []string
		for _, event := range list.Items {
			if event.InvolvedObject.Kind == triggerv1.ValuesTriggerKind {
				all = append(all, event.Message)
			}
		}
		return all
	}
	events, mark := happened(), w.mark()
	w.Expect(w.op.Start(w.ctx)).To(Succeed())
	w.Eventually(func() (string, error) { now, _, err := w.digests(); return now, err }).ShouldNot(Equal(before), what)
	w.settled(what)
	w.Expect(w.asked(w.op, w.ns, mark)()).To(BeEmpty(), what)
	w.Expect(happened()).To(ConsistOf(events), what)
	vt, err := w.trigger(w.ns, "platform")
	w.Expect(err).NotTo(HaveOccurred())
	for _, target := range vt.Status.Targets {
		w.Expect(target.Digest).To(Equal(vt.Status.LastDigest), what)
	}
	w.Expect(vt.Status.Rollout.Digest).To(Equal(vt.Status.LastDigest), what)
}

// settled expects that nothing has been delivered again, and nothing waits.
func (w *secretWorld) settled(what string) {
	w.t.Helper()
	for _, name := range []string{"platform", "contract"} {
		w.Eventually(w.condition(w.ns, name, meta.ReadyCondition)).Should(HavePrefix("True "), what)
	}
	w.stay(w.ns, w.revisions)
	w.Expect(w.phase(w.ns)()).To(Equal(triggerv1.RolloutFinished), what)
}

func (w *secretWorld) key() *corev1.Secret {
	w.t.Helper()
	key := &corev1.Secret{}
	w.Expect(w.c.Get(w.ctx, types.NamespacedName{Namespace: operator.Namespace, Name: keyring.SecretName}, key)).To(Succeed())
	return key
}

func TestSecrets_made_again_as_they_were_are_no_change(t *testing.T) {
	w := newSecretWorld(t)
	digests := func() []string {
		w.t.Helper()
		one, all, err := w.digests()
		w.Expect(err).NotTo(HaveOccurred())
		annotated, err := w.annotation(kit.Secret(w.ns, "labelled", nil), triggerv1.HashAnnotation)()
		w.Expect(err).NotTo(HaveOccurred())
		return []string{one, all, annotated}
	}
	before := digests()
	w.delete(kit.Secret(w.ns, "labelled", nil))
	w.delete(kit.Secret(w.ns, "staged", nil))
	w.Eventually(w.condition(w.ns, "platform", meta.ReadyCondition)).Should(HavePrefix("False SourceNotFound"))
	w.make()
	w.settle()
	w.settled("created again")
	w.Expect(digests()).To(Equal(before))

	// The present version and the one before it, and two keys, agree on what is recorded.
	w.restarted("rotated", func() {
		move := []byte(`[{"op":"move","from":"/data/key","path":"/data/previous"}]`)
		w.Expect(w.c.Patch(w.ctx, w.key(), client.RawPatch(types.JSONPatchType, move))).To(Succeed())
	})
	w.restarted("with the UID", w.salt)

	lost := w.key()
	w.Expect(w.op.Stop(w.ctx)).To(Succeed())
	w.Expect(w.c.Delete(w.ctx, lost)).To(Succeed())
	w.Expect(w.op.Start(w.ctx)).To(Succeed())
	w.Eventually(w.phase(w.ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
	w.settle()
	w.revisions = map[string]int{"contract": w.revisions["contract"] + 1, "canary": w.revisions["canary"] + 1, "prod": w.revisions["prod"] + 1}
	w.settled("lost")
	w.Expect(w.key().Data[keyring.CurrentKey]).NotTo(Equal(lost.Data[keyring.CurrentKey]))
}

// salt writes all digests as they were before there was a key: salted with the UID.
func (w *secretWorld) salt() {
	w.t.Helper()
	keys := digest.Keys{Current: w.key().Data[keyring.CurrentKey]}
	var words []string
	for _, name := range []string{"labelled", "staged"} {
		obj := &corev1.Secret{}
		w.Expect(w.c.Get(w.ctx, types.NamespacedName{Namespace: w.ns, Name: name}, obj)).To(Succeed())
		content := keys.OfSecret(obj)
		now, before := content.Digest(), content.Former()[0]
		all := func(sum string) string {
			return plan.Combined([]plan.Source{{ID: plan.ID(secretKind, w.ns, name), Digest: sum}})
		}
		words = append(words, now, before, all(now), all(before), `"`+digest.Short(now)+`"`, `"`+digest.Short(before)+`"`)
	}
	rewrite := strings.NewReplacer(words...).Replace
	triggers, releases := &triggerv1.ValuesTriggerList{}, &helmv2.HelmReleaseList{}
	w.Expect(w.c.List(w.ctx, triggers, client.InNamespace(w.ns))).To(Succeed())
	w.Expect(w.c.List(w.ctx, releases, client.InNamespace(w.ns))).To(Succeed())
	for _, vt := range triggers.Items {
		text, err := json.Marshal(vt.Status)
		w.Expect(err).NotTo(HaveOccurred())
		w.Expect(rewrite(string(text))).NotTo(Equal(string(text)))
		vt.Status = triggerv1.ValuesTriggerStatus{}
		w.Expect(json.Unmarshal([]byte(rewrite(string(text))), &vt.Status)).To(Succeed())
		w.Expect(w.c.Status().Update(w.ctx, &vt)).To(Succeed())
	}
	for _, hr := range releases.Items {
		if record := hr.Annotations[triggerv1.RequestAnnotation]; record != "" {
			annotate(w.env, &hr, map[string]string{triggerv1.RequestAnnotation: rewrite(record)})
		}
	}
	labelled := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.ns, Name: "labelled"}}
	old, err := w.annotation(labelled, triggerv1.HashAnnotation)()
	w.Expect(err).NotTo(HaveOccurred())
	annotate(w.env, labelled, map[string]string{triggerv1.HashAnnotation: rewrite(old)})
}
