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

// same tells whether two revisions have the same values and chart.
func (a revision) same(b revision) bool {
	return fmt.Sprint(a.Config, a.Chart.Metadata.Version) == fmt.Sprint(b.Config, b.Chart.Metadata.Version)
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

const (
	// instant is by how much the clocks of a story may differ.
	instant = time.Second
	// upgrade is how long helm-controller may take for one.
	upgrade = 5 * time.Second
	// wake is how long after an outage of helm-controller or the API server it may
	// come to make up for it.
	wake = time.Minute
)

// counted returns an error if a release has more revisions than it was entitled to, at
// any time (G2): all in all, and of those with the values of the one before.
func (d *driver) counted() error {
	for _, r := range d.fleet.releases {
		revisions, err := d.revisions(r)
		if err != nil {
			return err
		}
		all, repeated := 0, 0
		for i, rev := range revisions {
			if excuse := d.excuse(revisions, i); excuse != "" {
				d.count("revisions " + excuse)
				continue
			}
			all++
			d.count("revisions")
			if i > 0 && rev.same(revisions[i-1]) && revisions[i-1].Info.Status != "failed" {
				repeated++
			}
			entitled, forced := r.entitled(rev.Info.LastDeployed.Add(instant))
			if all > entitled || repeated > forced {
				return about(r, "doubled: of %d revisions %d repeat the values, and there were %d effective changes, %d of them forced, when %s was made",
					all, repeated, entitled, forced, rev)
			}
		}
		entitled, _ := r.entitled(time.Now())
		d.mu.Lock()
		d.counts["effective changes"] += entitled
		d.mu.Unlock()
	}
	return nil
}

// entitled returns the number of effective changes up to a time.
func (l *ledger) entitled(until time.Time) (all, forced int) {
	for _, c := range l.changes {
		if c.at.After(until) {
			continue
		}
		all++
		if c.forced {
			forced++
		}
	}
	return all, forced
}

// excuse says why a revision is there because helm-controller was killed or could not
// reach the API server: what was under way failed, and what had just been made it does
// not know of, so that it makes the same again.
func (d *driver) excuse(revisions []revision, i int) string {
	rev := revisions[i]
	if strings.Contains(rev.Info.Description, "unlocked from stale") {
		return "unlocked"
	}
	for _, outage := range d.outages {
		since := rev.Info.LastDeployed.Sub(outage)
		if since < -upgrade || since > wake {
			continue
		}
		if rev.Info.Status == "failed" && fmt.Sprint(rev.Config[rejected]) != "true" {
			return "cut off"
		}
		if i > 0 && rev.same(revisions[i-1]) && since > 0 {
			before := outage.Sub(revisions[i-1].Info.LastDeployed)
			if before > -instant && before < upgrade {
				return "forgotten"
			}
		}
	}
	return ""
}
