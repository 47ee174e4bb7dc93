// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// maxText bounds a text of someone else's, in bytes.
const maxText = 4096

// templates are those of the pages, each with the layout and the parts, which begin with "_".
var templates = parseTemplates()

func parseTemplates() map[string]*template.Template {
	all := map[string]*template.Template{}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		if base := path.Base(name); !strings.HasPrefix(base, "_") {
			all[base] = template.Must(template.New(base).Funcs(functions).ParseFS(files, "templates/_*.html", name))
		}
	}
	return all
}

// functions of templates. Times are written by the browser, which counts: age and left say only when.
var functions = template.FuncMap{
	"abbreviate": digest.Abbreviated,
	"clean":      func(s string) string { return text.Line(s, maxText) },
	"plural":     func(n int, what string) string { return layout.Plural(n, what) },
	"duration":   func(d time.Duration) string { return graph.Duration(d) },
	"lower":      strings.ToLower,
	"sheet":      sheetLines,
	"state":      stateClass,
	"ago":        func(at any) moment { return moment{At: timeOf(at), Counts: "ago"} },
	"left":       func(at any) moment { return moment{At: timeOf(at), Counts: "left"} },
	"since":      func(at any) moment { return moment{At: timeOf(at), Counts: "since"} },
	"percent":    func(n, of int) int { return n * 100 / max(1, of) },
	"add":        func(a, b int) int { return a + b },
}

// stateClass is the class of the state of a HelmRelease.
func stateClass(state triggerv1.TargetState) string {
	if state == "" {
		return "counted"
	}
	return strings.ToLower(string(state))
}

// tones are the classes of tones.
var tones = map[layout.Tone]string{layout.Good: "good", layout.Bad: "bad", layout.Busy: "busy", layout.Dim: "dim", layout.Bold: "plain", layout.Plain: "plain"}

// toneOf is the class of the state of a ValuesTrigger: one that waits for an approval has done nothing wrong.
func toneOf(state graph.State) string {
	if state == graph.AwaitingApproval {
		return "ask"
	}
	return tones[board.TriggerTone(state)]
}

// sheetLine is a line of what a command says, with its class.
type sheetLine struct{ Class, Text string }

// sheetLines tells what is added, removed and changed apart.
func sheetLines(sheet string) []sheetLine {
	var out []sheetLine
	for line := range strings.Lines(sheet) {
		l := sheetLine{Text: strings.TrimRight(line, "\n")}
		switch word := strings.TrimSpace(line); {
		case strings.HasPrefix(word, "+ "):
			l.Class = "added"
		case strings.HasPrefix(word, "- "):
			l.Class = "removed"
		case strings.HasPrefix(word, "~ "):
			l.Class = "changed"
		}
		out = append(out, l)
	}
	return out
}

// moment is a time that a browser counts to or from.
type moment struct {
	At     time.Time
	Counts string
}

// RFC3339 writes it for programs.
func (m moment) RFC3339() string { return m.At.UTC().Format(time.RFC3339) }

// String writes it for people, until the browser does.
func (m moment) String() string { return m.At.UTC().Format("2006-01-02 15:04:05 UTC") }

func timeOf(at any) time.Time {
	switch at := at.(type) {
	case time.Time:
		return at
	case metav1.Time:
		return at.Time
	case *metav1.Time:
		if at != nil {
			return at.Time
		}
	}
	return time.Time{}
}

// contentTypes are those of assets: what the machine knows of them does not count.
var contentTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// serveAsset serves a file of assets.
func serveAsset(w http.ResponseWriter, r *http.Request) {
	content, err := files.ReadFile(strings.TrimPrefix(r.URL.Path, "/"))
	kind := contentTypes[path.Ext(r.URL.Path)]
	if err != nil || kind == "" {
		refuse(w, http.StatusNotFound, "There is nothing here.")
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(content) //nolint:gosec // It is a file of this program.
}
