// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
)

// AuditEvent is one answered request to the API server. A watch is answered
// when it ends.
type AuditEvent struct {
	Time time.Time // of the request
	Verb string    // get, list, watch, create, update, patch, delete, deletecollection
	User string    // system:serviceaccount:<namespace>:<name>, or one of the …User constants
	// Impersonated is the user on whose behalf User asked, mostly no one.
	Impersonated string
	Group        string
	Resource     string
	Subresource  string
	Namespace    string
	Name         string // as in the request: empty for create
	Code         int    // HTTP status
	DryRun       bool
	URI          string
	UserAgent    string

	// Asks reports whether the patch of a HelmRelease asks helm-controller to reconcile it.
	Asks bool
}

// Write reports whether the request was made and granted to change something.
// One that finds everything as it should be, like most applies, is a write, too.
func (e AuditEvent) Write() bool {
	return !e.DryRun && e.Code < 300 &&
		slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb)
}

// AuditMark is a place in the audit log. The zero value is its beginning.
type AuditMark int64

func (w *World) auditPath() string { return filepath.Join(w.dir, "audit.log") }

// AuditMark returns the present end of the audit log: every request answered
// before the call lies before it.
func (w *World) AuditMark(ctx context.Context) (AuditMark, error) {
	_, mark, err := w.readAudit(ctx, 0)
	return mark, err
}

// AuditEvents returns the events after a mark that match, in the order they
// were answered; a nil match is all of them. All requests answered before the
// call are among them.
func (w *World) AuditEvents(ctx context.Context, since AuditMark, match func(AuditEvent) bool) ([]AuditEvent, error) {
	events, _, err := w.readAudit(ctx, since)
	if match != nil {
		events = slices.DeleteFunc(events, func(e AuditEvent) bool { return !match(e) })
	}
	return events, err
}

// WritesBy matches the writes of a user.
func WritesBy(user string) func(AuditEvent) bool {
	return func(e AuditEvent) bool { return e.User == user && e.Write() }
}

// ServiceAccountUser returns the user name of a service account.
func ServiceAccountUser(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// readAudit reads from a mark up to a request of its own: once that one shows
// up in the log, so has everything before it.
func (w *World) readAudit(ctx context.Context, since AuditMark) ([]AuditEvent, AuditMark, error) {
	fence := string(uuid.NewUUID())
	err := w.clientset.RESTClient().Get().RequestURI("/version").SetHeader("Audit-ID", fence).Do(ctx).Error()
	if err != nil {
		return nil, 0, fmt.Errorf("reading the audit log: %w", err)
	}
	f, err := os.Open(w.auditPath())
	if err != nil {
		return nil, 0, fmt.Errorf("reading the audit log: %w", err)
	}
	defer f.Close()
	var events []AuditEvent
	mark := since
	err = poll(ctx, nil, func(context.Context) error {
		if _, err := f.Seek(int64(mark), io.SeekStart); err != nil {
			return err
		}
		for in := bufio.NewReader(f); ; {
			line, err := in.ReadBytes('\n')
			if err != nil { // the end, perhaps inside a line: not there yet
				return err
			}
			mark += AuditMark(len(line))
			if bytes.Contains(line, []byte(fence)) {
				return nil
			}
			if e, ok := parseAudit(line); ok {
				events = append(events, e)
			}
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading the audit log: %w", errors.Join(ctx.Err(), err))
	}
	return events, mark, nil
}

func parseAudit(line []byte) (AuditEvent, bool) {
	var raw struct {
		Verb       string    `json:"verb"`
		RequestURI string    `json:"requestURI"`
		UserAgent  string    `json:"userAgent"`
		Received   time.Time `json:"requestReceivedTimestamp"`
		User       struct {
			Username string `json:"username"`
		} `json:"user"`
		ImpersonatedUser *struct {
			Username string `json:"username"`
		} `json:"impersonatedUser"`
		Object struct {
			APIGroup    string `json:"apiGroup"`
			Resource    string `json:"resource"`
			Subresource string `json:"subresource"`
			Namespace   string `json:"namespace"`
			Name        string `json:"name"`
		} `json:"objectRef"`
		Status struct {
			Code int `json:"code"`
		} `json:"responseStatus"`
		Body json.RawMessage `json:"requestObject"`
	}
	if json.Unmarshal(line, &raw) != nil {
		return AuditEvent{}, false
	}
	e := AuditEvent{
		Time:        raw.Received,
		Verb:        raw.Verb,
		User:        raw.User.Username,
		Group:       raw.Object.APIGroup,
		Resource:    raw.Object.Resource,
		Subresource: raw.Object.Subresource,
		Namespace:   raw.Object.Namespace,
		Name:        raw.Object.Name,
		Code:        raw.Status.Code,
		URI:         raw.RequestURI,
		UserAgent:   raw.UserAgent,
		Asks:        bytes.Contains(raw.Body, []byte(`"reconcile.fluxcd.io/requestedAt":"`)),
	}
	if raw.ImpersonatedUser != nil {
		e.Impersonated = raw.ImpersonatedUser.Username
	}
	if u, err := url.ParseRequestURI(raw.RequestURI); err == nil {
		e.DryRun = u.Query().Has("dryRun")
	}
	return e, true
}
