// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package world

import (
	"fmt"
	"net"
)

// reservePort finds a free loopback port. Outside Linux nothing keeps it from
// being taken by someone else before it is used.
func reservePort() (addr string, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("reserving a port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), func() {}, nil
}
