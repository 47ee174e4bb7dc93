// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// promtool runs Prometheus' own tool in a directory.
func promtool(t *testing.T, dir string, args ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs promtool; running with -short")
	}
	g := NewWithT(t)
	path, err := world.Binary(t.Context(), world.Promtool)
	g.Expect(err).NotTo(HaveOccurred())
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", out)
}

func TestRules_behave_as_their_unit_tests_say(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	dir := t.TempDir()
	g.Expect(RuleFile(filepath.Join(dir, "rules.yaml"))).To(Succeed())
	tests, err := os.ReadFile("rules_test.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(os.WriteFile(filepath.Join(dir, "rules_test.yaml"), tests, 0o600)).To(Succeed())
	promtool(t, dir, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
	promtool(t, dir, "test", "rules", "rules_test.yaml")
}

// alertNames returns the names of the shipped alerts.
func alertNames(t *testing.T) []string {
	t.Helper()
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "rules.yaml")
	g.Expect(RuleFile(file)).To(Succeed())
	data, err := os.ReadFile(file)
	g.Expect(err).NotTo(HaveOccurred())
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string
				Annotations map[string]string
			}
		}
	}
	g.Expect(yaml.Unmarshal(data, &rules)).To(Succeed())
	var names []string
	for _, rule := range rules.Groups[0].Rules {
		names = append(names, rule.Alert)
		g.Expect(rule.Annotations).To(HaveKeyWithValue("runbook_url", HaveSuffix("/docs/monitoring.md#"+strings.ToLower(rule.Alert))))
	}
	g.Expect(len(names)).To(BeNumerically(">", 5))
	return names
}

func TestRules_each_alert_is_tested_to_fire_and_explained(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	data, err := os.ReadFile("rules_test.yaml")
	g.Expect(err).NotTo(HaveOccurred())
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `json:"exp_alerts"`
			} `json:"alert_rule_test"`
		}
	}
	g.Expect(yaml.Unmarshal(data, &file)).To(Succeed())
	fires, rests := map[string]bool{}, map[string]bool{}
	for _, test := range file.Tests {
		for _, alert := range test.AlertRuleTest {
			fires[alert.Alertname] = fires[alert.Alertname] || len(alert.ExpAlerts) > 0
			rests[alert.Alertname] = rests[alert.Alertname] || len(alert.ExpAlerts) == 0
		}
	}
	page := readPage(t)
	for _, name := range alertNames(t) {
		g.Expect(fires[name]).To(BeTrue(), "no test has %s fire", name)
		g.Expect(rests[name]).To(BeTrue(), "no test has %s rest", name)
		g.Expect(page).To(ContainSubstring("\n### "+name+"\n"), "what to do about it")
	}
}

func readPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "monitoring.md"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return string(page)
}

// The rules that a reader may copy are as valid as those that are shipped.
func TestRules_of_the_page_are_valid(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	blocks := regexp.MustCompile("(?ms)^```yaml\n(groups:\n.*?)^```$").FindAllStringSubmatch(readPage(t), -1)
	g.Expect(blocks).NotTo(BeEmpty())
	for _, block := range blocks {
		dir := t.TempDir()
		g.Expect(os.WriteFile(filepath.Join(dir, "rules.yaml"), []byte(block[1]), 0o600)).To(Succeed())
		promtool(t, dir, "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml")
	}
}
