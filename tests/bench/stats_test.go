// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestSamples(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var s samples
	for i := 100; i > 0; i-- {
		s.addTime(time.Duration(i) * time.Millisecond)
	}
	g.Expect(s.median()).To(Equal(50.5))
	g.Expect(s.percentile(50)).To(Equal(50.0))
	g.Expect(s.percentile(99)).To(Equal(99.0))
	g.Expect(s.percentile(100)).To(Equal(100.0))
	g.Expect(s[:1].percentile(99)).To(Equal(100.0))
	g.Expect(s.below(10)).To(HaveLen(9))
	g.Expect(s.above(10)).To(HaveLen(91))
	g.Expect(s).To(HaveLen(100), "splitting leaves the samples alone")
	g.Expect(samples{3, 1, 2}.median()).To(Equal(2.0))
	g.Expect(number(samples{}.median())).To(Equal("?"))
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	n := []int{1000, 2000, 4000}
	g.Expect(slope(n, []float64{30, 31, 33})).To(BeNumerically("~", 0.001))
	g.Expect(linear(n, []float64{1, 2, 4})).To(BeTrue())
	g.Expect(linear(n, []float64{30, 31, 33})).To(BeTrue())
	g.Expect(linear(n, []float64{1, 4, 16})).To(BeFalse())
}

func TestLargestPartsOfAProfile(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	const traces = `File: manager
Type: cpu
-----------+-------------------------------------------------------
      30ms   runtime.memmove
             crypto/tls.(*Conn).Write
             net/http.(*persistConn).writeLoop
-----------+-------------------------------------------------------
      1.02s   runtime.scanobject
             runtime.gcDrain
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
      50ms   runtime.mallocgc
             encoding/json.Marshal
             github.com/nebius/helmrelease-trigger-operator/internal/core/plan.Record.String
-----------+-------------------------------------------------------
`
	g.Expect(largest([]byte(traces), 3)).To(Equal("garbage collection 93%, encoding and decoding 5%, TLS 3%"))
	g.Expect(largest([]byte(traces), 1)).To(Equal("garbage collection 93%"))
}

func TestFigures(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	f := figures{
		`rest_client_requests_total{code="200",host="a",method="GET"}`:   3,
		`rest_client_requests_total{code="404",host="a",method="GET"}`:   1,
		`rest_client_requests_total{code="200",host="a",method="PATCH"}`: 2,
		`workqueue_depth{controller="a",name="a",priority="0"}`:          5,
		`workqueue_depth_other`: 7,
	}
	g.Expect(f.requests("GET")).To(Equal(4.0))
	g.Expect(f.writes()).To(Equal(2.0))
	g.Expect(f.queued()).To(Equal(5.0))
	g.Expect(f.since(figures{`workqueue_depth_other`: 3})["workqueue_depth_other"]).To(Equal(4.0))
}
