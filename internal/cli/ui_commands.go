// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/decision"
	"github.com/nebius/helmrelease-trigger-operator/internal/ui"
)

// pageCommands are the commands that the pages have.
type pageCommands struct{ c *cli }

// Ask implements ui.Commands.
func (p pageCommands) Ask(context.Context, ui.Action) (ui.Question, error) {
	return ui.Question{}, errors.New("not yet")
}

// Do implements ui.Commands.
func (p pageCommands) Do(context.Context, ui.Action, []decision.Fact) (string, error) {
	return "", errors.New("not yet")
}
