// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// need says, once for each message, what a person has to do before one goes on.
func (w *waiter) need(one *waited) {
	what := w.c.named(one.Instruction())
	if one.Reason == triggerv1.AwaitingWindowReason || one.Reason == triggerv1.AwaitingGateReason || what == one.needed {
		return
	}
	one.needed = what
	_, _ = fmt.Fprintf(w.c.Err, "valuestrigger/%s in %s needs a person (%s): %s\n", one.Name, one.Namespace, one.Reason, clean(what))
}

// tell says, once for each change, what is waited for and how far it is.
func (w *waiter) tell() {
	var left []string
	for _, key := range w.order {
		if one := w.seen[key]; one.Outcome == triggerv1.ChangeInProgress {
			left = append(left, fmt.Sprintf("%s (%s)", key, one.progress()))
		}
	}
	line := fmt.Sprintf("waiting for %d of %d: %s", len(left), len(w.order), text.Some(left, maxNamed))
	if line != w.shown {
		_, _ = fmt.Fprintln(w.c.Err, line)
	}
	w.shown = line
}

// progress says in which stage a trigger is, and how far.
func (o *waited) progress() string {
	if o.last == nil {
		return string(o.State)
	}
	out := string(o.State)
	if s := o.last.Status.Rollout; s != nil && s.Phase != triggerv1.RolloutFinished {
		out = string(s.Phase)
		for i, st := range s.Stages {
			if st.Name == s.Stage {
				out = fmt.Sprintf("stage %d/%d %s %s, %d/%d", i+1, len(s.Stages), st.Name, s.Phase, st.Delivered, st.Targets)
			}
		}
	}
	out += fmt.Sprintf("; %d of %s delivered", o.Summary.Delivered, layout.Plural(int(o.Summary.Total), "HelmRelease"))
	if o.Summary.Failed > 0 {
		out += fmt.Sprintf(", %d failed", o.Summary.Failed)
	}
	return out
}
