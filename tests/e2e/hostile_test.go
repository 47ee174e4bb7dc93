// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

// editor returns a client of an account that may do everything to one kind of objects in
// one namespace, and nothing else.
func (e *env) editor(namespace, group, resource string) client.Client {
	e.t.Helper()
	e.account(namespace, "editor", rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{"*"}})
	config, err := e.w.ConfigForServiceAccount(e.ctx, namespace, "editor")
	e.Expect(err).NotTo(HaveOccurred())
	c, err := client.New(config, client.Options{Scheme: e.c.Scheme()})
	e.Expect(err).NotTo(HaveOccurred())
	return c
}

// loggedInJSON expects every line of the log to be an object.
func (e *env) loggedInJSON(path string) {
	e.t.Helper()
	log, err := os.ReadFile(path)
	e.Expect(err).NotTo(HaveOccurred())
	lines := strings.Split(strings.TrimSuffix(string(log), "\n"), "\n")
	for _, line := range lines[:len(lines)-1] { // The last one may be half written.
		e.Expect(json.Valid([]byte(line))).To(BeTrue(), "%.300q", line)
	}
}

func TestHostile_who_may_edit_ConfigMaps_in_one_namespace_harms_nobody_elsewhere(t *testing.T) {
	e := parallel(t)
	tenant, victim := e.namespace("hostile"), e.namespace("victim")
	editor := e.editor(tenant, "", "configmaps")
	e.Expect(editor.Create(e.ctx, kit.ConfigMap(victim, "mine", nil))).NotTo(Succeed(), "the test needs a restricted account")
	good := kit.Values(victim, "values", "a: 1\n")
	e.create(good)
	e.releases(kit.Release(victim, "app", kit.Reads(cmKind, "values")), kit.Release(victim, "closed", allowing("")))
	e.Eventually(e.deliveredRevision(victim, "app", "app")).Should(BeEquivalentTo(1))

	// As many names as fit, in lists as long as they may be, of releases that exist and do not.
	var names []string
	for i := range 4000 {
		names = append(names, fmt.Sprintf("release-%04d-with-a-name-that-is-as-long-as-it-may-be", i))
	}
	list := "closed," + strings.Join(names, ",")
	for i := range 60 {
		cm := kit.Source(kit.ConfigMap(tenant, fmt.Sprintf("names-%02d", i), map[string]string{"key": fmt.Sprint(i)}), list, victim)
		cm.Annotations["other"] = strings.Repeat("x", 255<<10-len(list)-200)
		e.Expect(editor.Create(e.ctx, cm)).To(Succeed())
	}
	// What is not a name, and would be a line of the log, or an order to a terminal.
	strange := kit.Source(kit.ConfigMap(tenant, "strange", map[string]string{"key": "1"}), "closed, a\nERROR all is lost,\x1b[31m,\u202e,"+strings.Repeat("é", 2000), victim)
	e.Expect(client.WithFieldOwner(editor, "me via ValuesTrigger "+victim+"/app").Create(e.ctx, strange)).To(Succeed())
	// As many keys, and as much content, as an object holds.
	keys := map[string]string{}
	for i := range 10_000 {
		keys[fmt.Sprintf("key-%05d", i)] = strings.Repeat("v", 80)
	}
	e.Expect(editor.Create(e.ctx, kit.Source(kit.ConfigMap(tenant, "keys", keys), "closed", victim))).To(Succeed())

	start := time.Now()
	e.setValues(good, "a: 2\n")
	e.Eventually(e.deliveredRevision(victim, "app", "app")).Should(BeEquivalentTo(2))
	t.Logf("delivered after %s meanwhile", time.Since(start).Round(time.Millisecond))

	e.Eventually(e.eventsAbout(cmKind, tenant, "strange", corev1.EventTypeWarning, triggerv1.InvalidContractReason)).
		Should(ConsistOf(And(HavePrefix("annotation nebius.ai/helmreleases-name: "), Not(ContainSubstring("\n")), Not(ContainSubstring("\x1b")))))
	e.untouched(victim, "closed")
	e.Expect(e.gone(kit.Trigger(victim, auto("closed")))()).To(BeTrue(), "nothing is generated for it")
	e.Expect(e.get(victim, "app").Annotations[triggerv1.CauseAnnotation]).To(HaveSuffix(" via ValuesTrigger " + victim + "/" + auto("app")))
	e.loggedInJSON(standard.Process().LogPath())
}

func TestHostile_who_may_edit_HelmReleases_in_one_namespace_spoils_nobody_elses_trigger(t *testing.T) {
	e := parallel(t)
	tenant, platform := e.namespace("hostile"), e.namespace("platform")
	e.releases(kit.Release(tenant, "evil"), kit.Release(platform, "good"))
	e.create(settings(platform))
	e.create(kit.Trigger(platform, "all", kit.From(cmKind, "settings"), kit.To("good"), kit.To("evil", kit.TargetIn(tenant))))
	e.Eventually(e.deliveredRevision(platform, "all", "good")).Should(BeEquivalentTo(2))
	e.Eventually(e.deliveredRevision(platform, "all", "evil")).Should(BeEquivalentTo(2))

	editor := e.editor(tenant, helmv2.GroupVersion.Group, "helmreleases")
	vt, err := e.trigger(platform, "all")
	e.Expect(err).NotTo(HaveOccurred())
	for i, record := range []string{
		`{"token":"` + strings.Repeat("a", 100<<10) + `.9","at":"2030-01-01T00:00:00Z"}`,
		`{"token":"abc.2147483647","revision":9223372036854775807,"at":"9999-12-31T23:59:59-23:59","sources":[{"id":"ConfigMap/` + platform + `/settings","digest":"` + vt.Status.Sources[0].Digest[7:19] + `"}]}`,
		"\x00\n{}",
	} {
		e.Eventually(func() error { // helm-controller writes it, too.
			evil := e.get(tenant, "evil")
			before := client.MergeFrom(evil.DeepCopy())
			evil.Annotations[triggerv1.RequestAnnotation] = record
			evil.Annotations[triggerv1.CauseAnnotation] = "all is well\nvia ValuesTrigger no/one"
			return editor.Patch(e.ctx, evil, before)
		}).Should(Succeed())
		e.setData(settings(platform), "key", fmt.Sprint("edit ", i))
		e.Eventually(e.deliveredRevision(platform, "all", "good")).Should(BeEquivalentTo(3+i), "neither lost nor doubled")
	}
	// Who has no room for a request learns so, and holds no one up.
	e.Eventually(func() error {
		evil := e.get(tenant, "evil")
		before := client.MergeFrom(evil.DeepCopy())
		evil.Annotations["room"] = strings.Repeat("x", 261_600) // Of 262,144 for all of them together.
		for key := range evil.Annotations {
			if strings.HasPrefix(key, "trigger.nebius.ai/") || strings.HasPrefix(key, "reconcile.fluxcd.io/") {
				evil.Annotations[key] = strings.Repeat("y", 10)
			}
		}
		return editor.Patch(e.ctx, evil, before)
	}).Should(Succeed())
	e.setData(settings(platform), "key", "the last edit")
	e.Eventually(e.deliveredRevision(platform, "all", "good")).Should(BeEquivalentTo(6))
	e.stay(platform, map[string]int{"good": 6})
	e.loggedInJSON(standard.Process().LogPath())
}
