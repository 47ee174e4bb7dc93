// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/faults"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

func TestPublish_copies_are_whole_and_in_turn_through_an_API_server_that_fails_one_in_five(t *testing.T) {
	const seed, rounds = 1, 4
	t.Parallel()
	c := behindProxy(in(t, world.ForTest(t, kit.World())), operator.Options{Values: []string{"--set=publish.enabled=true"}})
	ns := c.namespace("whole")
	for _, source := range []string{"one", "two"} {
		c.create(kit.ConfigMap(ns, source, map[string]string{source + ".yaml": source + ": 0\n"}))
	}
	targets := []string{"canary-0", "prod-0", "prod-1"}
	vt := kit.Trigger(ns, "platform", published(""), kit.From(cmKind, "one"), kit.From(cmKind, "two"), inStages("canary"), inStages("prod", atMost("1")))
	vt.Spec.QuietPeriod.Duration = 2 * time.Second // Both edits of a round are one change.
	vt.Spec.Interval.Duration = 10 * time.Second
	for _, name := range targets {
		vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Name: name})
	}
	seen := c.seeCopies(ns)
	c.create(vt)
	for _, name := range targets {
		stage, _, _ := strings.Cut(name, "-")
		key := func(source string) func(*meta.ValuesReference) {
			return func(ref *meta.ValuesReference) { ref.ValuesKey = source + ".yaml" }
		}
		c.releases(kit.Labelled(kit.Release(ns, name, kit.Reads(cmKind, name+"-shared", key("one")), kit.Reads(cmKind, name+"-shared", key("two")), every(10*time.Second)), stageLabel, stage))
		c.want[name] = 1
	}
	c.Eventually(func() error { return c.runsAll(ns, targets...) }).Should(Succeed())

	_, _, before := c.proxy.Counts()
	c.proxy.Set(faults.Random(seed, 0.2))
	digests := make([]string, rounds+1)
	for round := 1; round <= rounds; round++ {
		c.expect(targets...)
		for _, source := range []string{"one", "two"} {
			c.setData(kit.ConfigMap(ns, source, nil), source+".yaml", fmt.Sprintf("%s: %d\n", source, round))
		}
		c.Eventually(func() error {
			return errors.Join(c.runsAll(ns, targets...), c.stands(ns, triggerv1.RolloutFinished))
		}).WithTimeout(2 * time.Minute).Should(Succeed())
		now, err := c.trigger(ns, "platform")
		c.Expect(err).NotTo(HaveOccurred())
		digests[round] = now.Status.LastDigest
	}
	c.proxy.Set(nil)
	_, _, injected := c.proxy.Counts()
	versions, changes := seen.judge(c.env, digests)
	t.Logf("%d faults, seed %d, %d versions of copies, %d changes of content", injected-before, seed, versions, changes)
	c.Expect(injected - before).To(BeNumerically(">", 20))
	c.Expect(changes).To(Equal(rounds * len(targets)))
}

// sightings are all versions of copies and of the rollout, in the order in which the API
// server has stored them.
type sightings struct {
	mu       sync.Mutex
	copies   []sighting[*corev1.ConfigMap]
	triggers []sighting[*triggerv1.ValuesTrigger]
}

type sighting[T client.Object] struct {
	version int64
	obj     T
	gone    bool
}

// seeCopies begins to watch the copies and triggers of a namespace. It does not watch
// through the proxy.
func (e *env) seeCopies(namespace string) *sightings {
	e.t.Helper()
	wc, err := client.NewWithWatch(e.w.Config(), client.Options{Scheme: e.c.Scheme()})
	e.Expect(err).NotTo(HaveOccurred())
	s := &sightings{}
	for _, list := range []client.ObjectList{&corev1.ConfigMapList{}, &triggerv1.ValuesTriggerList{}} {
		events, err := wc.Watch(e.ctx, list, client.InNamespace(namespace))
		e.Expect(err).NotTo(HaveOccurred())
		e.t.Cleanup(events.Stop)
		go func() {
			for event := range events.ResultChan() {
				s.see(event.Object, event.Type == "DELETED")
			}
		}()
	}
	return s
}

func (s *sightings) see(obj any, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch obj := obj.(type) {
	case *corev1.ConfigMap:
		if strings.HasSuffix(obj.Name, "-shared") {
			s.copies = append(s.copies, sighting[*corev1.ConfigMap]{versionOf(obj), obj, gone})
		}
	case *triggerv1.ValuesTrigger:
		s.triggers = append(s.triggers, sighting[*triggerv1.ValuesTrigger]{versionOf(obj), obj, gone})
	}
}

// versionOf returns the number by which the API server orders what it stores.
func versionOf(obj metav1.Object) int64 {
	version, err := strconv.ParseInt(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		panic(err)
	}
	return version
}

// judge expects each copy to go from round to round, with all keys of the same round at
// any time, and not before its stage has started with the digest of the round. It returns
// how many versions there were and how many of them had other content.
func (s *sightings) judge(e *env, digests []string) (versions, changes int) {
	e.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	rounds := map[string]int{}
	for _, one := range s.copies {
		name := one.obj.Name
		e.Expect(one.gone).To(BeFalse(), "%s was deleted", name)
		round, found := rounds[name]
		whole := func(round int) map[string]string {
			return map[string]string{"one.yaml": fmt.Sprintf("one: %d\n", round), "two.yaml": fmt.Sprintf("two: %d\n", round)}
		}
		e.Expect(one.obj.Data).To(Or(Equal(whole(round)), Equal(whole(round+1))), "%s in round %d", name, round)
		versions++
		rounds[name] = round
		if fmt.Sprint(one.obj.Data) == fmt.Sprint(whole(round)) {
			continue
		}
		e.Expect(found).To(BeTrue(), "the first copy of %s has the first content", name)
		rounds[name]++
		changes++
		stage, _, _ := strings.Cut(name, "-")
		e.Expect(s.stageAt(one.version, stage, digests[round+1])).To(Equal(triggerv1.StageProgressing), "%s in round %d", name, round+1)
	}
	return versions, changes
}

// stageAt returns what was stored of a stage for a digest before a version.
func (s *sightings) stageAt(version int64, stage, digest string) triggerv1.StagePhase {
	phase := triggerv1.StagePhase("")
	for _, one := range s.triggers {
		if one.version > version {
			break
		}
		phase = ""
		if r := one.obj.Status.Rollout; r != nil && r.Digest == digest {
			for _, st := range r.Stages {
				if st.Name == stage {
					phase = st.Phase
				}
			}
		}
	}
	return phase
}
