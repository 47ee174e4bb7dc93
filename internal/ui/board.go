// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
)

// boardView is what is shown of a ValuesTrigger.
type boardView struct {
	board.Board
}

// Title of the page.
func (v boardView) Title() string { return v.Key() }

// boardOf shows one ValuesTrigger.
func boardOf(r request) (any, error) {
	namespace, name := r.PathValue("namespace"), r.PathValue("name")
	vt := r.trigger(namespace, name)
	if vt == nil {
		return nil, missing{"ValuesTrigger " + namespace + "/" + name}
	}
	return boardView{board.Of(vt, r.Describe(vt))}, nil
}
