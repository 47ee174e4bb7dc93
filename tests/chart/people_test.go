// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	team = "approvals"

	// With a name, whether it is suspended, and how its stage is approved.
	gatedTrigger = `apiVersion: trigger.nebius.ai/v1beta1
kind: ValuesTrigger
metadata:
  namespace: approvals
  name: %s
spec:
  suspend: %t
  sources: [{kind: ConfigMap, name: values}]
  targets: [{name: app}]
  rollout: {stages: [{name: prod, approval: %s}]}
`
)

// serves reports whether the API server has a kind of admission policy, in version v1.
func serves(kind string) bool {
	_, err := w.Client().RESTMapper().RESTMapping(schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: kind}, "v1")
	return err == nil
}

// people are those who act on triggers, each by the name of what he may.
type people struct {
	Gomega

	t *testing.T
}

// enforced installs the chart with the values, and makes a namespace with an editor, an admin and an approver of it.
// It returns false where the API server has no such policies, and the chart says so.
func enforced(t *testing.T, values string) (people, bool) {
	t.Helper()
	cleanUp(t)
	p := people{Gomega: NewWithT(t), t: t}
	if !serves("ValidatingAdmissionPolicy") {
		_, err := helm(t, "install", release, chartDir, "--namespace", namespace, "--create-namespace", "--values", valuesFile(t, values))
		p.Expect(err).To(MatchError(ContainSubstring("approvals.enforce needs Kubernetes 1.30")))
		return p, false
	}
	install(t, chartDir, "--values", valuesFile(t, values))
	p.Expect(w.Client().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: team}})).To(Succeed())
	t.Cleanup(func() { removeNamespace(t, team) })
	p.bind("editor", "edit")
	p.bind("admin", "admin")
	p.bind("approver", release+"-valuestrigger-approver-role")
	p.bind("both", release+"-valuestrigger-approver-role")
	p.bind("both", "edit")
	// Roles are aggregated, and policies take effect, a moment after they are made.
	p.Eventually(func() error { return p.as("admin", "auth", "can-i", "approve", "vt/platform", "-n", team) }, timeout).Should(Succeed())
	p.Eventually(func() error {
		return p.apply(world.AdminUser, fmt.Sprintf(gatedTrigger, "probe", false, "Manual"), "create")
	}, timeout).Should(Succeed())
	p.Eventually(func() error { return p.annotate("editor", "probe", "trigger.nebius.ai/reject=x") }, timeout).ShouldNot(Succeed())
	p.Eventually(func() string {
		p.Expect(p.annotate("admin", "probe", "trigger.nebius.ai/reject-", triggerv1.RejectedByAnnotation+"-")).To(Succeed())
		_ = p.annotate("admin", "probe", "trigger.nebius.ai/reject=x")
		return p.get("probe").Annotations[triggerv1.RejectedByAnnotation]
	}, timeout).Should(Equal("admin"))
	return p, true
}

func (p people) bind(user, role string) {
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: team, GenerateName: user + "-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user}},
	}
	p.Expect(w.Client().Create(p.t.Context(), binding)).To(Succeed())
}

// as runs kubectl as a user. Of the cluster admin, an impersonated name would not do: he is that by his group.
func (p people) as(user string, args ...string) error { return p.apply(user, "", args...) }

// apply has a user apply a manifest, in the way of kubectl that the args choose.
func (p people) apply(user, manifest string, args ...string) error {
	if manifest != "" {
		args = append(args, "-f", "-")
	}
	if user != world.AdminUser {
		args = append(args, "--as", user)
	}
	_, err := w.KubectlInput(p.t.Context(), manifest, args...)
	return err
}

func (p people) annotate(user, name string, annotations ...string) error {
	return p.as(user, append([]string{"annotate", "--overwrite", "-n", team, "vt/" + name}, annotations...)...)
}

func (p people) patch(user, name, patch string, args ...string) error {
	return p.as(user, append([]string{"patch", "-n", team, "vt/" + name, "--type=merge", "-p", patch}, args...)...)
}

// create makes a trigger as the cluster admin.
func (p people) create(name string, suspend bool) {
	p.Expect(p.apply(world.AdminUser, fmt.Sprintf(gatedTrigger, name, suspend, "Manual"), "create")).To(Succeed())
}

func (p people) get(name string) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{}
	p.Expect(w.Client().Get(p.t.Context(), client.ObjectKey{Namespace: team, Name: name}, vt)).To(Succeed())
	return vt
}

// plugin runs the plugin of kubectl as a user. The error holds what it wrote.
func (p people) plugin(user string, args ...string) error {
	var out bytes.Buffer
	code := cli.Run(p.t.Context(), append(args, "--kubeconfig", w.Kubeconfig(), "--as", user), cli.Env{
		Name: "kubectl-valuestrigger", In: strings.NewReader(""), Out: &out, Err: &out, Getenv: os.Getenv, Now: time.Now,
	})
	if code != 0 {
		return errors.New(out.String())
	}
	return nil
}
