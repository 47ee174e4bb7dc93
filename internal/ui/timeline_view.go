// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// clockStep is how often the end of the time that is shown moves on, so that a page on which nothing happens stays as it is.
const clockStep = 15 * time.Second

// timelineView is the timeline, as a picture and as a table.
type timelineView struct {
	timeline
	Filter   timelineFilter
	Problem  string
	Spans    any
	Outcomes []triggerv1.ChangeOutcome

	// CSV and JSON export what is shown, and More shows more of it; All shows what was before.
	CSV, JSON, More, All string
}

// query writes a filter as the address has it.
func (f timelineFilter) query() url.Values {
	out := url.Values{}
	for name, value := range map[string]string{"span": f.Span, "from": f.From, "to": f.To, "object": f.Object, "person": f.Person, "outcome": f.Outcome} {
		if value != "" {
			out.Set(name, value)
		}
	}
	return out
}

// timelineFilterOf reads a filter out of an address.
func timelineFilterOf(query url.Values) timelineFilter {
	word := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	rows, _ := strconv.Atoi(query.Get("rows"))
	return timelineFilter{
		Span: cmp.Or(word("span"), "7d"), From: word("from"), To: word("to"), Object: word("object"), Person: word("person"), Outcome: word("outcome"), Rows: rows,
	}
}

// timelineOfAll shows the changes of all triggers.
func timelineOfAll(r request) (any, error) {
	f := timelineFilterOf(r.URL.Query())
	v := timelineView{Filter: f, Spans: timeSpans, Outcomes: []triggerv1.ChangeOutcome{
		triggerv1.ChangeInProgress, triggerv1.ChangeDelivered, triggerv1.ChangeFailed, triggerv1.ChangeHalted, triggerv1.ChangeRolledBack, triggerv1.ChangeSuperseded,
	}}
	r.Cluster.Now = r.Now.Truncate(clockStep).Add(clockStep)
	all := changesOf(r.Cluster)
	total := len(all)
	kept, err := f.keep(all, r.Cluster.Now)
	if err != nil {
		v.Problem = err.Error()
		return v, nil //nolint:nilerr // It is shown.
	}
	v.timeline = timelineOf(r.Cluster, kept, f)
	query := f.query()
	v.CSV, v.JSON = "/timeline/csv?"+query.Encode(), "/timeline/json?"+query.Encode()
	if len(v.Rows) < v.Total {
		query.Set("rows", strconv.Itoa(2*len(v.Rows)))
		v.More = "/timeline?" + query.Encode()
	}
	if v.Total == 0 {
		v.Earlier, v.All = total, "/timeline?span=all"
	}
	return v, nil
}

// serveExport writes the changes that a filter wants as history -o json and -o csv do.
func (s *Server) serveExport(w http.ResponseWriter, r *http.Request) {
	seen, _ := s.cluster.now()
	if !seen.Complete {
		refuse(w, http.StatusServiceUnavailable, "The cluster is being read.")
		return
	}
	entries, err := timelineFilterOf(r.URL.Query()).keep(changesOf(seen.Cluster), seen.Now)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	var out bytes.Buffer
	kind, format := "text/csv; charset=utf-8", r.PathValue("format")
	switch format {
	case "csv":
		err = history.WriteCSV(&out, entries)
	case "json":
		kind = "application/json"
		var raw []byte
		raw, err = text.JSON(append([]history.Entry{}, entries...), "  ")
		out.Write(append(raw, '\n'))
	default:
		refuse(w, http.StatusNotFound, "Changes are exported as csv or json.")
		return
	}
	if err != nil {
		s.failed(w, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="changes.`+format+`"`)
	_, _ = w.Write(out.Bytes())
}
