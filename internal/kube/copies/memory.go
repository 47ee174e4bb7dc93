// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// maxSeen bounds the copies that are remembered. Beyond, all are read again.
const maxSeen = 16384

// memory says what copies are without reading them: while a rollout goes on, all of its
// copies are evaluated again and again. It is safe for concurrent use.
type memory struct {
	// salt keeps what is remembered of a Secret from confirming a guess of its content.
	salt string

	mu   sync.Mutex
	seen map[seenKey]seen
}

type seenKey struct{ actor, copy string }

// seen is what is known of one version of a copy.
type seen struct {
	version string

	// sum is that of the content which it was last found or made to hold, empty if it
	// holds something else.
	sum string

	// digest of the content that it was compared with last, and how it compares.
	digest string
	state  publish.State
}

func newMemory() *memory {
	return &memory{salt: rand.Text(), seen: map[seenKey]seen{}}
}

// compared returns how a version of a copy compares with what it is to hold, if that was
// compared before.
func (m *memory) compared(actor Actor, want Wanted, version string) (publish.State, bool) {
	known, found := m.get(actor, want)
	return known.state, found && known.version == version && known.digest == want.Digest
}

// recall returns how a version of a copy compares with what it is to hold, as far as that
// is known: to know what it holds is enough to compare with anything else.
func (m *memory) recall(actor Actor, want Wanted, version string) (publish.State, bool) {
	known, found := m.get(actor, want)
	switch {
	case !found || known.version != version:
		return publish.Outdated, false
	case known.digest == want.Digest:
		return known.state, true
	case known.sum == "":
		return publish.Outdated, false
	}
	content, err := want.Content()
	if err != nil {
		return publish.Outdated, false // Anyone who reads will meet it again.
	}
	known.digest, known.state = want.Digest, publish.Outdated
	if known.sum == m.sum(content) {
		known.state = publish.Current
	}
	m.put(actor, want, known)
	return known.state, true
}

// outdated returns the version of a copy that is known to be outdated.
func (m *memory) outdated(actor Actor, want Wanted) (version string, found bool) {
	known, found := m.get(actor, want)
	return known.version, found && known.digest == want.Digest && known.state == publish.Outdated
}

// note remembers how a version of a copy compares with what it is to hold. Whether it is
// a copy at all is known by its labels, which are watched.
func (m *memory) note(actor Actor, want Wanted, version string, state publish.State, content publish.Content) {
	now := seen{version: version, digest: want.Digest, state: state}
	switch state {
	case publish.Current:
		now.sum = m.sum(content)
	case publish.Outdated, publish.Foreign:
	case publish.Absent:
		return
	}
	m.put(actor, want, now)
}

func (m *memory) get(actor Actor, want Wanted) (seen, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, found := m.seen[seenKey{actor.Name, want.String()}]
	return known, found
}

func (m *memory) put(actor Actor, want Wanted, now seen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= maxSeen {
		clear(m.seen)
	}
	m.seen[seenKey{actor.Name, want.String()}] = now
}

// moved notes that a version of a copy became another one without a change of its content.
func (m *memory) moved(actor Actor, want Wanted, from, to string) {
	if known, found := m.get(actor, want); found && known.version == from {
		known.version = to
		m.put(actor, want, known)
	}
}

// forget has a copy be read when it is checked next.
func (m *memory) forget(actor Actor, want Wanted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, seenKey{actor.Name, want.String()})
}

// sum returns what differs for different content.
func (m *memory) sum(content publish.Content) string {
	parts := map[string]string{"salt": m.salt}
	for key, text := range content.Data {
		parts["data/"+key] = text
	}
	for key, bytes := range content.Binary {
		sum := sha256.Sum256(bytes) // Not a second time in memory.
		parts["binary/"+key] = string(sum[:])
	}
	return digest.Combine(parts)
}
