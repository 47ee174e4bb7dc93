// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// framer hashes parts, each with its length before it, so that no two lists of parts
// are written alike. What it writes passes through its buffer, so that neither a length
// nor a long text is allocated again.
type framer struct {
	hash   hash.Hash
	buffer [512]byte
}

func newFramer() *framer { return &framer{hash: sha256.New()} }

// frame adds a part.
func frame[T string | []byte](f *framer, part T) {
	binary.BigEndian.PutUint64(f.buffer[:8], uint64(len(part)))
	f.hash.Write(f.buffer[:8])
	for len(part) > 0 {
		n := copy(f.buffer[:], part)
		f.hash.Write(f.buffer[:n])
		part = part[n:]
	}
}

// sum returns the hash of the parts.
func (f *framer) sum() (sum [sha256.Size]byte) {
	copy(sum[:], f.hash.Sum(f.buffer[:0]))
	return sum
}

// text returns the hash of the parts as a digest is written.
func (f *framer) text() string {
	return Prefix + hex.EncodeToString(f.hash.Sum(f.buffer[:0]))
}
