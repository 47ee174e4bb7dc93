// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// How the API server writes that a right is missing, and that a policy denies a request.
var (
	missingRight = regexp.MustCompile(
		`User "([^"]*)" cannot ([a-z]+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]*)")?( at the cluster scope)?`)
	deniedRequest = regexp.MustCompile(`(?s)denied (?:the )?request: (.*)$`)
)

// explain says what an error means to someone who has not read this program.
func explain(err error) string {
	var status apierrors.APIStatus
	switch {
	case errors.As(err, &status) && apierrors.IsNotFound(err) && isUnserved(status.Status().Details):
		return "the cluster does not serve this kind: are the operator and Flux installed? (" + err.Error() + ")"
	case clientcmd.IsEmptyConfig(err):
		return "no cluster is configured: set KUBECONFIG, --kubeconfig or --context"
	case apierrors.IsUnauthorized(err):
		return "the cluster does not accept your credentials: log in again, or check --context"
	case apierrors.IsForbidden(err) || apierrors.IsInvalid(err):
		return explainDenial(err.Error())
	}
	return err.Error()
}

// explainDenial says which right is missing, or what a policy says.
func explainDenial(message string) string {
	if match := deniedRequest.FindStringSubmatch(message); match != nil {
		return "a policy of the cluster denies it: " + match[1]
	}
	match := missingRight.FindStringSubmatch(message)
	if match == nil {
		return message
	}
	user, verb, resource := match[1], match[2], match[3]
	if group := match[4]; group != "" {
		resource += "." + group
	}
	where := "in namespace " + match[5]
	if match[5] == "" {
		where = "in all namespaces"
	}
	return fmt.Sprintf("you may not %s %s %s: that needs a role with the verb %s on %s (user %s)", verb, match[3], where, verb, resource, strings.TrimSpace(user))
}

// isUnserved is true if an answer "not found" is not about an object: the kind is unknown.
func isUnserved(details *metav1.StatusDetails) bool {
	return details == nil || details.Name == "" || slices.ContainsFunc(details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Type == metav1.CauseTypeUnexpectedServerResponse
	})
}
