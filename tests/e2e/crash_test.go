// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// crashable is an operator behind a proxy that can kill it at a write.
type crashable struct {
	*env
	proxy *faults.Proxy
	op    *operator.Operator

	// want holds the revisions that releases must have, by name.
	want map[string]int64

	// round counts changes, and noted is what one step leaves for the next.
	round int
	noted string
}

// behindProxy starts an operator whose requests go through a proxy, without leader
// election: the next run is not to wait for the lease of the killed one.
func behindProxy(e *env, o operator.Options) *crashable {
	e.t.Helper()
	proxy, err := faults.Start(e.w.Config())
	e.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(proxy.Stop)
	o.Proxy = proxy
	o.Args = append(o.Args, "--leader-elect=false")
	op, err := operator.Install(e.ctx, e.w, manager, o)
	e.Expect(err).NotTo(HaveOccurred())
	return &crashable{env: e, proxy: proxy, op: op, want: map[string]int64{}}
}

// crashPath is a way that the operator takes again and again, step by step.
type crashPath struct {
	name string

	// prepare makes the world before the first step, in a namespace, and returns when
	// it is idle.
	prepare func(c *crashable, ns string)
	steps   []crashStep
}

// crashStep is a change that the operator reacts to.
type crashStep struct {
	name string
	do   func(c *crashable, ns string)

	// ended returns nil when all of it was done, exactly once.
	ended func(c *crashable, ns string) error
}

// The operator is killed before and after every write that it makes in the course of
// every step of every path, and is started again each time. It must end as if nothing
// had happened. Since each step begins where the one before has ended, a revision too
// many is found at the latest then. Of objects of one kind whose names differ in a number,
// such as the releases of a stage, the first that a step writes stands for all, unless
// -e2e.all is given.
func TestCrash_at_every_write_of_every_path_the_end_is_the_same(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	e.Expect(operator.InstallChart(e.ctx, e.w)).To(Succeed())

	allPaths := append(slices.Clone(crashPaths), rolloutPath)
	crashes := make([]int, len(allPaths))
	var running sync.WaitGroup
	for i, path := range allPaths {
		ns := e.namespace("crash")
		c := behindProxy(e, operator.Options{
			Installed: true,
			Log:       fmt.Sprint("manager-", i),
			Args:      []string{"--watch-all-namespaces=false"}, // No one else does its work.
			Env:       []string{"RUNTIME_NAMESPACE=" + ns},
		})
		running.Go(func() { crashes[i] = c.walk(path, ns) })
	}
	running.Wait()
	for i, path := range allPaths {
		t.Logf("%s: %d crashes", path.name, crashes[i])
		e.Expect(crashes[i]).To(BeNumerically(">=", 2*len(path.steps)), "each step makes writes")
	}
}

// walk goes through the steps of a path, and returns how often the operator was killed.
func (c *crashable) walk(path crashPath, ns string) (crashes int) {
	path.prepare(c, ns)
	c.settleWhere(c.op, func(event world.AuditEvent) bool { return event.Namespace == ns })
	round := func(s schedule) (crashes int) {
		for _, step := range path.steps {
			crashes += c.survive(step, ns, s)
		}
		return crashes
	}
	crashes = round(everyWrite)
	for _, after := range []bool{false, true} {
		for n, more := 1, *singly; more; n++ {
			k := round(onlyAt(n, after))
			crashes, more = crashes+k, k > 0
		}
	}
	return crashes
}

// singly has every crash happen in a run of its own, too, which takes long.
var singly = flag.Bool("crash.singly", false, "also kill the operator once in each step, at every write of the step in turn")

// schedule says at which writes of a step, counted from 1, the operator is killed, and
// whether before or after the API server has carried the write out.
type schedule func(write int) (crash, after bool)

// everyWrite kills the operator before a write. What it does first in its next life is
// that write again: it is killed when that is done.
func everyWrite(write int) (crash, after bool) { return true, write%2 == 0 }

func onlyAt(n int, when bool) schedule {
	return func(write int) (crash, after bool) { return write == n, when }
}

// number is that of a release of a stage.
var number = regexp.MustCompile(`-[0-9]+\b`)

// survive makes a step with crashes, and returns their number when the step has ended
// and nothing was written for a second.
func (c *crashable) survive(step crashStep, ns string, s schedule) (crashes int) {
	var mu sync.Mutex
	process, dying, writes, last := c.op.Process(), false, 0, time.Now()
	first := map[string]string{} // object of those whose names differ in a number
	c.proxy.Set(func(r faults.Request) faults.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case r.Write == 0 || r.About("events"):
			return faults.Fault{}
		case dying:
			return faults.Fault{Drop: true} // Written by no one any more.
		}
		last = time.Now()
		kind, name := r.Object()
		alike := kind + " " + number.ReplaceAllString(name, "-N")
		if _, found := first[alike]; !found {
			first[alike] = name
		}
		if name != first[alike] && !*allFlag {
			return faults.Fault{}
		}
		writes++
		crash, after := s(writes)
		if !crash {
			return faults.Fault{}
		}
		dying = true
		return faults.Fault{Drop: true, After: after, Then: process.Kill}
	})
	defer c.proxy.Set(nil)

	step.do(c, ns)
	for {
		ended := func() error {
			if err := step.ended(c, ns); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if time.Since(last) < time.Second {
				return errors.New("something was written just now")
			}
			return nil
		}
		c.Eventually(func() error {
			if !process.Running() {
				return nil
			}
			return ended()
		}).WithTimeout(2*time.Minute).Should(Succeed(), "%s, after %d crashes", step.name, crashes)
		if process.Running() {
			return crashes
		}
		crashes++
		c.Expect(crashes).To(BeNumerically("<", 100), "%s comes to no end", step.name)
		mu.Lock()
		err := c.op.Launch() // Its first write may come before it is ready.
		process, dying, last = c.op.Process(), false, time.Now()
		mu.Unlock()
		c.Expect(err).NotTo(HaveOccurred())
	}
}

// runs returns nil if a release is delivered, by the trigger of its name, with exactly
// the revision that it must have.
func (c *crashable) runs(ns, name string) error {
	return c.runsBy(ns, name, ns, name)
}

func (c *crashable) runsBy(triggerNS, trigger, ns, name string) error {
	want := c.want[name]
	got, err := c.deliveredRevision(triggerNS, trigger, name)()
	if err == nil && got != want {
		err = fmt.Errorf("%s: delivered revision %d, not %d", name, got, want)
	}
	return errors.Join(err, c.hasRevision(ns, name))
}

// hasRevision returns nil if a release has the revision that it must have.
func (c *crashable) hasRevision(ns, name string) error {
	newest, err := c.revision(ns, name)()
	if err == nil && int64(newest) != c.want[name] {
		err = fmt.Errorf("%s: newest revision %d, not %d", name, newest, c.want[name])
	}
	return err
}

// remember waits until a release is delivered, and takes its revision for the one that
// it must have.
func (c *crashable) remember(ns, trigger, name string) {
	c.t.Helper()
	c.Eventually(c.deliveredRevision(ns, trigger, name)).ShouldNot(BeZero())
	revision, err := c.deliveredRevision(ns, trigger, name)()
	c.Expect(err).NotTo(HaveOccurred())
	c.want[name] = revision
}
