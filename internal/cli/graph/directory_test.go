// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/labels"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// many returns a trigger for 1,000 HelmReleases in namespaces that it selects, of which its status
// lists the first 200, and the HelmReleases: the last 100 wait for the present content.
func many() (triggerv1.ValuesTrigger, Directory) {
	const now, before = "sha256:0000000000000002", "sha256:0000000000000001"
	trigger := vt("t", func(vt *triggerv1.ValuesTrigger) {
		vt.Status.LastDigest = now
		vt.Spec.Targets = []triggerv1.TargetReference{{Selector: &triggerv1.Selector{}, NamespaceSelector: &triggerv1.Selector{
			MatchLabels: map[string]triggerv1.LabelValue{"env": "prod"},
		}}}
		vt.Status.Summary = &triggerv1.TargetSummary{Total: 1000, Delivered: 700, Failed: 200, Held: 100}
	}, named("values"))
	d := Directory{All: true, Namespaces: map[string]labels.Set{"apps": {"env": "prod"}, "dev": nil}}
	for i := range 1000 {
		one := hr(fmt.Sprintf("release-%04d", i), func(hr *helmv2.HelmRelease) {
			state := plan.State{State: triggerv1.TargetDelivered, Digest: now, Revision: 3}
			if i >= 900 {
				state.Digest = before
			}
			hr.UID = "1"
			hr.Annotations = map[string]string{
				triggerv1.RequestAnnotation: plan.Record{UID: "1", States: map[string]plan.State{"apps/t": state}}.String(),
			}
		})
		d.Releases = append(d.Releases, one)
		if i < 200 {
			trigger.Status.Targets = append(trigger.Status.Targets, triggerv1.TargetStatus{
				Namespace: "apps", Name: one.Name, State: triggerv1.TargetFailed, Message: "no chart",
			})
		}
	}
	d.Releases = append(d.Releases, helmv2.HelmRelease{})
	d.Releases[1000].Namespace, d.Releases[1000].Name = "dev", "other"
	return trigger, d
}

func TestMembers_completes_what_the_status_lists(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	trigger, d := many()
	described := d.Describe(&trigger)
	g.Expect(described.Targets).To(HaveLen(1000))
	g.Expect(described.CountedOnly).To(BeZero())
	g.Expect(Counts(TargetSeverity, Summarize([]Trigger{described}).Releases)).To(Equal("200 Failed, 100 Held, 700 Delivered"))
	g.Expect(described.Targets[200].Key()).To(Equal("apps/release-0900"))
	g.Expect(described.Targets[300].Revision).To(BeEquivalentTo(3))
}

func TestMembers_wait_for_what_most_of_those_wait_for_that_are_listed(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	trigger, d := many()
	for i, message := range []string{"the rollout has halted; the values of the release would change", "the rollout has halted; …", "HelmRelease is suspended; …", "its own release-0003"} {
		trigger.Status.Targets[i].State, trigger.Status.Targets[i].Message = triggerv1.TargetHeld, message
	}
	trigger.Status.Targets[2].Seen = &triggerv1.SeenContent{}
	described := d.Describe(&trigger)
	g.Expect(described.Unlisted).To(Equal(800))
	g.Expect(described.Targets[290]).To(And(HaveField("State", triggerv1.TargetHeld), HaveField("Message", "the rollout has halted")))
}

func TestMembers_counts_what_cannot_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	trigger, d := many()
	d.Namespaces = nil
	for _, known := range []Directory{{}, d} {
		described := known.Describe(&trigger)
		g.Expect(described.Targets).To(HaveLen(200))
		g.Expect(described.CountedOnly).To(Equal(800))
		g.Expect(Counts(TargetSeverity, Summarize([]Trigger{described}).Releases)).To(Equal("200 Failed, 100 Held, 700 Delivered"))
	}
}

func TestDeliveriesTo_finds_what_the_status_does_not_list(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	trigger, d := many()
	all := []triggerv1.ValuesTrigger{trigger}
	listed, unlisted := d.DeliveriesTo(all, &d.Releases[0]), d.DeliveriesTo(all, &d.Releases[999])
	g.Expect(listed).To(HaveLen(1))
	g.Expect(listed[0].Recorded).To(BeFalse())
	g.Expect(unlisted).To(HaveLen(1))
	g.Expect(unlisted[0].Recorded).To(BeTrue())
	g.Expect(unlisted[0].Target.State).To(Equal(triggerv1.TargetHeld))
	g.Expect(d.DeliveriesTo(all, &d.Releases[1000])).To(BeEmpty(), "its namespace is not selected")
}
