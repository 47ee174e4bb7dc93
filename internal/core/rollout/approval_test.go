// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestApproval_names_the_content_and_the_stage(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary"), stageNamed("eu", manually), stageNamed("us", manually)).with(0, "c").with(1, "eu").with(2, "us")
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	for _, worthless := range []string{"", second, second + "/eu", first + "/canary", first[:20], "yes"} {
		s.Approval = worthless
		g.Expect(s.admitted()).To(BeEmpty(), worthless)
		g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval), worthless)
		g.Expect(s.Previous.Stage).To(Equal("eu"))
		g.Expect(s.held("eu")).To(Equal("waits for the approval of stage eu"))
	}
	s.Approval = first
	g.Expect(s.admitted()).To(Equal([]string{"eu"}))
	g.Expect(s.Previous.Stages[1].Approved).To(BeTrue())
	g.Expect(s.Previous.Stages[1].Approval).To(Equal(first))
	s.become(Current, "eu")
	g.Expect(s.admitted()).To(BeEmpty())

	s.Approval = ""
	g.Expect(s.admitted()).To(BeEmpty())
	s.Approval = first
	g.Expect(s.admitted()).To(BeEmpty(), "it has approved a stage")
	s.Approval = first + "/us"
	g.Expect(s.admitted()).To(Equal([]string{"us"}))

	s.edit(second)
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty(), "other content was not approved")
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
}

func TestApproval_of_the_present_content_is_recorded_when_it_is_seen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("canary", soaks(time.Minute)), stageNamed("prod", manually)).with(0, "c").with(1, "p")
	s.Quiet = time.Minute
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutSettling))
	s.Approval = first
	s.step()
	s.Approval = "" // As kustomize-controller removes it.
	s.later(2 * time.Minute)
	g.Expect(s.admitted()).To(Equal([]string{"c"}))
	s.become(Current, "c")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.later(2 * time.Minute).admitted()).To(Equal([]string{"p"}))
}

func TestApproval_outside_of_a_window(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", manually)).with(0, "a").inAnHour()
	s.step()
	s.Approval = first
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingWindow))
	g.Expect(s.Previous.Stages[0].Approved).To(BeTrue())
	g.Expect(s.later(time.Hour).admitted()).To(Equal([]string{"a"}))
}

// An approval is for the stage that it was given for: the spec may become another.
func TestApproval_moves_to_no_other_stage(t *testing.T) {
	t.Parallel()
	stg, prod := stageNamed("stg", manually), stageNamed("prod", manually)
	for name, stages := range map[string][]triggerv1.Stage{
		"automatic": {stageNamed("stg"), prod},
		"renamed":   {stageNamed("staging"), prod},
		"swapped":   {prod, stg},
		"removed":   {prod},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(stg, prod).with(0, "s").with(1, "p")
			s.step()
			s.Approval = first
			g.Expect(s.admitted()).To(Equal([]string{"s"}))
			s.become(Current, "s")
			g.Expect(s.admitted()).To(BeEmpty())
			s.Rollout.Stages = stages
			for i := range s.Targets {
				s.Targets[i].Stage = slices.IndexFunc(stages, func(st triggerv1.Stage) bool { return st.Name[0] == s.Targets[i].Name[len("apps/")] })
			}
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
			g.Expect(s.Previous.Stage).To(Equal("prod"))
			s.Approval = Approval(first, "prod", s.Handled)
			g.Expect(s.admitted()).To(Equal([]string{"p"}))
		})
	}
}

// selects makes a stage one of the releases in an area.
func selects(area string) func(*triggerv1.Stage) {
	return func(stage *triggerv1.Stage) {
		stage.Selector = &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"area": triggerv1.LabelValue(area)}}
	}
}

// What was approved is what the stage selects: its name may go to another.
func TestApproval_is_void_when_the_stage_selects_others(t *testing.T) {
	t.Parallel()
	for name, stages := range map[string][]triggerv1.Stage{
		"the names are swapped": {stageNamed("us", manually, selects("europe")), stageNamed("eu", manually, selects("america"))},
		"it selects all":        {stageNamed("eu", manually), stageNamed("us", manually, selects("america"))},
	} {
		for _, begun := range []Standing{Due, UnderWay, Current} {
			t.Run(fmt.Sprintf("%s while its target is %d", name, begun), func(t *testing.T) {
				t.Parallel()
				g := NewWithT(t)
				s := newScene(stageNamed("eu", manually, selects("europe")), stageNamed("us", manually, selects("america"))).with(0, "e").with(1, "u")
				s.step()
				s.Approval = first + "/eu"
				g.Expect(s.admitted()).To(Equal([]string{"e"}))
				g.Expect(s.Previous.Stages[0].ApprovedSelector).NotTo(BeEmpty())
				s.become(begun, "e")
				s.step()
				s.Rollout.Stages = stages
				if stages[0].Selector == nil {
					s.target("u").Stage = 0
				}
				g.Expect(s.admitted()).To(BeEmpty())
				g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
				for _, st := range s.Previous.Stages {
					g.Expect(st).To(And(HaveField("Approved", false), HaveField("Approval", ""), HaveField("ApprovedSelector", "")))
				}
				stage := s.Previous.Stage
				s.Approval = Approval(first, stage, s.Handled)
				s.admitted()
				g.Expect(s.Previous.Stages).To(ContainElement(And(HaveField("Name", stage), HaveField("Approved", true))))
				g.Expect(s.phase()).To(Equal(triggerv1.RolloutProgressing))
			})
		}
	}
}

// A status of before knows no selectors.
func TestApproval_takes_the_selector_that_there_is_where_none_is_recorded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("eu", manually, selects("europe"))).with(0, "e")
	s.step()
	s.Approval = first
	s.step()
	want := s.Previous.Stages[0].ApprovedSelector
	s.Previous.Stages[0].ApprovedSelector = ""
	g.Expect(s.admitted()).To(Equal([]string{"e"}))
	g.Expect(s.Previous.Stages[0].ApprovedSelector).To(Equal(want))
}

func TestApprove_records_what_is_approved_while_nothing_is_decided(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	stages := &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary"), stageNamed("prod", manually)}}
	recorded := &triggerv1.RolloutStatus{Digest: first, Stages: []triggerv1.StageStatus{{Name: "canary"}, {Name: "prod"}}}
	approved := Approve(stages, recorded, first, triggerv1.PersonRecord{User: "alice"})
	g.Expect(approved.Stages[1]).To(And(HaveField("Approved", true), HaveField("Approval", first), HaveField("ApprovedBy.User", "alice"), HaveField("ApprovedSelector", Not(BeEmpty()))))
	g.Expect(approved.Stages[0]).To(Equal(recorded.Stages[0]))
	g.Expect(recorded.Stages[1].Approved).To(BeFalse(), "what was given stays")
	for _, other := range []string{"", second, "nonsense", first + "/canary", first + "/other"} {
		g.Expect(Approve(stages, recorded, other, triggerv1.PersonRecord{})).To(BeNil(), other)
	}
	g.Expect(Approve(stages, nil, first, triggerv1.PersonRecord{})).To(BeNil())
	g.Expect(Approve(nil, recorded, first, triggerv1.PersonRecord{})).To(BeNil())
}

func TestApproval_of_content_that_is_not_on_its_way_never_acts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", manually)).with(0, "a")
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	s.Approval = second // Its digest can be computed before there is the content.
	g.Expect(s.admitted()).To(BeEmpty())
	s.edit(second)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))

	t.Log("Both are seen at once.")
	s.edit(first)
	s.Approval = first + "/all"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
}

func TestApproval_of_content_that_comes_back_is_asked_for_again(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("all", manually)).with(0, "a")
	s.step()
	s.Approval = Approval(first, "all", s.Handled)
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())

	s.edit(second)
	s.Force = true // An emergency: it is not approved.
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
	s.become(Current, "a")
	g.Expect(s.admitted()).To(BeEmpty())
	s.edit(first)
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
	g.Expect(Approval(first, "all", s.Handled)).To(Equal(first + "/all/2"))
	s.Approval = Approval(first, "all", s.Handled)
	g.Expect(s.admitted()).To(Equal([]string{"a"}))
}

// A retry of what has halted goes on with the same rollout, and one of what was rolled
// back is another.
func TestApproval_after_a_retry(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newScene(stageNamed("eu", manually), stageNamed("us", manually)).with(0, "e").with(1, "u")
	s.step()
	s.Approval = first + "/us"
	s.step()
	s.Approval = first
	g.Expect(s.admitted()).To(Equal([]string{"e"}))
	s.become(Failed, "e")
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutHalted))
	s.Reset = true
	s.become(Due, "e")
	g.Expect(s.admitted()).To(Equal([]string{"e"}))
	s.become(Current, "e")
	g.Expect(s.admitted()).To(Equal([]string{"u"}))

	s.Rollout.OnFailure, s.Earlier = triggerv1.FailureRollback, second
	s.become(Failed, "u")
	s.step()
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRollingBack))
	s.Restored = true
	s.become(Current, "e", "u")
	s.Approval = first + "/eu/refused"
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutRolledBack))
	s.edit(first)
	s.Restored, s.Reset = false, true
	g.Expect(s.admitted()).To(BeEmpty())
	g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval), "it is another rollout")
}

// What was skipped without an approval needs one when there is something to do.
func TestApproval_of_a_stage_that_was_passed_over(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]Standing{"empty": Out, "unchanged": Current} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newScene(stageNamed("eu", manually), stageNamed("us")).with(0, "e").with(1, "u")
			s.become(at, "e")
			if at == Out {
				s.target("e").Stage = Nowhere
			}
			g.Expect(s.admitted()).To(Equal([]string{"u"}))
			s.become(Due, "e")
			s.target("e").Stage = 0
			s.become(Current, "u")
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutAwaitingApproval))
			s.Approval = first
			g.Expect(s.admitted()).To(Equal([]string{"e"}))
			s.become(Current, "e")
			g.Expect(s.admitted()).To(BeEmpty())
			g.Expect(s.phase()).To(Equal(triggerv1.RolloutFinished))
		})
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	stages := &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary"), stageNamed("eu", manually), stageNamed("us", manually)}}
	onItsWay := &triggerv1.RolloutStatus{Digest: first, Phase: triggerv1.RolloutProgressing, Stages: []triggerv1.StageStatus{{Name: "eu"}}}
	approved := &triggerv1.RolloutStatus{Digest: first, Stages: []triggerv1.StageStatus{{Name: "eu", Approved: true, Approval: first}}}
	both := &triggerv1.RolloutStatus{Digest: first, Stages: []triggerv1.StageStatus{{Name: "eu", Approved: true}, {Name: "us", Approved: true}}}
	refused := &triggerv1.RolloutStatus{Digest: first, Phase: triggerv1.RolloutRolledBack, Rollback: &triggerv1.RollbackStatus{Digest: second}}
	early := "it was there before this content was seen, and approves only content that is being rolled out; to approve it now, set "
	for _, c := range []struct {
		name, annotation string
		rollout          *triggerv1.Rollout
		recorded         *triggerv1.RolloutStatus
		want             string
	}{
		{"the content", first, stages, onItsWay, ""},
		{"the content for a stage", first + "/us", stages, onItsWay, ""},
		{"the content for a stage, once more", first + "/us/2", stages, onItsWay, ""},
		{"the content for the next stage", first + "/us", stages, approved, ""},
		{"other content", second, stages, onItsWay, "it approves other content, sha256:222222222222; the present one is " + first},
		{"other content for a stage", second + "/us", stages, onItsWay, "it approves other content, sha256:222222222222; the present one is " + first},
		{"a stage that needs none", first + "/canary", stages, onItsWay, `"canary" is not a stage with approval Manual; these are: eu, us`},
		{"not a stage", first + "/nowhere", stages, onItsWay, `"nowhere" is not a stage with approval Manual; these are: eu, us`},
		{"not a digest", "true", stages, onItsWay, "not a digest; to approve the current content, use " + first},
		{"the beginning of the digest", first[:19], stages, onItsWay, "an incomplete digest; to approve the current content, use " + first},
		{"nothing to approve", first, &triggerv1.Rollout{Stages: []triggerv1.Stage{stageNamed("canary")}}, onItsWay, "no stage of spec.rollout has approval Manual"},
		{"no stages", first, nil, onItsWay, "no stage of spec.rollout has approval Manual"},
		{"nothing in progress", first, stages, nil, early + first + "/eu"},
		{"other content in progress", first + "/us", stages, &triggerv1.RolloutStatus{Digest: second}, early + first + "/us/2"},
		{"content that was rolled back", first, stages, refused, "this content was rolled back and is rejected; retry it with kubectl valuestrigger retry, and approve it then"},
		{"used up", first, stages, approved, "it is used up, and an approval is for one stage; to approve another, name it: " + first + "/<stage>"},
		{"an approved stage", first + "/eu", stages, approved, "stage eu is approved for this content already"},
		{"all stages are", first, stages, both, "all stages with approval Manual are approved for this content already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(NotApproved(c.rollout, c.recorded, &triggerv1.RolloutStatus{Digest: first}, c.annotation)).To(Equal(c.want))
		})
	}
}
