// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	const sum = "sha256:0123456789abcdef0123"
	for _, c := range []struct {
		name   string
		source Source
		want   string
	}{
		{"no more than what is known", Source{ID: "ConfigMap/apps/a", Digest: sum}, "ConfigMap apps/a sha256:0123456789ab"},
		{"an absent source", Source{ID: "Secret/apps/a", Editor: "kubectl"}, "Secret apps/a absent"},
		{"the editor", Source{ID: "Secret/apps/a", Digest: sum, Editor: "kubectl-edit"}, "Secret apps/a sha256:0123456789ab by kubectl-edit"},
		{"where the editor has it from", Source{ID: "Secret/apps/a", Digest: sum, Editor: "kustomize-controller", Origin: "Kustomization flux-system/apps main@sha1:0123456789ab"},
			"Secret apps/a sha256:0123456789ab by kustomize-controller (Kustomization flux-system/apps main@sha1:0123456789ab)"},
		{"the keys", Source{ID: "Secret/apps/a", Digest: sum, ChangedKeys: []string{"a", "b", "c"}}, "Secret apps/a sha256:0123456789ab (a, b, c)"},
		{"not all of many keys", Source{ID: "Secret/apps/a", Digest: sum, ChangedKeys: []string{"a", "b", "c", "d", "e"}}, "Secret apps/a sha256:0123456789ab (a, b, c and 2 more)"},
		{"an editor who would write lines of his own", Source{ID: "ConfigMap/apps/a", Digest: sum, Editor: "me\nINFO all well, by \x1b[31mroot\u202e"},
			"ConfigMap apps/a sha256:0123456789ab by me_INFO_all_well__by__[31mroot_"},
		{"an editor with a long name", Source{ID: "ConfigMap/apps/a", Digest: sum, Editor: strings.Repeat("é", 128)},
			"ConfigMap apps/a sha256:0123456789ab by " + strings.Repeat("_", 64) + "…"},
		{"a key that would speak for the operator", Source{ID: "ConfigMap/apps/a", Digest: sum, ChangedKeys: []string{"a) by you via", "b"}},
			"ConfigMap apps/a sha256:0123456789ab (a)_by_you_via, b)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(describe(c.source)).To(Equal(c.want))
		})
	}
}

func TestCause_isBounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered()
	for i := range 64 {
		id := fmt.Sprintf("ConfigMap/%063d/%0253d", i, i)
		s.include(id)
		s.source(id).ChangedKeys = []string{strings.Repeat("k", 253), strings.Repeat("k", 252), strings.Repeat("k", 251)}
		s.source(id).Editor = strings.Repeat("é", 128)
	}
	d := s.decide()
	g.Expect(len(d.Request.Cause)).To(BeNumerically("<=", maxText))
	g.Expect(utf8.ValidString(d.Request.Cause)).To(BeTrue())
	g.Expect(d.Request.Cause).To(HaveSuffix("… via ValuesTrigger apps/trigger"))
}

func TestCause_namesTheFirstFew(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered("ConfigMap/apps/a", "ConfigMap/apps/b", "ConfigMap/apps/c", "ConfigMap/apps/d", "ConfigMap/apps/e")
	for _, source := range s.sources {
		s.edit(source.ID)
	}
	g.Expect(s.decide().Request.Cause).To(MatchRegexp(`^ConfigMap apps/a \S+ by kubectl-edit, ConfigMap apps/b \S+ by kubectl-edit, ConfigMap apps/c \S+ by kubectl-edit, and 2 more via ValuesTrigger apps/trigger$`))
}

// Anyone who may write the status of a trigger may not speak for the operator elsewhere.
func TestCause_ofTheStatusIsSigned(t *testing.T) {
	t.Parallel()
	for recorded, want := range map[string]string{
		"ConfigMap apps/a via ValuesTrigger apps/trigger": "ConfigMap apps/a via ValuesTrigger apps/trigger",
		"all is well via ValuesTrigger flux-system/other": "all is well via ValuesTrigger flux-system/other via ValuesTrigger apps/trigger",
		"a\nERROR b":         "a ERROR b via ValuesTrigger apps/trigger",
		"":                   "",
		" via ValuesTrigger": " via ValuesTrigger via ValuesTrigger apps/trigger",
	} {
		g := NewWithT(t)
		s := triggered(read)
		s.status.Cause = recorded
		s.handle()
		s.release.Ready, s.values = "True", ValuesDiffer
		s.later(time.Minute)
		d := s.decide()
		g.Expect(d.Request).NotTo(BeNil(), "a repetition")
		g.Expect(d.Request.Cause).To(Equal(want))
		g.Expect(d.Status.Cause).To(Equal(want))
		s.status = &d.Status
		s.send(d)
		g.Expect(s.decide().Status.Cause).To(Equal(want), "it does not grow")
	}
}

// What is recorded of the most targets must fit into one object.
func TestStatus_ofTheMostTargetsFitsIntoAnObject(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	long := func(n int) string { return strings.Repeat("n", n) }
	hostile := strings.Repeat("<&>\"", 1000)
	now := metav1.NewTime(noon)
	var vt triggerv1.ValuesTrigger
	s := triggered(read)
	s.fail("UpgradeFailed", hostile)
	d := s.decide()
	d.Status.Message = text.Line(hostile, text.MaxMessage)
	d.Status.Namespace, d.Status.Name, d.Status.UID = long(63), long(253), types.UID(long(36))
	d.Status.Cause = text.Line(hostile, maxText)
	d.Status.DeliveredAt, d.Status.Forced, d.Status.Revision = &now, true, 1<<31
	d.Status.Published, d.Status.Stage = d.Status.Digest, long(63)
	d.Status.Refused = &triggerv1.Refusal{Digest: digest.Short(d.Status.Digest), Reason: triggerv1.DeliveryFailedReason}
	vt.Status.Targets, vt.Status.Summary = Project(slices.Repeat([]triggerv1.TargetStatus{d.Status}, triggerv1.MaxResolvedTargets), nil, nil)
	g.Expect(vt.Status.Targets).NotTo(BeEmpty())
	g.Expect(vt.Status.CountTargets()).To(Equal(triggerv1.MaxResolvedTargets))
	for range triggerv1.MaxResolvedSources {
		vt.Status.Sources = append(vt.Status.Sources, triggerv1.SourceStatus{Kind: "ConfigMap", Namespace: long(63), Name: long(253), Digest: vt.Status.Targets[0].Digest, UID: types.UID(long(36))})
	}
	vt.Status.LastDelivered = &triggerv1.DeliveredContent{}
	for _, s := range vt.Status.Sources {
		vt.Status.LastDelivered.Sources = append(vt.Status.LastDelivered.Sources, triggerv1.KeptSource{SourceStatus: s, PublishAs: long(63)})
	}
	for range triggerv1.MaxHistory {
		vt.Status.History = append(vt.Status.History, triggerv1.Change{Digest: vt.Status.Targets[0].Digest, Cause: text.Line(hostile, maxText), Time: now, Outcome: triggerv1.ChangeFailed})
	}
	for _, name := range []string{"Ready", "Stalled", "Reconciling"} {
		vt.Status.Conditions = append(vt.Status.Conditions, metav1.Condition{Type: name, Message: Summarize(vt.Status.Targets).Message})
	}
	stored, err := json.Marshal(vt)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(stored)).To(BeNumerically("<", 1400<<10), "etcd takes 1.5 MiB")
}

func TestCause_leaves_room_for_the_longest_name_of_a_trigger(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read)
	s.edit(read)
	in := s.input()
	in.Values, in.Trigger = ValuesDiffer, strings.Repeat("n", 63)+"/"+strings.Repeat("v", 253)
	cause := Decide(in).Request.Cause
	g.Expect(cause).To(HavePrefix("ConfigMap"))
	g.Expect(cause).To(HaveSuffix(" via ValuesTrigger " + in.Trigger))
	g.Expect(len(cause)).To(BeNumerically("<=", maxText))
}
