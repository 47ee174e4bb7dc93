// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures the operator on a real API server, side by side with Flux's
// own watch (helm-controller alone) and with the limit: a bare client that watches the
// source, gets it and patches the HelmReleases without any check. Contestants take
// turns, so that what disturbs the machine disturbs all of them.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// interrupted is the exit code of a program that Ctrl-C ended.
const interrupted = 130

// scenario measures some rows of the table in a world of its own.
type scenario struct {
	name string
	run  func(context.Context, *bench) (Result, error)
}

// scenarios in the order of the table.
var scenarios = []scenario{
	{"deliveries", deliveries},
	{"fanout", fanOut},
	{"copies", copying},
	{"rollout", rollOut},
	{"scale", scale},
	{"burst", burst},
	{"memory", memory},
	{"objects", objectGrowth},
	{"triggers", triggerGrowth},
	{"cpu", cpu},
}

// bench is one run of the program.
type bench struct {
	sizes   sizes
	dir     string
	manager string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == limitCommand {
		os.Exit(exitCode(runLimit(os.Args[2:])))
	}
	ctrl.SetLogger(logr.Discard())
	os.Exit(exitCode(run(os.Args[1:])))
}

func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case strings.Contains(err.Error(), context.Canceled.Error()):
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		return interrupted
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	return 1
}

func run(args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "smaller sizes, a few minutes; leaves the documentation alone")
	only := flags.String("only", "", "comma separated scenarios to measure; what was measured of the others is kept")
	out := flags.String("json", "", "file of the figures, by default docs/benchmarks.json, quick bin/benchmarks-quick.json")
	page := flags.String("page", "", "page whose tables are replaced, by default docs/benchmarks.md, quick none")
	manager := flags.String("manager", "", "measure this program instead of building one from the checkout")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	b := &bench{sizes: full, manager: *manager}
	switch {
	case *quick:
		b.sizes = short
		*out = cmp.Or(*out, filepath.Join(operator.Root(), "bin", "benchmarks-quick.json"))
	case *out == "":
		*out = filepath.Join(operator.Root(), "docs", "benchmarks.json")
		*page = cmp.Or(*page, filepath.Join(operator.Root(), "docs", "benchmarks.md"))
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	report, err := readReport(*out)
	if err != nil {
		return err
	}
	if err := b.measure(ctx, chosen, report, *out); err != nil {
		return err
	}
	fmt.Println(report.Markdown())
	if *page == "" {
		return nil
	}
	return report.WritePage(*page)
}

// choose returns the scenarios of these names, all of them for none.
func choose(names string) ([]scenario, error) {
	if names == "" {
		return scenarios, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		chosen = append(chosen, scenarios[i])
	}
	return chosen, nil
}

// measure runs the scenarios and writes the figures after each of them.
func (b *bench) measure(ctx context.Context, chosen []scenario, report *Report, out string) error {
	if err := world.Build(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if b.manager == "" {
		if b.manager, err = operator.BuildRelease(ctx, dir); err != nil {
			return err
		}
	}
	if err := report.describe(ctx, b.sizes.name); err != nil {
		return err
	}
	measured := commit(ctx) // Before the report of the first makes the checkout another.
	for _, s := range chosen {
		say("%s", s.name)
		start := time.Now()
		result, err := s.run(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		say("%s took %s", s.name, time.Since(start).Round(time.Second))
		report.put(s.name, measured, result)
		if err := report.Write(out); err != nil {
			return err
		}
	}
	return nil
}

// say reports progress.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}
