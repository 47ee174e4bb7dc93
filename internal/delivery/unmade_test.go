// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/acl"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
)

// answer is what the API server says, as a client gives it back.
func answer(what string, code int32, reason metav1.StatusReason, message string, causes ...metav1.StatusCause) error {
	return fmt.Errorf("%s: %w", what, &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message, Details: &metav1.StatusDetails{Causes: causes},
	}})
}

const (
	onRelease = "patch HelmRelease apps/app"
	onCopy    = "apply ConfigMap apps/app-shared"
	advice    = "; grant it get on the sources, get, list and patch on the HelmReleases, and with spec.publish get, create, patch and delete on the copies (of the operator itself: chart value publish.enabled)"
	tried     = "refused by the API server, and retried: "
)

// refusals are answers of real API servers, and what is reported of them.
var refusals = []struct {
	name    string
	err     error
	reason  string // None for what passes by itself.
	message string
	retried bool // With the queue's backoff, other than ever more rarely.
}{
	{"a ValidatingAdmissionPolicy by default", answer(onRelease, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid,
		`helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: .spec.serviceAccountName is required`),
		"DeliveryFailed", tried + onRelease + `: helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: .spec.serviceAccountName is required`, false},
	{"a ValidatingAdmissionPolicy with reason Forbidden", answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden, `ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: no`),
		"DeliveryFailed", tried + onRelease + `: ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: no`, false},
	{"a ValidatingAdmissionPolicy with reason Unauthorized", answer(onRelease, http.StatusUnauthorized, metav1.StatusReasonUnauthorized, `ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: no`),
		"DeliveryFailed", tried + onRelease + `: ValidatingAdmissionPolicy 'tenancy' with binding 'tenancy' denied request: no`, false},
	{"a webhook without a code", answer(onRelease, http.StatusBadRequest, "", `admission webhook "validate.kyverno.svc-fail" denied the request: no`),
		"DeliveryFailed", tried + onRelease + `: admission webhook "validate.kyverno.svc-fail" denied the request: no`, false},
	{"a webhook with a code of its own", answer(onRelease, http.StatusServiceUnavailable, "", `admission webhook "freeze.example.com" denied the request: no`),
		"DeliveryFailed", tried + onRelease + `: admission webhook "freeze.example.com" denied the request: no`, false},
	{"a webhook that is down", answer(onRelease, http.StatusInternalServerError, metav1.StatusReasonInternalError,
		`Internal error occurred: failed calling webhook "validate.example.com": failed to call webhook: Post "https://a.svc:443/?timeout=10s": dial tcp 10.0.0.7:443: connect: connection refused`),
		"DeliveryFailed", "refused, and retried: " + onRelease + `: Internal error occurred: failed calling webhook "validate.example.com"`, true},
	{"a quota", answer(onCopy, http.StatusForbidden, metav1.StatusReasonForbidden, `configmaps "app-shared" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2`),
		"DeliveryFailed", tried + onCopy + `: configmaps "app-shared" is forbidden: exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=2, limited: count/configmaps=2`, false},
	{"a quota that others write", answer(onCopy, http.StatusConflict, metav1.StatusReasonConflict, `Operation cannot be fulfilled on resourcequotas "few": the object has been modified`),
		"", `the request could not be made and is retried: Operation cannot be fulfilled on resourcequotas "few": the object has been modified`, true},
	{"a namespace that ends", answer(onCopy, http.StatusForbidden, metav1.StatusReasonForbidden, `configmaps "app-shared" is forbidden: unable to create new content in namespace apps because it is being terminated`),
		"DeliveryFailed", tried + onCopy + `: configmaps "app-shared" is forbidden: unable to create new content in namespace apps because it is being terminated`, false},
	{"an immutable copy", answer(onCopy, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "ConfigMap \"app-shared\" is invalid: data: Forbidden: field is immutable when `immutable` is set"),
		"DeliveryFailed", tried + onCopy + ": ConfigMap \"app-shared\" is invalid: data: Forbidden: field is immutable when `immutable` is set; it is immutable: delete it, and the operator creates it again", false},
	{"no room for annotations", answer(onRelease, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `HelmRelease "app" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes`,
		metav1.StatusCause{Type: "FieldValueTooLong", Field: "metadata.annotations"}),
		"DeliveryFailed", tried + onRelease + `: HelmRelease "app" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes; make room for the annotations of the operator`, false},
	{"another field that is too long", answer(onRelease, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `HelmRelease "app" is invalid: spec.releaseName: Too long`,
		metav1.StatusCause{Type: "FieldValueTooLong", Field: "spec.releaseName"}),
		"DeliveryFailed", tried + onRelease + `: HelmRelease "app" is invalid: spec.releaseName: Too long`, false},
	{"an object that is too large", answer(onRelease, http.StatusRequestEntityTooLarge, metav1.StatusReasonRequestEntityTooLarge, "Request entity too large: limit is 3145728"),
		"DeliveryFailed", tried + onRelease + ": Request entity too large: limit is 3145728; make room for the annotations of the operator", false},
	{"a lack of permission", answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden,
		`helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: User "system:serviceaccount:apps:deployer" cannot patch resource "helmreleases" in API group "helm.toolkit.fluxcd.io" in the namespace "apps"`),
		"AccessDenied", "ServiceAccount apps/deployer was refused: " + onRelease + `: helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: cannot patch resource "helmreleases" in API group "helm.toolkit.fluxcd.io" in the namespace "apps"` + advice, false},
	{"another authority", answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden, "not on Fridays"),
		"AccessDenied", "ServiceAccount apps/deployer was refused: " + onRelease + ": not on Fridays", false},
	{"no reason", answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden, `helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: `),
		"AccessDenied", "ServiceAccount apps/deployer was refused: " + onRelease + `: helmreleases.helm.toolkit.fluxcd.io "app" is forbidden without a reason`, false},
	{"no reason, by way of a nil error", answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden, `forbidden: <nil>`),
		"AccessDenied", "ServiceAccount apps/deployer was refused: " + onRelease + ": forbidden without a reason", false},
	{"no reason, of admission", answer(onRelease, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, `helmreleases.helm.toolkit.fluxcd.io "app" is forbidden: `),
		"DeliveryFailed", tried + onRelease + `: helmreleases.helm.toolkit.fluxcd.io "app" is forbidden without a reason`, false},
	{"a name that is taken", fmt.Errorf("apply: %w", copies.Foreign(publish.Copy{Kind: "ConfigMap", Namespace: "apps", Name: "app-shared"})),
		"NameConflict", "apply: name conflict: ConfigMap apps/app-shared is not a copy of this ValuesTrigger for HelmRelease , or its owner applies it; delete or rename it, or choose another spec.publish.name", false},
	{"a conflict", answer(onRelease, http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified"),
		"", "the request could not be made and is retried: the object has been modified", true},
	{"nothing there", answer(onCopy, http.StatusNotFound, metav1.StatusReasonNotFound, `namespaces "apps" not found`),
		"", `the request could not be made and is retried: namespaces "apps" not found`, true},
	{"too many requests", answer(onRelease, http.StatusTooManyRequests, metav1.StatusReasonTooManyRequests, "please try again in 3 s"),
		"", "the request could not be made and is retried: TooManyRequests", true},
	{"a fault of the API server", answer(onRelease, http.StatusInternalServerError, metav1.StatusReasonInternalError, "etcdserver: leader changed, 7"),
		"", "the request could not be made and is retried: InternalError", true},
	{"no answer", errors.New("dial tcp 10.0.0.1:443: i/o timeout"),
		"", "the request could not be made and is retried: the API server did not answer", true},
}

// deployed is a trigger that acts as an account.
func deployed() (*Engine, *triggerv1.ValuesTrigger) {
	vt := &triggerv1.ValuesTrigger{}
	vt.Namespace, vt.Name, vt.Spec.ServiceAccountName = "apps", "platform", "deployer"
	return New(Config{Accounts: &Accounts{}}), vt
}

const newContent = "sha256:0123456789abcdef"

func TestUnmade_repeats_what_the_API_server_answers(t *testing.T) {
	t.Parallel()
	r, vt := deployed()
	snap := snapshot{vt: vt, gate: &gate{}, diff: plan.Diff{To: newContent}}
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			decision := plan.Decision{Request: &plan.Request{}, Unsent: triggerv1.TargetStatus{State: triggerv1.TargetPending, Digest: "sha256:old"}}
			in := plan.Input{Digest: newContent, Knower: plan.Knower{Key: "apps/platform"}, Release: plan.Release{Exists: true, UID: "1"}}
			in.Release.Record, _ = in.Release.Record.Keep(in, decision.Unsent)
			one := r.executor.unmade(snap, &targetCase{input: in, decision: decision}, c.err)
			g.Expect(one.status.Message).To(Equal(c.message))
			g.Expect(one.status.Digest).To(Equal("sha256:old"))
			g.Expect(one.sent).To(BeFalse())
			g.Expect(one.err != nil).To(Equal(c.retried), "%v", one.err)
			if c.reason == "" {
				g.Expect(one.status.Refused).To(BeNil())
				g.Expect(one.free).To(BeFalse(), "it may have been made all the same")
				g.Expect(one.status.State).To(Equal(triggerv1.TargetPending))
				return
			}
			g.Expect(one.status.Refused).To(Equal(&triggerv1.Refusal{Digest: "0123456789ab", Reason: c.reason}))
			g.Expect(one.free).To(BeTrue())
			g.Expect(one.after).To(Equal(afterRefusal))
			g.Expect(one.undecided).To(BeFalse())
			if c.retried {
				g.Expect(one.status.State).To(Equal(triggerv1.TargetPending), "a webhook restarts")
			} else {
				g.Expect(one.status.State).To(Equal(triggerv1.TargetFailed))
			}
			g.Expect(one.refused != nil).To(Equal(!c.retried && c.reason != "NameConflict"), "what the API server refuses is tried again")

			decision.Unsent = one.status
			again := r.executor.unmade(snap, &targetCase{input: in, decision: decision}, c.err)
			g.Expect(again.after).To(BeZero(), "it has been evaluated again once")
			g.Expect(again.status).To(Equal(one.status), "nothing is written")
		})
	}
}

func TestUndecidable_repeats_what_the_API_server_answers(t *testing.T) {
	t.Parallel()
	r, vt := deployed()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			previous := triggerv1.TargetStatus{State: triggerv1.TargetTriggered, Digest: "sha256:old", Message: "before"}
			one := r.executor.undecidable(vt, &targetCase{previous: &previous, err: c.err})
			g.Expect(one.undecided).To(BeTrue())
			g.Expect(one.err != nil).To(Equal(c.retried))
			if c.retried {
				g.Expect(one.status).To(Equal(previous), "it is evaluated again at once")
				return
			}
			g.Expect(one.status.Message).To(Equal(c.message))
			g.Expect(one.status.Refused).To(Equal(&triggerv1.Refusal{Reason: c.reason}), "no content was refused")
			g.Expect(one.refused != nil).To(Equal(c.reason != "NameConflict"))
		})
	}
}

func TestUnable_repeats_what_the_API_server_answers(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		if c.reason == "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r, vt := deployed()
			result, err := r.unable(snapshot{vt: vt}, c.err)
			g.Expect(result.Summary).To(Equal(&plan.Summary{Ready: metav1.ConditionFalse, Reason: c.reason, Stalled: true, Message: c.message}))
			g.Expect(result.Again).To(Equal(AtInterval))
			g.Expect(err != nil).To(Equal(c.reason != "NameConflict"), "it is tried again")
		})
	}
}

// Why a trigger could not be evaluated decides what is recorded and when it is evaluated again.
func TestUnable(t *testing.T) {
	t.Parallel()
	forbidden := answer(onRelease, http.StatusForbidden, metav1.StatusReasonForbidden, "not on Fridays")
	for _, c := range []struct {
		name   string
		err    error
		ready  string
		stalls bool
		again  Again
		fails  bool
	}{
		{"an old version", fault.Outdated("changed"), "", false, Soon, false},
		{"what waits", fault.Waiting(triggerv1.SourceNotFoundReason, "gone"), triggerv1.SourceNotFoundReason, false, AtInterval, false},
		{"what only a person ends", fault.Denied("no"), acl.AccessDeniedReason, true, AtInterval, false},
		{"403", forbidden, acl.AccessDeniedReason, true, AtInterval, true},
		{"no answer", errors.New("connection refused"), triggerv1.ReadFailedReason, false, Never, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r, vt := deployed()
			vt.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "now"}
			result, err := r.unable(snapshot{vt: vt}, fmt.Errorf("why: %w", c.err))
			g.Expect(err != nil).To(Equal(c.fails), "%v", err)
			g.Expect(result.Again).To(Equal(c.again))
			g.Expect(result.Status.LastHandledReconcileAt == "now").To(Equal(c.again == AtInterval), "a look that found nothing out is repeated")
			if c.ready == "" {
				g.Expect(result).To(Equal(Result{Again: Soon, After: ConflictDelay}), "nothing was found out")
				return
			}
			g.Expect(result.Summary).To(And(HaveField("Ready", metav1.ConditionFalse), HaveField("Reason", c.ready), HaveField("Stalled", c.stalls)))
		})
	}
}
