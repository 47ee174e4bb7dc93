// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/board"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/layout"
)

const (
	// tick is how often clocks are drawn.
	tick = time.Second

	// framesPerSecond is less than a person sees, and little to send over a slow connection.
	framesPerSecond = 10

	// defaultHeight is how high a screen is that does not say.
	defaultHeight = 24
)

// watchOnScreen follows on the whole terminal.
func (c *cli) watchOnScreen(ctx context.Context, f *follower, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &screenModel{
		text:  func(seen scene, s board.Screen) (string, int) { return c.showScene(seen, name, s) },
		style: c.style(), width: c.Width, height: defaultHeight, now: c.Now,
	}
	program := tea.NewProgram(m,
		tea.WithContext(ctx), tea.WithInput(c.In), tea.WithOutput(c.Out), tea.WithWindowSize(c.Width, defaultHeight),
		tea.WithFPS(framesPerSecond), tea.WithoutSignalHandler())

	ended := make(chan error, 1)
	go func() {
		err := f.follow(ctx, func(s scene) { program.Send(s) })
		if err != nil {
			program.Quit()
		}
		ended <- err
	}()
	_, err := program.Run()
	cancel()
	if followErr := <-ended; followErr != nil {
		return followErr
	}
	if errors.Is(err, tea.ErrInterrupted) || errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil // Someone has ended it.
	}
	return err
}

// screenModel is a board on a terminal.
type screenModel struct {
	// text writes what is seen.
	text  func(scene, board.Screen) (text string, most int)
	style layout.Style
	now   func() time.Time

	width, height int
	scroll        int
	seen          *scene
}

type tickMsg struct{}

func nextTick() tea.Cmd { return tea.Tick(tick, func(time.Time) tea.Msg { return tickMsg{} }) }

// Init implements tea.Model.
func (m *screenModel) Init() tea.Cmd { return nextTick() }

// Update implements tea.Model.
func (m *screenModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case scene:
		m.seen = &msg
	case tickMsg:
		return m, nextTick()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "ctrl+c", "esc":
			return m, tea.Quit
		case "up", "k":
			m.scroll--
		case "down", "j":
			m.scroll++
		case "pgup":
			m.scroll -= m.height - 3
		case "pgdown", "space":
			m.scroll += m.height - 3
		case "home", "g":
			m.scroll = 0
		}
		_, most := m.draw()
		m.scroll = min(max(0, m.scroll), most)
	}
	return m, nil
}

// View implements tea.Model.
func (m *screenModel) View() tea.View {
	text, _ := m.draw()
	view := tea.NewView(text)
	view.AltScreen = true
	return view
}

func (m *screenModel) draw() (text string, most int) {
	if m.seen == nil {
		return "looking …", 0
	}
	style := m.style
	style.Width, style.Now = m.width, m.now()
	return m.text(*m.seen, board.Screen{Style: style, Height: m.height, Scroll: m.scroll})
}
