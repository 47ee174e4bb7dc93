// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package history

import (
	"cmp"
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/text"
)

// Columns of the table for programs. New ones are added at the end.
var Columns = []string{
	"time", "namespace", "valuesTrigger", "revision", "outcome", "durationSeconds", "delivered", "cause", "gitRevision", "digest",
	"approvedBy", "overriddenBy", "rejectedBy", "rolledBackBy", "restoresRevision", "helmReleases", "analysis", "helmReleasesNotOnRecord",
}

// WriteCSV writes entries as a table for programs and auditors. Times are RFC 3339 in UTC.
func WriteCSV(out io.Writer, entries []Entry) error {
	w := csv.NewWriter(out)
	if err := w.Write(Columns); err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.Write(e.cells()); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func (e Entry) cells() []string {
	namespace, name, _ := strings.Cut(e.Trigger, "/")
	duration, overridden, rejected, rolledBack, restores := "", "", "", "", ""
	if e.Duration != nil {
		duration = strconv.FormatFloat(e.Duration.Seconds(), 'f', -1, 64)
	}
	if o := e.Override; o != nil {
		overridden = Person(o.User, o.Manager)
	}
	if p := e.Rejection; p != nil {
		rejected = Person(p.User, p.Manager)
	}
	if r := e.Restores; r != nil {
		rolledBack, restores = Person(r.User, r.Manager), number64(r.Revision)
	}
	cells := []string{
		e.Time.UTC().Format(time.RFC3339), namespace, name, number64(e.Revision), string(e.Outcome), duration, e.Delivered, e.Cause, e.GitRevision, e.Digest,
		approvers(e.Approvals), overridden, rejected, rolledBack, restores, releases(e.Releases), e.Analysis, "",
	}
	if e.NotOnRecord != nil {
		cells[len(cells)-1] = strconv.Itoa(*e.NotOnRecord)
	}
	for i, cell := range cells {
		cells[i] = harmless(cell)
	}
	return cells
}

// maxCell bounds a cell, in bytes: the names of all HelmReleases of a ValuesTrigger.
const maxCell = 2 << 20

// formula is how a formula begins, in a cell or after what separates cells where a comma is for decimals. Some spreadsheets
// take signs of full width for the same.
var formula = regexp.MustCompile(`(^|;)(\s*[=+\-@＝＋－＠])`)

// harmless returns a cell that no spreadsheet takes for a formula, and no terminal for more than text: tabs and ends of
// lines, after which a formula may begin as well, are not kept.
func harmless(cell string) string {
	return formula.ReplaceAllString(text.Line(cell, maxCell), "$1'$2")
}

func approvers(approvals []triggerv1.ApprovalRecord) string {
	words := make([]string, 0, len(approvals))
	for _, a := range approvals {
		words = append(words, a.Stage+": "+Person(a.User, a.Manager))
	}
	return strings.Join(words, "; ")
}

func releases(got []Got) string {
	words := make([]string, 0, len(got))
	for _, g := range got {
		words = append(words, g.String())
	}
	return strings.Join(words, " ")
}

// String returns namespace/name, and the revision of Helm after an @.
func (g Got) String() string {
	return strings.TrimSuffix(g.Namespace+"/"+g.Name+"@"+cmp.Or(number64(g.Revision), ""), "@")
}

// number64 writes a number, nothing for 0.
func number64(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// maxLine bounds a text of someone else's, in bytes.
const maxLine = 4096

func line(word string) string { return text.Line(word, maxLine) }
