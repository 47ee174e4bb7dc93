// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// plugin is the plugin as a user calls it: kubectl finds it in the PATH.
type plugin struct {
	*env
	namespace string
}

// code runs a command and returns its output, which must come with this exit code.
func (p plugin) code(want int, input string, args ...string) string {
	p.t.Helper()
	out, err := p.w.KubectlInput(p.ctx, input, append([]string{"valuestrigger", "-n", p.namespace}, args...)...)
	code := 0
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		code, err = exit.ExitCode(), nil
	}
	p.Expect(err).NotTo(HaveOccurred())
	p.Expect(code).To(Equal(want), "%v\n%s", args, out)
	p.Expect(out).NotTo(ContainSubstring("hunter"))
	return out
}

// ok is code 0 without input.
func (p plugin) ok(args ...string) string {
	p.t.Helper()
	return p.code(0, "", args...)
}

// edited is a ConfigMap as someone has it in a file.
func (p plugin) edited(values string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values, namespace: " + p.namespace + "}\ndata:\n  values.yaml: |\n    " + values + "\n"
}

func TestPlugin_answers_about_real_deliveries(t *testing.T) {
	e := parallel(t)
	e.Expect(operator.BuildPlugin(e.ctx, programs)).To(Succeed())
	p := plugin{e, e.namespace("plugin")}
	elsewhere := e.namespace("plugin-config")
	ns := p.namespace

	e.create(kit.ConfigMap(ns, "values", map[string]string{kit.ValuesKey: "greeting: hello"}))
	e.create(kit.Secret(ns, "db", map[string]string{"password": "hunter2"}))
	e.releases(
		kit.Release(ns, "app", kit.Reads(cmKind, "values"), kit.Reads(secretKind, "db", func(ref *meta.ValuesReference) {
			ref.ValuesKey, ref.TargetPath = "password", "db.password"
		})),
		kit.Release(ns, "fixed", kit.Reads(cmKind, "values"), func(hr *helmv2.HelmRelease) { setInline(hr, map[string]any{"greeting": "fixed"}) }),
		kit.Release(ns, "apart"),
	)
	e.create(kit.Source(kit.ConfigMap(elsewhere, "flags", map[string]string{"a": "1"}), "apart, absent", ns))
	p.ok("wait", "helmrelease/app")
	plugin{e, elsewhere}.ok("wait", "configmap/flags", "--timeout", "1m")

	t.Run("what depends on what", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		p.Expect(p.ok("tree")).To(And(
			HavePrefix("3 ValuesTriggers: 3 Ready\n3 HelmReleases: 3 Delivered\n"),
			MatchRegexp("from ConfigMap %s/values +\\[values.yaml\\]", ns), MatchRegexp("to HelmRelease %s/app +Delivered +revision 1", ns)))
		p.Expect(p.ok("tree", "secret/db")).To(MatchRegexp("%s/app +UpgradeIfChanged +valuesFrom, ValuesTrigger %s/app-auto +password +Delivered", ns, ns))
		p.Expect(plugin{p.env, elsewhere}.ok("tree", "cm/flags")).To(And(
			ContainSubstring("An edit concerns 2 HelmReleases: 1 ForcedUpgrade, 1 WhenCreated."), ContainSubstring("last recorded write by "),
			MatchRegexp("%s/absent +WhenCreated +labelled +all +Missing", ns)))
	})

	t.Run("a preview comes true", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		edit := p.edited("greeting: bonjour")
		p.Expect(p.code(0, edit, "preview", "-f", "-")).To(And(
			ContainSubstring("2 HelmReleases: 1 Upgrade, 1 NoUpgrade\n"),
			ContainSubstring("Upgrade: HelmRelease "+ns+"/app\n  ~ greeting: \"hello\" → \"bonjour\"\n"),
			ContainSubstring("NoUpgrade (the values stay the same): HelmRelease "+ns+"/fixed\n")))
		_, err := p.w.KubectlInput(p.ctx, edit, "apply", "--server-side", "--force-conflicts", "--field-manager=stranger", "-f", "-")
		p.Expect(err).NotTo(HaveOccurred())
		p.ok("wait", "configmap/values")
		p.Expect(p.revision(ns, "app")()).To(Equal(2))
		p.Expect(p.revision(ns, "fixed")()).To(Equal(1))
		p.Expect(p.rendered(ns, "app")()).To(ContainSubstring("greeting: bonjour"))
		p.Expect(p.code(0, edit, "preview", "-f", "-")).To(ContainSubstring("has this content already"))

		hidden := "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: 'hunter3'}\n"
		p.Expect(p.code(0, hidden, "preview", "-f", "-")).To(ContainSubstring("~ db.password: changed (Secret " + ns + "/db, not shown)"))
	})

	t.Run("why", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		p.Expect(p.ok("why", "app")).To(And(
			MatchRegexp("Revision 2 .* differs in values\n +why +ConfigMap %s/values changed in values.yaml, last edit by stranger\n +via +ValuesTrigger %s/app-auto", ns, ns),
			MatchRegexp("Revision 1 .*\n +why +the installation")))
		p.Expect(p.ok("why", "apart", "-o", "json")).To(And(ContainSubstring(`"certainty": "Recorded"`), ContainSubstring(`"name": "flags"`)))
	})

	t.Run("suspended and resumed", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		p.Expect(p.ok("suspend", auto("app"))).To(Equal("valuestrigger/app-auto in " + ns + " suspended; before: 1 Delivered\n"))
		p.setData(kit.ConfigMap(ns, "values", nil), kit.ValuesKey, "greeting: salut")
		p.Expect(p.code(1, "", "wait", auto("app"))).To(ContainSubstring("Suspended"))
		p.ok("resume", auto("app"))
		p.ok("wait", auto("app"))
		p.Expect(p.revision(ns, "app")()).To(Equal(3))
		p.ok("trigger", auto("app"))
		p.ok("wait", auto("app"))
		p.Expect(p.revision(ns, "app")()).To(Equal(4))
		p.Expect(p.ok("why", "app")).To(MatchRegexp("Revision 4 .*\n +why +request by trigger.nebius.ai/triggerAt"))
	})

	t.Run("failed and retried", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		p.setData(kit.ConfigMap(ns, "values", nil), kit.ValuesKey, "fail: true")
		p.Expect(p.code(1, "", "wait", "cm/values")).To(MatchRegexp("to HelmRelease %s/app +Failed .*the value fail is true", ns))
		p.Expect(p.ok("tree")).To(HavePrefix("3 ValuesTriggers: 2 Stalled, 1 Ready\n"))
		p.setData(kit.ConfigMap(ns, "values", nil), kit.ValuesKey, "greeting: hello")
		p.ok("retry", "--all")
		p.ok("wait")
	})

	t.Run("a rollout is simulated", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		p.Expect(p.ok("simulate", auto("app"))).To(And(ContainSubstring(ns+"/app-auto   1 HelmRelease, 9 runs\n"), ContainSubstring("Finished after ")))
		p.Expect(p.code(0, `{apiVersion: trigger.nebius.ai/v1beta1, kind: ValuesTrigger, metadata: {name: new}, spec: {
			sources: [{kind: ConfigMap, name: values}],
			targets: [{selector: {}, namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: `+ns+`}}}],
			rollout: {stages: [{name: all, maxConcurrency: 1}]}}}`, "simulate", "-f", "-", "--breaks", "100")).To(And(
			MatchRegexp("all +3 +after 0s +after .+ 1\n"), MatchRegexp("100%% +9 of 9 runs +1 +1 +1 .+ %s/apart\n", ns)))
	})

	t.Run("lint finds nothing in what works", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		manifests, err := p.w.Kubectl(p.ctx, "get", "configmap,secret,helmrelease", "-n", ns, "-o", "yaml")
		p.Expect(err).NotTo(HaveOccurred())
		p.Expect(p.code(0, manifests, "lint", "--complete", "-")).To(ContainSubstring("0 errors, "))
		p.Expect(p.code(1, strings.Replace(manifests, "- kind: ConfigMap\n      name: values\n", "- kind: ConfigMap\n      name: value\n", 1), "lint", "--complete", "-")).To(ContainSubstring("ConfigMap " + ns + "/value is not among the manifests; did you mean values?"))
	})

	t.Run("by its short name", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		help, err := p.w.Kubectl(p.ctx, "vt", "tree", "--help")
		p.Expect(err).NotTo(HaveOccurred())
		p.Expect(help).To(ContainSubstring("\n  kubectl vt tree -A\n"))
		completed, err := p.w.Kubectl(p.ctx, "__complete", "vt", "tree", "-n", ns, "")
		p.Expect(err).NotTo(HaveOccurred())
		p.Expect(completed).To(HavePrefix("apart-auto\napp-auto\nfixed-auto\n"))
	})

	t.Run("completed by kubectl, and without permissions", func(t *testing.T) {
		p := plugin{e.again(t), ns}
		completed, err := p.w.Kubectl(p.ctx, "__complete", "valuestrigger", "tree", "-n", ns, "")
		p.Expect(err).NotTo(HaveOccurred())
		p.Expect(completed).To(HavePrefix("apart-auto\napp-auto\nfixed-auto\n"))
		p.code(1, "", "tree", "--as", "stranger")
		p.code(2, "", "tree", "pod/a")
	})
}
