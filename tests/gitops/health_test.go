// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// recipe returns what the guide gives for a health check that needs no trust in timing, with a
// value of requestedAt that changes with the content.
func (e *team) recipe() []any {
	e.t.Helper()
	for _, manifest := range guide(e.t) {
		if !strings.Contains(manifest, "healthCheckExprs:") {
			continue
		}
		var kustomization struct {
			Spec struct {
				HealthCheckExprs []any `json:"healthCheckExprs"`
			} `json:"spec"`
		}
		e.Expect(yaml.Unmarshal([]byte(manifest), &kustomization)).To(Succeed())
		e.Expect(kustomization.Spec.HealthCheckExprs).NotTo(BeEmpty())
		return kustomization.Spec.HealthCheckExprs
	}
	e.t.Fatal("the guide has no healthCheckExprs")
	return nil
}

// checked is a Kustomization whose health is that of the trigger doors.
func (e *team) checked(expressions []any) map[string]any {
	spec := map[string]any{"healthChecks": []any{map[string]any{
		"apiVersion": "trigger.nebius.ai/v1beta1", "kind": "ValuesTrigger", "namespace": e.ns, "name": "doors",
	}}}
	if expressions != nil {
		spec["healthCheckExprs"] = expressions
	}
	return spec
}

// knob returns what a release runs.
func (e *team) knob(release string) (string, error) {
	cm := &corev1.ConfigMap{}
	err := e.c.Get(e.ctx, types.NamespacedName{Namespace: e.ns, Name: release}, cm)
	return cm.Data["knob"], err
}

func TestHealth_a_Kustomization_is_ready_only_when_the_releases_run_its_values(t *testing.T) {
	t.Parallel()
	for name, byRecipe := range map[string]bool{"plain": false, "recipe": true} {
		t.Run(name, func(t *testing.T) {
			e := newTeam(t, "health")
			var expressions []any
			if byRecipe {
				expressions = e.recipe()
			}
			for _, g := range commits(git{values: "app-values", fixed: true, trigger: "  interval: 1h\n"}, nil) {
				g.ns = e.ns
				if g.n == 1 {
					e.configure(e.checked(expressions))
				}
				files := g.files(g.n%2 == 0)
				if byRecipe {
					files = g.asking().files(g.n%2 == 0)
				}
				// The first look after the Kustomization says so is what counts.
				e.commit(files)
				for _, release := range stages {
					if g.n > 0 {
						e.Expect(e.knob(release)).To(Equal(fmt.Sprint(g.n)), "commit %d", g.n)
					}
				}
				e.delivered(g, "doors")
			}
		})
	}
}
