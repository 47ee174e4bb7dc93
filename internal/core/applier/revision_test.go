// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package applier

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
)

// status returns what kustomize-controller v1.9 writes while it says that it does something, or
// when it is done.
func status(revision, doing string) Status {
	conditions := `{"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded"}`
	if doing != "" {
		conditions = `{"type": "Reconciling", "status": "True", "reason": "Progressing", "message": "` + doing + ` for revision ` + revision + ` with a timeout of 5m0s"}`
	}
	var s Status
	err := json.Unmarshal([]byte(`{"conditions": [`+conditions+`], "lastAttemptedRevision": "`+revision+`",
		"inventory": {"entries": [{"id": "apps_settings__ConfigMap", "v": "v1"}, {"id": "apps_web_helm.toolkit.fluxcd.io_HelmRelease", "v": "v2"}]}}`), &s)
	if err != nil {
		panic(err)
	}
	return s
}

func TestStatus_Revision(t *testing.T) {
	t.Parallel()
	const long, short = "main@sha1:0123456789abcdef0123456789abcdef01234567", "main@sha1:0123456789ab"
	for name, test := range map[string]struct {
		status   Status
		expected string
	}{
		"done":                             {status(long, ""), short},
		"fetching, and nothing is applied": {status(long, "Fetching manifests"), ""},
		"building, and nothing is applied": {status(long, "Building manifests"), ""},
		"applying":                         {status(long, "Detecting drift"), short},
		"checking health":                  {status(long, "Running health checks"), short},
		"an artifact of a registry":        {status("latest@sha256:0123456789abcdef", ""), "latest@sha256:0123456789ab"},
		"no branch":                        {status("sha1:0123456789abcdef", ""), "sha1:0123456789ab"},
		"a tag":                            {status("v1.0.0/0123456789abcdef", ""), "v1.0.0/0123456789abcdef"},
		"a branch with a long name":        {status("team/a-branch-with-a-name-that-is-too-long-to-read@sha1:0123456789abcdef", ""), "sha1:0123456789ab"},
		"nothing was ever applied":         {Status{}, ""},
		"what would be a line of its own":  {status("main, all well) by root", ""), "main__all_well)_by_root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(test.status.Revision()).To(Equal(test.expected))
		})
	}
}

func TestStatus_Applies(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := status("main@sha1:0123456789ab", "")
	g.Expect(s.Applies("ConfigMap", types.NamespacedName{Namespace: "apps", Name: "settings"})).To(BeTrue())
	g.Expect(s.Applies("Secret", types.NamespacedName{Namespace: "apps", Name: "settings"})).To(BeFalse(), "another kind")
	g.Expect(s.Applies("ConfigMap", types.NamespacedName{Namespace: "other", Name: "settings"})).To(BeFalse(), "another namespace")
	g.Expect(s.Applies("ConfigMap", types.NamespacedName{Namespace: "apps", Name: "web"})).To(BeFalse(), "another object")
}
