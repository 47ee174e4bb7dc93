// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestApproval_names_the_content_and_the_stage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("eu", manually), stageNamed("us", manually)).with(0, "c").with(1, "eu").with(2, "us")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	for _, worthless := range []string{"", second, first + "/us", first + "/canary", first[:20], "yes"} {
		s.Approval = worthless
		g.Expect(s.admitted()).To(BeEmpty(), worthless)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval), worthless)
		g.Expect(s.Previous.Stage).To(Equal("eu"))
		g.Expect(s.held("eu")).To(Equal("waits for the approval of stage eu"))
	}
	s.Approval = first
	g.Expect(s.admitted()).To(Equal([]string{"eu"}))
	g.Expect(s.Previous.Stages[1].Approved).To(BeTrue())
	s.Approval = "" // It has been taken note of.
	s.become(Current, "eu")
	g.Expect(s.admitted()).To(BeEmpty())

	s.Approval = first
	g.Expect(s.admitted()).To(BeEmpty(), "the digest alone is for the first one")
	s.Approval = first + "/us"
	g.Expect(s.admitted()).To(Equal([]string{"us"}))

	s.edit(second)
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty(), "other content was not approved")
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
}

func TestApproval_before_a_stage_is_reached_and_outside_of_a_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", manually)).with(0, "a").inAnHour()
	s.Approval = first
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	g.Expect(s.Previous.Stages[0].Approved).To(BeTrue())
	g.Expect(s.later(3600 * 1e9).admitted()).To(Equal([]string{"a"}))
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	stages := &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary"), stageNamed("eu", manually), stageNamed("us", manually)}}
	for _, c := range []struct {
		name, annotation string
		rollout          *triggerv1.Rollout
		want             string
	}{
		{"the content", first, stages, ""},
		{"the content for a stage", first + "/us", stages, ""},
		{"other content", second, stages, "it approves other content, sha256:222222222222; the present one is " + first},
		{"other content for a stage", second + "/us", stages, "it approves other content, sha256:222222222222; the present one is " + first},
		{"a stage that needs none", first + "/canary", stages, `"canary" is no stage with approval Manual; these are: eu, us`},
		{"no stage", first + "/nowhere", stages, `"nowhere" is no stage with approval Manual; these are: eu, us`},
		{"no digest", "true", stages, "it is no digest; approve the present content with " + first},
		{"the beginning of the digest", first[:19], stages, "it approves other content, sha256:111111111111; the present one is " + first},
		{"nothing to approve", first, &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary")}}, "no stage of spec.rollout has approval Manual"},
		{"no stages", first, nil, "no stage of spec.rollout has approval Manual"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(Refusal(c.rollout, c.annotation, first)).To(Equal(c.want))
		})
	}
}

func TestOrder_follows_dependencies_inside_of_a_stage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all"), stageNamed("later")).with(0, "app", "db", "other").with(1, "base")
	s.target("app").DependsOn = []string{"apps/db", "apps/base", "elsewhere/unknown", "apps/app"}
	s.target("db").DependsOn = []string{"apps/base"}
	g.Expect(s.admitted()).To(Equal([]string{"db", "other"}), "other stages do not matter")
	g.Expect(s.held("app")).To(Equal("waits for apps/db, which it depends on"))
	for _, standing := range []Standing{UnderWay, Busy} {
		s.become(standing, "db")
		s.become(Current, "other")
		g.Expect(s.admitted()).To(BeEmpty())
	}
	for _, standing := range []Standing{Current, Out} {
		s.become(standing, "db")
		g.Expect(s.admitted()).To(Equal([]string{"app"}), "it waits for nothing that does not come")
	}
}

func TestOrder_of_dependencies_in_a_circle(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", atMost("1"))).with(0, "a", "b", "c", "d")
	s.target("a").DependsOn = []string{"apps/b"}
	s.target("b").DependsOn = []string{"apps/c"}
	s.target("c").DependsOn = []string{"apps/a"}
	s.target("d").DependsOn = []string{"apps/a"}
	var order []string
	for range 4 {
		admitted := s.admitted()
		order = append(order, admitted...)
		s.become(Current, admitted...)
	}
	g.Expect(order).To(Equal([]string{"a", "b", "c", "d"}))
}
