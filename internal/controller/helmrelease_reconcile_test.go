// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/delivery"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/apply"
)

// releasesOn returns a reconciler of HelmReleases that has all it needs on one API server.
func releasesOn(server client.WithWatch) *HelmReleaseReconciler {
	return &HelmReleaseReconciler{
		cache: server, writer: server, live: server, applier: apply.New(server), derive: deriver{cache: server, autodiscovery: true},
		events: record.NewFakeRecorder(10), reported: newReported(), serves: func(client.Object) bool { return true }, autodiscovery: true,
	}
}

func TestHelmReleaseReconciler_what_is_answered_to_a_write(t *testing.T) {
	t.Parallel()
	const onTrigger, onLabels = "patch ValuesTrigger app-auto", "patch HelmRelease app"
	for _, c := range []struct {
		name    string
		on      string
		answer  error
		writes  []string
		again   bool
		refused bool
		fails   bool
	}{
		{"both are written", "", nil, []string{onTrigger, onLabels}, false, false, false},
		{"409 to the trigger", onTrigger, conflicting, []string{onTrigger}, true, false, false},
		{"403 to the trigger", onTrigger, forbidden, []string{onTrigger, onLabels}, true, true, false},
		{"422 to the trigger", onTrigger, denial, []string{onTrigger, onLabels}, true, true, false},
		{"no answer to the trigger", onTrigger, errUnreachable, []string{onTrigger}, false, false, true},
		{"409 to the labels", onLabels, conflicting, []string{onTrigger, onLabels}, true, false, false},
		{"403 to the labels", onLabels, forbidden, []string{onTrigger, onLabels}, true, true, false},
		{"422 to the labels", onLabels, malformed, []string{onTrigger, onLabels}, true, true, false},
		{"no answer to the labels", onLabels, errUnreachable, []string{onTrigger, onLabels}, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			server, w := clientOf(t, newRelease())
			w.answers = map[string]error{c.on: c.answer}
			r := releasesOn(server)
			result, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: anApp})
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			g.Expect(w.taken()).To(Equal(c.writes))
			g.Expect(result.RequeueAfter > 0).To(Equal(c.again))
			if c.again && !c.refused {
				g.Expect(result.RequeueAfter).To(Equal(delivery.ConflictDelay))
			}
			g.Expect(len(events(r.events.(*record.FakeRecorder))) > 0).To(Equal(c.refused))
		})
	}
}

func TestHelmReleaseReconciler_writes_nothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		objects []client.Object
		change  func(*HelmReleaseReconciler)
		fails   bool
	}{
		"for a release of another shard": {[]client.Object{newRelease()}, func(r *HelmReleaseReconciler) {
			r.serves = func(client.Object) bool { return false }
		}, false},
		"for one that is being deleted": {[]client.Object{func() *helmv2.HelmRelease {
			hr := newRelease()
			hr.Finalizers = []string{"a/b"}
			hr.DeletionTimestamp = new(metav1.Now())
			return hr
		}()}, nil, false},
		"for one that opts out": {[]client.Object{func() *helmv2.HelmRelease {
			hr := newRelease()
			hr.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueDisabled}
			return hr
		}()}, nil, false},
		"while the cache cannot be read": {[]client.Object{newRelease()}, func(r *HelmReleaseReconciler) { r.cache = unreadable{} }, true},
		"while sources cannot be found":  {[]client.Object{newRelease()}, func(r *HelmReleaseReconciler) { r.derive.cache = unreadable{} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			server, w := clientOf(t, c.objects...)
			r := releasesOn(server)
			if c.change != nil {
				c.change(r)
			}
			_, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: anApp})
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			g.Expect(w.taken()).To(BeEmpty())
		})
	}
}
