// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"crypto"
	_ "crypto/sha1" //nolint:gosec // Nothing is secured by it: helm-controller may be configured to use it.
	_ "crypto/sha256"
	_ "crypto/sha512"

	"github.com/opencontainers/go-digest"
	// Registers itself, like those above.
	_ "github.com/opencontainers/go-digest/blake3"
)

// With the imports, these are the algorithms that helm-controller's
// --snapshot-digest-algo takes.
var _ = digest.RegisterAlgorithm("sha1", crypto.SHA1)
