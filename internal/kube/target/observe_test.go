// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package target

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

var deployedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// settled returns a release that is idle, and what is observed of it.
func settled() (*helmv2.HelmRelease, plan.Release) {
	hr := release("apps", "app", nil)
	hr.Generation = 4
	hr.UID = "uid"
	hr.Annotations = map[string]string{
		"reconcile.fluxcd.io/requestedAt": "0123456789ab.7",
		"trigger.nebius.ai/request":       `{"token":"0123456789ab.7","force":true,"revision":2,"at":"2026-03-01T11:00:00Z"}`,
	}
	hr.Spec.ValuesFrom = []meta.ValuesReference{
		{Kind: "ConfigMap", Name: "values"}, {Kind: "ConfigMap", Name: "values", ValuesKey: "more"}, {Kind: "Secret", Name: "unrelated"},
	}
	hr.Status = helmv2.HelmReleaseStatus{
		ObservedGeneration:     4,
		ReconcileRequestStatus: meta.ReconcileRequestStatus{LastHandledReconcileAt: "0123456789ab.7"},
		Conditions: []metav1.Condition{
			{Type: "Released", Status: "True", Reason: "UpgradeSucceeded", Message: "released"},
			{Type: "Ready", Status: "True", Reason: "UpgradeSucceeded", Message: "Helm upgrade succeeded", ObservedGeneration: 4},
		},
		History: helmv2.Snapshots{
			{Version: 3, Status: "deployed", ConfigDigest: "sha256:3", LastDeployed: metav1.NewTime(deployedAt)},
			{Version: 2, Status: "superseded", ConfigDigest: "sha256:2", LastDeployed: metav1.NewTime(deployedAt.Add(-time.Hour))},
		},
	}
	return hr, plan.Release{
		Exists: true, UID: "uid", Reads: map[string]bool{"ConfigMap/apps/values": true},
		Ready: "True", ReadyReason: "UpgradeSucceeded", ReadyMessage: "Helm upgrade succeeded", ReadyCurrent: true, Current: true,
		RequestedAt: "0123456789ab.7", HandledAt: "0123456789ab.7",
		Revision: 3, ConfigDigest: "sha256:3", Deployed: true,
		Takes:  5 * time.Minute,
		Record: plan.Record{Token: "0123456789ab.7", Force: true, Revision: 2, At: deployedAt.Add(-time.Hour)},
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	sources := []plan.Source{{ID: "ConfigMap/apps/values"}, {ID: "ConfigMap/config/values"}, {ID: "Secret/apps/values"}}
	for _, c := range []struct {
		name   string
		change func(hr *helmv2.HelmRelease, want *plan.Release)
	}{
		{"an idle release", func(*helmv2.HelmRelease, *plan.Release) {}},
		{"a suspended release", func(hr *helmv2.HelmRelease, want *plan.Release) { hr.Spec.Suspend, want.Suspended = true, true }},
		{"a newer generation", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Generation = 5
			want.Current, want.ReadyCurrent = false, false
		}},
		{"a failure of a generation that is not noted", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Generation, hr.Status.Conditions[1].ObservedGeneration, hr.Status.Conditions[1].Status = 5, 5, "False"
			want.Current, want.Ready = false, "False"
		}},
		{"a request in progress", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Annotations["reconcile.fluxcd.io/requestedAt"], want.RequestedAt = "token.8", "token.8"
		}},
		{"an upgrade in progress", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: "Reconciling", Status: "True"})
			want.Reconciling = true
		}},
		{"a reconciliation that is not", func(hr *helmv2.HelmRelease, _ *plan.Release) {
			hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: "Reconciling", Status: "False"})
		}},
		{"no conditions yet", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Status.Conditions = nil
			want.Ready, want.ReadyReason, want.ReadyMessage, want.ReadyCurrent = "", "", "", false
		}},
		{"a snapshot that failed", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Status.History[0].Status, want.Deployed = "failed", false
		}},
		{"a release that is given up", func(hr *helmv2.HelmRelease, want *plan.Release) {
			at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			hr.Status.Conditions[1].Status, hr.Status.Conditions[1].LastTransitionTime = "False", metav1.NewTime(at)
			hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: "Stalled", Status: "True", Reason: "RetriesExceeded"})
			want.Ready, want.ReadySince, want.GivenUp = "False", at, true
		}},
		{"a release that is wrong in itself", func(hr *helmv2.HelmRelease, _ *plan.Release) {
			hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: "Stalled", Status: "True", Reason: "AccessDenied"})
		}},
		{"a snapshot of a rollback", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Status.History[0].Action, want.RolledBack = helmv2.ReleaseActionRollback, true
		}},
		{"no snapshot", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Status.History = nil
			want.Revision, want.ConfigDigest, want.Deployed = 0, "", false
		}},
		{"a record that someone has broken", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Annotations["trigger.nebius.ai/request"] = "{"
			want.Record = plan.Record{Token: "0123456789ab.7"}
		}},
		{"no source is read", func(hr *helmv2.HelmRelease, want *plan.Release) {
			hr.Spec.ValuesFrom, want.Reads = nil, map[string]bool{}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hr, want := settled()
			c.change(hr, &want)
			before := hr.DeepCopy()
			g := NewWithT(t)
			g.Expect(Observe(hr, sources)).To(Equal(want))
			g.Expect(hr).To(Equal(before), "it comes from the cache and is not to be changed")
		})
	}
}

// What helm-controller says between the failure of an attempt and the next one.
func TestObserve_retrying(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, ready, reconciling, stalled, snapshot string
		want                                        bool
	}{
		{"a retry is announced", "UpgradeFailed", "ProgressingWithRetry", "", "deployed", true},
		{"a failure that is stored, without a decision", "UpgradeFailed", "Progressing", "", "failed", true},
		{"a failure that is not stored, such as a chart that does not render", "UpgradeFailed", "Progressing", "", "deployed", false},
		{"an installation that failed", "InstallFailed", "Progressing", "", "failed", true},
		{"an installation that could not begin", "InstallFailed", "Progressing", "", "", false},
		{"a rollback is over, of which the retry is not announced", "RollbackSucceeded", "Progressing", "", "deployed", true},
		{"tests have failed", "TestFailed", "Progressing", "", "deployed", true},
		{"helm-controller has given up", "UpgradeFailed", "", "RetriesExceeded", "failed", false},
		{"helm-controller has given up after a rollback", "RollbackSucceeded", "", "RetriesExceeded", "deployed", false},
		{"it has failed and nothing goes on", "UpgradeFailed", "", "", "failed", false},
		{"the values are wrong, which an attempt did not get to", "ValuesError", "Progressing", "", "failed", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			hr, _ := settled()
			hr.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "False", Reason: c.ready}}
			for kind, reason := range map[string]string{"Reconciling": c.reconciling, "Stalled": c.stalled} {
				if reason != "" {
					hr.Status.Conditions = append(hr.Status.Conditions, metav1.Condition{Type: kind, Status: "True", Reason: reason})
				}
			}
			if hr.Status.History[0].Status = c.snapshot; c.snapshot == "" {
				hr.Status.History = nil
			}
			NewWithT(t).Expect(Observe(hr, nil).Retrying).To(Equal(c.want))
		})
	}
}

func TestTakes(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := release("apps", "app", nil)
	g.Expect(Takes(hr)).To(Equal(5*time.Minute), "Flux's default")
	hr.Spec.Timeout = &metav1.Duration{Duration: 30 * time.Minute}
	g.Expect(Takes(hr)).To(Equal(30 * time.Minute))
	hr.Spec.Install = &helmv2.Install{Timeout: &metav1.Duration{Duration: time.Hour}}
	hr.Spec.Upgrade = &helmv2.Upgrade{Timeout: &metav1.Duration{Duration: time.Minute}}
	g.Expect(Takes(hr)).To(Equal(time.Hour))
}

func TestObserve_whatDoesNotExist(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Observe(nil, nil)).To(Equal(plan.Release{}))

	hr, _ := settled()
	hr.DeletionTimestamp = new(metav1.Now())
	g.Expect(Observe(hr, nil)).To(Equal(plan.Release{}), "a release that is being deleted is not touched")
}
