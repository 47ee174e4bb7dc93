// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package source reads ConfigMaps and Secrets. Their metadata is watched; their
// content is read from the API server, only of objects that someone refers to
// and only when they changed, and is shared by all who need the same version.
package source

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/applier"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

const (
	// maxKeptKeys bounds the keys of an object whose digests are kept. Larger ones
	// are read each time, so that no one can fill the memory with keys.
	maxKeptKeys = 256

	// sweepAt is the number of entries from which those are dropped that no one
	// asked for in a day, the longest interval of a trigger.
	sweepAt   = 1024
	maxUnread = 24 * time.Hour

	// maxRemembered bounds the bytes of the digests, keys and annotations that are
	// remembered. Beyond, what was not asked for longest is read again when it is.
	maxRemembered = 24 << 20

	// maxKeptBytes bounds the content that is kept for composing values.
	maxKeptBytes = 8 << 20

	// maxContent bounds the content that is in memory at a time to be digested, compared,
	// composed or written, for all who ask. What encodes and decodes it takes some more.
	maxContent = 16 << 20

	// maxComposing bounds for how many releases at a time values are being composed.
	maxComposing = 2
)

// Object is what is known of one version of a source.
type Object struct {
	// Exists is false if there is no such object; nothing else is then set.
	Exists bool

	Labels      map[string]string
	Annotations map[string]string
	Content     digest.Content

	// Watched reports that Flux's own watch label is on the object.
	Watched bool

	// PublishTo says into which namespaces the object may be copied.
	PublishTo string

	// Full is the digest of all keys.
	Full string

	// UID of the object.
	UID types.UID

	// Editor is the field manager that last changed the content, empty if that is not
	// known.
	Editor string

	// EditedBy is the user who last changed the content, as the API server recorded him.
	// Empty if it did not.
	EditedBy string

	// Applier is the tool that applied the content as it is, zero if it was last changed
	// by hand or by another controller.
	Applier applier.Applier

	// Origin is the Kustomization that has changed the content, and its revision of then.
	// Empty if that is not known.
	Origin string

	// ChangedKeys changed since the version that was read before, if one was.
	ChangedKeys []string

	// ResourceVersion of the object, for conditional writes.
	ResourceVersion string
}

// Store reads and remembers. It is safe for concurrent use.
type Store struct {
	keyring Keyring

	// Kustomizations say what they have applied. Without them, no change has an origin.
	Kustomizations Kustomizations

	// metadata is the cache of watched metadata, live the API server.
	metadata client.Reader
	live     client.Reader
	now      func() time.Time

	mu         sync.Mutex
	entries    map[entryKey]*entry
	remembered int
	sweepAt    int
	kept       map[Ref]client.Object
	bytes      int

	// budget is for content in memory, composing holds a place for each composition.
	budget    *budget.Budget
	composing chan struct{}
}

// entryKey includes the account: what one may read, another may not.
type entryKey struct {
	account string
	ref     Ref
}

// entry is locked while it is being read, so that many who need the same version
// cause one read.
type entry struct {
	mu     sync.Mutex
	object Object
	readAt time.Time

	// asked and size are guarded by the lock of the Store.
	asked time.Time
	size  int
}

// NewStore returns a Store over a cache of metadata and a live reader. Without a keyring,
// it tells nothing of Secrets.
func NewStore(metadata, live client.Reader, keyring Keyring) *Store {
	return &Store{
		keyring: keyring, metadata: metadata, live: live, now: time.Now,
		entries: map[entryKey]*entry{}, sweepAt: sweepAt, kept: map[Ref]client.Object{},
		budget: budget.New(maxContent), composing: make(chan struct{}, maxComposing),
	}
}

// Budget returns what bounds the content in memory: all who read or write it share it.
func (s *Store) Budget() *budget.Budget { return s.budget }

// Account reads as someone else. The zero value is the operator itself.
type Account struct {
	// Name distinguishes accounts.
	Name string

	// Reader reads as the account.
	Reader client.Reader
}

// Get returns the object in its present version, read from the API server unless
// the version is known and was read less than maxAge ago: at any rate if that is zero. What
// was read is not replaced by something older, even if the watch is behind. A missing object
// is not an error.
func (s *Store) Get(ctx context.Context, account Account, ref Ref, maxAge time.Duration) (Object, error) {
	key := entryKey{account: account.Name, ref: ref}
	version, err := versionIn(ctx, s.metadata, ref)
	if err != nil {
		return Object{}, err
	}
	// Whether the object exists is nothing that another account may learn from the
	// operator's cache.
	if version == "" && account.Reader == nil && maxAge > 0 && !s.knows(key) {
		return Object{}, nil
	}

	e := s.entry(key)
	e.mu.Lock()
	defer e.mu.Unlock()
	if version != "" && e.object.ResourceVersion == version && s.now().Sub(e.readAt) < maxAge && e.object.Content.Len() <= maxKeptKeys {
		return e.object, nil
	}

	return s.refresh(ctx, account, key, e)
}

// refresh reads an object into its entry, which is locked.
func (s *Store) refresh(ctx context.Context, account Account, key entryKey, e *entry) (Object, error) {
	reader := account.Reader
	if reader == nil {
		reader = s.live
	}
	part, err := s.budget.Take(ctx, budget.MaxObject)
	if err != nil {
		return Object{}, err
	}
	defer part.Return()
	obj, err := read(ctx, reader, key.ref)
	if err != nil || obj == nil {
		s.forget(key)
		return Object{}, err
	}
	content, err := s.ContentOf(ctx, obj)
	if err != nil {
		return Object{}, err
	}
	object := describe(obj, content)
	object.explain(obj, e.object)
	s.attribute(ctx, key.ref, &object, e.object)
	e.object, e.readAt = object, s.now()
	if object.Content.Len() > maxKeptKeys {
		e.object = Object{}
	}
	s.remember(key, e, e.object.size())
	if account.Reader == nil {
		s.keep(key.ref, obj)
	}
	return object, nil
}

// knows reports whether the object existed when it was last read. Then the watch is behind,
// or it is gone: only a read shows which.
func (s *Store) knows(key entryKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.entries[key]
	return found
}

func (s *Store) entry(key entryKey) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, found := s.entries[key]
	if !found {
		s.sweep()
		e = &entry{}
		s.entries[key] = e
	}
	e.asked = s.now()
	return e
}

// keep remembers the content itself while there is room, and starts again when there
// is none.
func (s *Store) keep(ref Ref, obj client.Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, found := s.kept[ref]; found {
		s.bytes -= size(old)
		delete(s.kept, ref)
	}
	if s.bytes+size(obj) > maxKeptBytes {
		clear(s.kept)
		s.bytes = 0
	}
	s.kept[ref] = slim(obj)
	s.bytes += size(obj)
}

// content returns the object with its content, from memory if the present version
// is there, and whether it is.
func (s *Store) content(ctx context.Context, ref Ref) (obj client.Object, remembered bool, err error) {
	version, err := versionIn(ctx, s.metadata, ref)
	if err != nil {
		return nil, false, err
	}
	s.mu.Lock()
	obj, found := s.kept[ref]
	s.mu.Unlock()
	if found && obj.GetResourceVersion() == version {
		return obj, true, nil
	}
	obj, err = read(ctx, s.live, ref)
	if err == nil && obj != nil {
		s.keep(ref, obj)
	}
	return obj, false, err
}
