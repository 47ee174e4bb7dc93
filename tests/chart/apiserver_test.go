// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// restrictedNamespace makes the namespace of the release, in which Pods must
// meet the restricted Pod Security Standard, for as long as the test runs.
func restrictedNamespace(t *testing.T) {
	t.Helper()
	needWorld(t)
	g := NewWithT(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   namespace,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	g.Expect(w.Client().Create(t.Context(), ns)).To(Succeed())
	t.Cleanup(func() { removeNamespace(t, namespace) })
	// The admission of Pods asks for it.
	g.Eventually(func() error {
		return w.Client().Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "default"}, &corev1.ServiceAccount{})
	}).Should(Succeed())
}

// TestAPIServerAcceptsTheChart has a real API server check every field of every
// object, and Pods by the restricted Pod Security Standard.
func TestAPIServerAcceptsTheChart(t *testing.T) {
	restrictedNamespace(t)
	accepted := map[string]bool{} // Most objects are the same in most combinations.
	for name, values := range combinations {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			out := slices.DeleteFunc(render(t, values), func(obj *unstructured.Unstructured) bool {
				group := obj.GroupVersionKind().Group
				// Prometheus Operator is not here, and not every API server has all policies.
				return group == "monitoring.coreos.com" || group == "admissionregistration.k8s.io" && !serves(strings.TrimSuffix(obj.GetKind(), "Binding"))
			})
			unseen := slices.DeleteFunc(slices.Clone(out), func(obj *unstructured.Unstructured) bool { return accepted[objects{obj}.yaml(g)] })
			if len(unseen) > 0 {
				_, err := w.KubectlInput(t.Context(), unseen.yaml(g),
					"apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
				g.Expect(err).NotTo(HaveOccurred())
			}
			for _, obj := range unseen {
				accepted[objects{obj}.yaml(g)] = true
			}
			g.Expect(admit(t, g, out)).To(Succeed())
		})
	}
}

func TestAPIServerAcceptsKustomize(t *testing.T) {
	restrictedNamespace(t)
	g := NewWithT(t)
	out := kustomize(t, "../../config/default")
	_, err := w.KubectlInput(t.Context(), out.yaml(g),
		"apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(admit(t, g, out)).To(Succeed())
}

// TestPodSecurityIsChecked guards the tests above: less security is refused.
func TestPodSecurityIsChecked(t *testing.T) {
	restrictedNamespace(t)
	g := NewWithT(t)
	out := render(t, `controllerManager: {manager: {containerSecurityContext: {allowPrivilegeEscalation: true}}}`)
	g.Expect(admit(t, g, out)).To(MatchError(ContainSubstring("allowPrivilegeEscalation")))
}

// admit has the API server judge the Pod of the Deployment.
func admit(t *testing.T, g Gomega, out objects) error {
	t.Helper()
	template := out.deployment(g).Spec.Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.Namespace, pod.GenerateName = namespace, "manager-"
	// The account of the Deployment is rendered only.
	pod.Spec.ServiceAccountName = "default"
	return w.Client().Create(t.Context(), pod, client.DryRunAll)
}

// TestAccount asks the API server what the accounts of an installation may do.
func TestAccount(t *testing.T) {
	cleanUp(t)
	g := NewWithT(t)
	install(t, chartDir)
	may := func(user string, verb, group, resource, in string) func() bool {
		return func() bool {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user,
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: verb, Group: group, Resource: resource, Namespace: in},
			}}
			g.Expect(w.Client().Create(t.Context(), review)).To(Succeed())
			return review.Status.Allowed
		}
	}
	operator := world.ServiceAccountUser(namespace, manager)
	g.Eventually(may(operator, "patch", "helm.toolkit.fluxcd.io", "helmreleases", "default"), timeout).Should(BeTrue())
	g.Eventually(may(operator, "update", "coordination.k8s.io", "leases", namespace), timeout).Should(BeTrue())
	g.Eventually(may(operator, "get", "", "secrets", "default"), timeout).Should(BeTrue())
	for _, deny := range [][4]string{
		{"update", "coordination.k8s.io", "leases", "default"},
		{"update", "helm.toolkit.fluxcd.io", "helmreleases", "default"},
		{"delete", "helm.toolkit.fluxcd.io", "helmreleases", "default"},
		{"create", "", "configmaps", "default"},
		{"delete", "", "secrets", "default"},
		{"impersonate", "", "serviceaccounts", "default"},
		{"impersonate", "", "users", ""},
	} {
		g.Expect(may(operator, deny[0], deny[1], deny[2], deny[3])()).To(BeFalse(), "%v", deny)
	}

	// Who may edit a namespace may edit its ValuesTriggers.
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "editor"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "jane"}},
	}
	g.Expect(w.Client().Create(t.Context(), binding)).To(Succeed())
	g.Eventually(may("jane", "create", "trigger.nebius.ai", "valuestriggers", namespace), timeout).Should(BeTrue())
	g.Expect(may("jane", "create", "trigger.nebius.ai", "valuestriggers", "default")()).To(BeFalse())

	// Whom the values name may read the metrics, and nothing else.
	scrape := func(user string) func() bool {
		return func() bool {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User: user, NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"}}}
			g.Expect(w.Client().Create(t.Context(), review)).To(Succeed())
			return review.Status.Allowed
		}
	}
	prometheus := world.ServiceAccountUser("monitoring", "prometheus")
	g.Expect(scrape(prometheus)()).To(BeFalse())
	g.Expect(upgrade(t, "--set-json",
		`metricsReader.subjects=[{"kind":"ServiceAccount","name":"prometheus","namespace":"monitoring"},{"kind":"User","name":"joe"}]`)).To(Succeed())
	g.Eventually(scrape(prometheus), timeout).Should(BeTrue())
	g.Eventually(scrape("joe"), timeout).Should(BeTrue())
	g.Expect(scrape("jane")()).To(BeFalse())

	g.Expect(upgrade(t, "--set", "rbac.secrets=false,watch.allNamespaces=false,impersonation.enabled=true")).To(Succeed())
	g.Eventually(may(operator, "patch", "helm.toolkit.fluxcd.io", "helmreleases", "default"), timeout).Should(BeFalse())
	g.Eventually(may(operator, "patch", "helm.toolkit.fluxcd.io", "helmreleases", namespace), timeout).Should(BeTrue())
	g.Eventually(may(operator, "get", "", "secrets", namespace), timeout).Should(BeFalse())
	g.Eventually(may(operator, "impersonate", "", "serviceaccounts", namespace), timeout).Should(BeTrue())
	g.Expect(may(operator, "impersonate", "", "serviceaccounts", "default")()).To(BeFalse())
}
