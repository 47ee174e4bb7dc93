// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"cmp"
	"slices"
	"testing"

	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/nebius/helmrelease-trigger-operator/internal/kube/keyring"
)

// defaultGrants are all permissions of the operator in a default installation.
// Anyone who adds one says here that it is needed.
func defaultGrants() []grant {
	var all []grant
	add := func(cluster bool, group, resource string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, grant{group: group, resource: resource, verb: verb, cluster: cluster})
		}
	}
	add(true, "", "configmaps", "get", "list", "patch", "watch")
	add(true, "", "secrets", "get", "list", "patch", "watch")
	add(true, "", "namespaces", "get", "list", "watch")
	add(true, "", "events", "create", "patch")
	add(true, "helm.toolkit.fluxcd.io", "helmreleases", "get", "list", "patch", "watch")
	add(true, "kustomize.toolkit.fluxcd.io", "kustomizations", "get")
	add(true, "trigger.nebius.ai", "valuestriggers", "create", "delete", "get", "list", "patch", "watch")
	add(true, "trigger.nebius.ai", "valuestriggers/status", "get", "patch")
	add(true, "authentication.k8s.io", "tokenreviews", "create")
	add(true, "authorization.k8s.io", "subjectaccessreviews", "create")
	add(false, "", "secrets", "create")
	for _, verb := range []string{"get", "patch"} {
		all = append(all, grant{resource: "secrets", verb: verb, names: keyring.SecretName})
	}
	add(false, "coordination.k8s.io", "leases", "create", "get", "update")
	return all
}

func TestPermissionsByDefault(t *testing.T) {
	g := NewWithT(t)
	g.Expect(grants(g, render(t, ""))).To(ConsistOf(defaultGrants()))
}

func TestPermissions(t *testing.T) {
	impersonate := grant{resource: "serviceaccounts", verb: "impersonate", cluster: true}
	named := impersonate
	named.names = "values-trigger"
	plus := func(more ...grant) []grant { return append(defaultGrants(), more...) }
	without := func(drop func(grant) bool) []grant { return slices.DeleteFunc(defaultGrants(), drop) }

	onCopies := func(resource string) []grant {
		return []grant{{resource: resource, verb: "create", cluster: true}, {resource: resource, verb: "delete", cluster: true}}
	}

	for name, tt := range map[string]struct {
		values string
		want   []grant
	}{
		"none without rbac.create": {combinations["no rbac"], nil},
		"none on Secrets without rbac.secrets": {combinations["no secrets"],
			without(func(r grant) bool { return r.resource == "secrets" })},
		"none on Kustomizations without rbac.kustomizations": {combinations["no Kustomizations"],
			without(func(r grant) bool { return r.resource == "kustomizations" })},
		"none to authenticate without TLS": {combinations["metrics in the clear"],
			without(func(r grant) bool { return r.resource == "tokenreviews" || r.resource == "subjectaccessreviews" })},
		"to impersonate one name": {combinations["a default account"], plus(named)},
		"to impersonate any":      {combinations["impersonation"], plus(impersonate)},
		"to make copies":          {combinations["publish"], plus(append(onCopies("configmaps"), onCopies("secrets")...)...)},
		"to make copies of ConfigMaps": {combinations["publish without Secrets"],
			slices.DeleteFunc(plus(onCopies("configmaps")...), func(r grant) bool { return r.resource == "secrets" })},
		"to impersonate any, once": {combinations["both"], plus(impersonate)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(grants(g, render(t, tt.values))).To(ConsistOf(tt.want))
		})
	}
}

func TestPermissionsInOneNamespace(t *testing.T) {
	g := NewWithT(t)
	var cluster []string
	for _, r := range grants(g, render(t, combinations["one namespace"])) {
		if r.cluster {
			cluster = append(cluster, r.resource)
		}
	}
	g.Expect(cluster).To(ConsistOf("tokenreviews", "subjectaccessreviews"),
		"secure metrics ask the API server, which no Role can permit")
}

func TestNoWildcards(t *testing.T) {
	for name, values := range combinations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			out := render(t, values)
			for _, role := range append(out.kind("ClusterRole"), out.kind("Role")...) {
				for _, rule := range convert[rbacv1.Role](g, role).Rules {
					for _, names := range [][]string{rule.APIGroups, rule.Resources, rule.Verbs, rule.NonResourceURLs} {
						g.Expect(names).NotTo(ContainElement(ContainSubstring("*")), role.GetName())
					}
				}
			}
		})
	}
}

func TestAggregatedRoles(t *testing.T) {
	g := NewWithT(t)
	out := render(t, "")
	for name, want := range map[string]struct {
		label string
		verbs []string
	}{
		"admin":  {"aggregate-to-admin", []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch", "approve", "override", "suspend"}},
		"editor": {"aggregate-to-edit", []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch", "suspend"}},
		"viewer": {"aggregate-to-view", []string{"get", "list", "watch"}},
	} {
		role := convert[rbacv1.ClusterRole](g, out.find("ClusterRole", release+"-valuestrigger-"+name+"-role"))
		g.Expect(role.Labels).To(HaveKeyWithValue("rbac.authorization.k8s.io/"+want.label, "true"))
		g.Expect(role.Rules).To(HaveExactElements(
			rbacv1.PolicyRule{APIGroups: []string{"trigger.nebius.ai"}, Resources: []string{"valuestriggers"}, Verbs: want.verbs},
			rbacv1.PolicyRule{APIGroups: []string{"trigger.nebius.ai"}, Resources: []string{"valuestriggers/status"}, Verbs: []string{"get"}}))
	}
	for _, obj := range render(t, combinations["no roles to add"]).kind("ClusterRole") {
		g.Expect(obj.GetName()).NotTo(ContainSubstring("valuestrigger-"))
	}
	for _, kind := range []string{"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"} {
		g.Expect(render(t, combinations["no rbac"]).kind(kind)).To(BeEmpty())
	}
}

// sortedRules returns one rule for each group and resource, in order: the same
// for all ways to write the same permissions.
func sortedRules(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	byResource := map[string]*rbacv1.PolicyRule{}
	var out []*rbacv1.PolicyRule
	for _, rule := range rules {
		if len(rule.NonResourceURLs) > 0 {
			out = append(out, rule.DeepCopy())
			continue
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				key := group + "/" + resource
				if byResource[key] == nil {
					byResource[key] = &rbacv1.PolicyRule{
						APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: rule.ResourceNames}
					out = append(out, byResource[key])
				}
				byResource[key].Verbs = append(byResource[key].Verbs, rule.Verbs...)
			}
		}
	}
	sorted := make([]rbacv1.PolicyRule, 0, len(out))
	for _, rule := range out {
		slices.Sort(rule.Verbs)
		rule.Verbs = slices.Compact(rule.Verbs)
		sorted = append(sorted, *rule)
	}
	slices.SortFunc(sorted, func(a, b rbacv1.PolicyRule) int {
		return cmp.Or(slices.Compare(a.APIGroups, b.APIGroups), slices.Compare(a.Resources, b.Resources))
	})
	return sorted
}
