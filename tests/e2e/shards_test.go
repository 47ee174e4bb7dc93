// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const shardKey = "sharding.fluxcd.io/key"

// shard installs the operator for the releases that a selector matches, as
// docs/operations.md has it.
func (e *env) shard(name, selector string, values ...string) *operator.Operator {
	e.t.Helper()
	values = append(values, "--set", "fullnameOverride="+name, "--set-json",
		fmt.Sprintf(`extraArgs=["--watch-label-selector=%s"]`, selector))
	op, err := operator.Install(e.ctx, e.w, manager, operator.Options{Name: name, Values: values})
	e.Expect(err).NotTo(HaveOccurred())
	return op
}

// Two shards share one ConfigMap, by valuesFrom and by the contract, and never a release.
func TestShards_two_of_them_never_act_on_one_release(t *testing.T) {
	t.Parallel()
	e := in(t, world.ForTest(t, kit.World()))
	rest := e.shard("main", "!"+shardKey)
	first := e.shard("shard1", shardKey+"=shard1", "--set", "crds.install=false")
	shardOf := map[string]*operator.Operator{"a": rest, "b": first, "c": rest, "d": first}

	ns := e.namespace("sharded")
	shared := kit.Values(ns, "shared", "round: 1\n")
	flags := kit.Source(kit.ConfigMap(ns, "flags", map[string]string{"key": "one"}), "c,d", ns)
	e.create(shared)
	e.create(flags)
	var releases []*helmv2.HelmRelease
	for name, op := range shardOf {
		hr := kit.Release(ns, name)
		if name == "a" || name == "b" {
			kit.Reads(cmKind, "shared")(hr)
		}
		if op == first {
			hr = kit.Labelled(hr, shardKey, "shard1")
		}
		releases = append(releases, hr)
	}
	e.releases(releases...)
	e.create(kit.Labelled(kit.Trigger(ns, "declared", kit.From(cmKind, "shared"), kit.To("d")), shardKey, "shard1"))
	settled := func(revisions map[string]int64) {
		t.Helper()
		for name, revision := range revisions {
			e.Eventually(e.deliveredRevision(ns, name, name)).Should(BeEquivalentTo(revision), name)
		}
	}
	// a and b run their values; c and d learn of the labelled object once, d of the
	// declared source too.
	settled(map[string]int64{"a": 1, "b": 1, "c": 2})
	e.Eventually(e.state(ns, "declared", "d")).Should(Equal(triggerv1.TargetDelivered))
	e.Eventually(e.state(ns, "d", "d")).Should(Equal(triggerv1.TargetDelivered))
	before, err := e.revision(ns, "d")()
	e.Expect(err).NotTo(HaveOccurred())

	e.setValues(shared, "round: 2\n")
	settled(map[string]int64{"a": 2, "b": 2})
	e.Eventually(e.deliveredRevision(ns, "declared", "d")).Should(BeEquivalentTo(before + 1))
	e.setData(flags, "key", "two")
	settled(map[string]int64{"c": 3, "d": int64(before) + 2})
	e.stay(ns, map[string]int{"a": 2, "b": 2, "c": 3, "d": before + 2})

	for name, op := range shardOf {
		e.onlyWrites(op, ns, name, 0)
	}

	// A release that gets another label moves, with its trigger.
	edit(e, kit.Release(ns, "a"), func(hr *helmv2.HelmRelease) { kit.Labelled(hr, shardKey, "shard1") })
	e.Eventually(e.labels(kit.Trigger(ns, auto("a")))).Should(HaveKeyWithValue(shardKey, "shard1"))
	moved := e.mark()
	e.setValues(shared, "round: 3\n")
	settled(map[string]int64{"a": 3, "b": 3})
	e.stay(ns, map[string]int{"a": 3, "b": 3})
	e.onlyWrites(first, ns, "a", moved)
}

// onlyWrites expects that one operator and no other has written a HelmRelease and its
// trigger.
func (e *env) onlyWrites(op *operator.Operator, namespace, name string, since world.AuditMark) {
	e.t.Helper()
	events, err := e.w.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
		return event.Write() && strings.HasPrefix(event.User, world.ServiceAccountUser(operator.Namespace, "")) && event.Namespace == namespace &&
			(event.Resource == "helmreleases" || event.Resource == "valuestriggers") && (event.Name == name || event.Name == auto(name))
	})
	e.Expect(err).NotTo(HaveOccurred())
	wrote := map[string]bool{}
	for _, event := range events {
		wrote[event.User] = true
	}
	e.Expect(wrote).To(Equal(map[string]bool{op.User(): true}), "who wrote HelmRelease or ValuesTrigger %s", name)
}
