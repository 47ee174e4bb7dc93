// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/ssa/utils"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// published is where the guide says that the charts are.
// pollOften is for states that do not last.
const pollOften = 10 * time.Millisecond

const published = "oci://cr.eu-north1.nebius.cloud/soperator"

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// guide returns the blocks of YAML of the guide to Flux.
func guide(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(operator.Root(), "docs", "guides", "install-with-flux.md"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	var blocks []string
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, block[1])
	}
	return blocks
}

// installation is a world in which Flux installs the operator from Git, by the guide.
type installation struct {
	*team
	op       *operator.Operator
	template corev1.PodTemplateSpec

	// manifests of the guide, by kind and name.
	manifests map[string]*unstructured.Unstructured

	// files are what is in Git.
	files map[string]string
}

// follow makes a world with what the guide takes for granted, a cluster that Flux reconciles
// from Git, and reads the guide.
func follow(t *testing.T) *installation {
	t.Helper()
	w := world.ForTest(t, onGitOps())
	i := &installation{team: in(t, w, "apps"), manifests: map[string]*unstructured.Unstructured{}, files: map[string]string{}}
	for _, one := range []world.Chart{operatorChart(t), chart(0), chart(1)} {
		i.Expect(w.PushChart(t.Context(), one)).To(Succeed())
	}
	for _, block := range guide(t) {
		if !strings.Contains(block, "apiVersion:") {
			continue // A part of something.
		}
		objects, err := utils.ReadObjects(strings.NewReader(strings.ReplaceAll(block, published, w.ChartsURL())))
		i.Expect(err).NotTo(HaveOccurred())
		for _, obj := range objects {
			i.manifests[obj.GetKind()+" "+obj.GetName()] = obj
		}
	}
	var err error
	i.repo, err = w.NewGitRepository(t.Context(), "fleet")
	i.Expect(err).NotTo(HaveOccurred())
	return i
}

// operatorChart returns the chart of this checkout.
func operatorChart(t *testing.T) world.Chart {
	t.Helper()
	g := NewWithT(t)
	c := world.Chart{Files: map[string]string{}}
	g.Expect(filepath.WalkDir(operator.Chart(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(operator.Chart(), path)
		c.Files[filepath.ToSlash(name)] = string(text)
		return err
	})).To(Succeed())
	g.Expect(yaml.Unmarshal([]byte(c.Files["Chart.yaml"]), &c)).To(Succeed())
	return c
}

// put changes what is in Git, of manifests of the guide.
func (i *installation) put(path string, names ...string) {
	i.t.Helper()
	var manifests []string
	for _, name := range names {
		i.Expect(i.manifests).To(HaveKey(name), "in the guide")
		text, err := yaml.Marshal(i.manifests[name])
		i.Expect(err).NotTo(HaveOccurred())
		manifests = append(manifests, string(text))
	}
	i.files[path] = yamlOf(manifests...)
}

// commit pushes all files and has them fetched.
func (i *installation) commit() (revision string) {
	i.t.Helper()
	hash, err := i.repo.Commit(i.ctx, "Change", i.files)
	i.Expect(err).NotTo(HaveOccurred())
	flux := in(i.t, i.w, "flux-system")
	if _, err := flux.status("GitRepository", "flux-system"); err == nil {
		flux.reconcile("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", hash)
	}
	return "main@sha1:" + hash
}

// bootstrap has Flux reconcile the repository, as flux bootstrap does.
func (i *installation) bootstrap() {
	i.t.Helper()
	flux := in(i.t, i.w, "flux-system")
	namespace := object("v1", "Namespace", "", "flux-system")
	i.Expect(client.IgnoreAlreadyExists(i.c.Create(i.ctx, namespace))).To(Succeed())
	flux.create("source.toolkit.fluxcd.io/v1", "GitRepository", "flux-system", map[string]any{
		"url": i.repo.URL, "interval": "1m", "ref": map[string]any{"branch": "main"},
	})
	flux.create("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "flux-system", map[string]any{
		"interval": "10m", "path": "./cluster", "prune": true,
		"sourceRef": map[string]any{"kind": "GitRepository", "name": "flux-system"},
	})
}

// status returns the revision that an object of Flux has applied, and status, reason and message
// of its condition Ready.
func (e *team) status(kind, name string) (map[string]string, error) {
	group := map[string]string{
		"GitRepository": "source.toolkit.fluxcd.io/v1", "Kustomization": "kustomize.toolkit.fluxcd.io/v1", "HelmRelease": "helm.toolkit.fluxcd.io/v2",
	}[kind]
	obj := object(group, kind, e.ns, name)
	if err := e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
		return nil, err
	}
	seen := map[string]string{}
	for _, field := range []string{"lastAppliedRevision", "lastAttemptedRevision"} {
		seen[field], _, _ = unstructured.NestedString(obj.Object, "status", field)
	}
	all, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, one := range all {
		c, _ := one.(map[string]any)
		observed, _, _ := unstructured.NestedInt64(c, "observedGeneration")
		if observed == obj.GetGeneration() {
			seen[fmt.Sprint(c["type"])] = fmt.Sprintf("%s %s: %s", c["status"], c["reason"], c["message"])
		}
	}
	return seen, nil
}

// applied waits until a Kustomization is ready with a revision. Meanwhile it does what a node
// would do for the operator.
func (i *installation) applied(kustomization, revision string) {
	i.t.Helper()
	flux := in(i.t, i.w, "flux-system")
	i.Eventually(func() (map[string]string, error) {
		if err := i.kubelet(); err != nil {
			return nil, err
		}
		seen, err := flux.status("Kustomization", kustomization)
		return seen, client.IgnoreNotFound(err)
	}).Should(And(HaveKeyWithValue("lastAppliedRevision", revision), HaveKeyWithValue(meta.ReadyCondition, HavePrefix("True"))))
}

// kubelet runs what the Deployment of the operator says, as a process, and reports it to run.
func (i *installation) kubelet() error {
	deployment := &appsv1.Deployment{}
	err := i.c.Get(i.ctx, types.NamespacedName{Namespace: operator.Namespace, Name: operator.Deployment}, deployment)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if !equality.Semantic.DeepEqual(i.template, deployment.Spec.Template) {
		if i.op != nil {
			if err := i.op.Stop(i.ctx); err != nil {
				return err
			}
		}
		if i.op, err = operator.Install(i.ctx, i.w, binary, operator.Options{Installed: true}); err != nil {
			return err
		}
		i.template = deployment.Spec.Template
	}
	if deployment.Status.ObservedGeneration == deployment.Generation {
		return nil
	}
	before := client.MergeFrom(deployment.DeepCopy())
	replicas := *deployment.Spec.Replicas
	deployment.Status = appsv1.DeploymentStatus{
		ObservedGeneration: deployment.Generation,
		Replicas:           replicas, UpdatedReplicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas,
		Conditions: []appsv1.DeploymentCondition{
			{Type: appsv1.DeploymentAvailable, Status: corev1.ConditionTrue},
			{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: "NewReplicaSetAvailable"},
		},
	}
	return i.c.Status().Patch(i.ctx, deployment, before)
}
