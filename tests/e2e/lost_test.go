// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// obstacle is a reason for helm-controller to give up on a release before it looks at
// the force. It notes the request as handled all the same, and forgets it.
type obstacle struct {
	name string

	// prepare changes the release before it is created, obstruct and clear put up
	// the obstacle and take it away.
	prepare         func(e *env, hr *helmv2.HelmRelease)
	obstruct, clear func(e *env, hr *helmv2.HelmRelease)

	// state and message are reported of the target meanwhile.
	state triggerv1.TargetState
	says  string
}

func TestLost_a_force_that_met_an_obstacle_is_repeated_when_that_is_gone(t *testing.T) {
	e := parallel(t)
	obstacles := []obstacle{{
		name: "a dependency that is not ready",
		prepare: func(e *env, hr *helmv2.HelmRelease) {
			e.releases(kit.Release(hr.Namespace, "base"))
			hr.Spec.DependsOn = []helmv2.DependencyReference{{Name: "base"}}
		},
		obstruct: func(e *env, hr *helmv2.HelmRelease) {
			edit(e, kit.Release(hr.Namespace, "base"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = values(`{"fail":true}`) })
			e.Eventually(e.readyConditionOf(hr.Namespace, "base")).Should(HavePrefix("False UpgradeFailed"))
		},
		clear: func(e *env, hr *helmv2.HelmRelease) {
			edit(e, kit.Release(hr.Namespace, "base"), func(hr *helmv2.HelmRelease) { hr.Spec.Values = nil })
		},
		state: triggerv1.TargetTriggered, says: "base' is not ready",
	}, {
		name:     "a source without an artifact",
		obstruct: func(e *env, hr *helmv2.HelmRelease) { e.setArtifact(hr.Namespace, `null`) },
		clear:    (*env).restoreChart,
		state:    triggerv1.TargetTriggered, says: "does not have an artifact",
	}, {
		name:     "a source whose artifact is gone",
		obstruct: func(e *env, hr *helmv2.HelmRelease) { e.setArtifact(hr.Namespace, `{"url":"`+e.w.Artifacts()+`gone"}`) },
		clear:    (*env).restoreChart,
		state:    triggerv1.TargetFailed, says: "ArtifactFailed: Source not ready: artifact not found",
	}, {
		name:     "a source that does not exist",
		obstruct: func(e *env, hr *helmv2.HelmRelease) { e.delete(chartSource(hr.Namespace)) },
		clear:    (*env).restoreChart,
		state:    triggerv1.TargetFailed, says: "ArtifactFailed: could not get Source object",
	}, {
		name: "values that cannot be composed",
		prepare: func(e *env, hr *helmv2.HelmRelease) {
			// Seen by helm-controller alone, as the operator must not count its edits.
			cm := kit.Labelled(kit.Values(hr.Namespace, "values", "a: 1\n"), meta.LabelKeyWatch, meta.LabelValueWatchEnabled)
			e.create(kit.Labelled(cm, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled))
			kit.Reads(cmKind, "values")(hr)
		},
		obstruct: func(e *env, hr *helmv2.HelmRelease) {
			e.setValues(kit.Values(hr.Namespace, "values", ""), "a: [1\n")
			e.Eventually(e.readyConditionOf(hr.Namespace, hr.Name)).Should(HavePrefix("False ValuesError"))
		},
		clear: func(e *env, hr *helmv2.HelmRelease) { e.setValues(kit.Values(hr.Namespace, "values", ""), "a: 1\n") },
		state: triggerv1.TargetFailed, says: "ValuesError: ",
	}}

	// All of them go through the same at the same time.
	apps := make([]*helmv2.HelmRelease, len(obstacles))
	for i, o := range obstacles {
		apps[i] = kit.Release(e.namespace("lost"), "app")
		if o.prepare != nil {
			o.prepare(e, apps[i])
		}
		e.releases(apps[i])
		e.create(kit.Source(kit.ConfigMap(apps[i].Namespace, "settings", map[string]string{"key": "one"}), "app", apps[i].Namespace))
	}
	for i := range obstacles {
		e.Eventually(e.deliveredRevision(apps[i].Namespace, "app", "app")).Should(BeEquivalentTo(2))
	}
	for i, o := range obstacles {
		o.obstruct(e, apps[i])
		e.setData(kit.ConfigMap(apps[i].Namespace, "settings", nil), "key", "two")
	}
	for i, o := range obstacles {
		ns := apps[i].Namespace
		e.Eventually(e.target(ns, "app", "app")).Should(And(
			HaveField("State", o.state), HaveField("Message", ContainSubstring(o.says))), o.name)
		e.Eventually(e.handled(ns, "app", "app")).Should(Equal(noted{Request: true, Revision: 2}), "%s: lost for good", o.name)
	}
	for i := range obstacles {
		e.Expect(e.target(apps[i].Namespace, "app", "app")()).To(HaveField("Attempts", BeEquivalentTo(1)))
	}
	for i, o := range obstacles {
		o.clear(e, apps[i])
	}
	for i, o := range obstacles {
		e.Eventually(e.deliveredRevision(apps[i].Namespace, "app", "app")).Should(BeEquivalentTo(3), o.name)
		e.Expect(e.target(apps[i].Namespace, "app", "app")()).To(HaveField("Attempts", BeEquivalentTo(2)), o.name)
	}
	for i, o := range obstacles {
		e.Consistently(e.revision(apps[i].Namespace, "app"), patience/5).Should(Equal(3), o.name)
	}
}

// noted is what helm-controller says of the last request that a trigger has made, and
// the revision that the release has.
type noted struct {
	Request, Force bool
	Revision       int64
}

// handled returns what helm-controller has noted of the token of a target.
func (e *env) handled(namespace, trigger, target string) func() (noted, error) {
	return func() (noted, error) {
		status, err := e.target(namespace, trigger, target)()
		if err != nil {
			return noted{}, err
		}
		hr := &helmv2.HelmRelease{}
		err = e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: target}, hr)
		n := noted{Request: hr.Status.LastHandledReconcileAt == status.Token, Force: hr.Status.LastHandledForceAt == status.Token}
		if latest := hr.Status.History.Latest(); latest != nil {
			n.Revision = int64(latest.Version)
		}
		return n, err
	}
}

// chartSource returns the OCIRepository of a namespace.
func chartSource(namespace string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
		"metadata": map[string]any{"namespace": namespace, "name": kit.ChartName},
	}}
}

// setArtifact changes the artifact that the source of a namespace has in its status.
func (e *env) setArtifact(namespace, artifact string) {
	e.t.Helper()
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"artifact":`+artifact+`}}`))
	e.Expect(e.c.Status().Patch(e.ctx, chartSource(namespace), patch)).To(Succeed())
}

// restoreChart makes the source of a release what it was.
func (e *env) restoreChart(hr *helmv2.HelmRelease) {
	e.t.Helper()
	e.Expect(e.w.PublishChart(e.ctx, hr.Namespace, kit.ChartName, world.TestChart())).To(Succeed())
}

// A release that has drifted is corrected first, and the force is forgotten over it.
func TestLost_a_force_on_a_drifted_release_is_repeated(t *testing.T) {
	e := parallel(t)
	ns := e.namespace("drifted")
	hr := kit.Release(ns, "app", func(hr *helmv2.HelmRelease) {
		hr.Spec.DriftDetection = &helmv2.DriftDetection{Mode: helmv2.DriftDetectionEnabled}
	})
	e.releases(hr)
	e.create(kit.Source(kit.ConfigMap(ns, "settings", map[string]string{"key": "one"}), "app", ns))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))

	rendered, err := e.rendered(ns, "app")()
	e.Expect(err).NotTo(HaveOccurred())
	e.setData(kit.ConfigMap(ns, "app", nil), "values", "drifted")
	e.setData(kit.ConfigMap(ns, "settings", nil), "key", "two")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
	e.Expect(e.target(ns, "app", "app")()).To(HaveField("Attempts", BeEquivalentTo(2)), "lost once")
	e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeNormal, "DriftCorrected")).Should(HaveLen(1))
	e.Expect(e.rendered(ns, "app")()).To(Equal(rendered))
	e.stay(ns, map[string]int{"app": 3})
}

// failedFor matches a target that failed in words that contain a text.
func failedFor(text string) gomegatypes.GomegaMatcher {
	return And(HaveField("State", triggerv1.TargetFailed), HaveField("Message", ContainSubstring(text)))
}
