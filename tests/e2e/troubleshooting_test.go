// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// Each failure of the page is made for real. What one sees, in the table or in the events, is what the page shows.
func TestTroubleshooting_every_message_of_the_page_is_what_one_sees(t *testing.T) {
	e, _ := own(t, kit.World(), operator.Options{Args: []string{"--leader-elect=false"}})
	shown := shownMessages(t)
	e.ensureNamespace("shop")
	e.ensureNamespace("shop-config")
	web := kit.Release("shop", "web", kit.Reads(cmKind, "web-values"))
	e.create(web)

	// seen expects a line of the page that begins as given to be shown by kubectl.
	seen := func(begins string, what func() (string, error)) {
		t.Helper()
		line := ""
		for text := range shown {
			if strings.HasPrefix(text, begins) {
				line = text
			}
		}
		e.Expect(line).NotTo(BeEmpty(), "the page shows nothing that begins with %q", begins)
		delete(shown, line)
		_, message, _ := strings.Cut(line, "  ") // Type and reason of an event stand before it.
		_, message, _ = strings.Cut(message, "  ")
		if message == "" {
			message = line
		}
		e.Eventually(what).Should(ContainSubstring(message))
	}
	status := func(trigger string) func() (string, error) { return e.condition("shop", trigger, meta.ReadyCondition) }

	seen("source not found: ConfigMap shop/web-values does not exist", status("web"))
	values := kit.Values("shop", "web-values", "replicas: 1\n")
	e.create(values)
	e.Eventually(e.ready(web)).Should(BeTrue())
	e.Eventually(e.deliveredRevision("shop", "web", "web")).Should(BeEquivalentTo(1))

	flags := kit.ConfigMap("shop-config", "flags", map[string]string{"a": "1"})
	flags.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "yes"}
	e.create(flags)
	events := func() (string, error) {
		messages, err := e.events(flags, "")()
		return strings.Join(messages, "\n"), err
	}
	relabel := func(names, namespace string, labels map[string]string) {
		t.Helper()
		edit(e, flags, func(cm *corev1.ConfigMap) {
			cm.Labels = labels
			cm.Annotations = map[string]string{triggerv1.HRNameAnnotation: names, triggerv1.HRNSAnnotation: namespace}
		})
	}
	on := map[string]string{triggerv1.LabelReconcilerNameSourceKey: triggerv1.LabelValueEnabled}
	seen("Warning  InvalidContract  label", events)
	relabel("web", "shop", nil)
	seen("Warning  InvalidContract  annotation nebius.ai/helmreleases-name has no effect", events)
	relabel("web", "", on)
	seen("Warning  TargetNotFound", events)
	relabel("web;api", "shop", on)
	seen(`Warning  InvalidContract  annotation nebius.ai/helmreleases-name: "web;api"`, events)
	annotate(e, kit.Release("shop", "web"), map[string]string{triggerv1.AllowFromAnnotation: "platform"})
	relabel("web", "shop", on)
	seen("Warning  AccessDenied", events)

	e.create(kit.Trigger("shop", "typo", kit.From(cmKind, "web-values"), kit.To("wbe")))
	seen("None of 1 delivered; shop/wbe", status("typo"))
	e.create(kit.Trigger("shop", "gone", kit.From(cmKind, "missing"), kit.To("web")))
	seen("source not found: ConfigMap shop/missing", status("gone"))
	e.create(kit.Trigger("shop", "key", kit.From(cmKind, "web-values", func(s *triggerv1.SourceReference) { s.Keys = []string{"value.yaml"} }), kit.To("web")))
	seen("source not found: ConfigMap shop/web-values has no key", status("key"))
	e.create(kit.Trigger("shop", "tenant", kit.From(cmKind, "web-values"), kit.To("web"), kit.As("deployer")))
	seen("the operator may not act as", status("tenant"))

	e.suspend("shop", "web", true)
	e.setValues(values, "replicas: 2\n")
	seen("None of 1 delivered; shop/web: HelmRelease is suspended", status("web"))
	e.suspend("shop", "web", false)
	e.Eventually(e.deliveredRevision("shop", "web", "web")).Should(BeEquivalentTo(2))

	e.setValues(values, "]: [")
	seen("None of 1 delivered; shop/web: ValuesError", status("web"))
	e.setValues(values, "reject: true\n")
	seen("None of 1 delivered; shop/web: UpgradeFailed", status("web"))
	e.setValues(values, "replicas: 3\n")
	e.Eventually(e.state("shop", "web", "web")).Should(Equal(triggerv1.TargetDelivered))

	// A trigger that has patience for a second, and a helm-controller that does not work.
	e.create(kit.Trigger("shop", "hasty", kit.From(cmKind, "web-values"), kit.To("web"), func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Timeout = metav1.Duration{Duration: time.Second}
	}))
	e.Eventually(e.state("shop", "hasty", "web")).Should(Equal(triggerv1.TargetDelivered))
	helm := e.w.Component(world.HelmController)
	e.Expect(helm.Signal(syscall.SIGSTOP)).To(Succeed())
	e.setValues(values, "replicas: 4\n")
	seen("None of 1 delivered; shop/web: not delivered within", status("hasty"))
	e.Expect(helm.Signal(syscall.SIGCONT)).To(Succeed())
	e.Eventually(e.state("shop", "hasty", "web")).Should(Equal(triggerv1.TargetDelivered))

	// Copies: without the permission, then with it.
	copying := func(name string) func(*triggerv1.ValuesTrigger) {
		return func(vt *triggerv1.ValuesTrigger) {
			vt.Spec.Publish = &triggerv1.Publish{Name: name}
			vt.Spec.QuietPeriod.Duration = time.Second
		}
	}
	refused := kit.Trigger("shop", "refused", kit.From(cmKind, "web-values"), kit.To("web"), copying("shared"))
	e.create(refused)
	seen("the operator was refused: apply ConfigMap shop/web-shared", status("refused"))
	seen("1 of 1 HelmReleases read sources", e.condition("shop", "refused", triggerv1.GatedCondition))
	e.delete(refused)
	e.Expect(operator.InstallChart(e.ctx, e.w, "--set=publish.enabled=true")).To(Succeed())
	e.create(kit.ConfigMap("shop", "web-shared", map[string]string{"a": "1"}))
	e.create(kit.Trigger("shop", "taken", kit.From(cmKind, "web-values"), kit.To("web"), copying("shared")))
	seen("name conflict: ConfigMap shop/web-shared", status("taken"))
	e.create(kit.Trigger("shop", "unasked", kit.From(cmKind, "flags", kit.SourceIn("shop-config")), kit.To("web"), copying("flags")))
	seen("ConfigMap shop-config/flags may not be copied into namespace shop", status("unasked"))
	edit(e, flags, func(cm *corev1.ConfigMap) {
		cm.Labels, cm.Annotations = nil, map[string]string{triggerv1.PublishToAnnotation: "shop"}
	})
	edit(e, kit.Release("shop", "web"), func(hr *helmv2.HelmRelease) { delete(hr.Annotations, triggerv1.AllowFromAnnotation) })
	e.create(kit.Trigger("shop-config", "unasked-for", kit.From(cmKind, "flags"), kit.To("web", kit.TargetIn("shop")), copying("flags")))
	seen("ConfigMap shop/web-flags is in another namespace", e.condition("shop-config", "unasked-for", meta.ReadyCondition))
	e.create(kit.ConfigMap("shop", "team", map[string]string{"b": "1"}))
	e.create(kit.Trigger("shop", "shared", kit.From(cmKind, "web-values"), kit.From(cmKind, "team", func(s *triggerv1.SourceReference) { s.PublishAs = "team-values" }),
		kit.To("app"), kit.To("app-team"), copying("values")))
	seen("name conflict: the HelmReleases shop/app and shop/app-team", status("shared"))

	// A change that fails after one that did not.
	staged := kit.Values("shop", "staged-values", "replicas: 1\n")
	e.create(staged)
	e.create(kit.Trigger("shop", "back", kit.From(cmKind, "staged-values"), kit.To("staged"), copying("back"), inStages("all"), rolledBack))
	e.releases(kit.Labelled(kit.Release("shop", "staged", kit.Reads(cmKind, "staged-back")), stageLabel, "all"))
	e.Eventually(status("back")).Should(HavePrefix("True Succeeded"))
	e.setValues(staged, "reject: true\n")
	seen("it is rejected until the sources change", status("back"))
	e.Eventually(e.rendered("shop", "staged")).Should(ContainSubstring("replicas: 1"))

	// TestSecrets_an_operator_without_permission_on_them_follows_ConfigMaps sees the last one, with another operator.
	for text := range shown {
		e.Expect(text).To(HavePrefix("SecretsDisabled: "), "the page shows a message that this test does not make")
	}
}

// shownMessages returns the lines that the page shows as what one sees.
func shownMessages(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "troubleshooting.md"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	shown := map[string]bool{}
	for _, block := range regexp.MustCompile("(?ms)^```text\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			shown[strings.TrimSpace(line)] = true
		}
	}
	return shown
}
