// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"maps"
	"slices"
)

// remember notes the size of an entry, and makes room if all are too large together.
func (s *Store) remember(key entryKey, e *entry, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[key] != e {
		return // Forgotten meanwhile.
	}
	s.remembered += size - e.size
	e.size = size
	if s.remembered <= maxRemembered {
		return
	}
	oldest := slices.SortedFunc(maps.Keys(s.entries), func(a, b entryKey) int { return s.entries[a].asked.Compare(s.entries[b].asked) })
	for _, key := range oldest {
		if s.remembered <= maxRemembered/2 {
			break
		}
		s.drop(key)
	}
}

// drop forgets an entry. Anyone who reads it meanwhile has it still.
func (s *Store) drop(key entryKey) {
	if e, found := s.entries[key]; found {
		s.remembered -= e.size
		delete(s.entries, key)
	}
}

// sweep drops the entries of objects that no trigger refers to any more, whenever
// their number has doubled.
func (s *Store) sweep() {
	if len(s.entries) < s.sweepAt {
		return
	}
	for key, e := range s.entries {
		if s.now().Sub(e.asked) > maxUnread {
			s.drop(key)
		}
	}
	s.sweepAt = max(sweepAt, 2*len(s.entries))
}

// forget drops what is remembered of an object that is gone.
func (s *Store) forget(key entryKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key)
	if old, found := s.kept[key.ref]; found && key.account == "" {
		s.bytes -= size(old)
		delete(s.kept, key.ref)
	}
}

// forgetAll forgets what any account has read of an object.
func (s *Store) forgetAll(ref Ref) {
	s.mu.Lock()
	keys := []entryKey{{ref: ref}}
	for key := range s.entries {
		if key.ref == ref {
			keys = append(keys, key)
		}
	}
	s.mu.Unlock()
	for _, key := range keys {
		s.forget(key)
	}
}
