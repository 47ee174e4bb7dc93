// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package refusal is about what the API server refuses: how that is recognised, and the words in
// which it is reported. What lasts until a person does something is tried again ever more
// rarely, everything else with the queue's backoff.
package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

var (
	// admissionDenied is what policies and webhooks are reported with, whatever code they
	// choose, and quotas, which come as Forbidden like a lack of permission.
	admissionDenied = regexp.MustCompile(`denied (the )?request|(exceeded|failed|insufficient) quota|because it is being terminated`)

	// authorizerDenied is what a lack of permission is reported with.
	authorizerDenied = regexp.MustCompile(`User "[^"]*" cannot |\bcannot [a-z]+ resource "`)

	// webhookDown names a webhook that could not be called. What follows in the message
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

// answerOf returns what the API server answered, if an error is an answer.
func answerOf(err error) (message string, code int32) {
	var answer apierrors.APIStatus
	if !errors.As(err, &answer) {
		return "", 0
	}
	return answer.Status().Message, answer.Status().Code
}

// Text returns the text of an error as others are to read it: they go on after it.
func Text(err error) string {
	return unreasoned.ReplaceAllString(err.Error(), "forbidden without a reason")
}

// Is is true for what the API server refuses, and goes on to refuse until a person
// grants it or removes the obstacle.
func Is(err error) bool {
	_, code := answerOf(err)
	return ByAdmission(err) || code >= http.StatusBadRequest && code < http.StatusInternalServerError && !slices.Contains(retriedStatus, code)
}

// IsUnadmitted is true if a webhook could not be called: nothing was written, and it is about
// to be back.
func IsUnadmitted(err error) bool {
	message, code := answerOf(err)
	return code >= http.StatusInternalServerError && webhookDown.MatchString(message)
}

// ByAdmission is true for what a policy, a webhook or a quota denies.
func ByAdmission(err error) bool {
	message, _ := answerOf(err)
	return admissionDenied.MatchString(message)
}

// IsUnauthorized is true for a lack of permission, other than for what admission refuses.
func IsUnauthorized(err error) bool {
	return apierrors.IsForbidden(err) && !ByAdmission(err)
}

// Unpermitted says who was refused what, and what to do if it is permission that lacks.
func Unpermitted(account string, err error) string {
	if strings.Contains(err.Error(), "cannot impersonate") {
		return fmt.Sprintf("the operator may not act as %s; install it with the chart value impersonation.enabled, or remove spec.serviceAccountName", account)
	}
	// Who was refused has been said: a table has only so much room.
	message := fmt.Sprintf("%s was refused: %s", account, refusedUser.ReplaceAllString(Text(err), ""))
	if authorizerDenied.MatchString(err.Error()) {
		message += "; grant it get on the sources, get, list and patch on the HelmReleases, and with spec.publish get, create, patch and delete on the copies (of the operator itself: chart value publish.enabled)"
	}
	return message
}

// Message says what the API server refuses to the operator.
func Message(err error) string {
	return "the API server refused a request of the operator, which is retried: " + Words(err)
}

// Words returns what was refused in the words of the API server, as far as they are the same
// at every try, and what to do where it is certain.
func Words(err error) string {
	message := Text(err)
	if end := webhookDown.FindStringIndex(message); end != nil {
		return message[:end[1]]
	}
	switch answer, code := answerOf(err); {
	case admissionDenied.MatchString(answer):
	case strings.Contains(answer, "field is immutable"):
		message += "; it is immutable: delete it, and the operator creates it again"
	case code == http.StatusRequestEntityTooLarge, apierrors.HasStatusCause(err, "FieldValueTooLong") && strings.Contains(answer, "metadata.annotations"):
		message += "; make room for the annotations of the operator"
	}
	return message
}

// ReasonOf returns what the API server answered to what is retried. Of its own errors only the
// reason: the full messages differ from try to try and would make the status flap.
func ReasonOf(err error) string {
	message, code := answerOf(err)
	if code >= http.StatusBadRequest && code < http.StatusInternalServerError && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout {
		return message
	}
	if reason := apierrors.ReasonForError(err); reason != "" {
		return string(reason)
	}
	return "the API server did not answer"
}
