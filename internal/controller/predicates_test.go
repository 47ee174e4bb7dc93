// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
)

// edit is a change of an object, and whether a predicate lets it through.
type edit[T client.Object] struct {
	name string
	edit func(T)
	want bool
}

func checkEdits[T client.Object](t *testing.T, p predicate.Predicate, before T, edits []edit[T]) {
	t.Helper()
	t.Parallel()
	for _, c := range edits {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			after := before.DeepCopyObject().(T)
			after.SetResourceVersion("8")
			c.edit(after)
			g.Expect(p.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(Equal(c.want))
			g.Expect(p.Update(event.UpdateEvent{ObjectOld: after, ObjectNew: before})).To(Equal(c.want), "and back")
		})
	}
}

func strippedRelease() *helmv2.HelmRelease {
	out, _ := stripRelease(fullRelease())
	return out.(*helmv2.HelmRelease)
}

// known returns the record of a release that a trigger has brought to a state.
func known(trigger string, state triggerv1.TargetState) string {
	return plan.Record{States: map[string]plan.State{"apps/a": {Trigger: trigger, State: state, Digest: "sha256:ab"}}}.String()
}

func TestReleaseBindingPredicate(t *testing.T) {
	release := strippedRelease()
	release.Annotations[triggerv1.RequestAnnotation] = known("11111111", triggerv1.TargetTriggered)
	record := func(record string) func(*helmv2.HelmRelease) {
		return func(hr *helmv2.HelmRelease) { hr.Annotations[triggerv1.RequestAnnotation] = record }
	}
	for name, c := range map[string]struct {
		predicate predicate.Predicate
		delivered bool
	}{
		"binding": {releaseBindingPredicate, false}, "delivery": {releaseDeliveryPredicate, true},
	} {
		t.Run(name, func(t *testing.T) {
			checkEdits(t, c.predicate, release, []edit[*helmv2.HelmRelease]{
				{"nothing but the version", func(*helmv2.HelmRelease) {}, false},
				{"the spec", func(hr *helmv2.HelmRelease) { hr.Generation++ }, true},
				{"what is shown of the same spec", func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = !hr.Spec.Suspend }, true},
				{"a label", func(hr *helmv2.HelmRelease) { hr.Labels["a"] = "b" }, true},
				{"the consent", func(hr *helmv2.HelmRelease) { hr.Annotations[triggerv1.AllowFromAnnotation] = "other" }, true},
				{"the deletion", func(hr *helmv2.HelmRelease) { hr.DeletionTimestamp = new(metav1.Now()) }, true},
				{"what its trigger knows", record(known("11111111", triggerv1.TargetDelivered)), c.delivered},
				{"a trigger that was made again", record(known("22222222", triggerv1.TargetTriggered)), true},
				{"a record that is gone", record(""), true},
				{"a request", func(hr *helmv2.HelmRelease) { hr.Annotations[meta.ReconcileRequestAnnotation] = "new" }, false},
				{"the status", func(hr *helmv2.HelmRelease) { hr.Status.Conditions[0].Status = "False" }, false},
			})
		})
	}
}

func TestReleaseProgressPredicate(t *testing.T) {
	checkEdits(t, releaseProgressPredicate, strippedRelease(), []edit[*helmv2.HelmRelease]{
		{"nothing but the version", func(*helmv2.HelmRelease) {}, false},
		{"the spec", func(hr *helmv2.HelmRelease) { hr.Generation++ }, true},
		{"what is shown of the same spec", func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = !hr.Spec.Suspend }, true},
		{"a label", func(hr *helmv2.HelmRelease) { hr.Labels["a"] = "b" }, true},
		{"the consent", func(hr *helmv2.HelmRelease) { hr.Annotations[triggerv1.AllowFromAnnotation] = "other" }, true},
		{"the deletion", func(hr *helmv2.HelmRelease) { hr.DeletionTimestamp = new(metav1.Now()) }, true},
		{"a request", func(hr *helmv2.HelmRelease) { hr.Annotations[meta.ReconcileRequestAnnotation] = "new" }, true},
		{"a request that is handled", func(hr *helmv2.HelmRelease) { hr.Status.LastHandledReconcileAt = "new" }, true},
		{"a record", func(hr *helmv2.HelmRelease) {
			hr.Annotations[triggerv1.RequestAnnotation] = `{"token":"0123456789ab.7","at":"2026-03-01T11:00:00Z"}`
		}, true},
		{"readiness", func(hr *helmv2.HelmRelease) { hr.Status.Conditions[0].Status = "False" }, true},
		{"what helm-controller says", func(hr *helmv2.HelmRelease) { hr.Status.Conditions[0].Message = "new" }, true},
		{"an upgrade under way", func(hr *helmv2.HelmRelease) { hr.Status.Conditions[1].Status = "False" }, true},
		{"a revision", func(hr *helmv2.HelmRelease) { hr.Status.History[0].Version++ }, true},
		{"a cause", func(hr *helmv2.HelmRelease) { hr.Annotations[triggerv1.CauseAnnotation] = "new" }, false},
		{"another annotation", func(hr *helmv2.HelmRelease) { hr.Annotations["example.com/other"] = "new" }, false},
		{"a time of transition", func(hr *helmv2.HelmRelease) { hr.Status.Conditions[0].LastTransitionTime = metav1.Now() }, true},
		{"another condition", func(hr *helmv2.HelmRelease) {
			hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: "Released", Status: metav1.ConditionTrue})
		}, false},
	})
}

func TestTriggerBindingPredicate(t *testing.T) {
	vt := &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "a", Generation: 1, Labels: map[string]string{}, Annotations: map[string]string{}},
		Status: triggerv1.ValuesTriggerStatus{
			Sources: []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "a", Digest: "1"}},
			Targets: []triggerv1.TargetStatus{{Namespace: "apps", Name: "a", State: triggerv1.TargetPending}},
		},
	}
	checkEdits(t, triggerBindingPredicate, vt, []edit[*triggerv1.ValuesTrigger]{
		{"nothing but the version", func(*triggerv1.ValuesTrigger) {}, false},
		{"the spec", func(vt *triggerv1.ValuesTrigger) { vt.Generation++ }, true},
		{"a label", func(vt *triggerv1.ValuesTrigger) { vt.Labels["a"] = "b" }, true},
		{"an owner", func(vt *triggerv1.ValuesTrigger) { vt.OwnerReferences = []metav1.OwnerReference{{Name: "a"}} }, true},
		{"the deletion", func(vt *triggerv1.ValuesTrigger) { vt.DeletionTimestamp = new(metav1.Now()) }, true},
		{"an annotation", func(vt *triggerv1.ValuesTrigger) { vt.Annotations["a"] = "b" }, false},
		{"a source that it takes over", func(vt *triggerv1.ValuesTrigger) { vt.Status.Sources[0].Name = "b" }, true},
		{"a target that it takes over", func(vt *triggerv1.ValuesTrigger) { vt.Status.Targets[0].Name = "b" }, true},
		{"a target that it is refused", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Targets[0].State = triggerv1.TargetFailed
			vt.Status.Conditions = []metav1.Condition{{Type: "Stalled", Status: "True", Reason: acl.AccessDeniedReason}}
		}, true},
		{"how far a delivery got", func(vt *triggerv1.ValuesTrigger) { vt.Status.Targets[0].State = triggerv1.TargetDelivered }, false},
		{"content", func(vt *triggerv1.ValuesTrigger) { vt.Status.Sources[0].Digest, vt.Status.LastDigest = "2", "2" }, false},
	})
}

func TestTriggerBindingPredicate_of_a_generated_trigger(t *testing.T) {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{
		Labels:          map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
		OwnerReferences: []metav1.OwnerReference{{Kind: "HelmRelease", Name: "a", Controller: new(true)}},
	}}
	checkEdits(t, triggerBindingPredicate, vt, []edit[*triggerv1.ValuesTrigger]{
		{"its status, which it takes nothing over by", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Sources = []triggerv1.SourceStatus{{Name: "a"}}
		}, false},
		{"its spec, which someone may have edited", func(vt *triggerv1.ValuesTrigger) { vt.Generation++ }, true},
		{"what is shown of the same spec", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Publish = &triggerv1.Publish{} }, true},
		{"who applies it", declaredByGit, true},
	})
}

func TestOriginPredicate(t *testing.T) {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{
		Labels:          map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager},
		OwnerReferences: []metav1.OwnerReference{{Kind: "HelmRelease", Name: "a", Controller: new(true)}},
	}}
	checkEdits(t, originPredicate, vt, []edit[*triggerv1.ValuesTrigger]{
		{"its label", func(vt *triggerv1.ValuesTrigger) { vt.Labels = nil }, true},
		{"who applies it", declaredByGit, true},
		{"its spec", func(vt *triggerv1.ValuesTrigger) { vt.Spec.Suspend = true }, false},
	})
}

// contractSource returns an object of the contract as the cache has it.
func contractSource(label string) *metav1.PartialObjectMetadata {
	obj := index.Metadata("ConfigMap")
	obj.Namespace, obj.Name = "apps", "a"
	obj.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: label}
	obj.Annotations = map[string]string{triggerv1.HRNameAnnotation: "app"}
	return obj
}

func TestContractPredicate(t *testing.T) {
	checkEdits(t, contractPredicate, contractSource("true"), []edit[*metav1.PartialObjectMetadata]{
		{"content", func(*metav1.PartialObjectMetadata) {}, false},
		{"the names", func(obj *metav1.PartialObjectMetadata) { obj.Annotations[triggerv1.HRNameAnnotation] = "b" }, true},
		{"the namespace", func(obj *metav1.PartialObjectMetadata) { obj.Annotations[triggerv1.HRNSAnnotation] = "b" }, true},
		{"the digest, which the operator writes", func(obj *metav1.PartialObjectMetadata) { obj.Annotations[triggerv1.HashAnnotation] = "b" }, false},
		{"the label", func(obj *metav1.PartialObjectMetadata) { obj.Labels[triggerv1.LabelReconcilerNameSourceKey] = "false" }, true},
		{"no label any more", func(obj *metav1.PartialObjectMetadata) { obj.Labels = nil }, true},
		{"another label", func(obj *metav1.PartialObjectMetadata) { obj.Labels["a"] = "b" }, false},
	})
}

func TestLabelledPredicate(t *testing.T) {
	checkEdits(t, labelledPredicate, contractSource("true"), []edit[*metav1.PartialObjectMetadata]{
		{"content", func(*metav1.PartialObjectMetadata) {}, true},
		{"no label any more", func(obj *metav1.PartialObjectMetadata) { obj.Labels = nil }, true},
	})
}

func TestApprovalPredicate(t *testing.T) {
	annotated := func(name string) func(*triggerv1.ValuesTrigger) {
		return func(vt *triggerv1.ValuesTrigger) { vt.Annotations = map[string]string{name: "new"} }
	}
	checkEdits(t, approvalPredicate, &triggerv1.ValuesTrigger{}, []edit[*triggerv1.ValuesTrigger]{
		{"nothing but the version", func(*triggerv1.ValuesTrigger) {}, false},
		{"an approval", annotated(triggerv1.ApproveAnnotation), true},
		{"a request of all targets", annotated(triggerv1.TriggerAtAnnotation), true},
		{"a rejection", annotated(triggerv1.RejectAnnotation), true},
		{"a rollback", annotated(triggerv1.RollbackAnnotation), true},
		{"who has approved", annotated(triggerv1.ApprovedByAnnotation), false},
		{"the status", func(vt *triggerv1.ValuesTrigger) { vt.Status.LastDigest = "new" }, false},
	})
}

func TestPredicates_of_coming_and_going(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		p    predicate.Predicate
		obj  client.Object
		want bool
	}{
		{"every release concerns its trigger", releaseBindingPredicate, strippedRelease(), true},
		{"every release concerns what is labelled", releaseDeliveryPredicate, strippedRelease(), true},
		{"every release concerns the planner", releaseProgressPredicate, strippedRelease(), true},
		{"every trigger concerns its release", triggerBindingPredicate, &triggerv1.ValuesTrigger{}, true},
		{"a labelled source concerns the contract", contractPredicate, contractSource("true"), true},
		{"an excluded source concerns the contract", contractPredicate, contractSource("false"), true},
		{"another source does not", contractPredicate, contractSource(""), false},
		{"a labelled source is answered", labelledPredicate, contractSource("true"), true},
		{"an excluded source is not", labelledPredicate, contractSource("false"), false},
		{"one with a label that means nothing is", labelledPredicate, contractSource(""), true},
		{"another source is not", labelledPredicate, index.Metadata("ConfigMap"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(c.p.Create(event.CreateEvent{Object: c.obj})).To(Equal(c.want))
			g.Expect(c.p.Delete(event.DeleteEvent{Object: c.obj})).To(Equal(c.want))
		})
	}
	g := NewWithT(t)
	g.Expect(labelledPredicate.Update(event.UpdateEvent{ObjectOld: index.Metadata("ConfigMap"), ObjectNew: contractSource("false")})).To(BeFalse())
}
