// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// crashable is an operator behind a proxy that can kill it at a write.
type crashable struct {
	*env
	proxy *faults.Proxy
	op    *operator.Operator

	// base holds revisions from before the change, by release.
	base map[string]int64
}

// newCrashable starts an operator without leader election: the next run is not to wait
// for the lease of the killed one.
func newCrashable(t *testing.T) *crashable {
	w := world.ForTest(t, worldOptions())
	proxy, err := faults.Start(w.Config())
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	t.Cleanup(proxy.Stop)
	e := in(t, w)
	op, err := operator.Install(e.ctx, w, manager, operator.Options{Proxy: proxy, Args: []string{"--leader-elect=false"}})
	e.Expect(err).NotTo(HaveOccurred())
	return &crashable{env: e, proxy: proxy, op: op, base: map[string]int64{}}
}

// crashPath is a way that the operator takes, and what must have come of it.
type crashPath struct {
	name string

	// prepare makes the world before the change, in a namespace, and returns when
	// it is at rest.
	prepare func(c *crashable, ns string)

	// change starts the way, and ended returns nil when all of it was gone, exactly
	// once.
	change func(c *crashable, ns string)
	ended  func(c *crashable, ns string) error
}

// For every path, the operator is killed before and after each of its writes, one after
// the other, until a run comes through without reaching the next write. Each time it
// must end as if nothing had happened.
func TestCrash_at_every_write_of_every_path_the_end_is_the_same(t *testing.T) {
	paths := []crashPath{
		{
			name: "first delivery of a labelled ConfigMap",
			prepare: func(c *crashable, ns string) {
				c.releases(release(ns, "app"))
			},
			change: func(c *crashable, ns string) {
				c.create(label(configMap(ns, "settings", map[string]string{"key": "one"}), "app", ns))
			},
			ended: func(c *crashable, ns string) error {
				digest, err := c.annotation(configMap(ns, "settings", nil), triggerv1.HashAnnotation)()
				if err == nil && digest == "" {
					err = errors.New("no digest on the source")
				}
				return errors.Join(err, c.runs(ns, "app", 2))
			},
		},
		{
			name: "an edit of a ConfigMap that is labelled and read by another release",
			prepare: func(c *crashable, ns string) {
				c.create(label(configMap(ns, "settings", map[string]string{"values.yaml": "a: 1\n"}), "forced", ns))
				c.releases(release(ns, "forced"), release(ns, "reads", reads(triggerv1.ConfigMapKind, "settings")))
				c.Eventually(c.deliveredRevision(ns, "forced", "forced")).ShouldNot(BeZero())
				c.Eventually(c.deliveredRevision(ns, "reads", "reads")).Should(BeEquivalentTo(1))
				c.remember(ns, "forced")
			},
			change: func(c *crashable, ns string) {
				c.setData(configMap(ns, "settings", nil), "values.yaml", "a: 2\n")
			},
			ended: func(c *crashable, ns string) error {
				return errors.Join(c.runs(ns, "reads", 2), c.runs(ns, "forced", c.base["forced"]+1))
			},
		},
		{
			name: "a request that was lost and is repeated",
			prepare: func(c *crashable, ns string) {
				c.create(label(configMap(ns, "settings", map[string]string{"key": "one"}), "app", ns))
				c.releases(release(ns, "first"), release(ns, "app"))
				c.Eventually(c.deliveredRevision(ns, "app", "app")).ShouldNot(BeZero())
				c.remember(ns, "app")
				edit(c.env, release(ns, "first"), func(hr *helmv2.HelmRelease) {
					hr.Spec.Values = values(`{"reject":true}`)
				})
				c.Eventually(c.ready(release(ns, "first"))).Should(BeFalse())
				edit(c.env, release(ns, "app"), func(hr *helmv2.HelmRelease) {
					hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "first"}}
				})
				c.Eventually(c.ready(release(ns, "app"))).Should(BeFalse())
			},
			change: func(c *crashable, ns string) {
				c.setData(configMap(ns, "settings", nil), "key", "two")
				edit(c.env, release(ns, "first"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = nil })
			},
			ended: func(c *crashable, ns string) error { return c.runs(ns, "app", c.base["app"]+1) },
		},
		{
			name: "a label that is taken away",
			prepare: func(c *crashable, ns string) {
				c.create(label(configMap(ns, "settings", map[string]string{"key": "one"}), "app", ns))
				c.releases(release(ns, "app"))
				c.Eventually(c.deliveredRevision(ns, "app", "app")).ShouldNot(BeZero())
				c.remember(ns, "app")
			},
			change: func(c *crashable, ns string) {
				edit(c.env, configMap(ns, "settings", nil), func(cm *corev1.ConfigMap) { cm.Labels = nil })
			},
			ended: func(c *crashable, ns string) error {
				vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "app"}}
				if !c.gone(vt)() {
					return errors.New("the trigger is still there")
				}
				revision, err := c.revision(ns, "app")()
				if err == nil && int64(revision) != c.base["app"] {
					err = fmt.Errorf("revision %d", revision)
				}
				return err
			},
		},
	}
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) {
			t.Parallel()
			c := newCrashable(t)
			points := 0
			for _, after := range []bool{false, true} {
				for n := 1; c.survives(path, n, after); n++ {
					points++
				}
			}
			t.Logf("%d crash points", points)
			c.Expect(points).To(BeNumerically(">=", 2), "the path makes writes")
		})
	}
}

// survives runs a path with a crash at its n-th write, and returns false if the path has
// no such write.
func (c *crashable) survives(path crashPath, n int, after bool) bool {
	c.t.Helper()
	c.base = map[string]int64{}
	ns := c.namespace("crash")
	path.prepare(c, ns)
	c.settle(c.op)

	process := c.op.Process()
	seen := 0
	c.proxy.Set(func(r faults.Request) faults.Fault {
		if r.Write == 0 || r.About("events") {
			return faults.Fault{}
		}
		if seen++; seen != n {
			return faults.Fault{}
		}
		return faults.Fault{Drop: true, After: after, Then: process.Kill}
	})
	path.change(c, ns)
	c.Eventually(func() bool { return !process.Running() || path.ended(c, ns) == nil }).Should(BeTrue())
	if process.Running() {
		c.settle(c.op) // Behind the end may come one more write.
	}
	crashed := !process.Running()
	c.proxy.Set(nil)
	if crashed {
		c.Expect(c.op.Start(c.ctx)).To(Succeed())
	}
	c.Eventually(func() error { return path.ended(c, ns) }).Should(Succeed(), "crash %d, after: %t", n, after)
	c.settle(c.op)
	c.Expect(path.ended(c, ns)).To(Succeed(), "crash %d, after: %t", n, after)
	return crashed
}

// remember notes the revision that a release has before the change.
func (c *crashable) remember(ns, name string) {
	c.t.Helper()
	revision, err := c.deliveredRevision(ns, name, name)()
	c.Expect(err).NotTo(HaveOccurred())
	c.base[name] = revision
}

// runs returns nil if a release is delivered with exactly this revision.
func (c *crashable) runs(ns, name string, want int64) error {
	got, err := c.deliveredRevision(ns, name, name)()
	if err == nil && got != want {
		err = fmt.Errorf("%s: delivered revision %d, not %d", name, got, want)
	}
	if err != nil {
		return err
	}
	newest, err := c.revision(ns, name)()
	if err == nil && int64(newest) != want {
		err = fmt.Errorf("%s: newest revision %d, not %d", name, newest, want)
	}
	return err
}

// values returns the values of a HelmRelease from JSON.
func values(text string) *apiextensionsv1.JSON {
	return &apiextensionsv1.JSON{Raw: []byte(text)}
}
