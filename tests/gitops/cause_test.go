// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestCause_names_the_Kustomization_and_the_revision_that_it_applied(t *testing.T) {
	e := newTeam(t, "cause")
	values := func(n int) string {
		return configMap(e.ns, "app-values", map[string]string{"values.yaml": fmt.Sprintf("knob: %d\nsince: 0.0.0\n", n)})
	}
	cause := func() (string, error) {
		hr, err := e.release("index")
		if err != nil {
			return "", err
		}
		return hr.Annotations[triggerv1.CauseAnnotation], nil
	}
	const delivered = "True Succeeded: Delivered"
	e.commit(map[string]string{
		"values.yaml": values(0),
		"apps.yaml":   fmt.Sprintf(catalogue, e.ns, field.ChartsURL(), field.HelmRepositoryURL(), chartVersion(0)),
	})
	e.Eventually(e.readyTriggers).Should(HaveExactElements(HavePrefix(delivered), HavePrefix(delivered)))

	for n := range 3 {
		revision := e.commit(map[string]string{"values.yaml": values(n + 1)})
		by := fmt.Sprintf(" (values.yaml) by kustomize-controller (Kustomization %s/apps %s) via ValuesTrigger %s/", e.ns, revision[:len("main@sha1:")+12], e.ns)
		e.Eventually(cause).Should(ContainSubstring(by))
		e.Eventually(e.readyTriggers).Should(HaveExactElements(HavePrefix(delivered), HavePrefix(delivered)))
		vt, err := e.trigger("index-auto")
		e.Expect(err).NotTo(HaveOccurred())
		e.Expect(vt.Status.History[0]).To(And(HaveField("Cause", ContainSubstring(by)), HaveField("GitRevision", revision[:len("main@sha1:")+12])))
	}

	patch := []byte(`{"data":{"values.yaml":"knob: 9\nsince: 0.0.0\n"}}`)
	cm := object("v1", "ConfigMap", e.ns, "app-values")
	e.Expect(e.c.Patch(e.ctx, cm, client.RawPatch(types.MergePatchType, patch), client.FieldOwner("kubectl-patch"))).To(Succeed())
	e.Eventually(cause).Should(ContainSubstring(" by kubectl-patch via ValuesTrigger "))
}
