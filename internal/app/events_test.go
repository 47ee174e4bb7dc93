// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/notify"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := make(chan eventv1.Event, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		var ev eventv1.Event
		if err := json.NewDecoder(req.Body).Decode(&ev); err != nil {
			t.Errorf("decoding an event: %v", err)
		}
		got <- ev
	}))
	defer receiver.Close()

	opts, err := ParseOptions([]string{"--events-addr=" + receiver.URL, "--metrics-addr=0", "--health-addr=0"}, getenv(nil))
	g.Expect(err).NotTo(HaveOccurred())
	mgrOpts, err := managerOptions(opts)
	g.Expect(err).NotTo(HaveOccurred())
	// No one listens there: the receiver must get its events all the same. The
	// cache would ask for the kinds in its options.
	mgrOpts.Cache = cache.Options{}
	mgr, err := ctrl.NewManager(&rest.Config{Host: "http://127.0.0.1:1"}, mgrOpts)
	g.Expect(err).NotTo(HaveOccurred())
	store := notify.NewStore(mgr.GetScheme(), mgr.GetClient(), "tester", logr.Discard())
	recorder, err := notify.New(mgr.GetScheme(), store, ctrl.Log, opts.EventsAddr, triggerv1.FieldManager)
	g.Expect(err).NotTo(HaveOccurred())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go recorder.Run(ctx)

	recorder.Event(&helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app"}},
		corev1.EventTypeNormal, "Triggered", "message")

	var ev eventv1.Event
	g.Eventually(got).WithTimeout(10 * time.Second).Should(Receive(&ev))
	g.Expect(ev.InvolvedObject.Kind).To(Equal(helmv2.HelmReleaseKind))
	g.Expect(ev.ReportingController).To(Equal("helmrelease-trigger-operator"))
}
