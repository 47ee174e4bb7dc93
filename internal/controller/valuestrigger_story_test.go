// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	digests "github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/kustomization"
)

// story is a trigger with copies and one release that reads its own, one look after the other: the
// test plays helm-controller.
type story struct {
	*WithT
	*behind
	writes *writes
}

func newStory(t *testing.T, settings *corev1.ConfigMap, change func(*triggerv1.ValuesTrigger)) *story {
	t.Helper()
	vt := asked(byName)
	vt.Annotations, vt.Status = nil, triggerv1.ValuesTriggerStatus{}
	vt.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	change(vt)
	hr := runningRelease()
	hr.UID, hr.Status.History, hr.Status.Conditions = "the-release", nil, nil
	hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: "app-shared"}}
	b, w := upToDate(t, vt, settings, hr)
	return &story{NewWithT(t), b, w}
}

// delivered is a story that begins when the release runs what the source holds.
func delivered(t *testing.T, settings *corev1.ConfigMap, change func(*triggerv1.ValuesTrigger)) *story {
	t.Helper()
	s := newStory(t, settings, change)
	s.rest()
	s.upgrade(true)
	s.rest()
	return s
}

// rest looks until nothing is written any more, and returns what was.
func (s *story) rest() []string {
	s.t.Helper()
	var all []string
	for range 10 {
		s.expect(s.WithT)
		written := s.writes.taken()
		if len(written) == 0 {
			return all
		}
		all = append(all, written...)
	}
	s.t.Fatalf("it does not come to rest: %v", all)
	return nil
}

// edit gives the source other content.
func (s *story) edit(value string) {
	s.t.Helper()
	cm := settingsMap("settings", "")
	s.Expect(s.live.Get(s.t.Context(), client.ObjectKeyFromObject(cm), cm)).To(Succeed())
	cm.Data["values.yaml"] = "a: " + value
	s.Expect(s.live.Update(s.t.Context(), cm)).To(Succeed())
}

// upgrade has helm-controller handle the request of the release.
func (s *story) upgrade(succeeds bool) {
	s.t.Helper()
	s.upgradeOf(anApp.Name, succeeds)
}

func (s *story) upgradeOf(name string, succeeds bool) {
	s.t.Helper()
	hr := &helmv2.HelmRelease{}
	s.Expect(s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: name}, hr)).To(Succeed())
	values, err := chartutil.ChartValuesFromReferences(s.t.Context(), logr.Discard(), s.live, hr.Namespace, nil, hr.Spec.ValuesFrom...)
	s.Expect(err).NotTo(HaveOccurred())
	snapshot := &helmv2.Snapshot{Name: name, Namespace: "apps", Version: len(hr.Status.History) + 1, Status: "deployed", ConfigDigest: chartutil.DigestValues(digest.Canonical, values).String()}
	conditions.MarkTrue(hr, meta.ReadyCondition, helmv2.UpgradeSucceededReason, "")
	if !succeeds {
		snapshot.Status = "failed"
		conditions.MarkFalse(hr, meta.ReadyCondition, helmv2.UpgradeFailedReason, "it does not start")
		conditions.MarkTrue(hr, meta.StalledCondition, "RetriesExceeded", "it does not start")
	} else {
		conditions.Delete(hr, meta.StalledCondition)
	}
	hr.Status.History = append(helmv2.Snapshots{snapshot}, hr.Status.History...)
	hr.Status.LastAttemptedConfigDigest = snapshot.ConfigDigest
	hr.Status.LastHandledReconcileAt = hr.Annotations[meta.ReconcileRequestAnnotation]
	s.Expect(s.live.Update(s.t.Context(), hr)).To(Succeed())
}

// holds returns what the copy of the release holds, empty if there is none.
func (s *story) holds() string {
	cm := &corev1.ConfigMap{}
	_ = s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: "app-shared"}, cm)
	return cm.Data["values.yaml"]
}

// trigger returns the trigger as it is stored.
func (s *story) trigger() *triggerv1.ValuesTrigger {
	s.t.Helper()
	vt := &triggerv1.ValuesTrigger{}
	s.Expect(s.live.Get(s.t.Context(), client.ObjectKey{Namespace: "apps", Name: "platform"}, vt)).To(Succeed())
	return vt
}

// values is a source with values for a release.
func values(value string) *corev1.ConfigMap {
	cm := settingsMap("settings", value)
	cm.Data = map[string]string{"values.yaml": "a: " + value}
	return cm
}

func rollsBack(vt *triggerv1.ValuesTrigger) {
	vt.Spec.Rollout = &triggerv1.Rollout{OnFailure: triggerv1.FailureRollback, Stages: []triggerv1.Stage{{Name: "all"}}}
}

func TestStory_content_is_kept_before_anyone_gets_it_and_rolled_back_when_it_fails(t *testing.T) {
	t.Parallel()
	s := newStory(t, values("1"), rollsBack)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.upgrade(true)
	s.rest()
	s.Expect(s.trigger().Status.LastDelivered).NotTo(BeNil())
	first := s.kept()
	s.Expect(first).To(HaveLen(1))

	s.edit("2")
	written := s.rest()
	s.Expect(written).To(ContainElements(HavePrefix("patch ConfigMap platform-"), Equal("patch ConfigMap app-shared"), Equal(onApp)))
	s.Expect(strings.Join(written, ",")).To(MatchRegexp(`patch ConfigMap platform-.*,patch ConfigMap app-shared,patch HelmRelease app,patch ValuesTrigger`), "each before what relies on it")
	s.Expect(s.kept()).To(HaveLen(2), "until the new content is delivered")
	s.upgrade(false)
	written = s.rest()
	s.Expect(written).To(ContainElements("patch ConfigMap app-shared", onApp))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutRollingBack))
	s.upgrade(true)
	s.rest()
	s.Expect(s.trigger().Status.Rollout.Phase).To(Equal(triggerv1.RolloutRolledBack))

	s.edit("3")
	s.Expect(s.kept()).To(Equal(first), "what cannot be gone back to is deleted")
	s.rest()
	s.upgrade(true)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 3"))
	s.Expect(s.kept()).To(ConsistOf(first[0], s.keptOf("3")))
}

func TestStory_content_that_cannot_be_kept_is_given_to_no_one(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), rollsBack)
	s.edit("2")
	kept := s.keptOf("2")
	s.expect(s.WithT)
	s.Expect(s.writes.taken()).To(Equal([]string{onStatus}), "the new content is noted first")
	for name, c := range map[string]struct {
		answer error
		reason string
	}{
		"a policy":   {denial, triggerv1.DeliveryFailedReason},
		"permission": {forbidden, "AccessDenied"},
		"no answer":  {errUnreachable, triggerv1.ReadFailedReason},
	} {
		s.writes.answers["patch ConfigMap "+kept] = c.answer
		vt, _, _ := s.look()
		s.Expect(s.writes.taken()).To(Equal([]string{"patch ConfigMap " + kept, onStatus}), name)
		s.Expect(conditions.GetReason(vt, meta.ReadyCondition)).To(Equal(c.reason), name)
		s.Expect(s.holds()).To(Equal("a: 1"), name)
	}
	clear(s.writes.answers)
	s.rest()
	s.Expect(s.holds()).To(Equal("a: 2"))
}

func TestStory_what_is_kept_is_gone(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), rollsBack)
	s.edit("2")
	s.rest()
	for _, name := range s.kept() {
		s.Expect(s.live.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}})).To(Succeed())
	}
	s.upgrade(false)
	s.rest()
	vt := s.trigger()
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutRollbackHalted))
	s.Expect(conditions.GetMessage(vt, meta.ReadyCondition)).To(ContainSubstring("is gone or was changed; edit the sources instead"))
	s.Expect(s.holds()).To(Equal("a: 2"), "nothing is known that is better")
}

func TestStory_an_approval_is_asked_for_with_what_would_change(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Rollout = &triggerv1.Rollout{Stages: []triggerv1.Stage{{Name: "prod", Approval: triggerv1.ApprovalManual}}}
	})
	s.edit("2")
	s.Expect(s.rest()).To(Equal([]string{onStatus}))
	vt := s.trigger()
	s.Expect(vt.Status.Rollout.Phase).To(Equal(triggerv1.RolloutAwaitingApproval))
	s.Expect(vt.Status.Targets).To(HaveExactElements(HaveField("Message", "waits for the approval of stage prod; the values of the release would change")))
}

// What a Kustomization applies settles, also longer than the time for it while the Kustomization
// is known to go on. Then the release is read again: it may have been suspended with it.
func TestStory_what_is_applied_settles(t *testing.T) {
	t.Parallel()
	applied := values("1")
	applied.Labels["kustomize.toolkit.fluxcd.io/name"], applied.Labels["kustomize.toolkit.fluxcd.io/namespace"] = "apps", "flux-system"
	s := delivered(t, applied, func(*triggerv1.ValuesTrigger) {})

	s.configure(func(config *delivery.Config) {
		config.SettleTime, config.Kustomizations = time.Millisecond, kustomization.NewReader(&applying{now: true})
	})
	newer := applied.DeepCopy()
	newer.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	newer.ResourceVersion, newer.Data["values.yaml"] = "", "a: 2"
	s.Expect(s.live.Patch(t.Context(), newer, client.Apply, client.ForceOwnership, client.FieldOwner("kustomize-controller"))).To(Succeed()) //nolint:staticcheck // The apply configuration of a whole object.
	s.Expect(s.rest()).To(Equal([]string{onStatus}))
	s.Expect(s.holds()).To(Equal("a: 1"))
	s.Expect(conditions.GetReason(s.trigger(), meta.ReadyCondition)).To(Equal(meta.ProgressingReason))

	s.configure(func(config *delivery.Config) { config.Kustomizations = kustomization.NewReader(&applying{}) })
	s.Eventually(s.rest).Should(ContainElements("patch ConfigMap app-shared", onApp))
	s.Expect(s.holds()).To(Equal("a: 2"))
}

// An operator that does not lead any more may see what was, with copies that look edited.
func TestStory_copies_are_not_put_back_by_one_that_does_not_lead_any_more(t *testing.T) {
	t.Parallel()
	s := delivered(t, values("1"), func(*triggerv1.ValuesTrigger) {})
	former := s.trigger()
	current := s.reconciler.cache
	behind := interceptor.NewClient(s.live, interceptor.Funcs{
		Get: func(ctx context.Context, next client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if vt, is := obj.(*triggerv1.ValuesTrigger); is {
				*vt = *former.DeepCopy()
				return nil
			}
			return next.Get(ctx, key, obj, opts...)
		},
	})
	s.watches(behind)
	newer := s.trigger()
	newer.Annotations = map[string]string{"the one that leads": "goes on"}
	s.Expect(s.live.Update(t.Context(), newer)).To(Succeed())
	copied := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app-shared"}}
	s.Expect(s.live.Get(t.Context(), client.ObjectKeyFromObject(copied), copied)).To(Succeed())
	copied.Data["values.yaml"] = "a: 2"
	s.Expect(s.live.Update(t.Context(), copied)).To(Succeed())

	_, result, err := s.look()
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(result.RequeueAfter).To(Equal(delivery.ConflictDelay))
	s.Expect(s.writes.taken()).To(BeEmpty())

	s.watches(current)
	s.Expect(s.rest()).To(Equal([]string{"patch ConfigMap app-shared"}))
	s.Expect(s.holds()).To(Equal("a: 1"))
}

// watches has the operator see what another watch shows.
func (s *story) watches(cache client.Reader) {
	s.reconciler.cache, s.reconciler.events.cache = cache, cache
	s.configure(func(config *delivery.Config) { config.Cache = cache })
}

// kept returns the names of what is kept of sources.
func (s *story) kept() []string {
	s.t.Helper()
	list := &corev1.ConfigMapList{}
	s.Expect(s.live.List(s.t.Context(), list, client.HasLabels{triggerv1.KeptLabel})).To(Succeed())
	var names []string
	for _, cm := range list.Items {
		names = append(names, cm.Name)
	}
	return names
}

// keptOf returns the name of what is kept of the source with a value.
func (s *story) keptOf(value string) string {
	return publish.Kept(s.trigger(), plan.ID("ConfigMap", "apps", "settings"), digests.OfConfigMap(values(value)).Digest()).Name
}

// applying is an API server with a Kustomization that is being applied, or is not.
type applying struct {
	client.Reader
	now bool
}

func (a *applying) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	status := "False"
	if a.now {
		status = "True"
	}
	return unstructured.SetNestedSlice(obj.(*unstructured.Unstructured).Object,
		[]any{map[string]any{"type": meta.ReconcilingCondition, "status": status, "reason": meta.ProgressingReason, "message": "Detecting drift for revision main@sha1:1 with a timeout of 10m"}}, "status", "conditions")
}
