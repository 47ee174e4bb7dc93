// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"net/http"
	"strconv"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
)

// Commands are the commands of the plugin that change something.
type Commands interface {
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

// Question is what a person is asked before something is done.
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
	seen, _ := s.cluster.now()
	s.write(w, frame{Title: view.Action.Name + " " + view.ObjectKey.String(), Nav: navigation(""), CSRF: s.guard.csrf(), Seen: seen, View: view, template: "question.html"}, http.StatusOK)
}
