// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	. "github.com/onsi/gomega"
)

func TestSelfSigned_is_one_certificate_for_all_clients(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	selfSigned(config)
	first, err := config.GetCertificate(&tls.ClientHelloInfo{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(config.GetCertificate(&tls.ClientHelloInfo{})).To(BeIdenticalTo(first))
	leaf, err := x509.ParseCertificate(first.Certificate[0])
	g.Expect(err).NotTo(HaveOccurred())
	for _, host := range []string{"localhost", "127.0.0.1"} {
		g.Expect(leaf.VerifyHostname(host)).To(Succeed())
	}
}
