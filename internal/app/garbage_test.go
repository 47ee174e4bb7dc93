// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"runtime/debug"
	"testing"

	. "github.com/onsi/gomega"
)

func TestGarbageIsLimitedUnlessTheEnvironmentSays(t *testing.T) {
	g := NewWithT(t)
	before := debug.SetGCPercent(77)
	t.Cleanup(func() { debug.SetGCPercent(before) })

	limitGarbage(getenv(map[string]string{"GOGC": "off"}))
	g.Expect(debug.SetGCPercent(77)).To(Equal(77))
	limitGarbage(getenv(nil))
	g.Expect(debug.SetGCPercent(77)).To(Equal(garbagePercent))
}
