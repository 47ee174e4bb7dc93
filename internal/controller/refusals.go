// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/fluxcd/pkg/apis/acl"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

// This file is about what the API server refuses: how that is recognised, and the words in
// which it is reported. What lasts until a person does something is tried again ever more
// rarely, everything else with the queue's backoff.

var (
	// admissionDenied is what policies and webhooks are reported with, whatever code they
	// choose, and quotas, which come as Forbidden like a lack of permission.
	admissionDenied = regexp.MustCompile(`denied (the )?request|(exceeded|failed|insufficient) quota|because it is being terminated`)

	// authorizerDenied is what a lack of permission is reported with.
	authorizerDenied = regexp.MustCompile(`User "[^"]*" cannot |\bcannot [a-z]+ resource "`)

	// webhookDown names a webhook that could not be asked. What follows in the message
	// differs from try to try.
	webhookDown = regexp.MustCompile(`failed calling webhook "[^"]*"`)

	// unreasoned is the end of an answer that gives no reason: that of a webhook of
	// authorization or admission which has none, through an API server that does not notice.
	unreasoned = regexp.MustCompile(`forbidden:?\s*(<nil>)?\s*$`)

	// refusedUser is where the API server names the user that it refuses.
	refusedUser = regexp.MustCompile(`User "[^"]*" `)
)

// retriedStatus are codes of errors that pass by themselves.
var retriedStatus = []int32{http.StatusUnauthorized, http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusGone, http.StatusTooManyRequests}

// afterRefusal is when to decide again after a target was refused for the first time with a
// content: its stage, and what depends on it, wait for it no more.
const afterRefusal = time.Millisecond

// statusOf returns what the API server answered, if an error is an answer.
func statusOf(err error) (message string, code int32) {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return "", 0
	}
	return answer.Status().Message, answer.Status().Code
}

// textOf returns the text of an error as others are to read it: they go on after it.
func textOf(err error) string {
	return unreasoned.ReplaceAllString(err.Error(), "forbidden without a reason")
}

// isRefused is true for what the API server refuses, and goes on to refuse until a person
// grants it or removes the obstacle.
func isRefused(err error) bool {
	_, code := statusOf(err)
	return isDeniedByAdmission(err) || code >= http.StatusBadRequest && code < http.StatusInternalServerError && !slices.Contains(retriedStatus, code)
}

// isUnadmitted is true if a webhook could not be asked: nothing was written, and it is about
// to be back.
func isUnadmitted(err error) bool {
	message, code := statusOf(err)
	return code >= http.StatusInternalServerError && webhookDown.MatchString(message)
}

// isDeniedByAdmission is true for what a policy, a webhook or a quota denies.
func isDeniedByAdmission(err error) bool {
	message, _ := statusOf(err)
	return admissionDenied.MatchString(message)
}

// isUnauthorized is true for a lack of permission, other than for what admission refuses.
func isUnauthorized(err error) bool {
	return apierrors.IsForbidden(err) && !isDeniedByAdmission(err)
}

// refusalOf returns the reason of a refusal and what is reported of it, or nothing if an error
// is none.
func (r *ValuesTriggerReconciler) refusalOf(vt *triggerv1.ValuesTrigger, err error) (reason, message string) {
	switch {
	case fault.ReasonOf(err) != "":
		return fault.ReasonOf(err), textOf(err)
	case isUnauthorized(err):
		return acl.AccessDeniedReason, r.accounts.message(vt, err)
	case isRefused(err):
		return triggerv1.DeliveryFailedReason, "refused by the API server, and retried: " + wordsOf(err)
	case isUnadmitted(err):
		return triggerv1.DeliveryFailedReason, "refused, and retried: " + wordsOf(err)
	}
	return "", ""
}

// actor names as whom a trigger acts.
func (a *accounts) actor(vt *triggerv1.ValuesTrigger) string {
	if name := a.name(vt); name != "" {
		return fmt.Sprintf("ServiceAccount %s/%s", vt.Namespace, name)
	}
	return "the operator"
}

// message says who was refused what, and what to do if it is permission that lacks.
func (a *accounts) message(vt *triggerv1.ValuesTrigger, err error) string {
	account := a.actor(vt)
	if strings.Contains(err.Error(), "cannot impersonate") {
		return fmt.Sprintf("the operator may not act as %s; install it with the chart value impersonation.enabled, or remove spec.serviceAccountName", account)
	}
	// Who was refused has been said: a table has only so much room.
	message := fmt.Sprintf("%s was refused: %s", account, refusedUser.ReplaceAllString(textOf(err), ""))
	if authorizerDenied.MatchString(err.Error()) {
		message += "; grant it get on the sources, get, list and patch on the HelmReleases, and with spec.publish get, create, patch and delete on the copies (of the operator itself: chart value publish.enabled)"
	}
	return message
}

// refusedMessage says what the API server refuses to the operator.
func refusedMessage(err error) string {
	return "the API server refused a request of the operator, which is retried: " + wordsOf(err)
}

// wordsOf returns what was refused in the words of the API server, as far as they are the same
// at every try, and what to do where it is certain.
func wordsOf(err error) string {
	message := textOf(err)
	if end := webhookDown.FindStringIndex(message); end != nil {
		return message[:end[1]]
	}
	switch answer, code := statusOf(err); {
	case admissionDenied.MatchString(answer):
	case strings.Contains(answer, "field is immutable"):
		message += "; it is immutable: delete it, and the operator creates it again"
	case code == http.StatusRequestEntityTooLarge, apierrors.HasStatusCause(err, "FieldValueTooLong") && strings.Contains(answer, "metadata.annotations"):
		message += "; make room for the annotations of the operator"
	}
	return message
}

// reasonOf returns what the API server answered to what is retried. Of its own errors only the
// reason: the full messages differ from try to try and would make the status flap.
func reasonOf(err error) string {
	message, code := statusOf(err)
	if code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout {
		return message
	}
	if reason := apierrors.ReasonForError(err); reason != "" {
		return string(reason)
	}
	return "the API server did not answer"
}

// unmade returns the outcome for a target whose copies or request could not be written.
func (r *ValuesTriggerReconciler) unmade(vt *triggerv1.ValuesTrigger, snap snapshot, decision plan.Decision, err error) effect {
	unsent := unsentOf(decision)
	reason, message := r.refusalOf(vt, err)
	switch {
	case fault.IsOutdated(err): // Its watch is about to tell.
		return effect{status: unsent, undecided: unsent.Digest == "", after: conflictDelay}
	case reason == "":
		unsent.Message = "the request could not be made and is retried: " + reasonOf(err)
		return effect{status: unsent, undecided: unsent.Digest == "", err: err}
	}
	one := effect{status: unsent, free: true}
	if snap.gate != nil && decision.Request != nil && unsent.Refused == nil {
		one.after = afterRefusal
	}
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Digest: digest.Short(snap.diff.To), Reason: reason}
	if isUnadmitted(err) { // That of a webhook which restarts is over before anybody can look at it.
		one.undecided, one.err = unsent.Digest == "", err
		return one
	}
	one.status.State = triggerv1.TargetFailed
	if isRefused(err) {
		one.refused = err
	}
	return one
}

// undecidable returns the outcome for a target about which nothing could be decided.
func (r *ValuesTriggerReconciler) undecidable(vt *triggerv1.ValuesTrigger, c *targetCase) effect {
	one := undecided(c.shown(), nil)
	reason, message := r.refusalOf(vt, c.err)
	if reason == "" || isUnadmitted(c.err) {
		one.err = c.err
		return one
	}
	one.free = true
	one.status.Message, one.status.Refused = message, &triggerv1.Refusal{Reason: reason}
	if isRefused(c.err) {
		one.refused = c.err
	} else {
		one.status.State = triggerv1.TargetFailed
	}
	return one
}
