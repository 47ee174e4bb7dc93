// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/atlas"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/history"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

const (
	// maxChoices bounds the namespaces that a field suggests.
	maxChoices = 200

	// subjectAge and deletionAge are how long what was read of the cluster for an answer is shown.
	subjectAge  = 15 * time.Second
	deletionAge = time.Minute
)

// mapView is the map: a picture, the same as a list, and what is selected.
type mapView struct {
	Filter   atlas.Filter
	Filtered bool
	Problem  string
	Picture  atlas.Picture
	List     []atlas.Branch

	Namespaces                    []string
	ReleaseStates, TriggerStates  []string
	Selected                      *selected
	Group, Previous, Next, Closed string
}

// Title implements the title of a page.
func (v mapView) Title() string {
	if v.Selected != nil {
		return "Map: " + v.Selected.String()
	}
	return "Map"
}

// Link returns the address of the map with one thing of the filter set, and what was selected or open before closed.
func (v mapView) Link(name, value string) string {
	f := v.Filter
	f.Page, f.Group, f.Object = 0, "", ""
	query := mapQuery(f)
	query.Set(name, value)
	return "/map?" + query.Encode()
}

// mapQuery writes a filter as the address has it.
func mapQuery(f atlas.Filter) url.Values {
	out := url.Values{}
	for name, value := range map[string]string{"q": f.Query, "namespace": f.Namespace, "state": f.State, "label": f.Label, "object": f.Object, "group": f.Group} {
		if value != "" {
			out.Set(name, value)
		}
	}
	if f.Page > 1 {
		out.Set("page", strconv.Itoa(f.Page))
	}
	return out
}

// mapFilterOf reads a filter out of an address.
func mapFilterOf(query url.Values) atlas.Filter {
	word := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	page, _ := strconv.Atoi(query.Get("page"))
	return atlas.Filter{
		Query: word("q"), Namespace: word("namespace"), State: word("state"), Label: word("label"), Object: word("object"), Group: query.Get("group"), Page: page,
	}
}

// mapOf shows what depends on what.
func mapOf(r request) (any, error) {
	a := atlas.Of(r.Cluster)
	v := mapView{Filter: mapFilterOf(r.URL.Query())}
	v.Filtered = !v.Filter.IsEmpty()
	for _, state := range graph.TargetSeverity {
		v.ReleaseStates = append(v.ReleaseStates, string(state))
	}
	v.ReleaseStates = append(v.ReleaseStates, atlas.StateNoTrigger)
	for _, state := range graph.Severity {
		v.TriggerStates = append(v.TriggerStates, string(state))
	}
	v.Namespaces = a.Namespaces()
	v.Namespaces = v.Namespaces[:min(len(v.Namespaces), maxChoices)]
	var err error
	if v.Picture, err = a.Draw(v.Filter); err != nil {
		v.Problem = err.Error()
		return v, nil //nolint:nilerr // It is shown.
	}
	v.List = v.Picture.List(v.Link)
	closed := v.Filter
	closed.Group, closed.Page = "", 0
	v.Closed = "/map?" + mapQuery(closed).Encode()
	if v.Filter.Group != "" {
		v.Group = strings.Join(strings.FieldsFunc(v.Filter.Group, func(r rune) bool { return r == '|' })[2:], ", ")
	}
	for to, page := range map[*string]int{&v.Previous: v.Picture.Page - 1, &v.Next: v.Picture.Page + 1} {
		if page >= 1 && page <= v.Picture.Pages {
			f := v.Filter
			f.Page = page
			*to = "/map?" + mapQuery(f).Encode()
		}
	}
	if v.Filter.Object != "" {
		v.Selected, err = r.selectedOf(a, v.Filter, r.URL.Query().Has("delete"))
	}
	return v, err
}

// selected is what is said about the point that a person has selected.
type selected struct {
	binding.Object
	State string

	// Page leads to the page about it, if it has one.
	Page string

	// Edit says what an edit of a ConfigMap or Secret would touch, and Deletion what its deletion would do, once a
	// person wants to know: Delete leads to that.
	Edit     *edited
	Deletion *Deletion
	Delete   string
	Notes    []string
}

// edited is what an edit of an object would touch, and what the last one has caused.
type edited struct {
	Subject
	Reach    graph.Reach
	Releases int
	Counts   string
	Groups   []alike
	Caused   []history.Consequence
}

// alike are HelmReleases that an edit touches in the same way.
type alike struct {
	graph.Edge
	Releases []binding.Object
}

// Means says what the effect is.
func (a alike) Means() string {
	switch a.Effect {
	case graph.Forced:
		return "makes a revision, whatever the values are"
	case graph.Upgraded:
		return "makes a revision if the values that are composed change"
	case graph.Requested:
		return "requests a reconciliation, which sees no change"
	case graph.Held:
		return "waits until it is resumed"
	case graph.AtInterval:
		return "is read at the next interval: nothing triggers it"
	case graph.Absent:
		return "is named and does not exist"
	case graph.Denied:
		return "does not accept it"
	}
	return "does not get it"
}

// IsSource reports whether it is a ConfigMap or a Secret.
func (s selected) IsSource() bool {
	return s.Kind == triggerv1.ConfigMapKind || s.Kind == triggerv1.SecretKind
}

// selectedOf says what there is to say about a point.
func (r request) selectedOf(a *atlas.Atlas, f atlas.Filter, deletion bool) (*selected, error) {
	if strings.Count(f.Object, "/") != 2 {
		return nil, missing{f.Object}
	}
	out := &selected{Object: binding.ObjectOf(f.Object)}
	var found bool
	if out.State, found = a.Find(f.Object); !found && !out.IsSource() {
		return nil, missing{out.String()}
	}
	switch {
	case out.Kind == triggerv1.ValuesTriggerKind:
		out.Page = "/board/" + out.Key()
	case out.Kind == helmv2.HelmReleaseKind:
		out.Page = "/release/" + out.Key()
	case out.IsSource():
		return out, r.reach(out, f, deletion)
	}
	return out, nil
}

// reach says what an edit of a ConfigMap or Secret would touch.
func (r request) reach(out *selected, f atlas.Filter, deletion bool) error {
	subject, err := r.server.subjects.get(out.Object, "", subjectAge, r.server.Now, func() (Subject, error) { return r.server.Answers.Subject(r.Context, out.Object) })
	if err != nil {
		return err
	}
	e := &edited{Subject: subject, Reach: graph.Reaches(r.Cluster, subject.Subject), Caused: history.CausedIn(r.Directory, r.Triggers, out.Object, subject.Labels)}
	var counts map[graph.Effect]int
	e.Releases, counts = e.Reach.Touched()
	e.Counts = graph.Counts(graph.Effects, counts)
	e.Groups = groupEdges(e.Reach.Edges)
	out.Edit, out.Notes = e, subject.Notes
	query := mapQuery(f)
	query.Set("delete", "1")
	out.Delete = "/map?" + query.Encode() + "#deletion"
	if !deletion {
		return nil
	}
	d, err := r.server.deletions.get(out.Object, "", deletionAge, r.server.Now, func() (Deletion, error) { return r.server.Answers.Deletion(r.Context, out.Object) })
	if err != nil {
		out.Notes = append(out.Notes, "What its deletion would do is not known: "+err.Error())
		return nil //nolint:nilerr // It is shown.
	}
	out.Deletion, out.Notes = &d, append(slices.Clone(out.Notes), d.Notes...)
	return nil
}

// groupEdges puts the ways together that differ in nothing but the HelmRelease.
func groupEdges(edges []graph.Edge) []alike {
	var out []alike
	known := map[string]int{}
	for _, e := range edges {
		message := graph.Impersonal(graph.Target{Object: e.Release, Message: e.Message})
		key := strings.Join([]string{string(e.Effect), string(e.How), e.Trigger.String(), e.Turn.Stage, e.Turn.After, strings.Join(e.Keys, ","), string(e.State), message}, "\x00")
		i, seen := known[key]
		if !seen {
			i = len(out)
			known[key], out = i, append(out, alike{Edge: e})
		}
		out[i].Releases = append(out[i].Releases, e.Release)
	}
	slices.SortStableFunc(out, func(a, b alike) int {
		return cmp.Compare(slices.Index(graph.Effects, a.Effect), slices.Index(graph.Effects, b.Effect))
	})
	return out
}
