// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"bytes"
	"net/http"
	"strings"
	"time"
)

const (
	// updateTime is the least time between two updates of a page.
	updateTime = 250 * time.Millisecond

	// aliveTime is how often a page that does not change is sent a sign of life. A browser takes thrice that for
	// the end of the server.
	aliveTime = 5 * time.Second
)

// serveEvents sends a page again whenever something in it has changed, as server-sent events.
func (s *Server) serveEvents(p page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{})
		w.Header().Set("Content-Type", "text/event-stream")
		var sent []byte
		for {
			_, changed := s.cluster.now()
			f, _ := s.frame(r, p, strings.TrimPrefix(r.URL.Path, "/events"))
			out, err := render("live", f)
			if err != nil {
				return
			}
			event := []byte("event: alive\ndata:\n\n")
			if !bytes.Equal(out, sent) {
				event, sent = message("live", out), out
			}
			if err := control.SetWriteDeadline(time.Now().Add(requestTime)); err != nil {
				return
			}
			if _, err := w.Write(event); err != nil || control.Flush() != nil || !wait(r, changed) {
				return
			}
		}
	}
}

// wait waits until something may have changed, at least for the time between two updates. It returns false
// when the browser is gone.
func wait(r *http.Request, changed <-chan struct{}) bool {
	for _, c := range []<-chan struct{}{after(updateTime), changed} {
		select {
		case <-r.Context().Done():
			return false
		case <-c:
		case <-time.After(aliveTime):
		}
	}
	return true
}

func after(d time.Duration) <-chan struct{} {
	c := make(chan struct{})
	time.AfterFunc(d, func() { close(c) })
	return c
}

// message writes an event.
func message(name string, data []byte) []byte {
	out := []byte("event: " + name + "\n")
	for line := range bytes.Lines(data) {
		out = append(append(append(out, "data: "...), bytes.TrimRight(line, "\r\n")...), '\n')
	}
	return append(out, '\n')
}
