// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// team is a namespace whose objects all come from a Git repository of its own.
type team struct {
	*WithT
	t    *testing.T
	ctx  context.Context
	w    *world.World
	c    client.Client
	ns   string
	repo *world.GitRepository
}

// in returns the team of a namespace that something else makes.
func in(t *testing.T, w *world.World, namespace string) *team {
	t.Helper()
	return &team{WithT: NewWithT(t), t: t, ctx: t.Context(), w: w, c: w.Client(), ns: namespace}
}

// newTeam makes a team for a test that runs beside others.
func newTeam(t *testing.T, name string) *team {
	t.Helper()
	t.Parallel()
	return aTeam(t, name)
}

// aTeam makes a namespace, a repository, and what applies the one to the other.
func aTeam(t *testing.T, name string) *team {
	t.Helper()
	ns, err := field.Namespace(t.Context(), name)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	e := in(t, field, ns)
	e.repo, err = field.NewGitRepository(e.ctx, e.ns)
	e.Expect(err).NotTo(HaveOccurred())
	_, err = e.repo.Commit(e.ctx, "Begin", map[string]string{"apps/begin.yaml": yamlOf(configMap(e.ns, "begin", map[string]string{"a": "1"}))})
	e.Expect(err).NotTo(HaveOccurred())
	e.create("source.toolkit.fluxcd.io/v1", "GitRepository", "repo", map[string]any{
		"url": e.repo.URL, "interval": "1h", "ref": map[string]any{"branch": "main"},
	})
	e.create("source.toolkit.fluxcd.io/v1", "HelmRepository", "charts", map[string]any{
		"type": "oci", "insecure": true, "interval": "1h", "url": field.ChartsURL(),
	})
	e.create("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", map[string]any{
		"interval": "1h", "timeout": "1m", "path": "./apps", "prune": true,
		"sourceRef": map[string]any{"kind": "GitRepository", "name": "repo"},
	})
	return e
}

func (e *team) create(apiVersion, kind, name string, spec map[string]any) {
	e.t.Helper()
	obj := object(apiVersion, kind, e.ns, name)
	obj.Object["spec"] = spec
	e.Expect(e.c.Create(e.ctx, obj)).To(Succeed())
}

func object(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	obj.SetAPIVersion(apiVersion)
	obj.SetKind(kind)
	obj.SetNamespace(namespace)
	obj.SetName(name)
	return obj
}

// configure changes the spec of the Kustomization.
func (e *team) configure(spec map[string]any) {
	e.t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": spec})
	e.Expect(err).NotTo(HaveOccurred())
	obj := object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", e.ns, "apps")
	e.Expect(e.c.Patch(e.ctx, obj, client.RawPatch(types.MergePatchType, patch))).To(Succeed())
}

// push commits files below apps and has them fetched. It does not wait until they are applied.
func (e *team) push(files map[string]string) (revision string) {
	e.t.Helper()
	below := map[string]string{}
	for name, content := range files {
		below["apps/"+name] = content
	}
	hash, err := e.repo.Commit(e.ctx, "Change", below)
	e.Expect(err).NotTo(HaveOccurred())
	e.reconcile("source.toolkit.fluxcd.io/v1", "GitRepository", "repo", hash)
	return "main@sha1:" + hash
}

// reconcile asks for a reconciliation as the flux command does.
func (e *team) reconcile(apiVersion, kind, name, at string) {
	e.t.Helper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, meta.ReconcileRequestAnnotation, at)
	obj := object(apiVersion, kind, e.ns, name)
	e.Expect(e.c.Patch(e.ctx, obj, client.RawPatch(types.MergePatchType, []byte(patch)), client.FieldOwner("flux-client-side-apply"))).To(Succeed())
}

// commit pushes files and waits until kustomize-controller has applied them.
func (e *team) commit(files map[string]string) (revision string) {
	e.t.Helper()
	revision = e.push(files)
	e.Eventually(e.applied).Should(Equal(revision))
	return revision
}

// applied returns the revision that the Kustomization has applied, healthy if it checks that.
func (e *team) applied() (string, error) {
	obj := object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", e.ns, "apps")
	err := e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj)
	revision, _, _ := unstructured.NestedString(obj.Object, "status", "lastAppliedRevision")
	return revision, err
}

// trigger returns a ValuesTrigger.
func (e *team) trigger(name string) (*triggerv1.ValuesTrigger, error) {
	vt := &triggerv1.ValuesTrigger{}
	return vt, e.c.Get(e.ctx, types.NamespacedName{Namespace: e.ns, Name: name}, vt)
}

func (e *team) list(list client.ObjectList) error {
	return e.c.List(e.ctx, list, client.InNamespace(e.ns))
}

// ready returns status, reason and message of the condition Ready of a trigger.
func (e *team) ready(name string) func() (string, error) {
	return func() (string, error) {
		vt, err := e.trigger(name)
		if err != nil {
			return "", client.IgnoreNotFound(err)
		}
		if conditions.GetObservedGeneration(vt, meta.ReadyCondition) != vt.Generation {
			return "", nil
		}
		return kit.Says(vt, meta.ReadyCondition), nil
	}
}

// release returns a HelmRelease.
func (e *team) release(name string) (*helmv2.HelmRelease, error) {
	hr := &helmv2.HelmRelease{}
	return hr, e.c.Get(e.ctx, types.NamespacedName{Namespace: e.ns, Name: name}, hr)
}

// atRest reports whether helm-controller and the operator have done all there is to do for a
// release: no request is open.
func (e *team) atRest(name string) func() (bool, error) {
	return func() (bool, error) {
		hr, err := e.release(name)
		if err != nil {
			return false, client.IgnoreNotFound(err)
		}
		return kit.Idle(hr), nil
	}
}

// made is what one Helm revision was made of.
type made struct {
	Version int
	Status  string
	Knob    string
	Chart   string
}

func (m made) pair() string { return m.Knob + " with chart " + m.Chart }

// revisions returns all Helm revisions of a release, in order, from the storage of Helm.
func (e *team) revisions(release string) ([]made, error) {
	list := &corev1.SecretList{}
	if err := e.c.List(e.ctx, list, client.InNamespace(e.ns), client.MatchingLabels{"owner": "helm", "name": release}); err != nil {
		return nil, err
	}
	all := make([]made, len(list.Items))
	for i := range list.Items {
		one, err := decode(list.Items[i].Data["release"])
		if err != nil {
			return nil, err
		}
		if one.Version < 1 || one.Version > len(all) {
			return nil, fmt.Errorf("revision %d of %d", one.Version, len(all))
		}
		all[one.Version-1] = one
	}
	return all, nil
}

// decode reads what Helm stores of a revision.
func decode(data []byte) (made, error) {
	raw, err := base64.StdEncoding.DecodeString(string(data))
	if err != nil {
		return made{}, err
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return made{}, err
	}
	if raw, err = io.ReadAll(zip); err != nil {
		return made{}, err
	}
	var release struct {
		Version int
		Info    struct{ Status string }
		Config  map[string]any
		Chart   struct{ Metadata struct{ Version string } }
	}
	if err := json.Unmarshal(raw, &release); err != nil {
		return made{}, err
	}
	return made{release.Version, release.Info.Status, fmt.Sprint(release.Config["knob"]), release.Chart.Metadata.Version}, nil
}

// pairs returns what all revisions of a release were made of.
func (e *team) pairs(release string) func() ([]string, error) {
	return func() ([]string, error) {
		all, err := e.revisions(release)
		pairs := make([]string, len(all))
		for i, one := range all {
			pairs[i] = one.pair()
		}
		return pairs, err
	}
}

// warnings returns the messages of the Warning events in the namespace. That helm-controller takes
// up values by itself when its chart changes is so by design, and said each time.
func (e *team) warnings() ([]string, error) {
	list := &corev1.EventList{}
	if err := e.list(list); err != nil {
		return nil, err
	}
	var messages []string
	for _, event := range list.Items {
		if event.Type == corev1.EventTypeWarning && event.Reason != triggerv1.BypassedReason && event.Reason != triggerv1.ReadAtIntervalReason &&
			event.InvolvedObject.Kind != "GitRepository" && event.InvolvedObject.Kind != "HelmChart" {
			messages = append(messages, event.InvolvedObject.Kind+" "+event.InvolvedObject.Name+": "+event.Reason+": "+event.Message)
		}
	}
	return messages, nil
}

// yamlOf joins manifests.
func yamlOf(manifests ...string) string { return strings.Join(manifests, "---\n") }

func configMap(namespace, name string, data map[string]string) string {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": namespace, "name": name}, "data": data,
	})
	if err != nil {
		panic(err)
	}
	return string(text) + "\n"
}
