// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// figures are the metrics of the operator, by name and labels as they are written.
type figures map[string]float64

// scrape reads the metrics of the operator.
func (s *stage) scrape(ctx context.Context) (figures, error) {
	body, err := s.fetch(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	found := figures{}
	for lines := bufio.NewScanner(strings.NewReader(string(body))); lines.Scan(); {
		line := lines.Text()
		i := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || i < 0 {
			continue
		}
		if value, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			found[line[:i]] = value
		}
	}
	return found, nil
}

// fetch reads a path of the metrics server, which also serves profiles.
func (s *stage) fetch(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.metrics+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, resp.Status, body)
	}
	return body, err
}

// sum adds up a metric over all its labels that contain the given ones.
func (f figures) sum(name string, labels ...string) float64 {
	total := 0.0
	for key, value := range f {
		rest, found := strings.CutPrefix(key, name)
		if !found || rest != "" && rest[0] != '{' {
			continue
		}
		if containsAll(rest, labels) {
			total += value
		}
	}
	return total
}

func containsAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// requests counts requests to the API server by method. Leader election is the only
// one to use PUT.
func (f figures) requests(method string) float64 {
	return f.sum("rest_client_requests_total", `method="`+method+`"`)
}

// writes counts the requests that may change something, without the lease.
func (f figures) writes() float64 {
	return f.requests("PATCH") + f.requests("POST") + f.requests("DELETE")
}

// queued returns how much waits in the work queues. What is due later is
// not counted by them.
func (f figures) queued() float64 { return f.sum("workqueue_depth") }

// working returns how many objects are being reconciled.
func (f figures) working() float64 { return f.sum("controller_runtime_active_workers") }

// reconciled returns how often a controller has reconciled something.
func (f figures) reconciled(controller string) float64 {
	return f.sum("controller_runtime_reconcile_total", `controller="`+controller+`"`)
}

// since returns how much was added.
func (f figures) since(before figures) figures {
	out := figures{}
	for key, value := range f {
		out[key] = value - before[key]
	}
	return out
}
