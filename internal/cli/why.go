// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fields"
)

func (c *cli) whyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why [KIND/]NAME... [-n NAMESPACE]",
		Short: "Say why HelmReleases have their recent revisions, or what an edit has caused",
		Long: `Say why a HelmRelease has its recent revisions: which object changed, which keys,
whose edit, when. It is put together from what is on record: ValuesTriggers,
the annotations of the last request, events, the history of the HelmRelease and
the labels of Helm's own release Secrets. What is not on record is not guessed.

The other way round, for configmap/NAME and secret/NAME: what the last edit of it has
caused, in which ValuesTriggers, stages and HelmReleases, and how each of them is.`,
		Example: `  kubectl valuestrigger why my-app -n apps
  kubectl valuestrigger why my-app your-app -n apps
  kubectl valuestrigger why configmap/platform-values -n platform`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: c.completeNames(helmv2.HelmReleaseKind, "configmap", "secret"),
	}
	c.withOutput(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error {
		var refs []reference
		for _, arg := range args {
			ref, err := parseReference(arg, helmv2.HelmReleaseKind)
			if err != nil {
				return err
			}
			if ref.kind == triggerv1.ValuesTriggerKind {
				return usageError{fmt.Errorf("%s: give a HelmRelease, configmap/NAME or secret/NAME; 'history' is about ValuesTriggers", arg)}
			}
			refs = append(refs, ref)
		}
		if err := c.connect(); err != nil {
			return err
		}
		return c.why(cmd.Context(), refs)
	})
}

// why answers about each of some objects.
func (c *cli) why(ctx context.Context, refs []reference) error {
	var answers []any
	var people []func(layout.Style) string
	for _, ref := range refs {
		key := client.ObjectKey{Namespace: c.namespace, Name: ref.name}
		if ref.kind != helmv2.HelmReleaseKind {
			report, err := c.caused(ctx, binding.Object{Kind: ref.kind, Namespace: key.Namespace, Name: key.Name})
			if err != nil {
				return err
			}
			answers, people = append(answers, report), append(people, func(s layout.Style) string { return causedText(s, report) })
			continue
		}
		evidence, err := c.evidence(ctx, key)
		if err != nil {
			return err
		}
		report := history.Explain(evidence)
		answers, people = append(answers, report), append(people, func(s layout.Style) string { return whyText(s, report) })
	}
	return c.showAll(answers, people)
}

// evidence collects what is on record. What the user may not read is left out, and said.
func (c *cli) evidence(ctx context.Context, key client.ObjectKey) (history.Evidence, error) {
	hr := &helmv2.HelmRelease{}
	if err := c.client.Get(ctx, key, hr); err != nil {
		return history.Evidence{Release: hr}, err
	}
	triggers, err := c.allTriggers(ctx, key.Namespace)
	if err != nil {
		return history.Evidence{Release: hr}, err
	}
	return c.evidenceOf(ctx, hr, triggers)
}

// evidenceOf collects what is on record about a HelmRelease, given all ValuesTriggers.
func (c *cli) evidenceOf(ctx context.Context, hr *helmv2.HelmRelease, triggers []triggerv1.ValuesTrigger) (history.Evidence, error) {
	key := client.ObjectKeyFromObject(hr)
	e := history.Evidence{Release: hr}
	e.SpecEdited, e.SpecEditor = specEdit(hr)
	directory, err := c.directoryOf(ctx, hr, triggers)
	if err != nil {
		return e, err
	}
	e.Deliveries = directory.DeliveriesTo(triggers, hr)
	if e.Events, err = c.events(ctx, key); err != nil {
		c.warn("events are left out: %s", explain(err))
	}
	if e.Stored, err = c.stored(ctx, hr); err != nil {
		c.warn("revisions that only Helm remembers are left out: %s", explain(err))
	}
	return e, nil
}

// specEdit returns who last wrote the spec of an object, and when.
func specEdit(hr *helmv2.HelmRelease) (last time.Time, editor string) {
	for _, entry := range hr.ManagedFields {
		if entry.Subresource != "" || entry.Time == nil || !fields.Of(entry).Has("spec") {
			continue
		}
		if entry.Time.After(last) {
			last, editor = entry.Time.Time, entry.Manager
		}
	}
	return last, editor
}

func (c *cli) events(ctx context.Context, key client.ObjectKey) ([]history.Event, error) {
	var out []history.Event
	err := pages(ctx, c.client, key.Namespace, func() *corev1.EventList { return &corev1.EventList{} }, func(list *corev1.EventList) {
		for _, event := range list.Items {
			if event.InvolvedObject.Kind != helmv2.HelmReleaseKind || event.InvolvedObject.Name != key.Name {
				continue
			}
			at := event.FirstTimestamp.Time
			if at.IsZero() {
				at = event.EventTime.Time
			}
			count := event.Count
			if event.Series != nil {
				count = event.Series.Count
			}
			out = append(out, history.Event{
				Type: event.Type, Reason: event.Reason, Message: event.Message, At: at, Count: count,
				Token: event.Annotations[helmv2.GroupVersion.Group+"/"+eventv1.MetaTokenKey],
			})
		}
	}, client.MatchingFields{"involvedObject.name": key.Name, "involvedObject.kind": helmv2.HelmReleaseKind})
	return out, err
}

// stored returns the revisions in Helm's storage, from the labels of its Secrets.
func (c *cli) stored(ctx context.Context, hr *helmv2.HelmRelease) ([]history.Stored, error) {
	var out []history.Stored
	err := c.metadata(ctx, triggerv1.SecretKind, hr.GetStorageNamespace(), func(secret metav1.ObjectMeta) {
		if revision, err := strconv.ParseInt(secret.Labels["version"], 10, 64); err == nil {
			out = append(out, history.Stored{Revision: revision, Status: secret.Labels["status"], At: secret.CreationTimestamp.Time})
		}
	}, client.MatchingLabels{"owner": "helm", "name": hr.GetReleaseName()})
	return out, err
}
