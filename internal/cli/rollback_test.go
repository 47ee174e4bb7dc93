// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// revised are the rings when all have revision 3, and what is kept of revisions 1 and 2.
func revised() []client.Object {
	objects := awaiting()
	vt := objects[0].(*triggerv1.ValuesTrigger)
	content := vt.Status.LastDigest
	vt.Status.Rollout.Phase, vt.Status.Rollout.Stage = triggerv1.RolloutFinished, ""
	vt.UID = "vt"
	for i := range vt.Status.Targets {
		t := &vt.Status.Targets[i]
		t.State, t.Message, t.Digest, t.Published = triggerv1.TargetDelivered, "", content, content
	}
	kept := func(digest string) []triggerv1.KeptSource {
		return []triggerv1.KeptSource{{SourceStatus: triggerv1.SourceStatus{Kind: "ConfigMap", Namespace: "platform", Name: "values", Digest: digest}}}
	}
	vt.Status.History[0].Revision, vt.Status.History[0].Outcome, vt.Status.History[0].Kept = 3, triggerv1.ChangeDelivered, kept(vt.Status.Sources[0].Digest)
	vt.Status.History[1].Revision, vt.Status.History[1].Kept = 2, kept("sha256:00")
	vt.Status.History = append(vt.Status.History, triggerv1.Change{
		Digest: "sha256:1111", Revision: 1, Time: *ago(96 * time.Hour), Outcome: triggerv1.ChangeDelivered, Kept: kept("sha256:11"),
	})
	for _, o := range objects {
		if cm, is := o.(*corev1.ConfigMap); is && cm.Namespace == "prod" {
			cm.Data["values.yaml"] = "greeting: two\n"
		} else if is && cm.Name == "values" {
			cm.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
		}
	}
	copyOf := publish.Kept(vt, "ConfigMap/platform/values", "sha256:00")
	earlierValues := configMap(copyOf.Namespace, copyOf.Name, map[string]string{"values.yaml": "greeting: one\n"})
	earlierValues.Labels = copyOf.Labels // With the one that keeps it from being a source.
	return append(objects, earlierValues)
}

func TestRollback(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: revised(), user: "anna", interactive: true, in: "y\n"}
	got := call.run(t, "rollback", "platform", "-n", "platform")
	g.Expect(got.out).NotTo(ContainSubstring("hunter"))
	golden(t, "rollback.txt", got.out+got.err)
	content := call.objects[0].(*triggerv1.ValuesTrigger).Status.LastDigest
	g.Expect(stagedTrigger(t, call).Annotations).To(Equal(map[string]string{
		triggerv1.RollbackAnnotation: "2/" + content, triggerv1.RolledBackByAnnotation: "anna",
	}))
}

// What a rollout has halted for holds back its content only, and 'retry' would deliver that.
func TestRollback_of_a_rollout_that_has_halted(t *testing.T) {
	t.Parallel()
	call := &call{objects: revised()}
	call.objects[0].(*triggerv1.ValuesTrigger).Status.Rollout.Phase = triggerv1.RolloutHalted
	got := call.run(t, "rollback", "platform", "-n", "platform", "--dry-run")
	NewWithT(t).Expect(got.out).To(And(ContainSubstring("Goes          through the stages dev, staging"), Not(ContainSubstring("halt"))))
}

func TestRollback_at_once(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: revised(), user: "anna"}
	got := call.run(t, "rollback", "platform", "-n", "platform", "--override", "--yes")
	g.Expect(got.out).To(ContainSubstring("Goes          to all at once, and overrides the approval of stage prod: 5 HelmReleases; the order of the stages dev to last\n"))
	g.Expect(got.out).To(ContainSubstring("\n6 HelmReleases: 5 Upgrade, 1 UpgradeLater\n"), "one is suspended")
	content := call.objects[0].(*triggerv1.ValuesTrigger).Status.LastDigest
	token := "1767323045000000000"
	g.Expect(stagedTrigger(t, call).Annotations).To(Equal(map[string]string{
		triggerv1.RollbackAnnotation: "2/" + content, triggerv1.RolledBackByAnnotation: "anna", triggerv1.OverriddenByAnnotation: "anna",
		meta.ReconcileRequestAnnotation: token, meta.ForceRequestAnnotation: token,
	}))
}

func TestRollback_to_which_revision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args, want string
		set              func(*triggerv1.ValuesTrigger)
		code             int
	}{
		{"that is not there", "--to-revision 9", "there is no revision 9 in the history; these can be restored: 2, 1\n", nil, 1},
		{"that is present", "--to-revision 3", "revision 3 is what is delivered now; these can be restored: 2, 1\n", nil, 1},
		{"that is not kept", "--to-revision 2", "the content of revision 2 is not kept; these can be restored: 1\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.History[1].Kept = nil }, 1},
		{"of which what was kept is gone", "--to-revision 1", "revision 1 cannot be restored: ConfigMap platform/platform-kept-", nil, 1},
		{"before the first", "", "there is no earlier revision; no other revision is kept\n", func(vt *triggerv1.ValuesTrigger) { vt.Status.History = vt.Status.History[:1] }, 1},
		{"that is none", "--to-revision -1", "", nil, 2},
		{"before one that is being rolled out", "", "go back to revision 2", func(vt *triggerv1.ValuesTrigger) { vt.Status.History[0].Revision = 0 }, 0},
		{"after a rollback", "", "revision 1 cannot be restored", func(vt *triggerv1.ValuesTrigger) {
			vt.Status.Restored = &triggerv1.RestoreRecord{Revision: 2, Digest: earlier, Rejects: vt.Status.LastDigest}
			vt.Status.LastDigest = earlier
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			call := &call{objects: revised()}
			if c.set != nil {
				c.set(call.objects[0].(*triggerv1.ValuesTrigger))
			}
			got := call.run(t, append(strings.Fields("rollback platform -n platform --dry-run"), strings.Fields(c.args)...)...)
			g.Expect(got.out).To(ContainSubstring(c.want))
			g.Expect(got.code).To(Equal(c.code), got.err)
			g.Expect(stagedTrigger(t, call).Annotations).To(BeEmpty())
		})
	}
}

func TestRollback_of_what_may_not_be_read(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	forbidden := interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		if _, is := obj.(*corev1.ConfigMap); is && strings.Contains(key.Name, "kept") {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, key.Name, nil)
		}
		return c.Get(ctx, key, obj, opts...)
	}}
	call := &call{objects: revised(), funcs: forbidden}
	got := call.run(t, "rollback", "platform", "-n", "platform", "--yes")
	g.Expect([]any{got.code, got.err}).To(Equal([]any{0, ""}))
	g.Expect(stagedTrigger(t, call).Annotations).To(HaveKey(triggerv1.RollbackAnnotation))
}

// helmSecret is a revision in Helm's storage.
func helmSecret(g Gomega, name, version, status string, at time.Duration, values map[string]any) *corev1.Secret {
	raw, err := json.Marshal(map[string]any{"name": name, "config": values})
	g.Expect(err).NotTo(HaveOccurred())
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(raw)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(w.Close()).To(Succeed())
	s := secret("apps", "sh.helm.release.v1."+name+".v"+version, map[string]string{"release": base64.StdEncoding.EncodeToString(packed.Bytes())})
	s.Labels = map[string]string{"owner": "helm", "name": name, "version": version, "status": status}
	s.CreationTimestamp = *ago(at)
	return s
}

func TestRollback_without_publish_shows_what_to_put_into_Git(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	running := func(name string, refs ...meta.ValuesReference) *helmv2.HelmRelease {
		hr := release(name, refs...)
		hr.Status.History = helmv2.Snapshots{{Version: 2, Status: "deployed", ConfigDigest: chartutil.DigestValues(digest.Canonical, map[string]any{"greeting": "two"}).String()}}
		return hr
	}
	values := configMap("apps", "values", map[string]string{"values.yaml": "greeting: two"})
	values.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
	reads := valuesFrom("ConfigMap", "values")
	held := running("held", reads)
	held.Status.History[0] = &helmv2.Snapshot{Version: 7, Status: "deployed", ConfigDigest: chartutil.DigestValues(digest.Canonical, map[string]any{"greeting": "one"}).String()}
	vt := fine(trigger("apps", "app", []triggerv1.SourceReference{from("ConfigMap", "", "values")},
		target("apps", "app", triggerv1.TargetDelivered, ""), target("apps", "edited", triggerv1.TargetDelivered, ""),
		target("apps", "held", triggerv1.TargetHeld, ""), target("apps", "secretive", triggerv1.TargetDelivered, "")))
	vt.Status.History = []triggerv1.Change{{Digest: "sha256:1", GitRevision: "main@sha1:2b9c0e7", Revision: 2}}
	old := map[string]any{"greeting": "hunter1"}
	call := &call{objects: []client.Object{
		vt, values, running("app", reads), running("edited", reads), held, running("secretive", reads, valuesFrom("Secret", "keys")), secret("apps", "keys", map[string]string{"values.yaml": "a: hunter2"}),
		helmSecret(g, "app", "1", "superseded", 3*time.Hour, map[string]any{"greeting": "one", "debug": true}), helmSecret(g, "app", "2", "deployed", time.Hour, map[string]any{"greeting": "two"}),
		helmSecret(g, "edited", "1", "superseded", 3*time.Hour, old), helmSecret(g, "secretive", "1", "superseded", 3*time.Hour, old),
		helmSecret(g, "held", "7", "deployed", 3*time.Hour, map[string]any{"greeting": "one"}),
	}}
	call.funcs.Get = func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
		err := c.Get(ctx, key, obj, opts...)
		if key.Name == "edited" { // The spec that made the earlier revision is not known.
			obj.SetManagedFields([]metav1.ManagedFieldsEntry{{Time: ago(time.Hour), FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:valuesFrom":{}}}`)}})
		}
		return err
	}
	got := call.run(t, "rollback", "app", "-n", "apps", "--yes")
	g.Expect([]any{got.code, got.err}).To(Equal([]any{1, ""}))
	g.Expect(got.out).NotTo(ContainSubstring("hunter"))
	golden(t, "rollback-without-publish.txt", got.out)
	g.Expect(annotationsOf(t, call, "app")).To(BeEmpty())
}

func TestCompletion_of_what_a_trigger_has(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	call := &call{objects: revised()}
	g.Expect(call.run(t, "__complete", "rollback", "-n", "platform", "platform", "--to-revision", "").out).To(Equal("2\n1\n:4\n"))
	g.Expect(call.run(t, "__complete", "approve", "-n", "platform", "platform", "--stage", "").out).To(Equal("prod\n:4\n"))
	g.Expect(call.run(t, "__complete", "approve", "-n", "platform", "").out).To(Equal("platform\n:4\n"))
	g.Expect(stopped(t, "anna").run(t, "__complete", "resume", "-n", "apps", "--by", "").out).To(Equal("anna\nbob\n:4\n"))
}
