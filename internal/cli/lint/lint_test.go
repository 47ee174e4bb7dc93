// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// sound is a set of manifests without a fault.
const sound = `apiVersion: v1
kind: ConfigMap
metadata: {name: flags, namespace: config, labels: {nebius.ai/helmrelease-trigger-operator: "true"}, annotations: {nebius.ai/helmreleases-name: app, nebius.ai/helmreleases-namespace: apps}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: values, namespace: apps}
data: {values.yaml: "a: 1"}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: apps}
stringData: {password: hunter2}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: app, namespace: apps, labels: {tier: web}}
spec:
  valuesFrom:
  - {kind: ConfigMap, name: values}
  - {kind: Secret, name: db, valuesKey: password, targetPath: db.password}
  - {kind: ConfigMap, name: absent, optional: true}
---
apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {name: web, namespace: apps}
spec:
  sources:
  - {kind: ConfigMap, name: values, keys: [values.yaml]}
  - {kind: ConfigMap, name: flags, namespace: config}
  - {kind: Secret, name: absent, optional: true, keys: [a]}
  targets:
  - {name: app}
  - {selector: {matchLabels: {tier: web}}}
  - {selector: {}, namespaceSelector: {matchLabels: {env: prod}}}
`

func run(t *testing.T, o Options, text string) Result {
	t.Helper()
	documents, problems := Parse("f.yaml", []byte(text))
	return Run([][]Document{documents}, problems, o)
}

func TestRun_finds_nothing_in_what_is_sound(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	result := run(t, Options{Complete: true}, sound)
	g.Expect(result.Findings).To(BeEmpty())
	g.Expect(result.Objects).To(Equal(5))
}

func TestRun_finds_what_was_broken(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		old, new string // what is replaced in what is sound
		options  Options
		want     []string // beginnings of "severity rule object: message"
	}{
		{"a misspelt label", "nebius.ai/helmrelease-trigger-operator:", "nebius.ai/helmrelease-triger-operator:", Options{}, []string{
			"error misspelt ConfigMap config/flags: label nebius.ai/helmrelease-triger-operator means nothing; did you mean nebius.ai/helmrelease-trigger-operator?",
			`error unlabelled ConfigMap config/flags: annotation nebius.ai/helmreleases-name does nothing without the label nebius.ai/helmrelease-trigger-operator: "true"`,
		}},
		{"a misspelt annotation", "nebius.ai/helmreleases-name:", "nebius.ai/helmrelease-name:", Options{}, []string{
			"error contract ConfigMap config/flags: annotation nebius.ai/helmreleases-name is missing or empty",
			"error misspelt ConfigMap config/flags: annotation nebius.ai/helmrelease-name means nothing; did you mean nebius.ai/helmreleases-name?",
		}},
		{"another domain", "nebius.ai/helmreleases-namespace", "example.com/helmreleases-namespace", Options{}, []string{
			"warning dangling ConfigMap config/flags: HelmRelease flux-system/app is not among the manifests (annotation nebius.ai/helmreleases-namespace is not set); there is one in namespace apps",
			"error misspelt ConfigMap config/flags: annotation example.com/helmreleases-namespace means nothing; did you mean nebius.ai/helmreleases-namespace?",
		}},
		{"a label without quotes", `operator: "true"`, "operator: true", Options{}, []string{
			`error quotes ConfigMap config/flags: label nebius.ai/helmrelease-trigger-operator: true is not a string, and the API server refuses it; write "true"`,
		}},
		{"an annotation that is a large number", "nebius.ai/helmreleases-name: app", "nebius.ai/helmreleases-name: app, build: 12345678", Options{}, []string{
			`error quotes ConfigMap config/flags: annotation build: 12345678 is not a string, and the API server refuses it; write "12345678"`,
		}},
		{"a label that is a map", `operator: "true"`, "operator: {}", Options{}, []string{
			"error quotes ConfigMap config/flags: label nebius.ai/helmrelease-trigger-operator is not a string",
			"error unlabelled",
		}},
		{"a label value that means nothing", `operator: "true"`, `operator: "yes"`, Options{}, []string{
			`error label-value ConfigMap config/flags: label nebius.ai/helmrelease-trigger-operator: "yes" means nothing; write "true" or "false"`,
		}},
		{"a label where an annotation belongs", `operator: "true"}`, `operator: "true", nebius.ai/helmreleases-name: app}`, Options{}, []string{
			"error misplaced ConfigMap config/flags: nebius.ai/helmreleases-name means nothing as a label; make it an annotation",
		}},
		{"taken out and named", `operator: "true"`, `operator: "false"`, Options{}, []string{
			"error excluded ValuesTrigger apps/web: spec.sources[1]: ConfigMap config/flags counts as missing",
			"warning excluded ConfigMap config/flags: annotation nebius.ai/helmreleases-name does nothing",
		}},
		{"a name that does not match", "helmreleases-name: app", "helmreleases-name: aps", Options{}, []string{
			"warning dangling ConfigMap config/flags: HelmRelease apps/aps is not among the manifests",
		}},
		{"a name that nearly matches", "helmreleases-name: app", "helmreleases-name: 'app, appp'", Options{Complete: true}, []string{
			"error dangling ConfigMap config/flags: HelmRelease apps/appp is not among the manifests; did you mean app?",
		}},
		{"a malformed name", "helmreleases-name: app", "helmreleases-name: 'app My_App'", Options{}, []string{
			`error contract ConfigMap config/flags: annotation nebius.ai/helmreleases-name: "app My_App" cannot be the name of a HelmRelease`,
		}},
		{"a name that is filled in later", "helmreleases-name: app", "helmreleases-name: '${cluster}-app'", Options{Complete: true}, nil},
		{"the digest in Git", "helmreleases-name: app", "helmreleases-name: app, nebius.ai/config-digest: a", Options{}, []string{
			"warning operators-own ConfigMap config/flags: annotation nebius.ai/config-digest is written by the operator",
		}},
		{"both labels", `operator: "true"`, `operator: "true", reconcile.fluxcd.io/watch: Enabled`, Options{}, []string{
			"warning both-labels ConfigMap config/flags: labels reconcile.fluxcd.io/watch and nebius.ai/helmrelease-trigger-operator are both set",
		}},
		{"Flux's label on a source of a trigger", "{name: values, namespace: apps}", "{name: values, namespace: apps, labels: {reconcile.fluxcd.io/watch: Enabled}}", Options{}, []string{
			"warning both-labels ValuesTrigger apps/web: spec.sources[0]: ConfigMap apps/values has Flux's label reconcile.fluxcd.io/watch, too: helm-controller reconciles HelmRelease apps/app at once",
		}},
		{"opted out", "labels: {tier: web}", `labels: {tier: web, nebius.ai/helmrelease-trigger-operator: "false"}`, Options{}, []string{
			"error opted-out ConfigMap config/flags: HelmRelease apps/app is opted out",
		}},
		{"opted out and not accepted", "labels: {tier: web}", `labels: {tier: web, nebius.ai/helmrelease-trigger-operator: "false"}, annotations: {trigger.nebius.ai/allow-from: other}`, Options{}, []string{
			"error access ConfigMap config/flags: HelmRelease apps/app does not accept triggers from namespace config",
			"error opted-out ConfigMap config/flags: HelmRelease apps/app is opted out",
		}},
		{"not accepted", "labels: {tier: web}", "labels: {tier: web}, annotations: {trigger.nebius.ai/allow-from: other}", Options{}, []string{
			"error access ConfigMap config/flags: HelmRelease apps/app does not accept triggers from namespace config; add it to its annotation",
		}},
		{"accepted by a list that is malformed", "labels: {tier: web}", "labels: {tier: web}, annotations: {trigger.nebius.ai/allow-from: 'config; other, config'}", Options{}, []string{
			`error name HelmRelease apps/app: annotation trigger.nebius.ai/allow-from: "config; other" cannot be the name of a namespace`,
		}},
		{"across namespaces", "labels: {tier: web}", "labels: {tier: web}", Options{NoCrossNamespaceRefs: true}, []string{
			"error access ValuesTrigger apps/web: spec.sources[1]: namespace config is another than the ValuesTrigger's",
			"error access ConfigMap config/flags: HelmRelease apps/app is in another namespace than config",
		}},
		{"an annotation of our group that does not exist", "labels: {tier: web}", "labels: {tier: web}, annotations: {trigger.nebius.ai/something: a}", Options{}, []string{
			"error misspelt HelmRelease apps/app: annotation trigger.nebius.ai/something means nothing on a HelmRelease",
		}},
		{"no such ConfigMap", "kind: ConfigMap, name: values}", "kind: ConfigMap, name: value}", Options{}, []string{
			"warning dangling HelmRelease apps/app: valuesFrom: ConfigMap apps/value is not among the manifests; did you mean values?",
		}},
		{"no such key", "values.yaml: ", "values.yml: ", Options{}, []string{
			"error key HelmRelease apps/app: ConfigMap apps/values has no key values.yaml",
			"error key ValuesTrigger apps/web: ConfigMap apps/values has no key values.yaml",
		}},
		{"no such key in a Secret", "valuesKey: password", "valuesKey: passwort", Options{}, []string{
			"error key HelmRelease apps/app: Secret apps/db has no key passwort",
		}},
		{"another kind in valuesFrom", "kind: Secret, name: db", "kind: OCIRepository, name: db", Options{}, []string{
			`error kind HelmRelease apps/app: valuesFrom: kind "OCIRepository"; write ConfigMap or Secret`,
		}},
		{"what is read is taken out", "{name: values, namespace: apps}", `{name: values, namespace: apps, labels: {nebius.ai/helmrelease-trigger-operator: "false"}}`, Options{}, []string{
			"warning excluded HelmRelease apps/app: valuesFrom: changes of ConfigMap apps/values are not followed",
			"error excluded ValuesTrigger apps/web: spec.sources[0]: ConfigMap apps/values counts as missing",
		}},
		{"no such source", "kind: ConfigMap, name: values, keys", "kind: ConfigMap, name: platform, keys", Options{Complete: true}, []string{
			"error dangling ValuesTrigger apps/web: spec.sources[0]: ConfigMap apps/platform is not among the manifests",
		}},
		{"no such source in this namespace", "name: flags, namespace: config}\n  -", "name: flags}\n  -", Options{}, []string{
			"warning dangling ValuesTrigger apps/web: spec.sources[1]: ConfigMap apps/flags is not among the manifests; there is one in namespace config",
		}},
		{"no such target", "- {name: app}", "- {name: apt}", Options{}, []string{
			"warning dangling ValuesTrigger apps/web: spec.targets[0]: HelmRelease apps/apt is not among the manifests",
		}},
		{"a selector without matches", "matchLabels: {tier: web}", "matchLabels: {tier: db}", Options{}, []string{
			"warning dangling ValuesTrigger apps/web: spec.targets[1].selector: no HelmRelease in namespace apps of the manifests matches",
		}},
		{"a source selector without matches", "kind: ConfigMap, name: values, keys", "kind: ConfigMap, selector: {matchLabels: {a: b}}, keys", Options{}, []string{
			"warning dangling ValuesTrigger apps/web: spec.sources[0].selector: no ConfigMap in namespace apps of the manifests matches",
		}},
		{"a malformed selector", "matchLabels: {tier: web}", "matchExpressions: [{key: tier, operator: Is}]", Options{}, []string{
			"error schema ValuesTrigger apps/web: spec.targets[1].selector: ",
		}},
		{"name and selector", "- {name: app}", "- {name: app, selector: {}}", Options{}, []string{
			"error schema ValuesTrigger apps/web: spec.targets[0]: set exactly one of name and selector",
		}},
		{"neither", "- {name: app}", "- {namespace: apps}", Options{}, []string{
			"error schema ValuesTrigger apps/web: spec.targets[0]: set exactly one of name and selector",
		}},
		{"two kinds of namespaces", "- {name: app}", "- {name: app, namespace: apps, namespaceSelector: {}}", Options{}, []string{
			"error schema ValuesTrigger apps/web: spec.targets[0]: set at most one of namespace and namespaceSelector",
		}},
		{"malformed references", "- {name: app}", "- {name: My_App}\n  - {name: app, namespace: a.b}", Options{}, []string{
			`error name ValuesTrigger apps/web: spec.targets[0]: "My_App" cannot be the name of an object`,
			`error name ValuesTrigger apps/web: spec.targets[1]: "a.b" cannot be the name of a namespace`,
		}},
		{"a field that does not exist", "- {name: app}", "- {names: app, name: app}", Options{}, []string{
			`error schema ValuesTrigger apps/web: unknown field "spec.targets[0].names"; the API server refuses it`,
		}},
		{"a field of another type", "- {name: app}", "- {name: 1}", Options{}, []string{
			"error schema ValuesTrigger apps/web: json: cannot unmarshal number",
		}},
		{"another version", "trigger.nebius.ai/v1beta1", "trigger.nebius.ai/v1", Options{}, []string{
			"error version ValuesTrigger apps/web: apiVersion trigger.nebius.ai/v1 is not served; use trigger.nebius.ai/v1beta1",
		}},
		{"no sources", "  sources:\n", "  sources: []\n  x:\n", Options{}, []string{
			"error schema ValuesTrigger apps/web: spec.sources is empty",
			`error schema ValuesTrigger apps/web: unknown field "spec.x"`,
		}},
		{"another kind of source", "{kind: ConfigMap, name: values, keys", "{kind: Configmap, name: values, keys", Options{}, []string{
			`error kind ValuesTrigger apps/web: spec.sources[0]: kind "Configmap"; write ConfigMap or Secret`,
		}},
		{"presented as generated", "{name: web, namespace: apps}", "{name: web, namespace: apps, labels: {app.kubernetes.io/managed-by: helmrelease-trigger-operator}}", Options{}, []string{
			"error generated ValuesTrigger apps/web: the label app.kubernetes.io/managed-by: helmrelease-trigger-operator marks what the operator generates",
		}},
		{"a name that is none", "{name: db, namespace", "{name: My_DB, namespace", Options{}, []string{
			`error name Secret apps/My_DB: "My_DB" cannot be the name of an object`,
			"warning dangling HelmRelease apps/app: valuesFrom: Secret apps/db is not among the manifests",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(strings.Count(sound, c.old)).To(BeNumerically(">=", 1), "the text to replace")
			result := run(t, c.options, strings.Replace(sound, c.old, c.new, 1))
			got := make([]string, 0, len(result.Findings))
			for _, f := range result.Findings {
				got = append(got, fmt.Sprintf("%s %s %s: %s", f.Severity, f.Rule, f.Object, f.Message))
				g.Expect(f.Message).NotTo(ContainSubstring("hunter2"))
			}
			matchers := make([]any, 0, len(c.want))
			for _, want := range c.want {
				matchers = append(matchers, HavePrefix(want))
			}
			g.Expect(got).To(ConsistOf(matchers...))
			g.Expect(result.Errors + result.Warnings).To(Equal(len(got)))
		})
	}
}

func TestRun_points_at_the_line(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	result := run(t, Options{}, strings.Replace(sound, "- {name: app}", "- {name: gone}", 1))
	g.Expect(result.Findings).To(HaveLen(1))
	line := strings.Split(strings.Replace(sound, "- {name: app}", "- {name: gone}", 1), "\n")[result.Findings[0].Line-1]
	g.Expect(line).To(ContainSubstring("gone"))
}

func TestRun_takes_what_others_make_as_being_there(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, manifest string
		want                 []string
	}{
		{"an external secret of its own name", "f.yaml", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db, namespace: apps}\nspec: {}\n", nil},
		{"an external secret of another name", "f.yaml", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: other, namespace: apps}\nspec: {target: {name: db}}\n", nil},
		{"its template has the contract", "f.yaml", `{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: db, namespace: apps}, spec: {target: {template: {metadata: {labels: {nebius.ai/helmrelease-trigger-operator: "true"}, annotations: {nebius.ai/helmreleases-name: gone}}}}}}`, []string{"HelmRelease flux-system/gone is not among the manifests (annotation nebius.ai/helmreleases-namespace is not set)"}},
		{"a sealed secret", "f.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: apps}\nspec: {encryptedData: {password: AgB}}\n", nil},
		{"a sealed secret without the key", "f.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: apps}\nspec: {encryptedData: {user: AgB}}\n", []string{"Secret apps/db has no key password"}},
		{"an encrypted Secret", "f.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: apps}\nstringData: {password: 'ENC[AES256_GCM,data:x]'}\nsops: {version: 3.9.0}\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			documents, _ := Parse("f.yaml", []byte(strings.Replace(sound, "kind: Secret\nmetadata: {name: db", "kind: Secret\nmetadata: {name: renamed", 1)))
			more, problems := Parse(c.file, []byte(c.manifest))
			var got []string
			for _, f := range Run([][]Document{append(documents, more...)}, problems, Options{Complete: true}).Findings {
				got = append(got, f.Message)
			}
			g.Expect(got).To(Equal(c.want))
		})
	}
}

func TestRun_tells_of_what_is_there_twice(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	result := run(t, Options{}, sound+"---\n"+sound)
	g.Expect(result.Findings).To(HaveLen(5))
	g.Expect(result.Findings[0].Message).To(Equal("also in f.yaml, line 1: applied together, one overwrites the other"))
}

func TestRun_of_manifests_without_a_namespace(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(sound, ", namespace: apps", "")
	for _, o := range []struct {
		namespace string
		errors    int
	}{{"", 1}, {"apps", 0}} {
		NewWithT(t).Expect(run(t, Options{Namespace: o.namespace, Complete: true}, text).Errors).To(Equal(o.errors), o.namespace)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sound, copying, one + "---\n" + two, "kind: List\napiVersion: v1\nitems: [{kind: List, apiVersion: v1, items: []}]", "--- {", "a: &a [*a]", "\xef\xbb\xbf---", "\r\r@"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		documents, problems := Parse("f.yaml", content)
		lines := strings.Count(string(content), "\n") + 1
		for _, finding := range Run([][]Document{documents}, problems, Options{}).Findings {
			if finding.Line < 1 || finding.Line > lines+1 || finding.Message == "" {
				t.Errorf("of %d lines: %+v", lines, finding)
			}
		}
	})
}
