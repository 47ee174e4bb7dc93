// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// labelledMap returns ConfigMap apps/settings, which names HelmReleases by the contract.
func labelledMap(targets ...string) *corev1.ConfigMap {
	cm := settingsMap("settings", "1")
	cm.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled}
	cm.Annotations = map[string]string{triggerv1.HRNameAnnotation: strings.Join(targets, ","), triggerv1.HRNSAnnotation: "apps"}
	return cm
}

// delivering returns a trigger that has delivered that ConfigMap to apps/app.
func delivering(changes ...func(*triggerv1.ValuesTrigger)) *triggerv1.ValuesTrigger {
	vt := asked(byName)
	vt.Status.Sources = []triggerv1.SourceStatus{{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "settings", Digest: sourceDigest("1")}}
	vt.Status.Targets = []triggerv1.TargetStatus{{
		Namespace: "apps", Name: "app", UID: "the-release", State: triggerv1.TargetDelivered, Digest: vt.Status.LastDigest,
	}}
	for _, change := range changes {
		change(vt)
	}
	return vt
}

func TestContractReconciler(t *testing.T) {
	t.Parallel()
	const write = "patch ConfigMap settings"
	excluded := newRelease()
	excluded.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueDisabled}
	recorded := labelledMap("app")
	recorded.Annotations[triggerv1.HashAnnotation] = digest.OfConfigMap(recorded).Digest()
	former := labelledMap("app")
	former.Annotations[triggerv1.HashAnnotation] = strings.Repeat("a", 64)
	unlabelled := labelledMap("app")
	unlabelled.Labels[triggerv1.LabelReconcilerNameSourceKey] = "yes"
	names := make([]string, 7)
	for i := range names {
		names[i] = fmt.Sprint("app", i)
	}
	elsewhere := labelledMap(names...)
	elsewhere.Annotations[triggerv1.HRNSAnnotation] = "other"
	const denied = "Warning AccessDenied the API server refused a request of the operator, which is retried: "
	for _, c := range []struct {
		name     string
		objects  []client.Object
		answer   error
		writes   []string
		events   []string // The beginning of each.
		retried  bool     // Ever more rarely.
		backsOff bool
	}{
		{"delivered", []client.Object{labelledMap("app"), newRelease(), delivering()}, nil, []string{write}, nil, false, false},
		{"it has changed meanwhile", []client.Object{labelledMap("app"), newRelease(), delivering()}, conflicting, []string{write}, nil, false, false},
		{"it is gone meanwhile", []client.Object{labelledMap("app"), newRelease(), delivering()}, gone, []string{write}, nil, false, false},
		{"no permission", []client.Object{labelledMap("app"), newRelease(), delivering()}, forbidden, []string{write}, []string{denied}, true, false},
		{"a policy refuses it", []client.Object{labelledMap("app"), newRelease(), delivering()}, denial, []string{write}, []string{denied}, true, false},
		{"no answer", []client.Object{labelledMap("app"), newRelease(), delivering()}, errUnreachable, []string{write}, nil, false, true},
		{"the digest of the first operator", []client.Object{former, newRelease(), delivering()}, nil, []string{write}, []string{"Normal Baseline"}, false, false},

		{"recorded already", []client.Object{recorded, newRelease(), delivering()}, nil, nil, nil, false, false},
		{"no trigger", []client.Object{labelledMap("app"), newRelease()}, nil, nil, nil, false, false},
		{"not delivered yet", []client.Object{labelledMap("app"), newRelease(), delivering(func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Targets[0].State = triggerv1.TargetTriggered
		})}, nil, nil, nil, false, false},
		{"other content delivered", []client.Object{labelledMap("app"), newRelease(), delivering(func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Sources[0].Digest = sourceDigest("0")
		})}, nil, nil, nil, false, false},
		{"a status of another trigger", []client.Object{labelledMap("app"), newRelease(), delivering(func(vt *triggerv1.ValuesTrigger) {
			vt.Status.UID = "former"
		})}, nil, nil, nil, false, false},
		{"one of two does not exist", []client.Object{labelledMap("app", "other"), newRelease(), delivering()}, nil, nil,
			[]string{"Warning TargetNotFound HelmRelease apps/other named by annotation"}, false, false},
		{"opted out", []client.Object{labelledMap("app"), excluded, delivering()}, nil, nil,
			[]string{"Warning InvalidContract HelmRelease apps/app: not triggered, opted out"}, false, false},
		{"in a namespace that accepts none", []client.Object{elsewhere}, nil, nil, []string{
			"Warning AccessDenied", "Warning AccessDenied", "Warning AccessDenied", "Warning AccessDenied", "Warning AccessDenied", "Warning AccessDenied 2 more HelmReleases",
		}, false, false},
		{"a label that means nothing", []client.Object{unlabelled, newRelease(), delivering()}, nil, nil, []string{"Warning InvalidContract label"}, false, false},
		{"no object any more", []client.Object{newRelease(), delivering()}, nil, nil, nil, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			copied := make([]client.Object, len(c.objects))
			for i, obj := range c.objects {
				copied[i] = obj.DeepCopyObject().(client.Object)
			}
			server, written := clientOf(t, copied...)
			written.answers = map[string]error{write: c.answer}
			recorder := record.NewFakeRecorder(10)
			r := &ContractReconciler{
				kind: triggerv1.ConfigMapKind, cache: server, writer: server, store: source.NewStore(server, server, nil),
				policy: access.Policy{NoCrossNamespaceRefs: true}, events: recorder, reported: newReported(),
			}
			req := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(settingsMap("settings", ""))}
			result, err := r.Reconcile(t.Context(), req)
			g.Expect(err != nil).To(Equal(c.backsOff), "%v", err)
			g.Expect(result.RequeueAfter > 0).To(Equal(c.retried))
			g.Expect(written.taken()).To(Equal(c.writes))
			reported := events(recorder)
			g.Expect(reported).To(HaveLen(len(c.events)), "%q", reported)
			for i, prefix := range c.events {
				g.Expect(reported[i]).To(HavePrefix(prefix))
			}
			if c.answer == nil && len(c.writes) > 0 {
				_, err = r.Reconcile(t.Context(), req)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(written.taken()).To(BeEmpty(), "once")
			}
		})
	}
}

// What a restored status says of another trigger or release is not written on a source.
func TestDeliveredBy(t *testing.T) {
	t.Parallel()
	content := digest.Content{}
	ref := source.Ref{Kind: "ConfigMap", Namespace: "apps", Name: "flags"}
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "the-release"}}
	for _, c := range []struct {
		trigger, release string
		want             bool
	}{{"the-trigger", "the-release", true}, {"another", "the-release", false}, {"the-trigger", "another", false}} {
		vt := &triggerv1.ValuesTrigger{
			ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app", UID: "the-trigger"},
			Status: triggerv1.ValuesTriggerStatus{
				UID: types.UID(c.trigger), LastDigest: "sha256:1",
				Sources: []triggerv1.SourceStatus{{Kind: "ConfigMap", Namespace: "apps", Name: "flags", Digest: content.Digest()}},
				Targets: []triggerv1.TargetStatus{{Namespace: "apps", Name: "app", UID: types.UID(c.release), State: triggerv1.TargetDelivered, Digest: "sha256:1"}},
			},
		}
		NewWithT(t).Expect(deliveredBy(vt, hr, ref, source.Object{Content: content})).To(Equal(c.want), "%+v", c)
	}
}
