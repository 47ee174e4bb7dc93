// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
)

// tailLines is how much of every log a failed test shows.
const tailLines = 30

// ForTest starts a world for one test and stops it after the test, printing
// the tails of all logs if the test failed. With go test -short it skips the
// test instead.
func ForTest(t testing.TB, o Options) *World {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a test world; running with -short")
	}
	w, err := Start(t.Context(), o)
	if err != nil {
		t.Fatalf("starting the world: %v", err)
	}
	t.Cleanup(w.Stop)
	w.DumpOnFailure(t)
	return w
}

// DumpOnFailure prints the tails of all logs after the test if it failed.
func (w *World) DumpOnFailure(t testing.TB) {
	t.Cleanup(func() {
		if t.Failed() {
			var out bytes.Buffer
			w.Dump(&out, tailLines)
			t.Log(out.String())
		}
	})
}

// Main runs the tests of a package in one shared world, which it stores in *w
// before the first test. Use it in TestMain: os.Exit(world.Main(m, o, &w)).
// With go test -short there is no world, and *w stays nil.
func Main(m *testing.M, o Options, w **World) (code int) {
	flag.Parse() // testing.Short asks for it
	if !testing.Short() {
		var err error
		if *w, err = Start(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, "starting the world:", err)
			return 1
		}
		defer (*w).Stop()
	}
	return m.Run()
}
