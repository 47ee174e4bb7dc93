// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

// The files by which the analysis of a stage is tried: what is measured, and where.
const (
	measuredFile  = "error-rate"
	providersFile = "providers.yaml"
)

// measure serves what a file says as a metric, so that a person switches it with one command. It returns
// the argument that makes it known to the operator.
func (d *demo) measure(ctx context.Context) (string, error) {
	if err := os.WriteFile(d.file(measuredFile), []byte("0.01\n"), 0o600); err != nil {
		return "", err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	d.metrics = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		value, err := os.ReadFile(d.file(measuredFile))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = fmt.Fprintf(w, `{"value": %s}`, strings.TrimSpace(string(value)))
	})}
	go func() { _ = d.metrics.Serve(listener) }()
	providers := fmt.Sprintf("providers:\n- name: demo\n  type: HTTP\n  address: http://%s\n", listener.Addr())
	return "--analysis-providers=" + d.file(providersFile), os.WriteFile(d.file(providersFile), []byte(providers), 0o600)
}

// analysed is the command that has the first stage measured.
const analysed = `kubectl patch vt prices -n shop --type=json -p '[{"op": "add", "path": "/spec/rollout/stages/0/analysis", "value": {"interval": "5s", ` +
	`"metrics": [{"name": "error-rate", "provider": "demo", "query": "error-rate", "thresholdRange": {"max": 0.05}}]}}]'`
