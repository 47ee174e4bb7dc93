// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"math/rand/v2"
	"net/http"
	"time"
)

// Random fails a share of all requests, from 0 to 1, each in one of the ways in which
// an API server or the way to it fails. The same seed draws the same faults.
func Random(seed uint64, share float64) Rule {
	random := rand.New(rand.NewPCG(seed, seed))
	return func(r Request) Fault {
		if random.Float64() >= share {
			return Fault{}
		}
		if r.Watch() {
			return watchFaults[random.IntN(len(watchFaults))]
		}
		return requestFaults[random.IntN(len(requestFaults))]
	}
}

var requestFaults = []Fault{
	{Code: http.StatusConflict},
	{Code: http.StatusTooManyRequests, RetryAfter: 1},
	{Code: http.StatusInternalServerError},
	{Code: http.StatusServiceUnavailable},
	{Code: http.StatusGatewayTimeout},
	{Drop: true},
	{Drop: true, After: true},
	{Drop: true, Delay: 2 * time.Second},
	{Drop: true, After: true, Delay: 2 * time.Second},
	{Delay: 500 * time.Millisecond},
}

var watchFaults = []Fault{
	{Code: http.StatusGone},
	{Code: http.StatusTooManyRequests, RetryAfter: 1},
	{Code: http.StatusInternalServerError},
	{Drop: true},
	{Expired: true},
	{CloseAfter: time.Second},
	{CloseAfter: 3 * time.Second},
	{Delay: 500 * time.Millisecond},
}
