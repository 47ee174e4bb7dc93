// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package world runs a real Kubernetes API with a real Flux on this machine,
// for tests, demos and measurements: etcd, kube-apiserver,
// kube-controller-manager, helm-controller and, if configured, the other
// controllers of Flux with a Git server and a registry of charts, as plain
// processes on loopback. No container is
// needed, and several worlds can run side by side.
//
//	w, err := world.Start(ctx, world.Options{})
//	if err != nil { … }
//	defer w.Stop()
//	err = w.PublishChart(ctx, "default", "chart", world.TestChart())
//
// # Programs
//
// They are compiled from the Go modules pinned in components/, once per
// machine, into the user's cache directory (or TESTWORLD_CACHE). That takes
// about fifteen minutes, more than go test grants a package by default, and go
// test shows a package's progress only at its end: so run
// "go run ./tests/world/build" first. Git comes from the PATH. etcd, kube-apiserver and kubectl in the
// directory KUBEBUILDER_ASSETS are taken from there.
//
// # Stopping
//
// A world ends with the process that made it, even if that is killed: see
// reaperScript. TESTWORLD_KEEP=1 keeps its directory, with all logs.
//
// # Time
//
// A world is up in about three seconds. Controllers that lost the API server
// come back at the pace of their client's backoff, within about ten seconds.
//
// # What differs from a cluster
//
// There are no nodes, so pods never run and workloads never get ready.
// Without Options.GitOps there is no source-controller: PublishChart does its
// part. Flux's controllers may do everything and run as users such as HelmControllerUser,
// not as service accounts.
package world
