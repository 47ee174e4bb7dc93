// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"testing"

	. "github.com/onsi/gomega"
)

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
