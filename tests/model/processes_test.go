// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"sync"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/keyring"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// manager is a replica of the operator behind a proxy of its own.
type manager struct {
	name  string
	op    *operator.Operator
	proxy *faults.Proxy

	// starting ends when the present start has succeeded or failed.
	starting chan struct{}
	frozen   bool
	naps     []nap // times for which it was frozen
	deaf     []nap // times for which its watches may have been silent

	mu    sync.Mutex
	rng   *rand.Rand
	fault float64 // probability that a request is failed
	kill  int     // writes until the manager is killed, 0 for never
	after bool    // kill it after the write rather than before
	cut   bool    // it cannot renew its lease
	note  func(format string, args ...any)
	count func(what string)
}

// nap is a time for which something was so, until now if it has no end.
type nap struct{ from, to time.Time }

// meets reports whether it lasted to a time or longer.
func (n nap) meets(at time.Time) bool { return n.to.IsZero() || n.to.After(at) }

// leaderElection makes a replica take over within seconds.
var leaderElection = []string{
	"--leader-elect=true", "--leader-election-lease-duration=4s",
	"--leader-election-renew-deadline=3s", "--leader-election-retry-period=500ms",
}

// retries lets the operator come back to what failed within seconds, as everything
// here happens within seconds.
var retries = []string{"--min-retry-delay=100ms", "--max-retry-delay=5s"}

// keys make the digests of Secrets: the operator finds them, so that they are known here.
var keys = digest.Keys{Current: []byte("the key of all stories, 32 bytes")}

// storeKeys puts them where the operator looks for them.
func (d *driver) storeKeys() error {
	home := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operator.Namespace}}
	if err := client.IgnoreAlreadyExists(d.c.Create(d.ctx, home)); err != nil {
		return err
	}
	return d.c.Create(d.ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: operator.Namespace, Name: keyring.SecretName},
		Data:       map[string][]byte{keyring.CurrentKey: keys.Current},
	})
}

// startManagers installs the chart and starts one replica without leader election, so
// that the next run need not wait for the lease of the killed one, or two with it.
func (d *driver) startManagers(replicas int) error {
	for i := range replicas {
		proxy, err := faults.Start(d.w.Config())
		if err != nil {
			return err
		}
		d.closers = append(d.closers, proxy.Stop)
		args := append([]string{"--leader-elect=false"}, retries...)
		if replicas > 1 {
			args = append(leaderElection, retries...)
		}
		m := &manager{name: fmt.Sprintf("manager %d", i+1), proxy: proxy, rng: rand.New(rand.NewPCG(d.seed, uint64(i))), note: d.note, count: d.count}
		m.op, err = operator.Install(d.ctx, d.w, binary, operator.Options{Proxy: proxy, Args: args, Installed: i > 0, Values: []string{"--set=publish.enabled=true"}})
		if err != nil {
			return err
		}
		proxy.Set(m.rule)
		d.managers = append(d.managers, m)
	}
	return nil
}

// rule decides about each request of the manager.
func (m *manager) rule(r faults.Request) faults.Fault {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Write > 0 && m.kill > 0 && !r.About("events") && !r.About("leases") {
		if m.kill--; m.kill == 0 {
			process := m.op.Process()
			m.note("%s is killed at %s %s, after it: %t", m.name, r.Method, r.URL.Path, m.after)
			m.count("kills")
			return faults.Fault{Drop: true, After: m.after, Then: process.Kill}
		}
	}
	if r.About("leases") {
		return faults.Fault{Drop: m.cut}
	}
	if !chance(m.rng, m.fault) {
		return faults.Fault{}
	}
	soon := time.Duration(m.rng.IntN(2000)) * time.Millisecond
	if r.Watch() {
		return pick(m.rng,
			faults.Fault{CloseAfter: soon},
			faults.Fault{CloseAfter: soon},
			faults.Fault{StallAfter: soon + 1},
			faults.Fault{Code: http.StatusGone},
		)
	}
	return pick(m.rng,
		faults.Fault{Code: http.StatusConflict},
		faults.Fault{Code: http.StatusInternalServerError},
		faults.Fault{Code: http.StatusServiceUnavailable},
		faults.Fault{Code: http.StatusTooManyRequests, RetryAfter: 1},
		faults.Fault{Code: http.StatusGatewayTimeout},
		faults.Fault{Drop: true},
		faults.Fault{Drop: true, After: true},
		faults.Fault{Delay: time.Duration(m.rng.IntN(500)) * time.Millisecond},
	)
}

// plan says which faults are to come.
func (m *manager) plan(fault float64, kill int, after bool) {
	m.mu.Lock()
	if n := len(m.deaf); n > 0 && m.deaf[n-1].to.IsZero() {
		m.deaf[n-1].to = time.Now()
	}
	if fault > 0 {
		m.deaf = append(m.deaf, nap{from: time.Now()})
	}
	m.fault, m.kill, m.after, m.cut = fault, kill, after, false
	m.mu.Unlock()
	if fault == 0 {
		m.proxy.Disconnect() // Of watches that went silent no one would hear for minutes.
	}
}

// cutOff has the manager fail to renew its lease.
func (m *manager) cutOff() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cut = true
}

// start runs the manager, and does not wait until it is ready.
func (m *manager) start(d *driver) {
	m.ended()
	m.frozen = false
	done := make(chan struct{})
	m.starting = done
	go func() {
		defer close(done)
		if err := m.op.Start(d.ctx); err != nil {
			d.note("%s did not start: it was killed or %v", m.name, firstLine(err))
		}
	}()
}

// ended waits for a start that is in progress.
func (m *manager) ended() {
	if m.starting != nil {
		<-m.starting
	}
}

// running reports whether the manager runs.
func (m *manager) running() bool {
	m.ended()
	return m.op.Process().Running()
}

// end kills or stops the manager.
func (m *manager) end(d *driver, kill bool) error {
	m.ended()
	m.thaw()
	if kill {
		d.count("kills")
		m.op.Kill()
		return nil
	}
	return m.op.Stop(d.ctx)
}

// takeLease has someone else hold the lease, or no one: then both replicas may lead for
// as long as the old leader takes to find out.
func (d *driver) takeLease(deleted bool) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: operator.Namespace, Name: "helmrelease-trigger-operator-leader-election"}}
	if deleted {
		return d.wait("delete the lease", func() error { return client.IgnoreNotFound(d.c.Delete(d.ctx, lease)) })
	}
	return d.patch(lease, map[string]any{"spec": map[string]any{
		"holderIdentity": "stranger", "renewTime": metav1.NewMicroTime(time.Now()), "acquireTime": metav1.NewMicroTime(time.Now()),
	}})
}

// leaders counts the changes of leadership.
func (d *driver) leaders() error {
	if len(d.managers) == 1 {
		return nil
	}
	list := &coordinationv1.LeaseList{}
	if err := d.c.List(d.ctx, list, client.InNamespace(operator.Namespace)); err != nil {
		return err
	}
	for i := range list.Items {
		if n := list.Items[i].Spec.LeaseTransitions; n != nil {
			d.add("changes of leader", int(*n))
		}
	}
	return nil
}

// freeze stops the manager in the middle of what it does, so that its view of the
// world is old when it goes on.
func (m *manager) freeze() error {
	m.ended()
	m.frozen = true
	m.naps = append(m.naps, nap{from: time.Now()})
	return m.op.Process().Signal(syscall.SIGSTOP)
}

func (m *manager) thaw() {
	if m.frozen {
		m.frozen = false
		m.naps[len(m.naps)-1].to = time.Now()
		_ = m.op.Process().Signal(syscall.SIGCONT) // One that has ended needs none.
	}
}

// killHelm ends helm-controller, and startHelm starts it again.
func (d *driver) killHelm() error {
	d.outages = append(d.outages, time.Now())
	d.count("helm-controller killed")
	return d.w.KillComponent(world.HelmController)
}

func (d *driver) startHelm() error {
	if p := d.w.Component(world.HelmController); p.Running() {
		return nil
	}
	return d.w.StartComponent(d.ctx, world.HelmController, helmArgs...)
}

// helmArgs have helm-controller come back to what failed within seconds.
var helmArgs = []string{"--max-retry-delay=5s"}

// restartAPI restarts the API server.
func (d *driver) restartAPI() error {
	d.outages = append(d.outages, time.Now())
	d.events = true
	defer func() { d.outages = append(d.outages, time.Now()) }()
	d.count("API server restarted")
	return d.w.RestartComponent(d.ctx, world.APIServer)
}

// calm ends all trouble with processes.
func (d *driver) calm() error {
	for _, m := range d.managers {
		m.plan(0, 0, false)
		m.thaw()
	}
	if err := d.startHelm(); err != nil {
		return err
	}
	return d.keep()
}

// keep starts what has ended, as Kubernetes would.
func (d *driver) keep() error {
	return d.wait("start the managers", func() error {
		for _, m := range d.managers {
			if !m.running() {
				m.start(d)
				m.ended()
				if !m.running() {
					return fmt.Errorf("%s has ended: %s", m.name, m.op.Process().Tail(5))
				}
			}
		}
		return nil
	})
}

// trouble are lines that no manager may ever log.
var trouble = regexp.MustCompile(`(?m)^.*(panic:|Observed a panic|DATA RACE|fatal error:).*$`)

// logged returns what a manager should not have logged.
func (d *driver) logged() error {
	log, err := os.ReadFile(d.w.LogPath("manager"))
	if err != nil {
		return err
	}
	if line := trouble.Find(log); line != nil {
		return fmt.Errorf("the manager logged: %s", line)
	}
	return nil
}
