// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
)

func person(user string, at time.Duration) triggerv1.PersonRecord {
	return triggerv1.PersonRecord{Time: *ago(at), User: user, Manager: triggerv1.ManualFieldManager}
}

// past are two triggers with a past: approved, overridden, rejected and rolled back on request.
func past() []client.Object {
	a := fine(trigger("platform", "platform", nil, target("apps", "app", triggerv1.TargetDelivered, ""), target("apps", "held", triggerv1.TargetHeld, "")))
	a.Status.History = []triggerv1.Change{
		{
			Revision: 2, Digest: "sha256:1", Time: *ago(10 * time.Minute), Outcome: triggerv1.ChangeDelivered, Delivered: "2/2", Duration: &metav1.Duration{Duration: 90*time.Second + 300*time.Millisecond},
			Cause: "rollback of content sha256:cccccccccccc, ConfigMap platform/values sha256:11 via ValuesTrigger platform/platform", Restores: &triggerv1.RestoreRecord{Revision: 2, Digest: "sha256:1", Rejects: "sha256:ccc", PersonRecord: person("anna", 10*time.Minute)},
		},
		{Digest: "sha256:cccccccccccccccc", GitRevision: "main@sha1:2b9c0e7a1d34", Time: *ago(2 * time.Hour), Outcome: triggerv1.ChangeHalted, Delivered: "1/2", Cause: platformCause, Analysis: "stage canary: error-rate 0.31 is above 0.05 (2 of 2)", Rejection: new(person("@bob", 2*time.Hour))},
		{
			Revision: 2, Digest: "sha256:1", Time: *ago(26 * time.Hour), Outcome: triggerv1.ChangeDelivered, Delivered: "2/2", Duration: &metav1.Duration{Duration: 2 * time.Hour},
			Cause:     "ConfigMap platform/values sha256:11 (values.yaml) by anna, Secret platform/keys sha256:22 and 2 more via ValuesTrigger platform/platform",
			Approvals: []triggerv1.ApprovalRecord{{Stage: "canary", PersonRecord: person("carl", 25*time.Hour)}, {Stage: "prod", PersonRecord: triggerv1.PersonRecord{Manager: "kubectl-annotate"}}},
			Override:  &triggerv1.Override{User: "dora", Message: "the approval of stage last: 2 HelmReleases"},
		},
	}
	b := automatic(fine(trigger("apps", "other", nil, target("apps", "other", triggerv1.TargetDelivered, ""))))
	b.Labels["team"] = "b"
	b.Status.History = []triggerv1.Change{{Digest: "sha256:1", Time: *ago(time.Hour), Outcome: triggerv1.ChangeInProgress, Delivered: "0/1", Cause: "=1+1"}}
	return []client.Object{a, b}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ golden, args string }{
		{"history.txt", "history -A"},
		{"history-wide.txt", "history platform -n platform -o wide"},
		{"history.csv", "history -A -o csv"},
		{"history.json", "history -A -o json"},
		{"history-since.txt", "history -A --since 1d"},
		{"history-labelled.txt", "history -A -l team=b"},
	} {
		t.Run(c.golden, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			got := (&call{objects: past()}).run(t, strings.Fields(c.args)...)
			golden(t, c.golden, got.out)
			g.Expect(got.code).To(Equal(0))
			if c.golden == "history-since.txt" {
				g.Expect(got.err).To(BeEmpty(), "what is older is on record")
			}
		})
	}
}

func TestHistory_is_safe_to_open_in_a_spreadsheet(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := (&call{objects: past()}).run(t, "history", "-A", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(got.out)).ReadAll()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(rows[0]).To(Equal(history.Columns))
	for _, row := range rows {
		for _, cell := range row {
			g.Expect(cell).NotTo(MatchRegexp(`^[=+\-@]`))
		}
	}
	var entries []history.Entry
	g.Expect(json.Unmarshal([]byte((&call{objects: past()}).run(t, "history", "-A", "-o", "json").out), &entries)).To(Succeed())
	g.Expect(entries).To(HaveLen(len(rows) - 1))
	g.Expect((&call{}).run(t, "history", "-o", "json").out).To(Equal("[]\n"))
}

// An auditor relies on it that a trigger has forgotten nothing of the time in question.
func TestHistory_says_where_it_begins(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := (&call{objects: past()}).run(t, "history", "platform", "-n", "platform", "--since", "7d")
	g.Expect(got.err).To(Equal("warning: ValuesTrigger platform/platform has on record what changed since 2026-01-01T01:04:05Z, and nothing before: spec.revisionHistoryLimit and 16 KiB bound it\n"))
}

func TestHistory_of_a_release(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	got := (&call{objects: storied()}).run(t, "history", "--release", "app", "-n", "apps")
	g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
	golden(t, "history-release.txt", got.out)
}

func TestHistory_mistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"history --since yesterday", `error: --since "yesterday": give a duration such as 90m, 24h or 7d` + "\n"},
		{"history --since -1h", `error: --since "-1h": give a duration such as 90m, 24h or 7d` + "\n"},
		{"history a -A", "error: names are of one namespace: give -n, or -A without names\n"},
		{"history --release app -A", "error: names are of one namespace: give -n, or -A without names\n"},
		{"history a --release app", "error: --release is about all ValuesTriggers of the HelmRelease: give no others\n"},
		{"history a -l b", "error: give names or --selector, not both\n"},
		{"history -o xml", `error: --output "xml": give text, json, yaml, csv, name or wide` + "\n"},
	} {
		NewWithT(t).Expect((&call{}).run(t, strings.Fields(c.args)...)).To(Equal(answer{"", c.want, 2}), c.args)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	objects := append(past(), hr)
	g.Expect((&call{objects: objects}).run(t, "tree", "-A", "-o", "name").out).To(Equal("valuestrigger.trigger.nebius.ai/other-auto\nvaluestrigger.trigger.nebius.ai/platform\n"))
	g.Expect((&call{objects: objects}).run(t, "tree", "hr/app", "-n", "apps", "-o", "name").out).To(Equal("valuestrigger.trigger.nebius.ai/platform\n"))
	g.Expect((&call{objects: objects}).run(t, "history", "-A", "--since", "90m", "-o", "name").out).To(Equal("valuestrigger.trigger.nebius.ai/platform\nvaluestrigger.trigger.nebius.ai/other-auto\n"))
	g.Expect((&call{objects: awaiting()}).run(t, "preview", "--pending", "platform", "-n", "platform", "-o", "name").out).To(HavePrefix("helmrelease.helm.toolkit.fluxcd.io/direct\n"))
	lost := (&call{objects: awaiting()}).run(t, "preview", "--delete", "cm/values", "-n", "platform", "-o", "name")
	g.Expect(lost.out).To(ContainSubstring("helmrelease.helm.toolkit.fluxcd.io/shop\n"))
	g.Expect(lost.code).To(Equal(1))
	wide := &call{objects: estate(), terminal: true, width: 40, env: map[string]string{"NO_COLOR": "1"}}
	g.Expect(wide.run(t, "tree", "-A", "-o", "wide").out).To(Equal((&call{objects: estate()}).run(t, "tree", "-A").out), "lines do not end where the terminal does")
}
