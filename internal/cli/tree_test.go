// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// estate is a cluster with a bit of everything.
func estate() []client.Object {
	platform := ready(trigger("apps", "platform", []triggerv1.SourceReference{
		from("ConfigMap", "config", "platform-values", "values.yaml"), from("Secret", "", "db"),
	},
		target("apps", "api", triggerv1.TargetDelivered, ""),
		target("apps", "web", triggerv1.TargetFailed, "Helm upgrade failed for release apps/web.v4: context deadline exceeded"),
		target("apps", "batch", triggerv1.TargetHeld, "HelmRelease is suspended; the change is delivered when spec.suspend is removed"),
	), metav1.ConditionFalse, triggerv1.DeliveryFailedReason, "1 of 3 delivered; apps/web: Helm upgrade failed", true)
	platform.Status.Sources = []triggerv1.SourceStatus{
		{Kind: "ConfigMap", Namespace: "config", Name: "platform-values", Digest: "sha256:0"},
		{Kind: "Secret", Namespace: "apps", Name: "db", Digest: "sha256:0"},
	}
	missing := ready(trigger("shop", "shop", []triggerv1.SourceReference{from("ConfigMap", "", "shop-values")}, target("shop", "shop", triggerv1.TargetDelivered, "")),
		metav1.ConditionFalse, triggerv1.SourceNotFoundReason, "source not found: ConfigMap shop/shop-values does not exist; create it, or set spec.sources[0].optional", false)
	selected := fine(trigger("config", "everything", []triggerv1.SourceReference{{
		Kind: "ConfigMap", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"tier": "web"}}, Optional: true, Force: triggerv1.ForceAlways,
	}}, target("apps", "api", triggerv1.TargetDelivered, "")))
	selected.Status.Sources = []triggerv1.SourceStatus{
		{Kind: "ConfigMap", Namespace: "config", Name: "one", Digest: "sha256:0"}, {Kind: "ConfigMap", Namespace: "config", Name: "two", Digest: "sha256:0"},
	}
	suspended := fine(automatic(trigger("apps", "cron", []triggerv1.SourceReference{from("ConfigMap", "apps", "cron-values", "values.yaml")}, target("apps", "cron", triggerv1.TargetDelivered, ""))))
	suspended.Spec.Suspend = true
	unseen := trigger("apps", "new", []triggerv1.SourceReference{from("ConfigMap", "", "new")})
	unseen.Spec.Targets = []triggerv1.TargetReference{{Name: "new"}}
	unseen.Status.ObservedGeneration = -1

	labelled := configMap("config", "flags", nil)
	labelled.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true", meta.LabelKeyWatch: meta.LabelValueWatchEnabled}
	labelled.Annotations = map[string]string{triggerv1.HRNameAnnotation: "api, gone, private, out, Bad_Name", triggerv1.HRNSAnnotation: "apps"}
	byLabel := fine(automatic(trigger("apps", "api", []triggerv1.SourceReference{
		from("ConfigMap", "apps", "api-values", "values.yaml"), {Kind: "ConfigMap", Namespace: "config", Name: "flags", Force: triggerv1.ForceAlways},
	}, target("apps", "api", triggerv1.TargetDelivered, ""))))
	private, out, batch := release("private"), release("out", valuesFrom("ConfigMap", "api-values")), release("batch")
	private.Annotations = map[string]string{triggerv1.AllowFromAnnotation: "apps"}
	out.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false"}
	batch.Spec.Suspend = true

	return []client.Object{
		platform, missing, selected, suspended, unseen, byLabel, labelled, private, out, batch,
		release("api", valuesFrom("ConfigMap", "api-values"), valuesFrom("Secret", "unfollowed")), release("web"), release("cron", valuesFrom("ConfigMap", "cron-values")),
		configMap("config", "platform-values", nil), configMap("apps", "api-values", nil), configMap("apps", "unread", nil),
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		golden string
		args   string
		err    string
	}{
		{"tree-all.txt", "tree -A", ""},
		{"tree-all.json", "tree -A -o json", ""},
		{"tree-namespace.txt", "tree -n shop", ""},
		{"tree-trigger.txt", "tree platform -n apps", ""},
		{"tree-trigger.yaml", "tree vt/platform -n apps -o yaml", ""},
		{"tree-configmap.txt", "tree configmap/flags -n config", ""},
		{"tree-configmap.json", "tree configmap/flags -n config -o json", ""},
		{"tree-configmap-declared.txt", "tree cm/platform-values -n config", ""},
		{"tree-configmap-read.txt", "tree cm/api-values -n apps", ""},
		{"tree-configmap-unread.txt", "tree cm/unread -n apps", ""},
		{"tree-secret-absent.txt", "tree secret/db -n apps", "warning: Secret apps/db does not exist: this is what its creation would touch\n"},
		{"tree-helmrelease.txt", "tree helmrelease/api -n apps", ""},
		{"tree-helmrelease-none.txt", "tree hr/private -n apps", ""},
		{"tree-several.txt", "tree cron-auto hr/batch -n apps", ""},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			got := (&call{objects: estate()}).run(t, strings.Fields(c.args)...)
			NewWithT(t).Expect([]any{got.code, got.err}).To(Equal([]any{0, c.err}))
			golden(t, c.golden, got.out)
		})
	}
}

func TestTree_colours_only_a_terminal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	args := []string{"tree", "-A"}
	plain := (&call{objects: estate()}).run(t, args...)
	g.Expect(plain.out).NotTo(ContainSubstring("\x1b"))
	for _, env := range []map[string]string{{"NO_COLOR": "1"}, {"TERM": "dumb"}} {
		g.Expect((&call{objects: estate(), terminal: true, env: env}).run(t, args...).out).To(Equal(plain.out))
	}
	g.Expect((&call{objects: estate(), terminal: true}).run(t, args...).out).To(ContainSubstring("\x1b[31mStalled\x1b[0m"))
	g.Expect((&call{objects: estate(), terminal: true}).run(t, "tree", "-A", "-o", "json").out).NotTo(ContainSubstring("\x1b"))

	narrow := (&call{objects: estate(), terminal: true, width: 100, env: map[string]string{"NO_COLOR": "1"}}).run(t, args...)
	for line := range strings.SplitSeq(narrow.out, "\n") {
		g.Expect(len([]rune(line))).To(BeNumerically("<=", 120), line)
	}
}

// many returns generated triggers, of which some have failed.
func many(n int, failed ...int) []client.Object {
	var objects []client.Object
	for i := range n {
		name := fmt.Sprintf("release-%03d", i)
		source := []triggerv1.SourceReference{from("ConfigMap", "apps", name, "values.yaml")}
		vt := fine(trigger("apps", name, source, target("apps", name, triggerv1.TargetDelivered, "")))
		for _, f := range failed {
			if f == i {
				vt = ready(trigger("apps", name, source, target("apps", name, triggerv1.TargetFailed, "no chart")), metav1.ConditionFalse, triggerv1.DeliveryFailedReason, "no chart", true)
			}
		}
		objects = append(objects, automatic(vt))
	}
	return objects
}

func TestTree_of_300_releases_is_readable(t *testing.T) {
	t.Parallel()
	failed := make([]int, 60)
	for i := range failed {
		failed[i] = 2 * i
	}
	for _, c := range []struct {
		golden  string
		objects []client.Object
	}{
		{"tree-300-well.txt", many(300)},
		{"tree-300-one-failed.txt", many(300, 123)},
		{"tree-300-many-failed.txt", many(300, failed...)},
		{"tree-one-for-300.txt", func() []client.Object {
			var targets []triggerv1.TargetStatus
			for i := range 300 {
				state := triggerv1.TargetDelivered
				if i%10 == 0 {
					state = triggerv1.TargetTriggered
				}
				targets = append(targets, target("apps", fmt.Sprintf("release-%03d", i), state, ""))
			}
			return []client.Object{ready(trigger("apps", "platform", []triggerv1.SourceReference{from("ConfigMap", "config", "platform-values")}, targets...),
				metav1.ConditionUnknown, meta.ProgressingReason, "270 of 300 delivered, 30 triggered", false)}
		}()},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: c.objects}
			got := call.run(t, "tree", "-A")
			g.Expect(strings.Count(got.out, "\n")).To(BeNumerically("<", 75))
			golden(t, c.golden, got.out)
			g.Expect(strings.Count(call.run(t, "tree", "-A", "--all").out, "release-")).To(BeNumerically(">=", 300))
		})
	}
}

func TestTree_of_one_for_300_folds_what_is_alike(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var targets []triggerv1.TargetStatus
	for i := range 300 {
		state, message := triggerv1.TargetDelivered, ""
		switch {
		case i < 30:
			state, message = triggerv1.TargetFailed, "no chart"
		case i < 100:
			state, message = triggerv1.TargetHeld, "waits for stage canary to finish"
		case i == 100:
			state, message = triggerv1.TargetHeld, "HelmRelease is suspended"
		}
		targets = append(targets, target("apps", fmt.Sprintf("release-%03d", i), state, message))
	}
	call := &call{objects: []client.Object{trigger("apps", "platform", []triggerv1.SourceReference{from("ConfigMap", "", "values")}, targets...)}}
	got := call.run(t, "tree", "platform", "-n", "apps").out
	g.Expect(strings.Count(got, "release-")).To(Equal(30 + 20 + 1 + 20))
	g.Expect(got).To(And(ContainSubstring("… 50 more"), ContainSubstring("… 179 more"), ContainSubstring("HelmRelease is suspended")))
	g.Expect(strings.Count(call.run(t, "tree", "platform", "-n", "apps", "--all").out, "release-")).To(Equal(300))
}

func TestTree_json_is_one_document_with_lists(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var out struct {
		Triggers []any `json:"valuesTriggers"`
	}
	got := (&call{}).run(t, "tree", "-A", "-o", "json")
	g.Expect(json.Unmarshal([]byte(got.out), &out)).To(Succeed())
	g.Expect(out.Triggers).To(Equal([]any{}))
	g.Expect((&call{}).run(t, "tree").out).To(Equal("No ValuesTriggers in namespace default (-A looks at all).\n"))
}
