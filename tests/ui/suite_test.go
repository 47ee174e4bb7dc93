// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package ui drives the pages of the plugin in a real browser, about deliveries on a real API server and the real
// helm-controller. Where there is no Chromium, it says so and does nothing.
package ui

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

var (
	// shared is the world of all tests, with approvals enforced, browser the browser, and plugin the program that
	// serves the pages.
	shared  *world.World
	browser context.Context
	plugin  string

	// pictures is where the pictures of the documentation go, "" for nowhere.
	pictures = flag.String("pictures", "", "write the pictures of the documentation to this directory")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(0)
	}
	ctrllog.SetLogger(logr.Discard())
	chromium := findChromium()
	if chromium == "" {
		fmt.Println("THE TESTS OF THE PAGES DID NOT RUN: there is no Chromium. Install it, as by: apt-get install chromium")
		os.Exit(0)
	}
	os.Exit(run(m, chromium))
}

// findChromium returns the path of Chromium, or of Chrome.
func findChromium() string {
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func run(m *testing.M, chromium string) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "ui-")
	var manager string
	if err == nil {
		defer os.RemoveAll(dir)
		manager, err = operator.Build(ctx, dir)
	}
	if err == nil {
		plugin = filepath.Join(dir, "kubectl-valuestrigger")
		err = operator.BuildPlugin(ctx, dir)
	}
	if err == nil {
		shared, err = world.Start(ctx, kit.World())
	}
	if err == nil {
		defer shared.Stop()
		_, err = operator.Install(ctx, shared, manager, operator.Options{Values: []string{"--set", "eventsAddr=,publish.enabled=true,approvals.enforce=true"}})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(dir, "chromium")),
		chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	var closeBrowser context.CancelFunc
	browser, closeBrowser = chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "starting", chromium+":", err)
		return 1
	}
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	code := m.Run()
	if code != 0 {
		shared.Dump(os.Stderr, 20)
	}
	return code
}
