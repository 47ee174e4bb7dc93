// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	. "github.com/onsi/gomega"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"sigs.k8s.io/yaml"
)

const (
	root  = "../.."
	image = "cr.eu-north1.nebius.cloud/soperator/helmrelease-trigger-operator"
)

// make builds a release of the checkout with a small program in the place of the real ones, which would take
// minutes, and returns its directory.
func makeRelease(t *testing.T, version string) string {
	t.Helper()
	g := NewWithT(t)
	checkout := t.TempDir()
	g.Expect(os.CopyFS(filepath.Join(checkout, "config"), os.DirFS(filepath.Join(root, "config")))).To(Succeed())
	for name, text := range map[string]string{
		"go.mod":      "module " + module + "\n\ngo 1.27\n",
		"cmd/main.go": "package main\n\nfunc main() { println(\"small\") }\n",
		"LICENSE":     "a licence\n",
	} {
		path := filepath.Join(checkout, name)
		g.Expect(os.MkdirAll(filepath.Dir(path), 0o750)).To(Succeed())
		g.Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
	}
	r := release{
		root: checkout, out: filepath.Join(t.TempDir(), "dist"), version: version, revision: "0123456789abcdef",
		epoch: time.Unix(1700000000, 0).UTC(), image: image,
		jobs: []job{{manager, "./cmd", "linux", "amd64"}, {manager, "./cmd", "linux", "arm64"}, {plugin, "./cmd", "linux", "amd64"}, {plugin, "./cmd", "linux", "arm64"}, {plugin, "./cmd", "windows", "amd64"}},
	}
	g.Expect(r.run(t.Context())).To(Succeed())
	return r.out
}

func read(t *testing.T, elements ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(elements...))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return data
}

func TestRelease(t *testing.T) {
	out := makeRelease(t, "v1.2.3")

	t.Run("is the same to the byte when it is built again elsewhere", func(t *testing.T) {
		NewWithT(t).Expect(string(read(t, makeRelease(t, "v1.2.3"), "checksums.txt"))).To(Equal(string(read(t, out, "checksums.txt"))))
	})

	t.Run("has checksums that sha256sum accepts, of all files", func(t *testing.T) {
		g := NewWithT(t)
		check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "checksums.txt")
		check.Dir = out
		output, err := check.CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), string(output))
		for _, name := range []string{
			"manager_linux_amd64.tar.gz", "manager_linux_arm64.tar.gz", "kubectl-valuestrigger_linux_amd64.tar.gz", "kubectl-valuestrigger_windows_amd64.zip", "kubectl-valuestrigger_windows_amd64.cdx.json",
			"valuestrigger.yaml", "manager_linux_amd64.cdx.json",
			"helm-helmrelease-trigger-operator-1.2.3.tgz", "install.yaml", "crd-schemas.tar.gz", "image/index.json", "image-digest.txt",
		} {
			g.Expect(string(output)).To(ContainSubstring(name + ": OK\n"))
		}
	})

	t.Run("has an image for both architectures that runs without root", func(t *testing.T) {
		g := NewWithT(t)
		path, err := layout.FromPath(filepath.Join(out, "image"))
		g.Expect(err).NotTo(HaveOccurred())
		index, err := path.ImageIndex()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(validate.Index(index)).To(Succeed())
		outer, err := index.IndexManifest()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(outer.Manifests).To(HaveLen(1))
		g.Expect(outer.Manifests[0].Digest.String() + "\n").To(Equal(string(read(t, out, "image-digest.txt"))))
		inner, err := index.ImageIndex(outer.Manifests[0].Digest)
		g.Expect(err).NotTo(HaveOccurred())
		manifest, err := inner.IndexManifest()
		g.Expect(err).NotTo(HaveOccurred())
		var platforms []string
		for _, m := range manifest.Manifests {
			platforms = append(platforms, m.Platform.String())
			image, err := inner.Image(m.Digest)
			g.Expect(err).NotTo(HaveOccurred())
			config, err := image.ConfigFile()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(config.Config.User).To(Equal("65532:65532"))
			g.Expect(config.Config.Entrypoint).To(Equal([]string{"/manager"}))
			g.Expect(config.Config.Labels).To(HaveKeyWithValue("org.opencontainers.image.version", "v1.2.3"))
		}
		g.Expect(platforms).To(Equal([]string{"linux/amd64", "linux/arm64"}))
	})

	t.Run("has a chart that Helm loads, with the version", func(t *testing.T) {
		g := NewWithT(t)
		chart, err := loader.Load(filepath.Join(out, "helm-helmrelease-trigger-operator-1.2.3.tgz"))
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(chart.Validate()).To(Succeed())
		g.Expect(chart.Metadata.AppVersion).To(Equal("v1.2.3"))
		g.Expect(chart.Metadata.Annotations).To(HaveKeyWithValue("artifacthub.io/images", ContainSubstring("image: "+image+":v1.2.3")))
		var names []string
		for _, f := range chart.Raw {
			names = append(names, f.Name)
		}
		g.Expect(names).To(ContainElement("files/crds/trigger.nebius.ai_valuestriggers.yaml"))
		g.Expect(names).To(ContainElement("README.md"))
		g.Expect(names).NotTo(ContainElement(BeElementOf("generate.sh", "icon.svg")))
	})

	t.Run("installs the image of the release", func(t *testing.T) {
		g := NewWithT(t)
		text := string(read(t, out, "install.yaml"))
		g.Expect(text).To(ContainSubstring("image: " + image + ":v1.2.3\n"))
		g.Expect(text).To(ContainSubstring("kind: CustomResourceDefinition\n"))
		g.Expect(filepath.Glob(filepath.Join(root, "config", ".release-*"))).To(BeEmpty())
	})

	t.Run("lists what the programs are made of", func(t *testing.T) {
		g := NewWithT(t)
		var bom map[string]any
		g.Expect(json.Unmarshal(read(t, out, "manager_linux_amd64.cdx.json"), &bom)).To(Succeed())
		g.Expect(bom).To(HaveKeyWithValue("bomFormat", "CycloneDX"))
	})
}

func TestSchemas(t *testing.T) {
	g := NewWithT(t)
	files, err := schemasOf(read(t, root, "config", "crd", "bases", "trigger.nebius.ai_valuestriggers.yaml"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(files).To(HaveLen(1))
	g.Expect(files[0].name).To(Equal("valuestrigger-trigger-v1beta1.json"))
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(files[0].data))
	g.Expect(err).NotTo(HaveOccurred())
	compiler := jsonschema.NewCompiler()
	g.Expect(compiler.AddResource("schema.json", document)).To(Succeed())
	schema, err := compiler.Compile("schema.json")
	g.Expect(err).NotTo(HaveOccurred())

	valid := func(text string) error {
		var object any
		g.Expect(yaml.Unmarshal([]byte(text), &object)).To(Succeed())
		return schema.Validate(object)
	}
	sample := string(read(t, root, "config", "samples", "trigger_v1beta1_valuestrigger.yaml"))
	g.Expect(valid(sample)).To(Succeed())
	g.Expect(valid(strings.Replace(sample, "sources:", "sourcez:", 1))).NotTo(Succeed())
	g.Expect(valid(strings.Replace(sample, "kind: ConfigMap", "kind: Deployment", 1))).NotTo(Succeed())
}

func TestChartVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":               "1.2.3",
		"v1.2.3-rc.1":          "1.2.3-rc.1",
		"v1.2.3-4-g0123456":    "1.2.3-4-g0123456",
		"0123456-dirty":        "0.0.0-0123456-dirty",
		"v0.3.0-12-gabc-dirty": "0.3.0-12-gabc-dirty",
	} {
		t.Run(version, func(t *testing.T) {
			NewWithT(t).Expect((&release{version: version}).chartVersion()).To(Equal(want))
		})
	}
}

func TestPublish_says_what_it_would_do(t *testing.T) {
	g := NewWithT(t)
	publish := exec.CommandContext(t.Context(), "bash", "publish.sh")
	publish.Env = append(os.Environ(), "DRY_RUN=1", "VERSION=v1.2.3", "DIST="+makeRelease(t, "v1.2.3"),
		"IMAGE=registry.example/operator", "CHARTS=registry.example/charts")
	output, err := publish.CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), string(output))
	for _, line := range []string{
		"crane push", "cosign sign", "helm push", "cosign sign-blob", "gh release create v1.2.3",
		"registry.example/operator@sha256:", "manager_linux_amd64.cdx.json", "kubectl-valuestrigger_windows_amd64.zip", " valuestrigger.yaml ",
	} {
		g.Expect(string(output)).To(ContainSubstring(line))
	}

	publish = exec.CommandContext(t.Context(), "bash", "publish.sh")
	publish.Env = append(os.Environ(), "DRY_RUN=1", "VERSION=v1.2.3", "DIST="+t.TempDir(), "IMAGE=registry.example/operator", "CHARTS=registry.example/charts")
	output, err = publish.CombinedOutput()
	g.Expect(err).To(HaveOccurred(), "nothing to publish")
	g.Expect(string(output)).To(ContainSubstring("checksums.txt"))
}
