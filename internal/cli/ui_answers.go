// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/ui"
)

// pageAnswers answers pages as the commands answer. What a command warns of is a note there.
type pageAnswers struct{ c *cli }

// in returns the commands as in a namespace, and what returns their warnings.
func (p pageAnswers) in(namespace string) (c *cli, notes func() []string) {
	warnings := &bytes.Buffer{}
	quiet := *p.c
	quiet.namespace, quiet.Err = namespace, warnings
	return &quiet, func() []string {
		var out []string
		for line := range strings.Lines(warnings.String()) {
			out = append(out, strings.TrimPrefix(strings.TrimSpace(line), "warning: "))
		}
		return out
	}
}

// Subject implements ui.Answers.
func (p pageAnswers) Subject(ctx context.Context, o binding.Object) (ui.Subject, error) {
	c, notes := p.in(o.Namespace)
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(o.Kind))
	err := c.client.Get(ctx, o.NamespacedName(), object)
	switch {
	case apierrors.IsForbidden(err):
		c.warn("you may not read %s: what its labels say and who edited it is not known", o)
	case apierrors.IsNotFound(err):
		c.warn("%s does not exist: this is what its creation would touch", o)
	case err != nil:
		return ui.Subject{}, err
	}
	out := ui.Subject{Subject: graph.Subject{Object: o, Labels: object.Labels, Annotations: object.Annotations}, Notes: notes()}
	out.EditedAt, out.EditedBy = lastWrite(object)
	if by, marked := applier.Of(object.Labels, object.Annotations); marked {
		out.AppliedBy = by.String()
	}
	return out, nil
}

// Deletion implements ui.Answers.
func (p pageAnswers) Deletion(ctx context.Context, o binding.Object) (ui.Deletion, error) {
	c, notes := p.in(o.Namespace)
	answer, err := c.deletionOf(ctx, o)
	return ui.Deletion{Deletion: answer, Notes: notes()}, err
}

// Release implements ui.Answers.
func (p pageAnswers) Release(ctx context.Context, key types.NamespacedName, triggers []triggerv1.ValuesTrigger) (ui.ReleaseAnswer, error) {
	c, notes := p.in(key.Namespace)
	hr := &helmv2.HelmRelease{}
	out := ui.ReleaseAnswer{Release: hr}
	if err := c.client.Get(ctx, key, hr); err != nil {
		return out, err
	}
	evidence, err := c.evidenceOf(ctx, hr, triggers)
	if err != nil {
		return out, err
	}
	out.Report, out.Deliveries = history.Explain(evidence), evidence.Deliveries
	out.Changes, _ = changesTo(evidence, out.Report)
	for _, e := range evidence.Events {
		if e.Type == corev1.EventTypeWarning {
			out.Warnings = append(out.Warnings, e)
		}
	}
	if out.Before, err = c.before(ctx, hr, evidence.Deliveries); err != nil {
		c.warn("how the values were before is not shown: %s", explain(err))
	}
	out.Notes = notes()
	return out, nil
}

// before returns how the values of a HelmRelease differ from those that it had before: as its trigger keeps them,
// else as Helm remembers them.
func (c *cli) before(ctx context.Context, hr *helmv2.HelmRelease, deliveries []graph.Delivery) (ui.Before, error) {
	for _, d := range deliveries {
		if d.Trigger.Spec.Publish == nil {
			continue
		}
		back, _ := decision.RollBack(d.Trigger, 0)
		if back.To.Revision == 0 {
			continue
		}
		kept, err := c.keptContent(ctx, d.Trigger, back.To)
		if err != nil || kept.missing != "" {
			return ui.Before{}, err
		}
		directory, err := c.directoryOf(ctx, hr, []triggerv1.ValuesTrigger{*d.Trigger})
		if err != nil {
			return ui.Before{}, err
		}
		cluster := graph.Cluster{Directory: directory, Triggers: []triggerv1.ValuesTrigger{*d.Trigger}, Now: c.Now()}
		restored, err := (&rollbacker{c: c}).restoredIn(ctx, cluster, d.Trigger, kept)
		if err != nil {
			return ui.Before{}, err
		}
		out := ui.Before{What: fmt.Sprintf("revision %d of %s", back.To.Revision, binding.TriggerObject(d.Trigger))}
		if i := slices.IndexFunc(restored.Releases, func(r *releasePreview) bool { return r.Object == binding.ReleaseObject(hr) }); i >= 0 {
			out.Differences, out.LeftOut = compare.Reversed(restored.Releases[i].Differences), restored.Releases[i].LeftOut
		}
		return out, nil
	}
	earlier, revision := c.earlier(ctx, hr)
	switch {
	case revision == 0:
		return ui.Before{}, nil
	case earlier == nil:
		return ui.Before{
			What:    fmt.Sprintf("Helm's revision %d", revision),
			Command: fmt.Sprintf("helm get values -n %s %s --revision %d", hr.GetStorageNamespace(), hr.GetReleaseName(), revision),
		}, nil
	}
	return ui.Before{What: fmt.Sprintf("Helm's revision %d", revision), Differences: compare.Reversed(earlier.Differences)}, nil
}
