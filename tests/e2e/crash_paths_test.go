// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"fmt"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// crashPaths are all the ways that end in writes. Their releases are named app, their
// sources settings.
var crashPaths = []crashPath{
	{
		name:    "the contract: a generated trigger, forced requests, the digest annotation",
		prepare: func(c *crashable, ns string) { c.installed(ns, "app") },
		steps: []crashStep{
			{"a labelled ConfigMap is created", createLabelled, labelledDelivered},
			{"it is edited", editSettings, labelledDelivered},
			{"it is deleted", deleteSettings, triggerGone},
		},
	}, {
		name: "autodiscovery: a generated trigger, labels, plain requests",
		prepare: func(c *crashable, ns string) {
			c.create(kit.Values(ns, "settings", "round: 0\n"))
			c.installed(ns, "app")
		},
		steps: []crashStep{
			{"a release begins to read a ConfigMap", beginToRead, discovered},
			{"it is edited", func(c *crashable, ns string) {
				c.expect("app")
				c.setValues(kit.ConfigMap(ns, "settings", nil), fmt.Sprintf("round: %d\n", c.next()))
			}, discovered},
			{"the release reads it no more", stopToRead, undiscovered},
		},
	}, {
		name: "one source of two releases, by the contract and by autodiscovery",
		prepare: func(c *crashable, ns string) {
			c.create(kit.Source(kit.Values(ns, "settings", "round: 0\n"), "app", ns))
			c.releases(kit.Release(ns, "app"), kit.Release(ns, "reads", kit.Reads(cmKind, "settings")))
			c.remember(ns, "app", "app")
			c.remember(ns, "reads", "reads")
		},
		steps: []crashStep{{"it is edited", func(c *crashable, ns string) {
			c.expect("app", "reads")
			c.setValues(kit.ConfigMap(ns, "settings", nil), fmt.Sprintf("round: %d\n", c.next()))
		}, func(c *crashable, ns string) error {
			return errors.Join(labelledDelivered(c, ns), c.runs(ns, "reads"))
		}}},
	}, {
		name: "a request that is lost, and repeated",
		prepare: func(c *crashable, ns string) {
			c.create(kit.Source(settings(ns), "app", ns))
			c.releases(kit.Release(ns, "first"), kit.Release(ns, "app"))
			c.remember(ns, "app", "app")
			edit(c.env, kit.Release(ns, "app"), func(hr *helmv2.HelmRelease) {
				hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "first"}}
			})
		},
		steps: []crashStep{{"an edit while a dependency is not ready", editWhileNotReady, lostAndDelivered}},
	}, {
		name: "a declared trigger that takes over, and gives back",
		prepare: func(c *crashable, ns string) {
			c.create(kit.Source(settings(ns), "app", ns))
			c.releases(kit.Release(ns, "app"))
			c.remember(ns, "app", "app")
		},
		steps: append([]crashStep{
			{"it is created", func(c *crashable, ns string) {
				c.create(kit.Trigger(ns, "mine", kit.From(cmKind, "settings"), kit.To("app")))
			}, takenOver},
			{"its source is edited", editSettings, takenOver},
			{"it is deleted", func(c *crashable, ns string) {
				c.Expect(c.c.Delete(c.ctx, kit.Trigger(ns, "mine"))).To(Succeed())
			}, labelledDelivered},
		}, otherwiseNamed...),
	}, {
		name: "a release that comes and goes",
		prepare: func(c *crashable, ns string) {
			c.create(kit.Source(settings(ns), "app", ns))
		},
		steps: []crashStep{
			{"it is created", func(c *crashable, ns string) {
				c.want["app"] = 2 // What it has not read is forced at first sight.
				c.create(kit.Release(ns, "app"))
			}, labelledDelivered},
			{"its source is edited", editSettings, labelledDelivered},
			{"it is deleted", func(c *crashable, ns string) {
				c.Expect(c.c.Delete(c.ctx, kit.Release(ns, "app"))).To(Succeed())
			}, releaseGone},
		},
	}, {
		name:    "the baseline of the first operator",
		prepare: func(c *crashable, ns string) { c.installed(ns, "app") },
		steps: []crashStep{
			{"a ConfigMap of the first operator is found", func(c *crashable, ns string) {
				cm := kit.Source(settings(ns), "app", ns)
				cm.Annotations[triggerv1.HashAnnotation] = "1a2b3c"
				c.create(cm)
			}, labelledDelivered},
			{"it is edited", editSettings, labelledDelivered},
			{"it is deleted", deleteSettings, triggerGone},
		},
	}, {
		name: "requests of a person, and a generated trigger that is deleted and edited by hand",
		prepare: func(c *crashable, ns string) {
			c.Expect(c.w.PublishChart(c.ctx, ns, kit.ChartName, elsewhereChart())).To(Succeed())
			c.create(kit.Values(ns, "settings", "round: 0\n"))
			c.releases(kit.Release(ns, "app", kit.Reads(cmKind, "settings")))
			c.remember(ns, "app", "app")
		},
		steps: []crashStep{
			{"forceAt", func(c *crashable, ns string) {
				c.expect("app")
				c.request(ns, auto("app"), fmt.Sprint(c.next()), meta.ForceRequestAnnotation)
			}, forceHandled},
			{"an upgrade fails", func(c *crashable, ns string) {
				c.expect("app")
				c.noted = fmt.Sprintf("%s-%d", ns, c.next())
				c.setValues(kit.ConfigMap(ns, "settings", nil), "elsewhere: "+c.noted+"\n")
			}, failed},
			{"resetAt when the reason is gone", func(c *crashable, ns string) {
				c.expect("app")
				c.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: c.noted}})
				c.request(ns, auto("app"), fmt.Sprint(c.next()), helmv2.ResetRequestAnnotation)
			}, resetHandled},
			{"the trigger is edited", func(c *crashable, ns string) {
				editAs(c.env, "kubectl-edit", kit.Trigger(ns, auto("app")), func(vt *triggerv1.ValuesTrigger) { vt.Spec.Sources[0].Name = "other" })
			}, fixed},
			{"the trigger is deleted", func(c *crashable, ns string) {
				c.Expect(c.c.Delete(c.ctx, kit.Trigger(ns, auto("app")))).To(Succeed())
			}, fixed},
		},
	},
}

// next returns a number that was not there before.
func (c *crashable) next() int {
	c.round++
	return c.round
}

// expect says that releases must get one more revision.
func (c *crashable) expect(names ...string) {
	for _, name := range names {
		c.want[name]++
	}
}

// installed installs a release that reads nothing.
func (c *crashable) installed(ns, name string) {
	c.t.Helper()
	c.releases(kit.Release(ns, name))
	c.want[name] = 1
}

// recorded returns nil if a labelled ConfigMap carries the digest of its content.
func (c *crashable) recorded(ns, name string) error {
	cm := &corev1.ConfigMap{}
	if err := c.c.Get(c.ctx, types.NamespacedName{Namespace: ns, Name: name}, cm); err != nil {
		return err
	}
	if got, want := cm.Annotations[triggerv1.HashAnnotation], digest.OfConfigMap(cm).Digest(); got != want {
		return fmt.Errorf("digest annotation %q, not %q", got, want)
	}
	return nil
}

func createLabelled(c *crashable, ns string) {
	c.expect("app")
	c.create(kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"round": fmt.Sprint(c.next())}), "app", ns))
}

func editSettings(c *crashable, ns string) {
	c.expect("app")
	c.setData(kit.ConfigMap(ns, "settings", nil), "round", fmt.Sprint(c.next()))
}

func deleteSettings(c *crashable, ns string) {
	c.Expect(c.c.Delete(c.ctx, kit.ConfigMap(ns, "settings", nil))).To(Succeed())
}

func labelledDelivered(c *crashable, ns string) error {
	return errors.Join(c.runs(ns, "app"), c.recorded(ns, "settings"))
}

func triggerGone(c *crashable, ns string) error {
	if !c.gone(kit.Trigger(ns, auto("app")))() {
		return errors.New("the trigger is still there")
	}
	return c.hasRevision(ns, "app")
}

func beginToRead(c *crashable, ns string) {
	c.expect("app") // helm-controller's own doing.
	edit(c.env, kit.Release(ns, "app"), func(hr *helmv2.HelmRelease) {
		hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: cmKind, Name: "settings"}}
	})
}

func stopToRead(c *crashable, ns string) {
	c.expect("app") // This one, too.
	edit(c.env, kit.Release(ns, "app"), func(hr *helmv2.HelmRelease) { hr.Spec.ValuesFrom = nil })
}

func discovered(c *crashable, ns string) error {
	labels, err := c.labels(kit.Release(ns, "app"))()
	if err == nil && labels[triggerv1.HRNameAnnotation] != "app" {
		err = errors.New("the release has no labels")
	}
	return errors.Join(err, c.runs(ns, "app"))
}

func undiscovered(c *crashable, ns string) error {
	labels, err := c.labels(kit.Release(ns, "app"))()
	if err == nil && labels[triggerv1.HRNameAnnotation] != "" {
		err = errors.New("the release is still labelled")
	}
	return errors.Join(err, triggerGone(c, ns))
}

func editWhileNotReady(c *crashable, ns string) {
	edit(c.env, kit.Release(ns, "first"), func(hr *helmv2.HelmRelease) { setInline(hr, map[string]any{"reject": true}) })
	c.Eventually(c.ready(kit.Release(ns, "first"))).Should(BeFalse())
	editSettings(c, ns)
}

// lostAndDelivered makes the dependency ready when helm-controller has handled a request
// and done nothing.
func lostAndDelivered(c *crashable, ns string) error {
	hr := c.get(ns, "app")
	requested := hr.Annotations[meta.ReconcileRequestAnnotation]
	if c.get(ns, "first").Spec.Values != nil && requested != c.noted && requested == hr.Status.LastHandledReconcileAt {
		c.noted = requested
		edit(c.env, kit.Release(ns, "first"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = nil })
	}
	err := labelledDelivered(c, ns)
	if err == nil {
		c.noted = c.get(ns, "app").Annotations[meta.ReconcileRequestAnnotation]
	}
	return err
}

func takenOver(c *crashable, ns string) error {
	var err error
	if !c.gone(kit.Trigger(ns, auto("app")))() {
		err = errors.New("the generated trigger is still there")
	}
	return errors.Join(err, c.runsBy(ns, "mine", ns, "app"), c.recorded(ns, "settings"))
}

func releaseGone(c *crashable, ns string) error {
	if !c.gone(kit.Release(ns, "app"))() || !c.gone(kit.Trigger(ns, auto("app")))() {
		return errors.New("the release or its trigger is still there")
	}
	return nil
}

func forceHandled(c *crashable, ns string) error {
	vt, err := c.trigger(ns, "app")
	if err == nil && vt.Status.LastHandledForceAt != fmt.Sprint(c.round) {
		err = errors.New("forceAt is not handled")
	}
	return errors.Join(err, c.runs(ns, "app"))
}

func failed(c *crashable, ns string) error {
	state, err := c.state(ns, "app", "app")()
	if err == nil && state != triggerv1.TargetFailed {
		err = fmt.Errorf("state %s, not Failed", state)
	}
	return errors.Join(err, c.hasRevision(ns, "app"))
}

func resetHandled(c *crashable, ns string) error {
	vt, err := c.trigger(ns, "app")
	if err == nil && vt.Status.LastHandledResetAt != fmt.Sprint(c.round) {
		err = errors.New("resetAt is not handled")
	}
	return errors.Join(err, c.runs(ns, "app"))
}

func fixed(c *crashable, ns string) error {
	sources, err := c.sources(ns, "app")()
	if err == nil && (len(sources) != 1 || sources[0] != "settings") {
		err = fmt.Errorf("sources %v", sources)
	}
	return errors.Join(err, c.runs(ns, "app"))
}
