// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"slices"
	"strings"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// manual returns the names of the stages that need an approval.
func manual(r *triggerv1.Rollout) []string {
	var names []string
	if r != nil {
		for _, stage := range r.Stages {
			if stage.Approval == triggerv1.ApprovalManual {
				names = append(names, stage.Name)
			}
		}
	}
	return names
}

// approves tells whether an annotation approves content for a stage: it is the digest
// alone, for the first stage that needs an approval, or the digest and the stage.
func approves(r *triggerv1.Rollout, annotation, digestText, stage string) bool {
	content, name, named := strings.Cut(annotation, "/")
	if content != digestText {
		return false
	}
	if named {
		return name == stage
	}
	names := manual(r)
	return len(names) > 0 && names[0] == stage
}

// Approval returns the annotation that approves content for a stage.
func Approval(r *triggerv1.Rollout, digestText, stage string) string {
	if approves(r, digestText, digestText, stage) {
		return digestText
	}
	return digestText + "/" + stage
}

// Refusal says why an annotation approves nothing, or is empty if it does.
func Refusal(r *triggerv1.Rollout, annotation, digestText string) string {
	content, name, named := strings.Cut(annotation, "/")
	names := manual(r)
	switch {
	case len(names) == 0:
		return "no stage of spec.rollout has approval Manual"
	case !strings.HasPrefix(content, digest.Prefix):
		return fmt.Sprintf("it is no digest; approve the present content with %s", digestText)
	case content != digestText:
		return fmt.Sprintf("it approves other content, %s; the present one is %s", digest.Prefix+text.Word(digest.Short(content)), digestText)
	case named && !slices.Contains(names, name):
		return fmt.Sprintf("%q is no stage with approval Manual; these are: %s", text.Word(name), strings.Join(names, ", "))
	}
	return ""
}
