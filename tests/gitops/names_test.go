// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// Triggers named like a release, and like what is generated for one.
const named = `apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata: {namespace: %[1]s, name: %[2]s}
spec:
  sources: [{kind: ConfigMap, name: app-values}, {kind: ConfigMap, name: more}]
  targets: [{name: %[3]s}]
  quietPeriod: 1s
`

// reapplied has the Kustomization applied again, so often.
func (e *team) reapplied(times int) {
	e.t.Helper()
	for i := range times {
		at := fmt.Sprintf("again-%d", i)
		e.reconcile("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps", at)
		e.Eventually(func() (string, error) {
			obj := object("kustomize.toolkit.fluxcd.io/v1", "Kustomization", e.ns, "apps")
			err := e.c.Get(e.ctx, client.ObjectKeyFromObject(obj), obj)
			handled, _, _ := unstructured.NestedString(obj.Object, "status", "lastHandledReconcileAt")
			return handled, err
		}).Should(Equal(at))
	}
}

func TestNames_a_trigger_from_Git_is_served_whatever_its_name(t *testing.T) {
	for name, commits := range map[string]func(values, apps, triggers string) []map[string]string{
		"in one commit": func(values, apps, triggers string) []map[string]string {
			return []map[string]string{{"values.yaml": values, "apps.yaml": apps, "triggers.yaml": triggers}}
		},
		"after the generated ones": func(values, apps, triggers string) []map[string]string {
			return []map[string]string{{"values.yaml": values, "apps.yaml": apps}, {"triggers.yaml": triggers}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTeam(t, "names")
			values := func(n int) string {
				return yamlOf(configMap(e.ns, "app-values", map[string]string{"values.yaml": fmt.Sprintf("knob: %d\nsince: 0.0.0\n", n)}),
					configMap(e.ns, "more", map[string]string{"key": "value"}))
			}
			apps := fmt.Sprintf(catalogue, e.ns, field.ChartsURL(), field.HelmRepositoryURL(), chartVersion(0))
			triggers := yamlOf(fmt.Sprintf(named, e.ns, "registry", "registry"), fmt.Sprintf(named, e.ns, "index-auto", "index"))
			for _, files := range commits(values(0), apps, triggers) {
				e.commit(files)
				for _, release := range []string{"registry", "index"} {
					e.Eventually(e.atRest(release)).Should(BeTrue())
				}
			}
			const delivered = "True Succeeded: Delivered"
			e.Eventually(e.readyTriggers).Should(HaveExactElements(HavePrefix(delivered), HavePrefix(delivered)), "nothing is generated for what they deliver")
			for name, target := range map[string]string{"registry": "registry", "index-auto": "index"} {
				vt, err := e.trigger(name)
				e.Expect(err).NotTo(HaveOccurred())
				e.Expect(vt.Spec.Sources).To(HaveLen(2), "the spec is that of Git")
				e.Expect(vt.Spec.Targets).To(HaveExactElements(HaveField("Name", target)))
				e.Expect(vt.OwnerReferences).To(BeEmpty())
			}

			mark := e.mark()
			e.reapplied(10)
			e.Expect(e.writesBy(manager.User(), mark)).To(BeEmpty(), "no two appliers fight")
			e.Expect(e.writesBy(world.KustomizeControllerUser, mark)).NotTo(ContainElement(ContainSubstring("valuestriggers")))

			e.commit(map[string]string{"values.yaml": values(1)})
			for _, release := range []string{"registry", "index"} {
				e.Eventually(e.pairs(release)).Should(ContainElement(HavePrefix("1 with")))
			}
			e.Expect(e.warnings()).To(BeEmpty())
		})
	}
}
