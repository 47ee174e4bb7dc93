// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// profileSeconds is how long the operator is profiled.
const profileSeconds = 20

// parts of the work, each with the packages that do it. Of a stack, the innermost
// frame that belongs to a part decides.
var parts = []struct {
	name     string
	packages []string
}{
	{"garbage collection", []string{"runtime.gc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.(*gc"}},
	{"TLS", []string{"crypto/"}},
	{"HTTP", []string{"net/http.", "golang.org/x/net/http2.", "net."}},
	{"encoding and decoding", []string{"encoding/json", "sigs.k8s.io/json", "k8s.io/apimachinery/pkg/runtime/serializer", "google.golang.org/protobuf", "github.com/gogo/protobuf", "k8s.io/apimachinery/pkg/apis/meta/v1.(*", "k8s.io/api/"}},
	{"composing values", []string{"github.com/fluxcd/pkg/chartutil", "sigs.k8s.io/yaml", "go.yaml.in", "github.com/goccy"}},
	{"events", []string{"k8s.io/client-go/tools/record", "github.com/fluxcd/pkg/runtime/events"}},
	{"logging", []string{"go.uber.org/zap", "github.com/go-logr"}},
	{"informers", []string{"k8s.io/client-go/tools/cache", "sigs.k8s.io/controller-runtime/pkg/cache"}},
	{"work queues", []string{"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue", "k8s.io/client-go/util/workqueue"}},
	{"deciding", []string{"github.com/nebius/helmrelease-trigger-operator/internal/"}},
	{"client", []string{"k8s.io/client-go/rest", "sigs.k8s.io/controller-runtime/pkg/client"}},
	{"scheduler", []string{"runtime.schedule", "runtime.mcall", "runtime.findRunnable", "runtime.park_m", "runtime.mstart", "runtime.sysmon"}},
}

// profile starts to profile the operator. The returned function waits for the end and
// returns the three largest parts.
func (s *stage) profile(ctx context.Context, dir string) func() (string, error) {
	type answer struct {
		data []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		data, err := s.fetch(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", profileSeconds))
		answers <- answer{data, err}
	}()
	return func() (string, error) {
		a := <-answers
		if a.err != nil {
			return "", a.err
		}
		path := filepath.Join(dir, "cpu.pprof")
		if err := os.WriteFile(path, a.data, 0o600); err != nil {
			return "", err
		}
		out, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", path).Output()
		if err != nil {
			return "", fmt.Errorf("reading the profile: %w", err)
		}
		return largest(out, 3), nil
	}
}

// largest returns the largest parts of the traces that pprof prints: stacks, each below a
// line of dashes, of which the first line starts with the time.
func largest(traces []byte, most int) string {
	times := map[string]time.Duration{}
	var total, current time.Duration
	var stack []string
	flush := func() {
		total += current
		times[partOf(stack)] += current
		current, stack = 0, nil
	}
	for lines := bufio.NewScanner(bytes.NewReader(traces)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "---") {
			flush()
			continue
		}
		if first, frame, found := strings.Cut(line, " "); found && len(stack) == 0 {
			if d, err := time.ParseDuration(first); err == nil {
				current, line = d, strings.TrimSpace(frame)
			}
		}
		if current > 0 {
			stack = append(stack, line)
		}
	}
	flush()
	names := make([]string, 0, len(times))
	for name := range times {
		if name != "" && times[name] > 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(times[b], times[a]), strings.Compare(a, b)) })
	var texts []string
	for _, name := range names[:min(most, len(names))] {
		texts = append(texts, fmt.Sprintf("%s %.0f%%", name, 100*times[name].Seconds()/total.Seconds()))
	}
	return strings.Join(texts, ", ")
}

func partOf(stack []string) string {
	for _, frame := range stack {
		for _, part := range parts {
			if slices.ContainsFunc(part.packages, func(p string) bool { return strings.HasPrefix(frame, p) }) {
				return part.name
			}
		}
	}
	return ""
}
