// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

func TestParseCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		text string
		want Cause
	}{
		{"keys and an editor", "ConfigMap config/platform-values sha256:7d6b3271b439 (values.yaml) by kubectl-patch via ValuesTrigger apps/platform", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "ConfigMap", Namespace: "config", Name: "platform-values"}, Digest: "sha256:7d6b3271b439", Keys: []string{"values.yaml"}, Editor: "kubectl-patch"}},
			Trigger: "apps/platform",
		}},
		{"a Kustomization and its revision", "ConfigMap apps/a sha256:00 (x) by kustomize-controller (Kustomization flux-system/apps main@sha1:0123456789ab), Secret apps/b sha256:01 by helm via ValuesTrigger apps/a", Cause{
			Objects: []Edit{
				{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Digest: "sha256:00", Keys: []string{"x"}, Editor: "kustomize-controller",
					Origin: "Kustomization flux-system/apps main@sha1:0123456789ab"},
				{Object: binding.Object{Kind: "Secret", Namespace: "apps", Name: "b"}, Digest: "sha256:01", Editor: "helm"},
			}, Trigger: "apps/a",
		}},
		{"neither", "Secret apps/db sha256:7d6b3271b439 via ValuesTrigger apps/platform", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "Secret", Namespace: "apps", Name: "db"}, Digest: "sha256:7d6b3271b439"}}, Trigger: "apps/platform",
		}},
		{"many keys", "ConfigMap apps/a sha256:00 (a, b.yaml, c and 12 more) by flux via ValuesTrigger apps/a", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Digest: "sha256:00", Keys: []string{"a", "b.yaml", "c"}, MoreKeys: 12, Editor: "flux"}}, Trigger: "apps/a",
		}},
		{"many objects", "ConfigMap apps/a absent, Secret apps/b sha256:01 (x, y), ConfigMap apps/c sha256:02 by flux, and 2 more via ValuesTrigger apps/a", Cause{
			Objects: []Edit{
				{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Absent: true},
				{Object: binding.Object{Kind: "Secret", Namespace: "apps", Name: "b"}, Digest: "sha256:01", Keys: []string{"x", "y"}},
				{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "c"}, Digest: "sha256:02", Editor: "flux"},
			}, More: 2, Trigger: "apps/a",
		}},
		{"a rollback", "ConfigMap apps/a sha256:00, rollback of content sha256:01 via ValuesTrigger apps/a", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Digest: "sha256:00"}}, TakenBack: "sha256:01", Trigger: "apps/a",
		}},
		{"a rollback by a person", "ConfigMap apps/a sha256:00, rollback to revision 2 by anna@example.com via ValuesTrigger apps/a", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Digest: "sha256:00"}}, Restores: 2, RestoredBy: "anna@example.com", Trigger: "apps/a",
		}},
		{"a request by hand", "request by reconcile.fluxcd.io/forceAt via ValuesTrigger apps/a", Cause{Request: "reconcile.fluxcd.io/forceAt", Trigger: "apps/a"}},
		{"cut", "ConfigMap apps/a sha256:00 (a, b… via ValuesTrigger apps/a", Cause{
			Objects: []Edit{{Object: binding.Object{Kind: "ConfigMap", Namespace: "apps", Name: "a"}, Digest: "sha256:00"}}, Trigger: "apps/a",
		}},
		{"written by someone else", "because I can", Cause{}},
		{"nothing", "", Cause{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.Text = c.text
			NewWithT(t).Expect(ParseCause(c.text)).To(Equal(c.want))
		})
	}
}
