// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	leaseDuration = 8 * time.Second
	leaseRetry    = 200 * time.Millisecond
)

// replica is an operator of several, behind a proxy of its own.
type replica struct {
	*operator.Operator
	proxy *faults.Proxy
}

// replicas is a world with two replicas. The first one leads.
type replicas struct {
	*env
	leader, follower *replica
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	t.Parallel()
	r := &replicas{env: in(t, world.ForTest(t, kit.World()))}
	r.leader = r.newReplica(false)
	r.Eventually(r.holder).ShouldNot(BeEmpty())
	r.follower = r.newReplica(true)
	return r
}

func (r *replicas) newReplica(installed bool) *replica {
	r.t.Helper()
	proxy, err := faults.Start(r.w.Config())
	r.Expect(err).NotTo(HaveOccurred())
	r.t.Cleanup(proxy.Stop)
	op, err := operator.Install(r.ctx, r.w, manager, operator.Options{Proxy: proxy, Installed: installed, Args: []string{
		"--leader-elect=true", "--leader-election-lease-duration=" + leaseDuration.String(),
		"--leader-election-renew-deadline=6s", "--leader-election-retry-period=" + leaseRetry.String(),
	}})
	r.Expect(err).NotTo(HaveOccurred())
	return &replica{Operator: op, proxy: proxy}
}

// holder returns who leads by the lease, nothing if no one does.
func (r *replicas) holder() (string, error) {
	lease := &coordinationv1.Lease{}
	key := types.NamespacedName{Namespace: operator.Namespace, Name: "helmrelease-trigger-operator-leader-election"}
	if err := r.c.Get(r.ctx, key, lease); err != nil || lease.Spec.HolderIdentity == nil {
		return "", err
	}
	return *lease.Spec.HolderIdentity, nil
}

// duringFanOut edits a source of many releases and does something to the leader when it
// makes its n-th request on a HelmRelease, which has a fault then like all its further
// writes. It returns how long it took until the other replica led.
func (r *replicas) duringFanOut(cm *corev1.ConfigMap, key, value string, n int64, do func(*world.Process), fault faults.Fault) time.Duration {
	r.t.Helper()
	before, err := r.holder()
	r.Expect(err).NotTo(HaveOccurred())
	process := r.leader.Process()
	var asked atomic.Int64
	var once sync.Once
	var at time.Time
	done := make(chan struct{})
	r.leader.proxy.Set(func(q faults.Request) faults.Fault {
		if q.Write == 0 || q.About("events") || q.Method == http.MethodPatch && q.About("helmreleases") && asked.Add(1) < n || asked.Load() < n {
			return faults.Fault{}
		}
		once.Do(func() {
			at = time.Now()
			do(process)
			close(done)
		})
		return fault
	})
	r.setData(cm, key, value)
	r.Eventually(done).Should(BeClosed())
	r.Eventually(r.holder).ShouldNot(Or(BeEmpty(), Equal(before)))
	r.leader, r.follower = r.follower, r.leader
	return time.Since(at)
}

// restart starts what has ended, with nothing in its way.
func (r *replicas) restart() {
	r.t.Helper()
	r.follower.proxy.Set(nil)
	r.Expect(r.follower.Start(r.ctx)).To(Succeed())
}

func TestLeader_changes_in_the_middle_of_a_fan_out_lose_and_double_nothing(t *testing.T) {
	const count, few = 40, 12
	r := newReplicas(t)
	ns := r.namespace("leader")
	names, releases := make([]string, count), make([]*helmv2.HelmRelease, count)
	for i := range count {
		names[i] = fmt.Sprintf("app-%02d", i)
		releases[i] = kit.Release(ns, names[i])
	}
	all := kit.Source(kit.ConfigMap(ns, "all", map[string]string{"key": "one"}), strings.Join(names, ","), ns)
	some := kit.Source(kit.ConfigMap(ns, "some", map[string]string{"key": "one"}), strings.Join(names[:few], ","), ns)
	r.create(all)
	r.create(some)
	r.releases(releases...)
	revisions := map[string]int64{}
	for _, name := range names {
		r.Eventually(r.deliveredRevision(ns, name, name)).ShouldNot(BeZero())
	}
	r.settle(r.leader.Operator)
	for _, name := range names {
		revision, err := r.revision(ns, name)()
		r.Expect(err).NotTo(HaveOccurred())
		revisions[name] = int64(revision)
	}
	delivered := func(names []string) {
		r.t.Helper()
		for _, name := range names {
			revisions[name]++
			r.Eventually(r.deliveredRevision(ns, name, name)).Should(Equal(revisions[name]), name)
		}
	}

	took := r.duringFanOut(all, "key", "two", count/3, (*world.Process).Kill, faults.Fault{Drop: true})
	t.Logf("killed: the other replica led after %s", took.Round(10*time.Millisecond))
	r.Expect(took).To(BeNumerically("<", leaseDuration+2*time.Second))
	delivered(names)
	r.restart()

	took = r.duringFanOut(some, "key", "two", few/3, func(p *world.Process) { _ = p.Signal(syscall.SIGTERM) }, faults.Fault{})
	t.Logf("stopped: the other replica led after %s", took.Round(10*time.Millisecond))
	r.Expect(took).To(BeNumerically("<", leaseDuration-leaseRetry), "the lease is released: otherwise it lasts from when it was renewed")
	r.Expect(r.follower.Process().Wait(r.ctx)).To(Succeed())
	delivered(names[:few])
	r.restart()

	// What the frozen one was about to write arrives when the other one has done it.
	mark := r.mark()
	late := make(chan struct{})
	r.duringFanOut(some, "key", "three", few/3, func(p *world.Process) { _ = p.Signal(syscall.SIGSTOP) }, faults.Fault{Hold: late})
	delivered(names[:few])
	close(late)
	r.Eventually(func() ([]world.AuditEvent, error) {
		return r.w.AuditEvents(r.ctx, mark, func(event world.AuditEvent) bool {
			return event.User == r.leader.User() && event.Resource == "helmreleases" && event.Verb == "patch" && event.Code == http.StatusConflict
		})
	}).ShouldNot(BeEmpty(), "a late request is refused")
	r.Expect(r.follower.Process().Signal(syscall.SIGCONT)).To(Succeed())
	r.Eventually(r.follower.Process().Done()).Should(BeClosed(), "it does not lead any more, and ends")
	r.restart()

	r.settle(r.leader.Operator)
	for _, name := range names {
		r.Expect(r.revision(ns, name)()).To(BeEquivalentTo(revisions[name]), name)
	}
}
