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

// Two are in one circle exactly if each can be reached from the other.
func FuzzCirclesOf(f *testing.F) {
	f.Add([]byte{0x01, 0x12, 0x20, 0x30})
	f.Add([]byte{0x01, 0x12, 0x23, 0x31, 0x40, 0x04})
	f.Fuzz(func(t *testing.T, edges []byte) {
		waits := make([][]int, 16)
		for _, e := range edges {
			waits[int(e>>4)] = append(waits[int(e>>4)], int(e&15))
		}
		var reaches func(from, to int, seen map[int]bool) bool
		reaches = func(from, to int, seen map[int]bool) bool {
			if from == to {
				return true
			}
			seen[from] = true
			for _, d := range waits[from] {
				if !seen[d] && reaches(d, to, seen) {
					return true
				}
			}
			return false
		}
		circles := circlesOf(waits)
		for a := range waits {
			for b := range waits {
				want := reaches(a, b, map[int]bool{}) && reaches(b, a, map[int]bool{})
				if got := circles[a] == circles[b]; got != want {
					t.Fatalf("%d and %d in one circle: %v, want %v (%x)", a, b, got, want, edges)
				}
			}
		}
	})
}

func BenchmarkOrder_of_a_long_chain(b *testing.B) {
	waits := make([][]int, 10000)
	for i := 1; i < len(waits); i++ {
		waits[i] = []int{i - 1}
	}
	for b.Loop() {
		circlesOf(waits)
	}
}
