// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

// problemsOf returns problems with these messages.
func problemsOf(messages ...string) []problem {
	var problems []problem
	for _, message := range messages {
		problems = append(problems, problem{message: message})
	}
	return problems
}

func TestReported(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := newReported()
	said := func(object string, problems ...string) []string {
		var said []string
		r.each(object, problemsOf(problems...), func(p problem) { said = append(said, p.message) })
		return said
	}
	g.Expect(said("a", "one", "two")).To(Equal([]string{"one", "two"}), "when it appears")
	g.Expect(said("a", "one", "two")).To(BeEmpty(), "not at every resync")
	g.Expect(said("b", "one")).To(Equal([]string{"one"}), "of each object")
	g.Expect(said("a", "two", "three")).To(Equal([]string{"three"}), "what is new")
	g.Expect(said("a")).To(BeEmpty())
	g.Expect(said("a", "two")).To(Equal([]string{"two"}), "again when it comes back")
	r.forget("b")
	g.Expect(said("b", "one")).To(Equal([]string{"one"}), "of another object of that name")
	g.Expect(said("a")).To(BeEmpty())
	g.Expect(r.problems).To(HaveLen(1), "nothing is kept of what has no problems")
}

func TestReported_does_not_hold_on_to_its_argument(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := newReported()
	problems := problemsOf("one")
	r.each("a", problems, func(problem) {})
	problems[0].message = "another"
	var said []problem
	r.each("a", problemsOf("one"), func(p problem) { said = append(said, p) })
	g.Expect(said).To(BeEmpty())
}

func TestReported_by_many_at_a_time(t *testing.T) {
	t.Parallel()
	r := newReported()
	var mu sync.Mutex
	var wg sync.WaitGroup
	said := map[string]int{}
	for i := range 8 {
		wg.Go(func() {
			object := fmt.Sprint("object-", i%2)
			r.each(object, problemsOf("one"), func(problem) {
				mu.Lock()
				defer mu.Unlock()
				said[object]++
			})
		})
	}
	wg.Wait()
	NewWithT(t).Expect(said).To(Equal(map[string]int{"object-0": 1, "object-1": 1}))
}
