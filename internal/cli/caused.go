// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// caused says what the last edit of a ConfigMap or Secret has caused. Its content is not read.
func (c *cli) caused(ctx context.Context, o binding.Object) (history.Caused, error) {
	out := history.Caused{Object: o, Triggers: []history.Consequence{}}
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(o.Kind))
	err := c.client.Get(ctx, o.NamespacedName(), object)
	switch {
	case apierrors.IsForbidden(err):
		c.warn("you may not read %s: who edited it is not known", o)
	case apierrors.IsNotFound(err):
		c.warn("%s does not exist", o)
	case err != nil:
		return out, err
	}
	out.EditedAt, out.EditedBy = lastWrite(object)
	if by, marked := applier.Of(object.Labels, object.Annotations); marked {
		out.AppliedBy = by.String()
	}
	if trigger, copied := publish.Trigger(object.Labels); copied {
		out.CopyOf = graph.Key{NamespacedName: trigger}
	}
	all, err := c.allTriggers(ctx, o.Namespace)
	if err != nil {
		return out, err
	}
	var having []triggerv1.ValuesTrigger
	for i := range all {
		if graph.HasSource(&all[i], o, object.Labels) {
			having = append(having, all[i])
		}
	}
	directory, err := c.directory(ctx, o.Namespace, having)
	if err != nil {
		return out, err
	}
	out.Triggers = history.CausedIn(directory, having, o, object.Labels)
	for i := range out.Triggers {
		out.Triggers[i].Message = c.named(out.Triggers[i].Message)
	}
	return out, nil
}

// causedText shows what an edit has caused.
func causedText(s layout.Style, r history.Caused) string {
	var out strings.Builder
	out.WriteString(s.Paint(layout.Bold, r.String()))
	if !r.EditedAt.IsZero() {
		fmt.Fprintf(&out, "   last recorded write by %s %s ago", clean(r.EditedBy), s.Age(r.EditedAt))
	}
	if r.AppliedBy != "" {
		fmt.Fprintf(&out, "   applied by %s", clean(r.AppliedBy))
	}
	out.WriteString("\n")
	if r.CopyOf != (graph.Key{}) {
		fmt.Fprintf(&out, "It is a copy, kept by ValuesTrigger %s, of whose sources 'why' says more.\n", r.CopyOf)
		return out.String()
	}
	if len(r.Triggers) == 0 {
		out.WriteString("No ValuesTrigger has it as a source.\n")
	}
	for _, t := range r.Triggers {
		fmt.Fprintf(&out, "\n%s   %s\n", s.Paint(layout.Bold, "ValuesTrigger "+t.Trigger), s.Paint(triggerTone(t.State), string(t.State))+suffix(": ", clean(t.Message)))
		out.WriteString(consequenceText(s, t))
	}
	return out.String()
}

func suffix(separator, word string) string {
	if word == "" {
		return ""
	}
	return separator + word
}

// consequenceText shows the change, the stages and the HelmReleases, together those that are the same.
func consequenceText(s layout.Style, t history.Consequence) string {
	var out strings.Builder
	if e := t.Change; e == nil {
		out.WriteString("   No change by it is on record.\n")
	} else {
		fmt.Fprintf(&out, "   %s ago   %s   %s\n", s.Age(e.Time), s.Paint(outcomeToneOf(e.Outcome), string(e.Outcome)), pastCause(*e))
	}
	if t.Later > 0 {
		fmt.Fprintf(&out, "   %s came after it; what follows is about the last of them.\n", layout.Plural(t.Later, "change"))
	}
	for _, st := range t.Stages {
		fmt.Fprintf(&out, "   %s\n", s.Paint(stageTone(st), stageText(s, st)))
		for _, m := range t.Measured {
			if m.Stage != st.Name {
				continue
			}
			for _, finding := range m.Findings(s.Now) {
				fmt.Fprintf(&out, "      %s\n", s.Paint(board.FindingTone(finding.Result), clean(finding.Text)))
			}
		}
	}
	type group struct {
		state   triggerv1.TargetState
		message string
	}
	var order []group
	names := map[group][]binding.Object{}
	for _, target := range t.Releases {
		g := group{target.State, clean(target.Message)}
		if names[g] == nil {
			order = append(order, g)
		}
		names[g] = append(names[g], target.Object)
	}
	for _, g := range order {
		fmt.Fprintf(&out, "   %s, %s%s\n", s.Paint(targetTone(g.state), string(g.state)), namesOf(names[g], 0), suffix(": ", g.message))
	}
	return out.String()
}
