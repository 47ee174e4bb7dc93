// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// env is a world as one test uses it.
type env struct {
	*WithT
	t   *testing.T
	ctx context.Context
	w   *world.World
	c   client.Client
}

// in returns a test's view of a world.
func in(t *testing.T, w *world.World) *env {
	return &env{WithT: NewWithT(t), t: t, ctx: t.Context(), w: w, c: w.Client()}
}

// parallel returns a view of the shared world for a test that keeps to its own
// namespaces.
func parallel(t *testing.T) *env {
	t.Parallel()
	return in(t, shared)
}

// namespace creates a namespace with a chart in it.
func (e *env) namespace(prefix string) string {
	e.t.Helper()
	name, err := e.w.Namespace(e.ctx, prefix)
	e.Expect(err).NotTo(HaveOccurred())
	e.t.Cleanup(func() { e.explain(name) })
	e.Expect(e.w.PublishChart(e.ctx, name, kit.ChartName, world.TestChart())).To(Succeed())
	return name
}

// explain logs what the triggers of a namespace say, if the test has failed.
func (e *env) explain(namespace string) {
	if !e.t.Failed() {
		return
	}
	list := &triggerv1.ValuesTriggerList{}
	if err := e.c.List(context.Background(), list, client.InNamespace(namespace)); err != nil {
		e.t.Log(err)
	}
	for _, vt := range list.Items {
		e.t.Logf("ValuesTrigger %s/%s, generation %d, version %s", vt.Namespace, vt.Name, vt.Generation, vt.ResourceVersion)
		for _, c := range vt.Status.Conditions {
			e.t.Logf("  %s=%s %s (generation %d): %s", c.Type, c.Status, c.Reason, c.ObservedGeneration, c.Message)
		}
		for _, t := range vt.Status.Targets {
			e.t.Logf("  target %s/%s: %s, request %s, revision %d: %s", t.Namespace, t.Name, t.State, t.Token, t.Revision, t.Message)
		}
	}
}

// ensureNamespace creates a namespace of a given name, with a chart in it.
func (e *env) ensureNamespace(name string) {
	e.t.Helper()
	err := e.c.Create(e.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
	e.Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	e.Expect(e.w.PublishChart(e.ctx, name, kit.ChartName, world.TestChart())).To(Succeed())
}

func (e *env) create(obj client.Object) {
	e.t.Helper()
	e.Expect(e.c.Create(e.ctx, obj)).To(Succeed())
}

// edit changes an object, again if someone else was faster.
func edit[T client.Object](e *env, obj T, change func(T)) {
	e.t.Helper()
	editAs(e, "e2e.test", obj, change)
}

// editAs is edit by a field manager, such as that of kubectl edit.
func editAs[T client.Object](e *env, manager string, obj T, change func(T)) {
	e.t.Helper()
	key := client.ObjectKeyFromObject(obj)
	e.Eventually(func() error {
		if err := e.c.Get(e.ctx, key, obj); err != nil {
			return err
		}
		change(obj)
		return e.c.Update(e.ctx, obj, client.FieldOwner(manager))
	}).Should(Succeed())
}

// setData replaces the data of a ConfigMap.
func (e *env) setData(cm *corev1.ConfigMap, key, value string) {
	e.t.Helper()
	edit(e, cm, func(cm *corev1.ConfigMap) {
		if cm.Data == nil {
			cm.Data = map[string]string{}
		}
		cm.Data[key] = value
	})
}

// releases creates HelmReleases and waits until each is installed.
func (e *env) releases(releases ...*helmv2.HelmRelease) {
	e.t.Helper()
	for _, hr := range releases {
		e.create(hr)
	}
	for _, hr := range releases {
		e.Eventually(e.ready(hr)).Should(BeTrue(), "HelmRelease %s", hr.Name)
	}
}

// ready reports whether a HelmRelease is installed or upgraded as its spec says.
func (e *env) ready(hr *helmv2.HelmRelease) func() (bool, error) {
	return func() (bool, error) {
		if err := e.c.Get(e.ctx, client.ObjectKeyFromObject(hr), hr); err != nil {
			return false, err
		}
		return kit.Installed(hr), nil
	}
}

// revision returns the newest Helm revision of a HelmRelease.
func (e *env) revision(namespace, name string) func() (int, error) {
	return func() (int, error) {
		hr := &helmv2.HelmRelease{}
		if err := e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, hr); err != nil {
			return 0, err
		}
		return kit.Revision(hr), nil
	}
}

// trigger returns the ValuesTrigger of a name, or else the one that is generated for the
// HelmRelease of that name.
func (e *env) trigger(namespace, name string) (*triggerv1.ValuesTrigger, error) {
	vt := &triggerv1.ValuesTrigger{}
	err := e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, vt)
	if apierrors.IsNotFound(err) {
		err = e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: auto(name)}, vt)
	}
	return vt, err
}

// auto returns the name of the ValuesTrigger that is generated for a HelmRelease.
func auto(release string) string { return generated.Names(release)[0] }

// targetOf returns the state of the only target, or of the one of that name.
func targetOf(vt *triggerv1.ValuesTrigger, name string) triggerv1.TargetStatus {
	for _, t := range vt.Status.Targets {
		if t.Name == name {
			return t
		}
	}
	return triggerv1.TargetStatus{}
}

// delivered reports whether a trigger has delivered to a release a digest other than the
// given ones, and which.
func (e *env) state(namespace, trigger, target string) func() (triggerv1.TargetState, error) {
	return func() (triggerv1.TargetState, error) {
		vt, err := e.trigger(namespace, trigger)
		if err != nil {
			return "", err
		}
		t := targetOf(vt, target)
		if t.State == triggerv1.TargetDelivered && t.Digest != vt.Status.LastDigest {
			return "", fmt.Errorf("Delivered with digest %s while the sources have %s", t.Digest, vt.Status.LastDigest)
		}
		return t.State, nil
	}
}

// deliveredRevision returns the revision that a trigger says it has delivered, 0 while
// it has not delivered the present content.
func (e *env) deliveredRevision(namespace, trigger, target string) func() (int64, error) {
	return func() (int64, error) {
		vt, err := e.trigger(namespace, trigger)
		if err != nil {
			return 0, client.IgnoreNotFound(err)
		}
		if t := targetOf(vt, target); t.State == triggerv1.TargetDelivered && t.Digest == vt.Status.LastDigest {
			return t.Revision, nil
		}
		return 0, nil
	}
}

// gone reports whether an object does not exist.
func (e *env) gone(obj client.Object) func() bool {
	return func() bool {
		return apierrors.IsNotFound(e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj))
	}
}

// annotation returns an annotation of an object.
func (e *env) annotation(obj client.Object, key string) func() (string, error) {
	return func() (string, error) {
		err := e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj)
		return obj.GetAnnotations()[key], err
	}
}

// releasesOf returns HelmReleases by name.
func releasesOf(e *env, namespace string, names ...string) []*helmv2.HelmRelease {
	e.t.Helper()
	var releases []*helmv2.HelmRelease
	for _, name := range names {
		hr := &helmv2.HelmRelease{}
		e.Expect(e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, hr)).To(Succeed())
		releases = append(releases, hr)
	}
	return releases
}

// events returns the messages of the events about an object, of one reason or of all.
func (e *env) events(obj client.Object, reason string) func() ([]string, error) {
	return func() ([]string, error) {
		list := &corev1.EventList{}
		if err := e.c.List(e.ctx, list, client.InNamespace(obj.GetNamespace())); err != nil {
			return nil, err
		}
		var messages []string
		for _, event := range list.Items {
			if event.InvolvedObject.Name == obj.GetName() && (reason == "" || event.Reason == reason) {
				messages = append(messages, event.Message)
			}
		}
		return messages, nil
	}
}

// labels returns the labels of an object.
func (e *env) labels(obj client.Object) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		err := e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj)
		return obj.GetLabels(), err
	}
}

// rendered returns the values that a release of the test chart was made with.
func (e *env) rendered(namespace, name string) func() (string, error) {
	return func() (string, error) {
		cm := &corev1.ConfigMap{}
		err := e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, cm)
		return cm.Data["values"], err
	}
}

// readyReason returns the reason of the Ready condition of a trigger.
func (e *env) readyReason(namespace, trigger string) func() (string, error) {
	return func() (string, error) {
		vt, err := e.trigger(namespace, trigger)
		if err != nil {
			return "", client.IgnoreNotFound(err)
		}
		return conditions.GetReason(vt, meta.ReadyCondition), nil
	}
}

// settle waits until an operator has written nothing but its lease for a second.
func (e *env) settle(op *operator.Operator) {
	e.t.Helper()
	e.settleWhere(op, func(event world.AuditEvent) bool { return event.Resource != "leases" })
}

// settleWhere waits until an operator has made no such write for a second.
func (e *env) settleWhere(op *operator.Operator, match func(world.AuditEvent) bool) {
	e.t.Helper()
	e.Eventually(func() (int, error) {
		mark, err := e.w.AuditMark(e.ctx)
		if err != nil {
			return 0, err
		}
		NewWithT(e.t).Consistently(func() bool { return true }, time.Second).Should(BeTrue())
		writes, err := e.w.AuditEvents(e.ctx, mark, func(event world.AuditEvent) bool {
			return world.WritesBy(op.User())(event) && match(event)
		})
		return len(writes), err
	}).Should(BeZero())
}
