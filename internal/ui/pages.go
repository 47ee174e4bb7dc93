// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// page is a page: what is at its path follows from what is seen of the cluster.
type page struct {
	// path is a pattern of net/http.
	path  string
	title string

	// nav is its word in the navigation, "" for none.
	nav string

	// template is the file in templates that shows what view returns.
	template string
	view     func(request) (any, error)
}

// request is a request for a page.
type request struct {
	context.Context
	*http.Request
	Seen

	server *Server
}

// pages are all, in the order of the navigation.
func pages() []page {
	return []page{
		{"/{$}", "Overview", "Overview", "overview.html", overview},
		{"/board/{namespace}/{name}", "Board", "", "board.html", boardOf},
		{"/map", "Map", "Map", "map.html", mapOf},
		{"/timeline", "Timeline", "Timeline", "timeline.html", timelineOfAll},
		{"/release/{namespace}/{name}", "HelmRelease", "", "release.html", releaseOf},
	}
}

// missing is an error of a page about something that does not exist.
type missing struct{ what string }

// Error implements error.
func (m missing) Error() string {
	return m.what + " does not exist, or has been deleted."
}

// frame is a page with what is around it.
type frame struct {
	Title string
	Nav   []link

	// Events is where its changes come from.
	Events string

	// CSRF is what forms carry.
	CSRF string

	Seen Seen

	// Problem is why there is nothing to show, and View what is shown.
	Problem string
	View    any

	template string
}

type link struct {
	Text, Path string
	Present    bool
}

// navigation leads to the pages that have a word in it.
func navigation(present string) []link {
	var out []link
	for _, p := range pages() {
		if p.nav != "" {
			at := strings.TrimSuffix(p.path, "{$}")
			out = append(out, link{Text: p.nav, Path: at, Present: at == present})
		}
	}
	return out
}

// frame returns a page for a request at a path, and its code.
func (s *Server) frame(r *http.Request, p page, path string) (frame, int) {
	seen, _ := s.cluster.now()
	f := frame{Title: p.title, Nav: navigation(path), Events: "/events" + path, CSRF: s.guard.csrf(), Seen: seen, template: p.template}
	if r.URL.RawQuery != "" {
		f.Events += "?" + r.URL.RawQuery
	}
	if !seen.Complete {
		return f, http.StatusOK
	}
	var err error
	f.View, err = p.view(request{Context: r.Context(), Request: r, Seen: seen, server: s})
	if named, ok := f.View.(interface{ Title() string }); ok && err == nil {
		f.Title = named.Title()
	}
	if err == nil {
		return f, http.StatusOK
	}
	f.Problem = err.Error()
	if _, absent := errors.AsType[missing](err); absent {
		return f, http.StatusNotFound
	}
	return f, http.StatusInternalServerError
}

// servePage serves a page.
func (s *Server) servePage(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, code := s.frame(r, p, r.URL.Path)
		s.write(w, f, code)
	}
}

// write writes a page.
func (s *Server) write(w http.ResponseWriter, f frame, code int) {
	out, err := render("layout", f)
	if err != nil {
		s.failed(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(out) //nolint:gosec // html/template has escaped it.
}

// failed says that a page cannot be shown.
func (s *Server) failed(w http.ResponseWriter, err error) {
	_, _ = fmt.Fprintf(s.Log, "warning: a page cannot be shown: %s\n", err)
	refuse(w, http.StatusInternalServerError, "This page cannot be shown: "+err.Error())
}

// render executes a template of the layout, with the one of the page in it.
func render(name string, f frame) ([]byte, error) {
	var out bytes.Buffer
	t, err := templates[f.template], error(nil)
	if t == nil {
		return nil, fmt.Errorf("there is no template %q", f.template)
	}
	err = t.ExecuteTemplate(&out, name, f)
	return out.Bytes(), err
}
