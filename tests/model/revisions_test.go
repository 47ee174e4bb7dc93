// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// revision is what Helm has stored of one revision.
type revision struct {
	Version int `json:"version"`
	Info    struct {
		LastDeployed time.Time `json:"last_deployed"`
		Status       string    `json:"status"`
		Description  string    `json:"description"`
	} `json:"info"`
	Config map[string]any `json:"config"`
	Chart  struct {
		Metadata struct {
			Version string `json:"version"`
		} `json:"metadata"`
	} `json:"chart"`
	Manifest string `json:"manifest"`
}

// revisions returns all revisions of a release, the oldest first.
func (d *driver) revisions(r *release) ([]revision, error) {
	list := &corev1.SecretList{}
	if err := d.c.List(d.ctx, list, client.InNamespace(r.ns), client.MatchingLabels{"owner": "helm", "name": r.name}); err != nil {
		return nil, err
	}
	revisions := make([]revision, len(list.Items))
	for i := range list.Items {
		zipped, err := base64.StdEncoding.DecodeString(string(list.Items[i].Data["release"]))
		if err != nil {
			return nil, err
		}
		reader, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			return nil, err
		}
		if err := json.NewDecoder(reader).Decode(&revisions[i]); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(revisions, func(a, b revision) int { return a.Version - b.Version })
	return revisions, nil
}

// same reports whether two revisions have the same values and chart.
func (a revision) same(b revision) bool {
	return fmt.Sprint(a.Config, a.Chart.Metadata.Version) == fmt.Sprint(b.Config, b.Chart.Metadata.Version)
}

// refused reports whether the API server refuses what a revision of a release renders.
func (a revision) refused(r *release) bool {
	return fmt.Sprint(a.Config[rejected]) == "true" || fmt.Sprint(a.Config[rejectedFor]) == r.name
}

func (a revision) String() string {
	config := map[string]any{}
	for key, value := range a.Config {
		if key != "lookups" {
			config[key] = value
		}
	}
	var lookups []string
	for text := range strings.SplitSeq(a.Manifest, "\n") {
		if strings.HasPrefix(text, "  s") {
			lookups = append(lookups, strings.TrimSpace(text))
		}
	}
	return fmt.Sprintf("revision %d %s, chart %s: %v %s: %s", a.Version, a.Info.Status, a.Chart.Metadata.Version, config, a.Info.Description, strings.Join(lookups, " "))
}

// counted returns an error if a release has more revisions than there were reasons for
// (G2).
func (d *driver) counted() error {
	requests, err := d.requested()
	if err != nil {
		return err
	}
	for _, r := range d.fleet.all() {
		revisions, err := d.revisions(r)
		if err != nil {
			return err
		}
		var counted []made
		for i, rev := range revisions {
			if rev.Info.LastDeployed.Before(r.begun) || d.excuse(r, requests[r.id()], revisions, i) != "" {
				continue
			}
			before := i > 0 && !revisions[i-1].Info.LastDeployed.Before(r.begun)
			counted = append(counted, made{
				at: rev.Info.LastDeployed, failed: rev.Info.Status == "failed", text: rev.String(),
				repeats: before && rev.same(revisions[i-1]) && revisions[i-1].Info.Status != "failed",
			})
		}
		if problem := doubled(counted, d.entitlements(r)); problem != "" {
			return about(r, "%s", problem)
		}
	}
	return nil
}

// entitlements returns the effective changes of a release, those of its copies included.
func (d *driver) entitlements(r *release) []effective {
	changes := slices.Clone(r.changes)
	for _, m := range d.fleet.members() {
		if m.release == r {
			changes = append(changes, d.seen.changes(m)...)
		}
	}
	return changes
}

// tally counts the revisions of the whole story.
func (d *driver) tally() error {
	requests, err := d.requested()
	if err != nil {
		return err
	}
	for _, r := range d.fleet.all() {
		revisions, err := d.revisions(r)
		if err != nil {
			return err
		}
		for i := range revisions {
			d.count(strings.TrimSpace("revisions " + d.excuse(r, requests[r.id()], revisions, i)))
		}
		d.add("effective changes", len(d.entitlements(r)))
	}
	for _, m := range d.managers {
		_, _, injected := m.proxy.Counts()
		d.add("faults", injected)
	}
	return d.leaders()
}
