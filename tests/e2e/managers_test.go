// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// gitted is a namespace whose objects kustomize-controller applies from a Git repository.
type gitted struct {
	*env
	ns      string
	repo    *world.GitRepository
	objects []client.Object
	asked   int
}

func newGitted(e *env, ns string, objects ...client.Object) *gitted {
	e.t.Helper()
	chart := world.TestChart()
	e.Expect(e.w.PushChart(e.ctx, chart)).To(Succeed())
	_, err := e.w.KubectlInput(e.ctx, fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: %[2]s, namespace: %[1]s}
spec: {interval: 1h, url: "%[3]s/%[4]s", insecure: true, ref: {tag: %[5]q}}
`, ns, kit.ChartName, e.w.ChartsURL(), chart.Name, chart.Version), "apply", "-f", "-")
	e.Expect(err).NotTo(HaveOccurred())
	repo, err := e.w.NewGitRepository(e.ctx, ns)
	e.Expect(err).NotTo(HaveOccurred())
	g := &gitted{env: e, ns: ns, repo: repo, objects: objects}
	g.push()
	_, err = e.w.KubectlInput(e.ctx, fmt.Sprintf(`
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: repo, namespace: %[1]s}
spec: {url: %[2]q, interval: 1h, ref: {branch: main}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: %[1]s}
spec: {interval: 1h, path: ./, prune: true, sourceRef: {kind: GitRepository, name: repo}}
`, ns, repo.URL), "apply", "-f", "-")
	e.Expect(err).NotTo(HaveOccurred())
	g.reconcile()
	return g
}

// push commits the objects as they are now, and returns the revision.
func (g *gitted) push() string {
	g.t.Helper()
	files := map[string]string{}
	for _, obj := range g.objects {
		kind, err := g.c.GroupVersionKindFor(obj)
		g.Expect(err).NotTo(HaveOccurred())
		raw, err := json.Marshal(obj)
		g.Expect(err).NotTo(HaveOccurred())
		content := map[string]any{}
		g.Expect(json.Unmarshal(raw, &content)).To(Succeed())
		delete(content, "status")
		content["apiVersion"], content["kind"] = kind.GroupVersion().String(), kind.Kind
		raw, err = json.Marshal(content)
		g.Expect(err).NotTo(HaveOccurred())
		files[kind.Kind+"-"+obj.GetName()+".yaml"] = string(raw)
	}
	hash, err := g.repo.Commit(g.ctx, "Change", files)
	g.Expect(err).NotTo(HaveOccurred())
	return "main@sha1:" + hash
}

// reconcile has what Git says applied, with new commits.
func (g *gitted) reconcile() {
	g.t.Helper()
	g.asked++
	token := fmt.Sprint(g.asked)
	for _, object := range []string{"gitrepository/repo", "kustomization/apps"} {
		for _, args := range [][]string{
			{"annotate", "--overwrite", object, meta.ReconcileRequestAnnotation + "=" + token},
			{"wait", object, "--for=jsonpath={.status.lastHandledReconcileAt}=" + token, "--timeout=1m"},
			{"wait", object, "--for=condition=Ready", "--timeout=1m"},
		} {
			_, err := g.w.Kubectl(g.ctx, append(args, "-n", g.ns)...)
			g.Expect(err).NotTo(HaveOccurred())
		}
	}
}

// commit has the objects as they are now applied.
func (g *gitted) commit() {
	g.t.Helper()
	revision := g.push()
	g.reconcile()
	applied := &unstructured.Unstructured{}
	applied.SetAPIVersion("kustomize.toolkit.fluxcd.io/v1")
	applied.SetKind("Kustomization")
	g.Expect(g.c.Get(g.ctx, client.ObjectKey{Namespace: g.ns, Name: "apps"}, applied)).To(Succeed())
	g.Expect(applied.Object["status"]).To(HaveKeyWithValue("lastAppliedRevision", revision))
}

// kubectl runs a command line, as it is written in pages and messages.
func (g *gitted) kubectl(line string) {
	g.t.Helper()
	var args []string
	for i, part := range strings.Split(line, "'") { // What is quoted has blanks.
		if i%2 == 1 {
			args = append(args, part)
			continue
		}
		args = append(args, strings.Fields(part)...)
	}
	g.Expect(args[0]).To(Equal("kubectl"))
	_, err := g.w.Kubectl(g.ctx, append(args[1:], "-n", g.ns)...)
	g.Expect(err).NotTo(HaveOccurred())
}

func TestManagers_what_people_do_to_objects_from_Git(t *testing.T) {
	options := kit.World()
	options.GitOps = true
	e, _ := own(t, options, operator.Options{})
	e.Expect(operator.BuildPlugin(e.ctx, programs)).To(Succeed())
	t.Run("what is set as the pages say stays", func(t *testing.T) { staysUnderFlux(e.again(t)) })
	t.Run("an approval outlives its annotation", func(t *testing.T) { approvedUnderFlux(e.again(t)) })
}

// staysUnderFlux sets what the pages say, as they say it and as kubectl does by itself.
func staysUnderFlux(e *env) {
	ns, err := e.w.Namespace(e.ctx, "people")
	e.Expect(err).NotTo(HaveOccurred())
	cm, hr, vt := kit.Values(ns, "values", "a: 1\n"), kit.Release(ns, "app", kit.Reads(cmKind, "values")), kit.Trigger(ns, "platform", kit.From(cmKind, "values"), kit.To("app"))
	g := newGitted(e, ns, cm, hr, vt)
	suspended := func() bool {
		now, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		return now.Spec.Suspend
	}
	const patch = "kubectl patch vt platform --type=merge -p '" + `{"spec":{"suspend":true}}` + "'"
	g.kubectl(patch)
	e.Expect(suspended()).To(BeTrue())
	g.reconcile()
	e.Expect(suspended()).To(BeFalse(), "what kubectl sets goes")

	const stays = " --field-manager=" + triggerv1.ManualFieldManager
	g.kubectl(patch + stays)
	g.reconcile()
	e.Expect(suspended()).To(BeTrue())
	g.kubectl("kubectl valuestrigger resume platform")
	g.reconcile()
	e.Expect(suspended()).To(BeFalse())
	g.kubectl("kubectl valuestrigger suspend platform")
	g.reconcile()
	e.Expect(suspended()).To(BeTrue())

	var has []func()
	for set, obj := range map[string]client.Object{
		"annotate configmap values " + triggerv1.PublishToAnnotation + "=other":       cm,
		"annotate helmrelease app " + triggerv1.AllowFromAnnotation + "=other":        hr,
		"label helmrelease app " + triggerv1.LabelReconcilerNameSourceKey + "=false":  hr,
		"annotate vt platform " + triggerv1.ApproveAnnotation + "=sha256:other":       vt,
		"annotate vt platform " + meta.ReconcileRequestAnnotation + "=now":            vt,
		"label configmap values " + triggerv1.LabelReconcilerNameSourceKey + "=false": cm,
	} {
		g.kubectl("kubectl " + set + stays + " --overwrite")
		has = append(has, func() {
			now := obj.DeepCopyObject().(client.Object)
			e.Expect(e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), now)).To(Succeed())
			key, value, _ := strings.Cut(strings.Fields(set)[3], "=")
			found := now.GetAnnotations()
			if strings.HasPrefix(set, "label") {
				found = now.GetLabels()
			}
			e.Expect(found).To(HaveKeyWithValue(key, value), set)
		})
	}
	g.reconcile()
	for _, check := range has {
		check()
	}
}

// approvedUnderFlux approves by plain kubectl: an approval counts from the moment at which it
// is seen, while an earlier stage has to stay ready, and while the trigger is suspended.
func approvedUnderFlux(e *env) {
	ns, err := e.w.Namespace(e.ctx, "approve")
	e.Expect(err).NotTo(HaveOccurred())
	cm := kit.Values(ns, "values", "a: 1\n")
	vt := rollout(ns, inStages("canary", soaks(5*time.Second)), inStages("prod", manually))
	g := newGitted(e, ns, cm, vt,
		kit.Labelled(kit.Release(ns, "canary", kit.Reads(cmKind, "values")), stageLabel, "canary"),
		kit.Labelled(kit.Release(ns, "prod", kit.Reads(cmKind, "values")), stageLabel, "prod"))
	ready := func() {
		e.t.Helper()
		e.Eventually(e.condition(ns, "platform", meta.ReadyCondition)).Should(HavePrefix("True Succeeded"))
	}
	ready()
	digest := func() string {
		now, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		return now.Status.Rollout.Digest
	}
	commit := func(values string) {
		e.t.Helper()
		before := digest()
		cm.Data[kit.ValuesKey] = values
		g.commit()
		e.Eventually(digest).ShouldNot(Equal(before))
	}
	approve := func() {
		e.t.Helper()
		content := digest()
		g.kubectl("kubectl annotate --overwrite vt/platform " + triggerv1.ApproveAnnotation + "=" + content + "/prod")
		e.Eventually(e.stageEvents(ns, triggerv1.ApprovedReason)).Should(ContainElement(ContainSubstring(content[:19])))
		g.reconcile()
		now, err := e.trigger(ns, "platform")
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(now.Annotations).NotTo(HaveKey(triggerv1.ApproveAnnotation), "Flux has removed it")
	}
	commit("a: 2\n")
	approve()
	e.Eventually(e.rendered(ns, "prod")).Should(ContainSubstring("a: 2"))
	ready()

	commit("a: 3\n")
	e.Eventually(e.phase(ns)).Should(Equal(triggerv1.RolloutAwaitingApproval))
	g.kubectl("kubectl valuestrigger suspend platform")
	approve()
	e.Expect(e.rendered(ns, "prod")()).To(ContainSubstring("a: 2"), "it is suspended")
	g.kubectl("kubectl valuestrigger resume platform")
	e.Eventually(e.rendered(ns, "prod")).Should(ContainSubstring("a: 3"))
	ready()
	e.stay(ns, map[string]int{"canary": 3, "prod": 3})
}
