// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// policy denies what the operator writes to resources of a namespace.
type policy struct {
	group, version, resource string

	// expression is true for what is admitted, reason the policy's own, empty for the default.
	expression string
	reason     metav1.StatusReason
}

const refusal = "app-team must be set"

// deny puts a policy in force, and returns what lifts it.
func (e *env) deny(namespace string, p policy) (lift func()) {
	e.t.Helper()
	rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
		Rule:       admissionv1.Rule{APIGroups: []string{p.group}, APIVersions: []string{p.version}, Resources: []string{p.resource}},
	}}
	in := &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}
	validation := admissionv1.Validation{Expression: p.expression, Message: refusal}
	if p.reason != "" {
		validation.Reason = &p.reason
	}
	if validation.Expression == "" {
		validation.Expression = "false"
	}
	named := metav1.ObjectMeta{Name: namespace}
	denying := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: named, Spec: admissionv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{rule}, NamespaceSelector: in},
		MatchConditions:  []admissionv1.MatchCondition{{Name: "operator", Expression: "request.userInfo.username == '" + standard.User() + "' || request.dryRun"}},
		Validations:      []admissionv1.Validation{validation},
	}}
	e.create(denying)
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: named, Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
		PolicyName: namespace, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
	}}
	e.create(binding)
	return func() {
		e.delete(binding)
		e.delete(denying)
	}
}

// refused waits until a policy denies an object.
func (e *env) refused(obj client.Object, subresource ...string) {
	e.t.Helper()
	e.Eventually(func() error {
		attempt := obj.DeepCopyObject().(client.Object)
		if len(subresource) > 0 {
			if err := e.c.Get(e.ctx, client.ObjectKeyFromObject(attempt), attempt); err != nil {
				return err
			}
			return e.c.SubResource(subresource[0]).Update(e.ctx, attempt, client.DryRunAll)
		}
		err := e.c.Create(e.ctx, attempt, client.DryRunAll)
		if apierrors.IsAlreadyExists(err) {
			patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"annotations":{"dry":"run"}}}`))
			err = e.c.Patch(e.ctx, attempt, patch, client.DryRunAll)
		}
		return err
	}).Should(MatchError(ContainSubstring(refusal)))
}

// What admission refuses is reported in its own words, disturbs nothing else, and arrives once
// when it is refused no more.
func TestRefusals_of_requests(t *testing.T) {
	for name, p := range map[string]policy{
		"by default":                 {},
		"by a policy like a quota":   {reason: metav1.StatusReasonForbidden},
		"by a policy about its size": {reason: metav1.StatusReasonRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			e := parallel(t)
			ns := e.namespace("refused")
			cm, other := kit.Values(ns, "values", "a: 1\n"), kit.Values(ns, "other", "a: 1\n")
			e.create(cm)
			e.create(other)
			e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")), kit.Labelled(kit.Release(ns, "free", kit.Reads(cmKind, "other")), "app-team", "x"))
			e.create(kit.Trigger(ns, "mine", kit.From(cmKind, "values"), kit.To("app")))
			e.create(kit.Trigger(ns, "other", kit.From(cmKind, "other"), kit.To("free")))
			e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(1))

			p.group, p.version, p.resource = helmv2.GroupVersion.Group, helmv2.GroupVersion.Version, "helmreleases"
			p.expression = "has(object.metadata.labels) && 'app-team' in object.metadata.labels"
			lift := e.deny(ns, p)
			e.refused(kit.Release(ns, "app"))
			e.setValues(cm, "a: 2\n")
			e.stalled(ns, "mine", triggerv1.DeliveryFailedReason, "patch HelmRelease "+ns+"/app: ", "denied request: "+refusal)
			e.Expect(e.condition(ns, "mine", meta.ReadyCondition)()).NotTo(Or(ContainSubstring("grant it"), ContainSubstring("256 KiB")))
			e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeWarning, triggerv1.DeliveryFailedReason)).
				Should(ConsistOf(ContainSubstring("denied request: " + refusal)))
			e.setValues(other, "a: 2\n")
			e.Eventually(e.deliveredRevision(ns, "other", "free")).Should(BeEquivalentTo(2))

			lift()
			e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(2))
			e.Expect(e.target(ns, "mine", "app")()).To(And(HaveField("Refused", BeNil()), HaveField("Message", BeEmpty())))
			e.stay(ns, map[string]int{"app": 2, "free": 2})
		})
	}
}

func TestRefusals_of_what_the_operator_generates_and_annotates(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("refused")
	cm := kit.Source(settings(ns), "app", ns)
	lift := e.deny(ns, policy{group: triggerv1.GroupVersion.Group, version: triggerv1.GroupVersion.Version, resource: "valuestriggers"})
	e.refused(kit.Trigger(ns, "any", kit.From(cmKind, "settings"), kit.To("app")))
	e.releases(kit.Release(ns, "app"))
	e.create(cm)
	hr := e.get(ns, "app")
	e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeWarning, acl.AccessDeniedReason)).
		Should(ConsistOf(And(HavePrefix("the API server refused a request of the operator, which is retried: apply ValuesTrigger "+ns+"/"), ContainSubstring("denied request: "+refusal))))
	reading := e.get(ns, "app")
	edit(e, reading, kit.Reads(cmKind, "settings", func(ref *meta.ValuesReference) { ref.ValuesKey, ref.TargetPath = "key", "a" }))
	e.Eventually(e.labels(hr)).Should(HaveKeyWithValue(triggerv1.HRNameAnnotation, "app"), "what else there is to do is done")

	lift()
	e.Eventually(e.revision(ns, "app")).Should(BeNumerically(">=", 2))
	e.Eventually(e.annotation(cm, triggerv1.HashAnnotation)).ShouldNot(BeEmpty())
	before := cm.Annotations[triggerv1.HashAnnotation]

	lift = e.deny(ns, policy{version: "v1", resource: "configmaps", expression: "oldObject == null || object.data != oldObject.data", reason: metav1.StatusReasonForbidden})
	e.refused(cm)
	e.setData(cm, "key", "two")
	e.Eventually(e.eventsAbout(cmKind, ns, "settings", corev1.EventTypeWarning, acl.AccessDeniedReason)).
		Should(ConsistOf(And(ContainSubstring("annotate ConfigMap "+ns+"/settings: "), ContainSubstring("denied request: "+refusal))))
	lift()
	e.Eventually(e.annotation(cm, triggerv1.HashAnnotation)).ShouldNot(Equal(before))
}

// Where neither the status nor events may be written, changes arrive all the same, and the log
// does not fill.
func TestRefusals_of_status_and_events(t *testing.T) {
	e := parallel(t)
	ns, quiet := e.namespace("refused"), e.namespace("quiet")
	for _, namespace := range []string{ns, quiet} {
		e.create(kit.Values(namespace, "values", "a: 1\n"))
		e.releases(kit.Release(namespace, "app", kit.Reads(cmKind, "values")))
		e.create(kit.Trigger(namespace, "mine", kit.From(cmKind, "values"), kit.To("app")))
		e.Eventually(e.deliveredRevision(namespace, "mine", "app")).Should(BeEquivalentTo(1))
	}
	lift := e.deny(ns, policy{group: triggerv1.GroupVersion.Group, version: triggerv1.GroupVersion.Version, resource: "valuestriggers/status"})
	e.refused(kit.Trigger(ns, "mine"), "status")
	liftEvents := e.deny(quiet, policy{version: "v1", resource: "events"})
	e.refused(&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: quiet, Name: "any"}, InvolvedObject: corev1.ObjectReference{Namespace: quiet, Name: "app", Kind: "HelmRelease"}})
	errors := errorLines(e, standard)
	for revision := 2; revision <= 4; revision++ {
		for _, namespace := range []string{ns, quiet} {
			e.setValues(kit.Values(namespace, "values", ""), "a: "+strings.Repeat("1", revision)+"\n")
			e.Eventually(e.revision(namespace, "app")).Should(Equal(revision))
		}
		e.Eventually(e.deliveredRevision(quiet, "mine", "app")).Should(BeEquivalentTo(revision))
	}
	e.stay(ns, map[string]int{"app": 4})
	e.Expect(errorLines(e, standard)-errors).To(BeNumerically("<", 20), "of all tests that run at a time")
	lift()
	liftEvents()
	e.Eventually(e.deliveredRevision(ns, "mine", "app")).Should(BeEquivalentTo(4))
	e.stay(ns, map[string]int{"app": 4})
}

// Copies that cannot be written are named. Their targets hold up no other one, even if they
// come first and are more than may be in progress.
func TestRefusals_of_copies(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("refused")
	namespace, name, _ := strings.Cut(strings.TrimPrefix(standard.User(), "system:serviceaccount:"), ":")
	e.grant(ns, types.NamespacedName{Namespace: namespace, Name: name},
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "create", "patch", "delete"}})
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	var all []func(*triggerv1.ValuesTrigger)
	var releases []*helmv2.HelmRelease
	for _, name := range []string{"aa", "bb", "victim"} {
		releases = append(releases, kit.Labelled(kit.Release(ns, name, kit.Reads(cmKind, name+"-shared")), stageLabel, "all"))
		all = append(all, kit.To(name))
	}
	e.create(kit.Trigger(ns, "platform", append(all, kit.From(cmKind, "values"), published(""), inStages("all", atMost("1")))...))
	e.releases(releases...)
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))

	copyOf := func(release string) *corev1.ConfigMap { return kit.ConfigMap(ns, release+"-shared", nil) }
	for _, name := range []string{"aa", "bb"} {
		edit(e, copyOf(name), func(cm *corev1.ConfigMap) { cm.Immutable = new(true) })
	}
	started := time.Now()
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.rendered(ns, "victim"), 20*time.Second).Should(ContainSubstring("a: 2"), "long before the interval")
	t.Logf("the others had it %s after the edit", time.Since(started).Round(100*time.Millisecond))
	for _, name := range []string{"aa", "bb"} {
		e.Expect(e.target(ns, "platform", name)()).To(And(HaveField("State", triggerv1.TargetFailed), HaveField("Message", And(
			ContainSubstring("apply ConfigMap "+ns+"/"+name+"-shared: "), ContainSubstring("field is immutable"), HaveSuffix("it is immutable: delete it, and the operator creates it again")))))
		e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, name, corev1.EventTypeWarning, triggerv1.DeliveryFailedReason)).Should(ConsistOf(ContainSubstring("field is immutable")))
	}
	e.stalled(ns, "platform", triggerv1.DeliveryFailedReason, "1 of 3 delivered; "+ns+"/aa: refused", "(and 1 more Failed)")

	// A quota that is used up keeps a deleted copy from being made again. There is no controller
	// that would count for it.
	hard := corev1.ResourceList{"count/configmaps": resource.MustParse("1")}
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "few"}, Spec: corev1.ResourceQuotaSpec{Hard: hard}}
	e.create(quota)
	quota.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: corev1.ResourceList{"count/configmaps": resource.MustParse("1")}}
	e.Expect(e.c.Status().Update(e.ctx, quota)).To(Succeed())
	e.Eventually(func() error { return e.c.Create(e.ctx, kit.ConfigMap(ns, "one-more", nil), client.DryRunAll) }).Should(MatchError(ContainSubstring("exceeded quota")))
	e.delete(copyOf("aa"))
	e.Eventually(e.target(ns, "platform", "aa")).Should(And(HaveField("State", triggerv1.TargetFailed),
		HaveField("Message", And(ContainSubstring("apply ConfigMap "+ns+"/aa-shared: "), ContainSubstring("exceeded quota: few"), Not(ContainSubstring("grant it"))))))

	e.delete(quota)
	e.delete(copyOf("bb"))
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded: Delivered to all 3"))
	e.stay(ns, map[string]int{"aa": 2, "bb": 2, "victim": 2})
}
