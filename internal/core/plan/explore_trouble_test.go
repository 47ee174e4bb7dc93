// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

// This file is what others do in the small world: to the status, to the record, and to the request.

// lead has another operator lead. The one before may not have noticed.
func (s *small) lead(b bounds) bool {
	if s.leaders >= b.leaders {
		return false
	}
	s.leaders++
	s.former = s.smallView
	s.former.known = s.known.clone()
	s.start()
	return true
}

// start fills the caches of an operator.
func (s *small) start() {
	s.readSources()
	s.seeRelease()
	s.seeStatus()
}

// follow has the one before look once more.
func (s *small) follow() bool {
	if !s.former.leads {
		return false
	}
	now := s.smallView
	s.smallView, s.former = s.former, smallView{}
	s.reconcile(lives)
	s.smallView = now
	return true
}

// ask is someone who has the release reconciled.
func (s *small) ask(force bool, b bounds) bool {
	if s.asks >= b.asks {
		return false
	}
	s.asks++
	s.live.requestedAt = "by someone"
	if force {
		s.forces++
		s.live.forceAt = s.live.requestedAt
	}
	s.live.version++
	s.queued = true
	return true
}

// deleteStatus is someone who deletes the status of the trigger.
func (s *small) deleteStatus(b bounds) bool {
	if s.deletions >= b.deletions || s.stored.digest == "" {
		return false
	}
	s.deletions++
	s.stored = smallStatus{version: s.stored.version + 1}
	return true
}

// removeRecord is someone who removes the record from the release.
func (s *small) removeRecord(b bounds) bool {
	if s.removals >= b.removals || s.live.record == "" {
		return false
	}
	s.removals++
	s.live.record = ""
	s.live.version++
	return true
}

// backUp keeps the record of the release.
func (s *small) backUp(b bounds) bool {
	if s.backups >= b.restores || s.live.record == "" {
		return false
	}
	s.backups++
	s.saved = s.live.record
	return true
}

// restore puts the record of the backup back.
func (s *small) restore(b bounds) bool {
	if s.restores >= b.restores || s.saved == "" || s.saved == s.live.record {
		return false
	}
	s.restores++
	old, now := parse(s.saved).Record, parse(s.live.record).Record
	s.unsaved = old.Token == now.Token && old.States["apps/trigger"].DoubtfulUntil < now.States["apps/trigger"].DoubtfulUntil
	s.live.record = s.saved
	s.live.version++
	return true
}
