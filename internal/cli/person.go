// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// maxUser bounds the name of a user, in bytes, as the status of a ValuesTrigger does.
const maxUser = 256

// user returns what the API server calls the person who runs the plugin. It is empty where the
// API server does not say: before Kubernetes 1.28, and for users without that right.
func (c *cli) user(ctx context.Context) string {
	review := &authenticationv1.SelfSubjectReview{}
	if err := c.client.Create(ctx, review); err != nil {
		return "" // The name is left out.
	}
	return text.Line(review.Status.UserInfo.Username, maxUser)
}

// orNull returns a name for an annotation, nil in a patch for one that is not known: a name that
// was there before is that of someone else.
func orNull(user string) any {
	if user == "" {
		return nil
	}
	return user
}

// withYes adds the flag that answers the question.
func withYes(cmd *cobra.Command, yes *bool) {
	cmd.Flags().BoolVarP(yes, "yes", "y", false, "do it without a question")
}

// errUnanswered reports that a question cannot be put to a person.
var errUnanswered = errors.New("standard input is not a terminal, so no one can answer: give --yes to do it without a question, or --dry-run to only see it")

// confirm asks a person, and reports whether the answer is yes.
func (c *cli) confirm(yes bool, question string) (bool, error) {
	switch {
	case yes:
		return true, nil
	case !c.Interactive:
		return false, usageError{errUnanswered}
	}
	_, _ = fmt.Fprintf(c.Err, "%s [y/N] ", question)
	line, err := bufio.NewReader(c.In).ReadString('\n')
	if err != nil && line == "" {
		_, _ = fmt.Fprintln(c.Err)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true, nil
	}
	_, _ = fmt.Fprintln(c.Err, "Nothing is written.")
	return false, nil
}
