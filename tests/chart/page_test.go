// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// repository is where pages that are read away from it find the other pages.
const repository = "https://github.com/nebius/helmrelease-trigger-operator"

// valueRow is a row of the table of values: path, default as JSON, description.
var valueRow = regexp.MustCompile("(?m)^\\| `([A-Za-z.]+)` \\| `(.+?)` \\| (.+) \\|$")

// TestReadmeListsEveryValue: each value of values.yaml is in a row, or in one for
// the value that holds it, and each row gives the default.
func TestReadmeListsEveryValue(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var values map[string]any
	g.Expect(yaml.Unmarshal([]byte(file(g, "values.yaml")), &values)).To(Succeed())

	rows := map[string]any{}
	for _, row := range valueRow.FindAllStringSubmatch(file(g, "README.md"), -1) {
		g.Expect(rows).NotTo(HaveKey(row[1]), "a row twice")
		var value any
		g.Expect(json.Unmarshal([]byte(row[2]), &value)).To(Succeed(), "the default of %s is not JSON", row[1])
		rows[row[1]] = value
	}
	compareValues(g, "", values, rows)
	g.Expect(rows).To(BeEmpty(), "rows for values that values.yaml does not have")
}

// compareValues looks every value up in the rows, and removes those that it finds.
func compareValues(g Gomega, path string, value any, rows map[string]any) {
	if row, found := rows[path]; found {
		delete(rows, path)
		g.Expect(marshal(g, row)).To(Equal(marshal(g, value)), "the default of %s", path)
		return
	}
	object, _ := value.(map[string]any)
	g.Expect(object).NotTo(BeEmpty(), "README.md of the chart does not list %s", path)
	for key, inner := range object {
		compareValues(g, strings.TrimPrefix(path+"."+key, "."), inner, rows)
	}
}

// TestReadmeRecipes: the chart takes the values that the page shows.
func TestReadmeRecipes(t *testing.T) {
	g := NewWithT(t)
	recipes := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(file(g, "README.md"), -1)
	g.Expect(len(recipes)).To(BeNumerically(">=", 4))
	for _, recipe := range recipes {
		g.Expect(marshal(g, essence(g, render(t, recipe[1])))).NotTo(Equal(marshal(g, essence(g, render(t, "")))), recipe[1])
	}
}

// chartFile is what Artifact Hub reads of Chart.yaml.
type chartFile struct {
	AppVersion  string            `json:"appVersion"`
	Icon        string            `json:"icon"`
	Maintainers []map[string]any  `json:"maintainers"`
	Annotations map[string]string `json:"annotations"`
}

func TestArtifactHub(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var chart chartFile
	g.Expect(yaml.Unmarshal([]byte(file(g, "Chart.yaml")), &chart)).To(Succeed())
	g.Expect(chart.Maintainers).NotTo(BeEmpty())
	icon, err := os.ReadFile(filepath.Join(chartDir, filepath.Base(chart.Icon)))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(icon)).To(HavePrefix("<svg "))
	annotation := func(name string, into any) {
		g.Expect(chart.Annotations).To(HaveKey("artifacthub.io/" + name))
		g.Expect(yaml.UnmarshalStrict([]byte(chart.Annotations["artifacthub.io/"+name]), into)).To(Succeed(), name)
	}

	var kinds []struct{ Kind, Version, Name, DisplayName, Description string }
	annotation("crds", &kinds)
	var want, have []string
	for _, text := range contents(g, filepath.Join(chartDir, "files", "crds"), "*.yaml") {
		crd := decode(g, text)[0]
		versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
		kind, _, _ := unstructured.NestedString(crd.Object, "spec", "names", "kind")
		for _, version := range versions {
			want = append(want, crd.GetName()+" "+kind+" "+version.(map[string]any)["name"].(string))
		}
	}
	for _, k := range kinds {
		have = append(have, k.Name+" "+k.Kind+" "+k.Version)
		g.Expect(k.DisplayName).NotTo(BeEmpty())
		g.Expect(k.Description).NotTo(BeEmpty())
	}
	g.Expect(have).To(ConsistOf(want))

	// The samples are tested by themselves.
	var examples []map[string]any
	var samples []string
	annotation("crdsExamples", &examples)
	for _, text := range contents(g, "../../config/samples", "*.yaml") {
		for _, obj := range decode(g, text) {
			samples = append(samples, marshal(g, obj.Object))
		}
	}
	g.Expect(examples).NotTo(BeEmpty())
	for _, example := range examples {
		g.Expect(samples).To(ContainElement(marshal(g, example)), "an example that is not a sample")
	}

	var changes []struct{ Kind, Description string }
	annotation("changes", &changes)
	changelog, err := os.ReadFile("../../docs/CHANGELOG.md")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(changes).NotTo(BeEmpty())
	for _, change := range changes {
		g.Expect(change.Kind).To(BeElementOf("added", "changed", "deprecated", "removed", "fixed", "security"))
		g.Expect(words(string(changelog))).To(ContainSubstring(words(change.Description)), "a change that the changelog does not have")
	}

	g.Expect(chart.Annotations).To(HaveKeyWithValue("artifacthub.io/license", "Apache-2.0"))
}

// The images that Artifact Hub scans are those that the chart runs.
func TestArtifactHubImages(t *testing.T) {
	g := NewWithT(t)
	var chart chartFile
	g.Expect(yaml.Unmarshal([]byte(file(g, "Chart.yaml")), &chart)).To(Succeed())
	var images []struct{ Name, Image string }
	g.Expect(yaml.UnmarshalStrict([]byte(chart.Annotations["artifacthub.io/images"]), &images)).To(Succeed())
	g.Expect(images).To(HaveExactElements(HaveField("Image", render(t, "").container(g).Image)))
}

// TestLinksOfTheChart: the chart is read where the pages of the repository are not.
func TestLinksOfTheChart(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	links := regexp.MustCompile(regexp.QuoteMeta(repository) + `/(?:blob|tree|raw)/main/([^\s)#"'}>]+)`)
	found := 0
	for _, name := range []string{"README.md", "Chart.yaml", "templates/NOTES.txt"} {
		for _, match := range links.FindAllStringSubmatch(file(g, name), -1) {
			found++
			g.Expect(filepath.Join("../..", match[1])).To(BeAnExistingFile(), "a link of %s", name)
		}
	}
	g.Expect(found).To(BeNumerically(">", 5))
}

func TestNotes(t *testing.T) {
	notes := func(values string) string {
		t.Helper()
		out, err := helm(t, "install", release, chartDir, "--namespace", namespace, "--dry-run=client", "--values", valuesFile(t, values))
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		_, after, found := strings.Cut(out, "NOTES:\n")
		NewWithT(t).Expect(found).To(BeTrue())
		return after
	}
	g := NewWithT(t)
	byDefault := notes("")
	g.Expect(byDefault).To(And(
		ContainSubstring("1. "), ContainSubstring("2. "), ContainSubstring("3. "), Not(ContainSubstring("4. ")),
		ContainSubstring("kubectl valuestrigger why"),
		ContainSubstring(repository+"/blob/main/docs/README.md")))
	for off, on := range map[string]string{
		"spec.publish":                combinations["publish"],
		"spec.serviceAccountName":     combinations["impersonation"],
		"No one may read the metrics": readers,
		"serviceMonitor.enabled":      "serviceMonitor: {enabled: true}",
		"prometheusRule.enabled":      "prometheusRule: {enabled: true}",
		"helm uninstall":              combinations["CRDs to remove"],
		"One replica":                 "controllerManager: {replicas: 2}",
		"approvals.enforce=false":     combinations["approvals"],
	} {
		g.Expect(byDefault).To(ContainSubstring(off))
		g.Expect(notes(on)).NotTo(ContainSubstring(off))
	}
	for values, want := range map[string]string{
		combinations["no secrets"]:                     "rbac.secrets=false",
		combinations["no metrics"]:                     "there are no metrics",
		combinations["metrics in the clear"]:           "in the clear",
		combinations["no rbac"]:                        "rbac.create=false",
		combinations["no events"]:                      "eventsAddr",
		combinations["one namespace"]:                  "watch.allNamespaces=false",
		"extraArgs: [--enable-hr-autodiscovery=false]": "Autodiscovery",
		combinations["no CRDs"]:                        "crds.install=false",
		"rbac: {kustomizations: false}":                "rbac.kustomizations=false",
		"controllerManager: {replicas: 0}":             "controllerManager.replicas=0",
		combinations["approvals"]:                      "approvals.enforce without MutatingAdmissionPolicies",
	} {
		g.Expect(byDefault).NotTo(ContainSubstring(want))
		g.Expect(notes(values)).To(ContainSubstring(want), values)
	}
}

func file(g Gomega, name string) string {
	data, err := os.ReadFile(filepath.Join(chartDir, name))
	g.Expect(err).NotTo(HaveOccurred())
	return string(data)
}

func marshal(g Gomega, object any) string {
	data, err := json.Marshal(object)
	g.Expect(err).NotTo(HaveOccurred())
	return string(data)
}

// words are those of a text, however its lines are broken.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }
