// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// copying is a set of manifests with copies, without a fault.
const copying = `apiVersion: v1
kind: ConfigMap
metadata: {name: platform, namespace: config, annotations: {trigger.nebius.ai/publish-to: "dev, prod"}}
data: {values.yaml: "a: 1"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: local, namespace: prod}
data: {local.yaml: "a: 1"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: dev}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: app-shared}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: prod}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: app-shared}
  - {kind: ConfigMap, name: app-local, valuesKey: local.yaml}
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: platform, namespace: config}
spec:
  sources:
  - {kind: ConfigMap, name: platform}
  targets:
  - {name: app, namespace: dev}
  - {selector: {}, namespace: prod}
  publish: {name: shared}
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: local, namespace: prod}
spec:
  sources:
  - {kind: ConfigMap, name: local, publishAs: local}
  targets:
  - {name: app}
  publish: {name: other}
`

func TestRun_copies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string // what is replaced in what is without a fault
		want     []string
	}{
		{"nothing", "", "", nil},
		{"no consent", `"dev, prod"`, "dev", []string{
			"warning publish-to ValuesTrigger config/platform: ConfigMap config/platform may not be copied into namespace prod; consent with the annotation trigger.nebius.ai/publish-to: prod on it, or name a spec.serviceAccountName that may read it"}},
		{"no consent at all", `annotations: {trigger.nebius.ai/publish-to: "dev, prod"}}
data: {values.yaml: "a: 1"}`, `}
data: {values.yaml: "a: 1"}`, []string{"warning publish-to ValuesTrigger config/platform: ConfigMap config/platform may not be copied into namespace dev",
			"warning publish-to ValuesTrigger config/platform: ConfigMap config/platform may not be copied into namespace prod"}},
		{"consent that is filled in later", `"dev, prod"`, "'${namespaces}'", nil},
		{"a list that is malformed", `"dev, prod"`, `"dev; prod, prod, dev"`, []string{
			`error name ConfigMap config/platform: annotation trigger.nebius.ai/publish-to: "dev; prod" cannot be the name of a namespace`}},
		{"labels of someone else", "metadata: {name: local, namespace: prod}", "metadata: {name: local, namespace: prod, labels: {name: local, target: app, namespace: prod}}", nil},
		{"consent to all", `"dev, prod"`, `"*"`, nil},
		{"a copy in Git", "metadata: {name: local, namespace: prod}\ndata", "metadata: {name: app-shared, namespace: prod, labels: {app.kubernetes.io/managed-by: helmrelease-trigger-operator, trigger.nebius.ai/name: platform, trigger.nebius.ai/namespace: config, trigger.nebius.ai/target: app}}\ndata: {values.yaml: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: local, namespace: prod}\ndata", []string{
			"warning operators-own ConfigMap prod/app-shared: a copy that the operator writes for ValuesTrigger config/platform; leave it out"}},
		{"a copy that no one reads", "  valuesFrom:\n  - {kind: ConfigMap, name: app-shared}\n---", "  valuesFrom: []\n---", []string{
			"warning unread-copy ValuesTrigger config/platform: HelmRelease dev/app does not list its copy ConfigMap app-shared in valuesFrom"}},
		{"the source beside the copy", "valuesKey: local.yaml}", "valuesKey: local.yaml}\n  - {kind: ConfigMap, name: local, valuesKey: local.yaml}", []string{
			"warning unread-copy ValuesTrigger prod/local: HelmRelease prod/app reads ConfigMap prod/local itself: helm-controller takes changes of it up before their turn"}},
		{"a key that no source has", "valuesKey: local.yaml}", "valuesKey: values.yaml}", []string{
			"error key HelmRelease prod/app: ConfigMap prod/app-local has no key values.yaml"}},
		{"a name that is taken", "metadata: {name: local, namespace: prod}\ndata", "metadata: {name: app-shared, namespace: prod}\ndata: {values.yaml: a}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: local, namespace: prod}\ndata", []string{
			"error name-conflict ValuesTrigger config/platform: ConfigMap prod/app-shared is among the manifests, and would be the copy for HelmRelease prod/app"}},
		{"without publish there are no copies", "  publish: {name: other}\n", "", []string{
			"warning dangling HelmRelease prod/app: valuesFrom: ConfigMap prod/app-local is not among the manifests"}},
		{"a reference that leads nowhere", "{name: app, namespace: dev}\n  -", "{namespace: dev}\n  -", []string{
			"warning dangling HelmRelease dev/app: valuesFrom: ConfigMap dev/app-shared", "error schema ValuesTrigger config/platform: spec.targets[0]: set exactly one"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(copying).To(ContainSubstring(c.old))
			var want []any
			for _, begins := range c.want {
				want = append(want, HavePrefix(begins))
			}
			var got []string
			for _, f := range run(t, Options{}, strings.Replace(copying, c.old, c.new, 1)).Findings {
				got = append(got, fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule, f.Object, f.Message))
			}
			g.Expect(got).To(ConsistOf(want...))
		})
	}
}

// A selector does not lead to what the label of the contract takes out, as in the operator.
func TestRun_copies_of_what_is_excluded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	text := strings.Replace(copying, "{kind: ConfigMap, name: local, publishAs: local}", "{kind: ConfigMap, selector: {matchLabels: {tier: web}}, publishAs: local}", 1)
	labelled := func(labels string) []string {
		var got []string
		for _, f := range run(t, Options{}, strings.Replace(text, "{name: local, namespace: prod}\ndata", "{name: local, namespace: prod, labels: {"+labels+"}}\ndata", 1)).Findings {
			got = append(got, fmt.Sprintf("%s %s: %s", f.Severity, f.Object, f.Message))
		}
		return got
	}
	g.Expect(labelled("tier: web")).To(BeEmpty())
	g.Expect(labelled(`tier: web, nebius.ai/helmrelease-trigger-operator: "false"`)).To(ConsistOf(
		HavePrefix("warning HelmRelease prod/app: valuesFrom: ConfigMap prod/app-local is not among the manifests"),
		HavePrefix("warning ValuesTrigger prod/local: spec.sources[0].selector: no ConfigMap in namespace prod of the manifests matches"),
	))
}

func TestRun_copies_as_an_account_need_no_consent(t *testing.T) {
	t.Parallel()
	text := strings.Replace(copying, `, annotations: {trigger.nebius.ai/publish-to: "dev, prod"}`, "", 1)
	text = strings.Replace(text, "  publish: {name: shared}", "  publish: {name: shared}\n  serviceAccountName: deployer", 1)
	NewWithT(t).Expect(run(t, Options{Complete: true}, text).Findings).To(BeEmpty())
}

// ring is a ValuesTrigger with copies for the HelmReleases of namespaces that a label selects.
const ring = `apiVersion: v1
kind: Namespace
metadata: {name: dev, annotations: {trigger.nebius.ai/allow-from: platform}, labels: {ring: dev}}
---
apiVersion: v1
kind: Namespace
metadata: {name: prod, annotations: {trigger.nebius.ai/allow-from: platform}, labels: {ring: prod}}
---
apiVersion: v1
kind: Namespace
metadata: {name: platform}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: platform, namespace: platform, annotations: {trigger.nebius.ai/publish-to: "dev, prod"}}
data: {values.yaml: "a: 1"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: dev, labels: {ring: dev}}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: shop-shared}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: shop, namespace: prod, labels: {ring: prod}}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: shop-shared}
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: platform, namespace: platform}
spec:
  sources:
  - {kind: ConfigMap, name: platform}
  targets:
  - selector: {matchExpressions: [{key: ring, operator: Exists}]}
    namespaceSelector: {matchExpressions: [{key: ring, operator: Exists}]}
  publish: {name: shared}
`

func TestRun_namespaces_that_are_selected(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string
		want     []string
	}{
		{"nothing", "", "", nil},
		{"no copy is listed", "metadata: {name: shop, namespace: prod, labels: {ring: prod}}\nspec:\n  valuesFrom:\n  - {kind: ConfigMap, name: shop-shared}", "metadata: {name: shop, namespace: prod, labels: {ring: prod}}\nspec: {}", []string{
			"warning unread-copy ValuesTrigger platform/platform: HelmRelease prod/shop does not list its copy ConfigMap shop-shared in valuesFrom"}},
		{"no consent", `"dev, prod"`, "dev", []string{
			"warning publish-to ValuesTrigger platform/platform: ConfigMap platform/platform may not be copied into namespace prod"}},
		{"no consent of the other owner", "metadata: {name: prod, annotations: {trigger.nebius.ai/allow-from: platform},", "metadata: {name: prod, annotations: {},", []string{
			"warning allow-from ValuesTrigger platform/platform: ConfigMap prod/shop-shared is in another namespace than the ValuesTrigger, and is written only with the consent of its owner; set the annotation trigger.nebius.ai/allow-from: platform on HelmRelease prod/shop, or on Namespace prod for all in it"}},
		{"consent that is filled in later", "metadata: {name: prod, annotations: {trigger.nebius.ai/allow-from: platform},", "metadata: {name: prod, annotations: {trigger.nebius.ai/allow-from: '${from}'},", nil},
		{"an account", "  publish: {name: shared}\n", "  publish: {name: shared}\n  serviceAccountName: deployer\n", nil},
		{"no Namespace matches", "namespaceSelector: {matchExpressions: [{key: ring,", "namespaceSelector: {matchExpressions: [{key: rings,", []string{
			"error dangling HelmRelease dev/shop: valuesFrom: ConfigMap dev/shop-shared is not among the manifests", "error dangling HelmRelease prod/shop: valuesFrom: ConfigMap prod/shop-shared is not among the manifests",
			"warning dangling ValuesTrigger platform/platform: spec.targets[0].namespaceSelector: no Namespace of the manifests matches"}},
		{"no HelmRelease matches", "- selector: {matchExpressions: [{key: ring,", "- selector: {matchExpressions: [{key: rings,", []string{
			"error dangling HelmRelease dev/shop: valuesFrom: ConfigMap dev/shop-shared is not among the manifests", "error dangling HelmRelease prod/shop: valuesFrom: ConfigMap prod/shop-shared is not among the manifests",
			"warning dangling ValuesTrigger platform/platform: spec.targets[0].selector: no HelmRelease of the manifests matches in the namespaces that are selected: dev, prod"}},
		{"a Namespace without the label", "labels: {ring: prod}}\n---\napiVersion: v1\nkind: Namespace", "labels: {}}\n---\napiVersion: v1\nkind: Namespace", []string{
			"error dangling HelmRelease prod/shop: valuesFrom: ConfigMap prod/shop-shared is not among the manifests"}},
		{"a label that is filled in later", "labels: {ring: prod}}\n---\napiVersion: v1\nkind: Namespace", "labels: {'${key}': prod}}\n---\napiVersion: v1\nkind: Namespace", nil},
		{"an unknown Namespace", "kind: Namespace\nmetadata: {name: prod,", "kind: Absent\nmetadata: {name: prod,", nil},
		{"by its name, which is a label of every Namespace", "namespaceSelector: {matchExpressions: [{key: ring, operator: Exists}]}", "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: prod}}", []string{
			"error dangling HelmRelease dev/shop: valuesFrom: ConfigMap dev/shop-shared is not among the manifests"}},
		{"a name in each of them", "selector: {matchExpressions: [{key: ring, operator: Exists}]}\n    namespace", "name: shop\n    namespace", nil},
		{"a malformed selector", "namespaceSelector: {matchExpressions: [{key: ring, operator: Exists}]}", "namespaceSelector: {matchExpressions: [{key: ring, operator: Is}]}", []string{
			"error dangling HelmRelease dev/shop", "error dangling HelmRelease prod/shop",
			"error schema ValuesTrigger platform/platform: spec.targets[0].namespaceSelector: "}},
		{"a HelmRelease that accepts others", "labels: {ring: prod}}\nspec", "labels: {ring: prod}, annotations: {trigger.nebius.ai/allow-from: other}}\nspec", []string{
			"error access ValuesTrigger platform/platform: HelmRelease prod/shop does not accept triggers from namespace platform"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(ring).To(ContainSubstring(c.old))
			var want []any
			for _, begins := range c.want {
				want = append(want, HavePrefix(begins))
			}
			var got []string
			for _, f := range run(t, Options{Complete: true}, strings.Replace(ring, c.old, c.new, 1)).Findings {
				got = append(got, fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule, f.Object, f.Message))
			}
			g.Expect(got).To(ConsistOf(want...))
		})
	}
}

func TestRun_a_name_that_is_missing_in_a_namespace_that_is_selected(t *testing.T) {
	t.Parallel()
	text := strings.Replace(ring, "- selector: {matchExpressions: [{key: ring, operator: Exists}]}", "- name: shop", 1)
	text = strings.Replace(text, "metadata: {name: shop, namespace: dev, labels: {ring: dev}}", "metadata: {name: web, namespace: dev}", 1)
	text = strings.Replace(text, "name: shop-shared}", "name: other, optional: true}", 1)
	result := run(t, Options{}, text)
	NewWithT(t).Expect(result.Findings).To(ConsistOf(HaveField("Message", "spec.targets[0]: HelmRelease dev/shop is not among the manifests; there is one in namespace prod")))
}
