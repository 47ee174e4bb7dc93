// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"testing"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name  string
		given func() *scene
	}{
		{"nothing changed", func() *scene { return delivered(read) }},
		{"first sight", func() *scene { return newScene(read) }},
		{"a change to request", func() *scene {
			s := delivered(read)
			s.edit(read)
			return s
		}},
		{"a request under way", func() *scene { return triggered(read) }},
		{"a proof", func() *scene {
			s := triggered(read)
			s.upgrade()
			return s
		}},
	} {
		in := c.given().input()
		in.Values = ValuesEqual
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decide(in)
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, n := range []int{1, 64} {
		s := newScene()
		for i := range n {
			s.include(fmt.Sprintf("ConfigMap/apps/source-%02d", i))
		}
		s.note()
		s.edit("ConfigMap/apps/source-00")
		b.Run(fmt.Sprintf("%d sources", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compare(s.recorded, s.lastDigest, s.sources)
			}
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	record := triggered(read).release.Record
	text := record.String()
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ParseRecord(text)
		}
	})
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = record.String()
		}
	})
}

func BenchmarkSummarize(b *testing.B) {
	for _, n := range []int{1, 500} {
		targets := make([]triggerv1.TargetStatus, n)
		for i := range targets {
			targets[i] = triggerv1.TargetStatus{Namespace: "apps", Name: fmt.Sprint(i), State: triggerv1.TargetDelivered}
		}
		targets[n-1].State = triggerv1.TargetTriggered
		b.Run(fmt.Sprintf("%d targets", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Summarize(targets)
			}
		})
	}
}
