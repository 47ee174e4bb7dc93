// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

const (
	// maxEarlier is of how many HelmReleases the earlier values are compared: Helm's Secrets are large.
	maxEarlier = 20

	// maxStored bounds what is read out of one of them, in bytes.
	maxStored = 16 << 20
)

// helmText shows how the values differ that the HelmReleases of a trigger had before, as Helm remembers
// them: what to put into Git. Of a HelmRelease that reads a Secret, or whose spec was edited since, it
// is not known which of the earlier values came out of a Secret: none is shown.
func (c *cli) helmText(ctx context.Context, s layout.Style, vt *triggerv1.ValuesTrigger) string {
	var known []*releasePreview
	var commands []string
	targets := (graph.Directory{}).Describe(vt).Targets
	for _, t := range targets[:min(len(targets), maxEarlier)] {
		if t.State == triggerv1.TargetMissing {
			continue
		}
		hr := &helmv2.HelmRelease{}
		if err := c.client.Get(ctx, t.NamespacedName(), hr); err != nil {
			c.warn("%s is left out: %s", t.Object, explain(err))
			continue
		}
		p, number := c.earlier(ctx, hr)
		switch {
		case p != nil && len(p.Differences) > 0:
			known = append(known, p)
		case p == nil && number > 0:
			commands = append(commands, fmt.Sprintf("  helm get values -n %s %s --revision %d", hr.GetStorageNamespace(), hr.GetReleaseName(), number))
		}
	}
	var out strings.Builder
	for i, group := range groups(known, false) {
		if i == 0 {
			out.WriteString("\nThe values before, as Helm remembers them:\n")
		}
		fmt.Fprintf(&out, "\n%s\n%s", named(group, false), differencesText(s, group[0].Differences, false))
	}
	if len(commands) > 0 {
		out.WriteString("\nThe values before are with Helm. They may hold content of Secrets, and are not shown here:\n")
		out.WriteString(strings.Join(commands, "\n") + "\n")
	}
	if len(known)+len(commands) == 0 {
		out.WriteString("\nHelm remembers no earlier values that you may read: take the earlier content from Git or a backup.\n")
	}
	if more := len(targets) - maxEarlier; more > 0 {
		fmt.Fprintf(&out, "%s are not compared.\n", layout.Plural(more, "other HelmRelease"))
	}
	return out.String()
}

// earlier returns how the values of a HelmRelease differ from those of the revision before, and the number
// of that, 0 if there is none. The values are nil if they may not be shown or read.
func (c *cli) earlier(ctx context.Context, hr *helmv2.HelmRelease) (*releasePreview, int64) {
	latest := hr.Status.History.Latest()
	if latest == nil {
		return nil, 0
	}
	now, err := source.Compose(ctx, hr, func(ctx context.Context, ref binding.Object) (client.Object, error) {
		return readLive(ctx, c.client, ref)
	})
	if err != nil {
		now = nil // It is compared with nothing.
	}
	number, at := int64(latest.Version), latest.LastDeployed.Time
	if same, _ := runs(now, latest.ConfigDigest); same || err != nil {
		if number, at = c.superseded(ctx, hr, number); number == 0 {
			return nil, 0
		}
	}
	if edited, _ := specEdit(hr); err != nil || edited.After(at) || readsSecret(hr) {
		return nil, number
	}
	before, err := c.config(ctx, hr, number)
	if err != nil {
		return nil, number
	}
	return &releasePreview{Object: binding.ReleaseObject(hr), Differences: compare.Values(now, before)}, number
}

// superseded returns the last revision before one that was in use, and when it was made, 0 if Helm remembers none.
func (c *cli) superseded(ctx context.Context, hr *helmv2.HelmRelease, before int64) (number int64, at time.Time) {
	stored, err := c.stored(ctx, hr)
	if err != nil {
		c.warn("what Helm remembers of %s is left out: %s", binding.ReleaseObject(hr), explain(err))
		return 0, at
	}
	for _, revision := range stored {
		if revision.Revision < before && revision.Revision > number && revision.Status == "superseded" {
			number, at = revision.Revision, revision.At
		}
	}
	return number, at
}

func readsSecret(hr *helmv2.HelmRelease) bool {
	return slices.ContainsFunc(binding.ReadsOf(hr), func(r binding.Read) bool { return r.Kind == triggerv1.SecretKind })
}

// config returns the values of a revision, from Helm's own Secret.
func (c *cli) config(ctx context.Context, hr *helmv2.HelmRelease, number int64) (map[string]any, error) {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: hr.GetStorageNamespace(), Name: fmt.Sprintf("sh.helm.release.v1.%s.v%d", hr.GetReleaseName(), number)}
	if err := c.client.Get(ctx, key, secret); err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(string(secret.Data["release"]))
	if err != nil {
		return nil, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var release struct {
		Config map[string]any `json:"config"`
	}
	err = json.NewDecoder(io.LimitReader(unpacked, maxStored)).Decode(&release)
	return release.Config, err
}
