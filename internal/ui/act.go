// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
)

// Names of actions: those of the commands.
const (
	Approve  = "approve"
	Reject   = "reject"
	Suspend  = "suspend"
	Resume   = "resume"
	Retry    = "retry"
	Rollback = "rollback"
	Trigger  = "trigger"
	Override = "override"
)

// Commands are the commands of the plugin, as far as pages have them.
type Commands interface {
	// Refuse says why there is nothing to do, "" if there is. It reads nothing.
	Refuse(a Action, vt *triggerv1.ValuesTrigger, members graph.Members) string

	// Differences says how the values differ of those that have not got the content of a ValuesTrigger, with
	// Secrets masked.
	Differences(ctx context.Context, key client.ObjectKey) (string, error)

	// Ask says what an action would do, in the words of the command.
	Ask(ctx context.Context, a Action) (Question, error)

	// Do does it, unless something has changed that the person decided by. It returns what the command says.
	Do(ctx context.Context, a Action, by []decision.Fact) (string, error)
}

// Action is what a person does to a ValuesTrigger.
type Action struct {
	// Name of the command.
	Name string
	client.ObjectKey

	// Stage to approve, "" for the one that waits, and Revision to go back to, 0 for the one before.
	Stage    string
	Revision int64
}

// Says is the action in words.
func (a Action) Says() string {
	if a.Name == Rollback {
		return "Roll back"
	}
	return strings.ToUpper(a.Name[:min(1, len(a.Name))]) + a.Name[min(1, len(a.Name)):]
}

// Question is put to a person before something is done.
type Question struct {
	// Refusal says why there is nothing to do, "" if there is.
	Refusal string

	// Text is what the command shows, and Asks the question.
	Text, Asks string

	// Facts are what the person decides by.
	Facts []decision.Fact
}

// actionOf reads which action a request is about.
func actionOf(r *http.Request) Action {
	revision, _ := strconv.ParseInt(r.FormValue("revision"), 10, 64) // 0 is the one before.
	return Action{
		Name: r.PathValue("action"), ObjectKey: client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")},
		Stage: r.FormValue("stage"), Revision: revision,
	}
}

// questionView is what a person sees before something is done, and after it.
type questionView struct {
	Action
	Question

	// Others are the revisions that can be restored.
	Others []triggerv1.Change

	// Said is what the command says after it is done, and Problem why it is not.
	Said, Problem string
}

func (s *Server) serveQuestion(w http.ResponseWriter, r *http.Request) {
	view := questionView{Action: actionOf(r)}
	var err error
	if view.Question, err = s.Commands.Ask(r.Context(), view.Action); err != nil {
		view.Problem = err.Error()
	}
	s.answer(w, view)
}

// differencesView is how values differ.
type differencesView struct {
	client.ObjectKey
	Text, Problem string
}

// serveDifferences shows how the values differ of those that wait. It reads what the person may read, when they ask.
func (s *Server) serveDifferences(w http.ResponseWriter, r *http.Request) {
	view := differencesView{ObjectKey: client.ObjectKey{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}}
	var err error
	if view.Text, err = s.Commands.Differences(r.Context(), view.ObjectKey); err != nil {
		view.Problem = err.Error()
	}
	s.writeAlone(w, "Differences of "+view.ObjectKey.String(), "differences.html", view)
}

func (s *Server) serveDeed(w http.ResponseWriter, r *http.Request) {
	view := questionView{Action: actionOf(r)}
	var by []decision.Fact
	for i, what := range r.PostForm["what"] {
		if is := r.PostForm["is"]; i < len(is) {
			by = append(by, decision.Fact{What: what, Is: is[i]})
		}
	}
	var err error
	if view.Said, err = s.Commands.Do(r.Context(), view.Action, by); err != nil {
		view.Problem = err.Error()
	}
	s.answer(w, view)
}

func (s *Server) answer(w http.ResponseWriter, view questionView) {
	if vt := s.seen().trigger(view.Namespace, view.ObjectKey.Name); vt != nil && view.Action.Name == Rollback && view.Said == "" {
		view.Others = decision.Restorable(vt)
	}
	s.writeAlone(w, view.Says()+" "+view.ObjectKey.String(), "question.html", view)
}

// writeAlone writes a page that does not follow the cluster.
func (s *Server) writeAlone(w http.ResponseWriter, title, template string, view any) {
	seen := s.seen()
	s.write(w, frame{Title: title, Nav: navigation(""), CSRF: s.guard.csrf(), Seen: seen, View: view, template: template}, http.StatusOK)
}

func (s *Server) seen() Seen {
	seen, _ := s.cluster.now()
	return seen
}
