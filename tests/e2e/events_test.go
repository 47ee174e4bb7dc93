// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// webhook is a receiver of what Flux's notification-controller sends.
type webhook struct {
	mu     sync.Mutex
	events []eventv1.Event
}

func (h *webhook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var event eventv1.Event
	if json.NewDecoder(r.Body).Decode(&event) == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, event)
	}
}

// serve returns the address of the webhook.
func (h *webhook) serve(t *testing.T) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// reasons returns those of all events.
func (h *webhook) reasons() map[string]bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	reasons := map[string]bool{}
	for _, event := range h.events {
		reasons[event.Reason] = true
	}
	return reasons
}

// received returns the events of one reason.
func (h *webhook) received(reason string) func() []eventv1.Event {
	return func() []eventv1.Event {
		h.mu.Lock()
		defer h.mu.Unlock()
		var events []eventv1.Event
		for _, event := range h.events {
			if event.Reason == reason {
				events = append(events, event)
			}
		}
		return events
	}
}

// alertTo applies the manifests of a webhook that a page shows, for another namespace and
// address, perhaps with an Alert of another kind of severity.
func (e *env) alertTo(namespace, address string, change ...string) {
	e.t.Helper()
	page, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "alerts.md"))
	e.Expect(err).NotTo(HaveOccurred())
	_, rest, found := strings.Cut(string(page), "### A webhook")
	e.Expect(found).To(BeTrue())
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	manifests, _, found := strings.Cut(rest, "```")
	e.Expect(found).To(BeTrue())
	for _, pair := range [][2]string{{"https://hooks.example.com/flux", address}, {"namespace: apps", "namespace: " + namespace}} {
		e.Expect(manifests).To(ContainSubstring(pair[0]))
		manifests = strings.ReplaceAll(manifests, pair[0], pair[1])
	}
	manifests = strings.NewReplacer(change...).Replace(manifests)
	_, err = e.w.KubectlInput(e.ctx, manifests, "apply", "-f", "-")
	e.Expect(err).NotTo(HaveOccurred())
}

func TestEvents_reach_the_alerts_of_Flux_and_hold_no_secret(t *testing.T) {
	t.Parallel()
	options := kit.World()
	options.NotificationController = true
	e := in(t, world.ForTest(t, options))
	metrics, err := e.w.ReservePort()
	e.Expect(err).NotTo(HaveOccurred())
	op, err := operator.Install(e.ctx, e.w, manager, operator.Options{Args: []string{
		"--events-addr=" + e.w.EventsURL(), "--log-level=debug", "--metrics-bind-address=" + metrics, "--metrics-secure=false",
	}})
	e.Expect(err).NotTo(HaveOccurred())

	hook, failures := &webhook{}, &webhook{}
	ns := e.namespace("events")
	e.alertTo(ns, hook.serve(t))
	e.alertTo(ns, failures.serve(t), "name: webhook", "name: failures", "name: deliveries", "name: failures",
		"eventSeverity: info", "eventSeverity: error", "inclusionList", "exclusionList")

	const password = "hunter2-of-the-test"
	values, token := kit.Values(ns, "values", "a: 1\n"), kit.Source(kit.Secret(ns, "token", map[string]string{"token": password + "-1"}), "app", ns)
	credentials := kit.Secret(ns, "credentials", map[string]string{kit.ValuesKey: "password: " + password + "-1\n"})
	e.create(values)
	e.create(credentials)
	e.releases(kit.Release(ns, "app", kit.Reads(cmKind, "values"), kit.Reads(secretKind, "credentials"), func(hr *helmv2.HelmRelease) {
		hr.Annotations = map[string]string{"event.toolkit.fluxcd.io/team": "payments"}
	}))
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(1))

	e.setValues(values, "a: 2\n")
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(2))
	because := MatchRegexp("^Triggered: ConfigMap %s/values sha256:[0-9a-f]{12} \\(values.yaml\\) by e2e.test via ValuesTrigger %s/app-auto$", ns, ns)
	e.Eventually(hook.received(triggerv1.TriggeredReason)).Should(ConsistOf(And(
		HaveField("InvolvedObject.Kind", helmv2.HelmReleaseKind),
		HaveField("InvolvedObject.Namespace", ns),
		HaveField("InvolvedObject.Name", "app"),
		HaveField("Severity", eventv1.EventSeverityInfo),
		HaveField("Message", because),
		HaveField("ReportingController", triggerv1.FieldManager),
		HaveField("Metadata", Equal(map[string]string{"cluster": "production", "team": "payments"})),
	)))
	e.Eventually(hook.received(triggerv1.DeliveredReason)).Should(ConsistOf(And(
		HaveField("InvolvedObject.Kind", helmv2.HelmReleaseKind),
		HaveField("Message", HavePrefix("Delivered, revision 2: ConfigMap %s/values ", ns)),
	)))
	e.Eventually(e.eventsAbout(helmv2.HelmReleaseKind, ns, "app", corev1.EventTypeNormal, triggerv1.TriggeredReason)).Should(ConsistOf(because))
	e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, ns, auto("app"), corev1.EventTypeNormal, triggerv1.TriggeredReason)).
		Should(ConsistOf(HavePrefix("Triggered HelmRelease %s/app: ConfigMap %s/values ", ns, ns)))
	for _, object := range []string{"helmrelease/app", "valuestrigger/app-auto"} {
		for _, reason := range []string{triggerv1.TriggeredReason, triggerv1.DeliveredReason} {
			e.Eventually(func() (string, error) { return e.w.Kubectl(e.ctx, "get", "events", "-n", ns) }).
				Should(MatchRegexp("Normal +%s +%s ", reason, object))
		}
	}

	e.create(token)
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(3))
	edit(e, token, func(s *corev1.Secret) { s.StringData = map[string]string{"token": password + "-2"} })
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(4))
	edit(e, credentials, func(s *corev1.Secret) { s.StringData = map[string]string{kit.ValuesKey: password + "-2"} })
	e.Eventually(e.state(ns, "app", "app")).Should(Equal(triggerv1.TargetFailed), "a text is not values")
	edit(e, credentials, func(s *corev1.Secret) {
		s.StringData = map[string]string{kit.ValuesKey: "password: [" + password + "\n"}
	})
	e.Eventually(e.target(ns, "app", "app")).Should(And(HaveField("State", triggerv1.TargetFailed), HaveField("Cause", ContainSubstring("Secret %s/credentials", ns))))
	edit(e, credentials, func(s *corev1.Secret) {
		s.StringData = map[string]string{kit.ValuesKey: "password: " + password + "-3\n"}
	})
	e.Eventually(e.deliveredRevision(ns, "app", "app")).Should(BeEquivalentTo(5))
	e.Expect(e.rendered(ns, "app")()).To(ContainSubstring(password+"-3"), "the search is for what is really there")
	e.Eventually(failures.received(triggerv1.DeliveryFailedReason)).Should(ContainElement(HaveField("Severity", eventv1.EventSeverityError)))
	e.Expect(failures.received(triggerv1.TriggeredReason)()).To(BeEmpty())
	e.Expect(hook.reasons()).To(Equal(map[string]bool{triggerv1.TriggeredReason: true, triggerv1.DeliveredReason: true}),
		"the inclusion list leaves out what helm-controller says")

	log, err := os.ReadFile(op.Process().LogPath())
	e.Expect(err).NotTo(HaveOccurred())
	places := map[string]string{"log": string(log), "metrics": e.page("http://" + metrics + "/metrics")}
	for _, kind := range []string{"events", "valuestriggers", "helmreleases"} {
		places[kind], err = e.w.Kubectl(e.ctx, "get", kind, "--all-namespaces", "-o", "yaml", "--show-managed-fields")
		e.Expect(err).NotTo(HaveOccurred())
	}
	for place, text := range places {
		e.Expect(text).To(ContainSubstring(ns), place)
		e.Expect(strings.Contains(text, "hunter2")).To(BeFalse(), "%s hold content of a Secret", place)
	}
}

// page returns what a web server has to say.
func (e *env) page(url string) string {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.ctx, http.MethodGet, url, http.NoBody)
	e.Expect(err).NotTo(HaveOccurred())
	resp, err := http.DefaultClient.Do(req)
	e.Expect(err).NotTo(HaveOccurred())
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	e.Expect(err).NotTo(HaveOccurred())
	return string(text)
}
