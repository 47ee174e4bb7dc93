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
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestQuietPeriod_a_burst_of_100_edits_of_5_sources_makes_one_revision_of_each_target(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("burst")
	var sources []*corev1.ConfigMap
	readAll := func(hr *helmv2.HelmRelease) {
		for i := range 5 {
			kit.Reads(cmKind, fmt.Sprint("values-", i))(hr)
		}
	}
	vt := kit.Trigger(ns, "platform", kit.To("a"), kit.To("b"), kit.To("c"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.QuietPeriod.Duration, vt.Spec.MaxDelay.Duration = 4*time.Second, 5*time.Minute
	})
	for i := range 5 {
		cm := kit.Values(ns, fmt.Sprint("values-", i), fmt.Sprintf("v%d: 0\n", i))
		e.create(cm)
		sources = append(sources, cm)
		kit.From(cmKind, cm.Name)(vt)
	}
	e.releases(kit.Release(ns, "a", readAll), kit.Release(ns, "b", readAll), kit.Release(ns, "c", readAll))
	e.create(vt)
	e.atRest(ns, 3)

	mark := e.mark()
	for n := range 100 {
		e.setValues(sources[n%5], fmt.Sprintf("v%d: %d\n", n%5, n))
	}
	last := time.Now()
	e.Expect(e.asked(standard, ns, mark)()).To(BeEmpty(), "the burst was faster than the quiet period")
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutSettling))
	e.atRest(ns, 3)
	requests, err := e.asked(standard, ns, mark)()
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(requests).To(HaveLen(3))
	for _, request := range requests {
		e.Expect(request.Time).To(BeTemporally(">=", last.Add(4*time.Second-time.Second)), "the last edit came a moment before it was noted")
	}
	e.stay(ns, map[string]int{"a": 2, "b": 2, "c": 2})
	e.Expect(e.rendered(ns, "b")()).To(And(ContainSubstring("v0: 95"), ContainSubstring("v4: 99")))
}

// A window that opens with the next minute holds everything back until then.
func TestSchedule_a_window_in_the_future_holds_everything_and_opens_on_time(t *testing.T) {
	e := parallel(t)
	ns := e.staged(map[string]int{"all": 3})
	cm := kit.Values(ns, "values", "")
	zone, err := time.LoadLocation("Asia/Kathmandu")
	e.Expect(err).NotTo(HaveOccurred())
	vt := rollout(ns)
	opens := time.Now().Truncate(time.Minute).Add(time.Minute)
	if time.Until(opens) < 10*time.Second {
		opens = opens.Add(time.Minute) // There must be time to see that it is held.
	}
	there := opens.In(zone)
	vt.Spec.Schedule = []triggerv1.Window{{
		Cron: fmt.Sprintf("%d %d * * *", there.Minute(), there.Hour()), TimeZone: "Asia/Kathmandu",
	}}
	vt.Spec.Schedule[0].Window.Duration = time.Hour
	e.create(vt)
	e.atRest(ns, 3)

	mark := e.mark()
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(Equal(
		"False AwaitingWindow: waits for the window that opens at " + there.Format(time.RFC3339)))
	e.Expect(e.target(ns, "platform", "all-00")()).To(And(
		HaveField("State", triggerv1.TargetHeld), HaveField("Message", "waits for the next window of spec.schedule")))
	stored, err := e.trigger(ns, "platform")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(stored.Status.Rollout.NextWindow.Opens.Time).To(BeTemporally("==", opens))
	e.Expect(stored.Status.Rollout.NextWindow.Closes.Time).To(BeTemporally("==", opens.Add(time.Hour)))
	e.Expect(time.Now()).To(BeTemporally("<", opens), "all of this was seen in time")

	e.Eventually(e.asked(standard, ns, mark), 2*time.Minute).Should(HaveLen(3))
	requests, err := e.asked(standard, ns, mark)()
	e.Expect(err).NotTo(HaveOccurred())
	for _, request := range requests {
		e.Expect(request.Time).To(BeTemporally(">=", opens))
		e.Expect(request.Time).To(BeTemporally("<", opens.Add(10*time.Second)))
	}
	e.atRest(ns, 3)
	e.stay(ns, map[string]int{"all-00": 2, "all-01": 2, "all-02": 2})
}

func TestRollout_survives_that_the_operator_is_killed_again_and_again(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	op, err := operator.Install(e.ctx, e.w, manager, operator.Options{Args: []string{"--leader-elect=false"}})
	e.Expect(err).NotTo(HaveOccurred())
	ns := e.staged(map[string]int{"canary": 3, "prod": 20})
	cm := kit.Values(ns, "values", "")
	e.create(rollout(ns, inStages("canary", atMost("1"), soaks(3*time.Second)), inStages("prod", atMost("3"))))
	e.atRest(ns, 23)

	seen := e.witness(ns)
	e.setValues(cm, "a: 2\n")
	asked := func() int { counts, _, _, _ := seen.result(); return counts["canary"] + counts["prod"] }
	for _, n := range []int{1, 3, 4, 9, 15} {
		e.Eventually(asked).Should(BeNumerically(">=", n))
		op.Kill()
		e.Expect(op.Start(e.ctx)).To(Succeed())
	}
	e.atRest(ns, 23)
	counts, most, peak, overlap := seen.result()
	e.Expect(counts).To(Equal(map[string]int{"canary": 3, "prod": 20}))
	e.Expect(most).To(Equal(1), "nothing is triggered twice")
	e.Expect(peak).To(And(HaveKeyWithValue("canary", 1), HaveKeyWithValue("prod", BeNumerically("<=", 3))))
	e.Expect(overlap).To(BeEmpty())
	revisions := map[string]int{}
	for i := range 20 {
		revisions[fmt.Sprintf("prod-%02d", i)] = 2
	}
	e.stay(ns, revisions)

	mark := e.mark()
	e.Expect(op.Stop(e.ctx)).To(Succeed())
	e.Expect(op.Start(e.ctx)).To(Succeed())
	e.settle(op)
	e.Expect(e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
		return world.WritesBy(op.User())(event) && event.Namespace == ns
	})).To(BeEmpty(), "a restart writes nothing")
}

// What holds changes back is the user's in a generated trigger, too: the operator, which
// keeps its sources in line, leaves it alone.
func TestSchedule_what_a_user_adds_to_a_generated_trigger_stays_and_holds(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("careful")
	cm := kit.Values(ns, "values", "a: 1\n")
	e.create(cm)
	e.create(kit.Values(ns, "more", "b: 1\n"))
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values")))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	_, err := e.w.Kubectl(e.ctx, "patch", "vt", auto("app"), "-n", ns, "--field-manager=me", "--type=merge",
		"-p", `{"spec":{"quietPeriod":"1s","maxDelay":"9s","schedule":[{"cron":"0 0 29 2 *","timeZone":"Europe/Berlin","window":"2h"}]}}`)
	e.Expect(err).NotTo(HaveOccurred())
	edit(e, kit.Release(ns, "app"), func(hr *helmv2.HelmRelease) { kit.Reads(cmKind, "more")(hr) })
	e.Eventually(e.sources(ns, "app")).Should(ConsistOf("values", "more"))
	e.Eventually(e.revision(ns, "app")).Should(Equal(2), "by helm-controller, since the release was edited")

	mark := e.mark()
	e.setValues(cm, "a: 2\n")
	e.Eventually(e.condition(ns, "app", meta.ReadyCondition)).Should(HavePrefix("False AwaitingWindow: "))
	e.Expect(e.target(ns, "app", "app")()).To(And(
		HaveField("State", triggerv1.TargetHeld), HaveField("Message", HavePrefix("waits for the next window of spec.schedule"))))
	e.stay(ns, map[string]int{"app": 2})
	e.Expect(e.asked(standard, ns, mark)()).To(BeEmpty())
	vt, err := e.trigger(ns, "app")
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(vt.Spec.QuietPeriod.Duration).To(Equal(time.Second))
	e.Expect(vt.Spec.Schedule).To(HaveExactElements(HaveField("TimeZone", "Europe/Berlin")))

	_, err = e.w.Kubectl(e.ctx, "patch", "vt", auto("app"), "-n", ns, "--field-manager=me", "--type=merge", "-p", `{"spec":{"quietPeriod":null,"maxDelay":null,"schedule":null}}`)
	e.Expect(err).NotTo(HaveOccurred())
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
	e.Expect(e.condition(ns, "app", triggerv1.GatedCondition)()).To(BeEmpty())
}
