// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	eventv1 "github.com/fluxcd/pkg/apis/event/v1"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/fields"
)

func (c *cli) whyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why HELMRELEASE [-n NAMESPACE]",
		Short: "Say why a HelmRelease has its recent revisions, and what waits",
		Long: `Say why a HelmRelease has its recent revisions: which object changed, which keys,
whose edit, when. It is put together from what is on record: ValuesTriggers,
the annotations of the last request, events, the history of the HelmRelease and
the labels of Helm's own release Secrets. What is not on record is not guessed.`,
		Example:           "  kubectl valuestrigger why my-app -n apps",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: c.completeNames(helmv2.HelmReleaseKind),
	}
	c.withOutput(cmd)
	return c.command(cmd, func(cmd *cobra.Command, args []string) error {
		ref, err := parseReference(args[0], helmv2.HelmReleaseKind)
		if err != nil {
			return err
		}
		if ref.kind != helmv2.HelmReleaseKind {
			return usageError{fmt.Errorf("%s: give the name of a HelmRelease", args[0])}
		}
		if err := c.connect(); err != nil {
			return err
		}
		evidence, err := c.evidence(cmd.Context(), client.ObjectKey{Namespace: c.namespace, Name: ref.name})
		if err != nil {
			return err
		}
		report := history.Explain(evidence)
		return c.show(report, func(s layout.Style) string { return whyText(s, report) })
	})
}

// evidence collects what is on record. What the user may not read is left out, and said.
func (c *cli) evidence(ctx context.Context, key client.ObjectKey) (history.Evidence, error) {
	hr := &helmv2.HelmRelease{}
	e := history.Evidence{Release: hr}
	if err := c.client.Get(ctx, key, hr); err != nil {
		return e, err
	}
	e.SpecEdited, e.SpecEditor = specEdit(hr)
	triggers, err := c.allTriggers(ctx, key.Namespace)
	if err != nil {
		return e, err
	}
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
				Reason: event.Reason, Message: event.Message, At: at, Count: count,
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

// whyText shows revisions, newest first.
func whyText(s layout.Style, r history.Report) string {
	var out strings.Builder
	tone := layout.Bad
	switch r.Ready {
	case "True":
		tone = layout.Good
	case "Unknown", "":
		tone = layout.Busy
	}
	fmt.Fprintf(&out, "%s   %s\n", s.Paint(layout.Bold, r.String()), s.Paint(tone, "Ready "+orDash(r.Ready)+": "+clean(r.Message)))
	for _, w := range r.Waiting {
		fmt.Fprintf(&out, "%s by ValuesTrigger %s: %s\n", s.Paint(targetTone(w.State), string(w.State)), w.Trigger, cmp.Or(clean(w.Message), "its status lists others"))
		if w.Cause != nil {
			fmt.Fprintf(&out, "   %s\n", clean(w.Cause.Text))
		}
	}
	for _, o := range r.Overridden {
		out.WriteString(overrideLine(s, o))
	}
	for _, c := range r.Copies {
		out.WriteString(copyLine(s, c))
	}
	if len(r.Revisions) == 0 {
		out.WriteString("There is no revision yet.\n")
	}
	for _, revision := range r.Revisions {
		out.WriteString("\n" + s.Table(revisionRows(s, revision)))
	}
	for i, q := range r.Requested {
		if i == 0 {
			out.WriteString("\nRequested, and it is not on record which revision that made, if any:\n")
		}
		times := ""
		if q.Count > 1 {
			times = fmt.Sprintf(" (%d times since)", q.Count)
		}
		fmt.Fprintf(&out, "   %s ago   %s%s   known from: %s\n", s.Age(q.At), clean(q.Cause.Text), times, q.From)
	}
	for i, q := range r.Quiet {
		if i == 0 {
			out.WriteString("\nDelivered without a revision, since the values stayed the same:\n")
		}
		fmt.Fprintf(&out, "   %s ago   %s\n", s.Age(q.At), clean(q.Cause.Text))
	}
	return out.String()
}

// overrideLine says what a person has overridden.
func overrideLine(s layout.Style, o history.Overridden) string {
	by := ""
	if o.Manager != "" {
		by = ", requested by field manager " + clean(o.Manager)
	}
	return fmt.Sprintf("%s %s ago by ValuesTrigger %s for content %s%s: %s\n", s.Paint(layout.Busy, "Overridden"), s.Age(o.At), o.Trigger,
		digest.Prefix+digest.Short(o.Digest), by, clean(o.Message))
}

// copyLine says from which copy of what the release reads, and whether that is present.
func copyLine(s layout.Style, c history.Copy) string {
	reads, tone := "Reads", layout.Plain
	if !c.Read {
		reads, tone = "Does not list", layout.Busy
	}
	return fmt.Sprintf("%s %s, the copy of %s by ValuesTrigger %s: %s\n", s.Paint(tone, reads), c, c.Names(), c.Trigger, s.Paint(copyTone(c.State), copyText(c.State)))
}

func orDash(word string) string {
	if word == "" {
		return "-"
	}
	return word
}

func revisionRows(s layout.Style, r history.Revision) []layout.Row {
	when := ""
	if !r.At.IsZero() {
		when = fmt.Sprintf("%s ago (%s)", s.Age(r.At), r.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	title := []string{when, r.Status, r.Chart}
	if len(r.Differs) > 0 {
		title = append(title, "differs in "+strings.Join(r.Differs, " and "))
	}
	row := layout.Row{Cells: []layout.Cell{{Text: fmt.Sprintf("Revision %d", r.Number), Tone: layout.Bold}}}
	for _, word := range title {
		if word != "" {
			row.Cells = append(row.Cells, layout.Cell{Text: word})
		}
	}
	rows := []layout.Row{row}
	add := func(label, word string, tone layout.Tone) {
		if word != "" {
			rows = append(rows, layout.Row{Lead: "   ", Loose: true, Cells: []layout.Cell{{Text: label, Tone: layout.Dim}, {Text: word, Tone: tone}}})
		}
	}
	if r.Cause == nil {
		add("why", r.Note, layout.Busy)
		return rows
	}
	for _, edit := range r.Cause.Objects {
		add("why", editText(edit, r.Cause.TakenBack), layout.Plain)
	}
	if len(r.Cause.Objects) == 0 {
		add("why", clean(r.Cause.Text), layout.Plain)
	}
	if r.Cause.More > 0 {
		add("why", fmt.Sprintf("and %d more", r.Cause.More), layout.Plain)
	}
	via := r.Note
	if r.Cause.Trigger != "" {
		via = "ValuesTrigger " + r.Cause.Trigger + "   known from: " + r.Note
	}
	if r.Certainty == history.ByOrder {
		via += "; unproven, it followed the request"
	}
	if r.Cause.Request == meta.ForceRequestAnnotation {
		add("by", "a person's request for all HelmReleases at once, which overrides what holds changes back", layout.Busy)
	}
	add("via", via, layout.Dim)
	return rows
}

// editText says what changed in an object, and whose edit it was; or that the object was
// restored, since content of that digest failed.
func editText(e history.Edit, rolledBack string) string {
	out := e.String()
	switch {
	case rolledBack != "":
		return out + " as it was before: " + rolledBack + " failed and was rolled back"
	case e.Absent:
		out += " was gone"
	case len(e.Keys) > 0:
		out += " changed in " + strings.Join(e.Keys, ", ")
		if e.MoreKeys > 0 {
			out += fmt.Sprintf(" and %d more keys", e.MoreKeys)
		}
	default:
		out += " changed (keys not known)"
	}
	if e.Editor != "" {
		out += ", last edit by " + clean(e.Editor)
		if e.Origin != "" {
			out += " (" + clean(e.Origin) + ")"
		}
	}
	return out
}
