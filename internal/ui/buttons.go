// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// button leads to the question before an action.
type button struct {
	Name, Text, Path string

	// Refusal says why there is nothing to do, and Verb is what the person lacks, "" if neither.
	Refusal, Verb string

	// Primary is the one that is expected now.
	Primary bool
}

// patchVerb is the verb that every action takes.
const patchVerb = "patch"

// verbOf returns the verb that an action takes where the chart's approvals.enforce is set, "" for none.
func verbOf(action string, vt *triggerv1.ValuesTrigger) string {
	switch action {
	case Approve, Reject, Rollback:
		return "approve"
	case Suspend, Resume:
		return "suspend"
	case Override:
		return "override"
	case Retry:
		if s := vt.Status.Rollout; vt.Status.Restored != nil || s != nil && s.RejectedBy != nil {
			return "approve" // It withdraws what a person has decided.
		}
	}
	return ""
}

// buttons returns what a person can do to a ValuesTrigger.
func (s *Server) buttons(ctx context.Context, vt *triggerv1.ValuesTrigger, members graph.Members, described graph.Trigger) []button {
	suspend := Suspend
	if vt.Spec.Suspend {
		suspend = Resume
	}
	key := client.ObjectKeyFromObject(vt)
	var out []button
	for _, name := range []string{Approve, Reject, Rollback, Retry, suspend, Override} {
		a := Action{Name: name, ObjectKey: key}
		b := button{Name: name, Text: a.Says(), Path: "/do/" + name + "/" + key.Namespace + "/" + key.Name, Refusal: s.Commands.Refuse(a, vt, members), Verb: s.lacks(ctx, name, vt)}
		b.Primary = b.Refusal == "" && described.Expects(name)
		out = append(out, b)
	}
	return out
}

// lacks returns the verb that a person lacks for an action, "" if none.
func (s *Server) lacks(ctx context.Context, action string, vt *triggerv1.ValuesTrigger) string {
	want := func(verb string) right { return right{verb, vt.Namespace, vt.Name} }
	verb := verbOf(action, vt)
	switch {
	case !s.rights.allows(ctx, want(patchVerb)):
		return patchVerb
	case verb == "" || s.rights.allows(ctx, want(verb)) || !s.rights.enforced(ctx, vt, verb):
		return ""
	}
	return verb
}
