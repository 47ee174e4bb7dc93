// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package graph says what depends on what: which sources a ValuesTrigger delivers to
// which HelmReleases and how far that got, and, the other way round, what an edit of a
// ConfigMap or Secret would reach.
package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

func compareObjects(a, b binding.Object) int { return strings.Compare(a.ID(), b.ID()) }

// rank orders by severity: what has gone wrong first. What is not listed comes first of
// all, since no one has thought of it.
func rank[T ~string](order []T, value T) int { return slices.Index(order, value) }

func byRank[T ~string](order []T, a, b T) int { return cmp.Compare(rank(order, a), rank(order, b)) }
