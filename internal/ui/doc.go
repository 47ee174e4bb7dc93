// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package ui serves pages about ValuesTriggers on loopback, with the rights of the person who starts it: what they may
// not read is not shown, what they may not do is greyed out. What is shown is decided by the packages of the
// plugin, and what is done is done by its commands.
//
// A page is one line in pages (pages.go): its path, its title, a function from what is seen of the cluster to
// what is shown, and a template. It is rendered again when the cluster changes, and what is new goes to the
// browsers that show it.
package ui
