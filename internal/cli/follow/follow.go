// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package follow lists objects and watches them, for what is shown to people: it begins again when a
// watch ends, and says since when the cluster does not answer.
package follow

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// RetryAfter is how long to wait for a cluster that does not answer.
	RetryAfter = time.Second

	// SettleTime is how long changes are collected before they are shown.
	SettleTime = 150 * time.Millisecond

	// pageSize is how many objects are listed at a time, as kubectl does.
	pageSize = 500

	// watchTime is how long a watch lasts at most. A list after it finds what a watch
	// has lost.
	watchTime = 5 * time.Minute
)

// Seen are the objects as they were last seen, in order.
type Seen[T client.Object] struct {
	Objects []T

	// Stale is since when the cluster does not answer, and Why. Zero while it does.
	Stale time.Time
	Why   string
}

// Follower follows the objects of a kind.
type Follower[T client.Object] struct {
	Client client.WithWatch

	// List returns an empty list of the kind.
	List func() client.ObjectList

	// Namespace of the objects, "" for all, and Name of the one that is followed, "" for all.
	Namespace, Name string

	Now      func() time.Time
	Patience time.Duration

	// Strip drops what is not needed of an object. May be nil.
	Strip func(T)

	// Look is called before what is seen is shown, and Again says after which time it is to be called without
	// a change, 0 for never. Both may be nil.
	Look  func(ctx context.Context, objects []T) error
	Again func(objects []T) time.Duration

	seen  map[types.NamespacedName]T
	stale time.Time
}

// Follow calls show with what is seen, whenever that has changed, until ctx ends. It returns an error
// only if the first list fails in a way that does not pass.
func (f *Follower[T]) Follow(ctx context.Context, show func(Seen[T])) error {
	for first := true; ctx.Err() == nil; first = false {
		began := time.Now()
		err := f.once(ctx, show)
		switch {
		case ctx.Err() != nil:
			continue
		case first && (apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsNotFound(err)):
			return err
		case err != nil:
			if f.stale.IsZero() {
				f.stale = f.Now()
			}
			show(Seen[T]{Objects: f.sorted(), Stale: f.stale, Why: withoutAddress(err)})
		case time.Since(began) > f.Patience:
			continue // The watch has ended, as it does from time to time.
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.Patience):
		}
	}
	return nil
}

// once lists and watches until the watch ends. The error is why the cluster does not answer.
func (f *Follower[T]) once(ctx context.Context, show func(Seen[T])) error {
	version, err := f.list(ctx)
	if err != nil {
		return err
	}
	f.stale = time.Time{}
	if err := f.show(ctx, show); err != nil {
		return err
	}
	w, err := f.Client.Watch(ctx, f.List(), &client.ListOptions{
		Namespace: f.Namespace, FieldSelector: f.selector(), Raw: &metav1.ListOptions{
			ResourceVersion: version, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchTime.Seconds())),
		},
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	return f.events(ctx, w, show)
}

func (f *Follower[T]) show(ctx context.Context, show func(Seen[T])) error {
	objects := f.sorted()
	if f.Look != nil {
		if err := f.Look(ctx, objects); err != nil {
			return err
		}
	}
	show(Seen[T]{Objects: objects})
	return nil
}

// events shows what a watch sees, many changes in a moment as one.
func (f *Follower[T]) events(ctx context.Context, w watch.Interface, show func(Seen[T])) error {
	var settled <-chan time.Time
	for soon := false; ; {
		if settled == nil && f.Again != nil {
			if again := f.Again(f.sorted()); again > 0 {
				settled = time.After(again)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-w.ResultChan():
			if !open || event.Type == watch.Error {
				return ended(event)
			}
			if f.note(event) && !soon {
				settled, soon = time.After(SettleTime), true
			}
		case <-settled:
			settled, soon = nil, false
			if err := f.show(ctx, show); err != nil {
				return err
			}
		}
	}
}

// ended returns why a watch has ended, nil if it is to be begun again.
func ended(event watch.Event) error {
	if event.Type != watch.Error {
		return nil
	}
	if err := apierrors.FromObject(event.Object); !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		return err
	}
	return nil
}

// withoutAddress returns what an error says without the address that was called, which leaves no room for it.
func withoutAddress(err error) string {
	if call, ok := errors.AsType[*url.Error](err); ok {
		return call.Err.Error()
	}
	return err.Error()
}

func (f *Follower[T]) selector() fields.Selector {
	if f.Name == "" {
		return nil
	}
	return fields.OneTermEqualSelector("metadata.name", f.Name)
}

// list reads all that is followed, and returns the version from which to watch.
func (f *Follower[T]) list(ctx context.Context) (version string, err error) {
	seen := map[types.NamespacedName]T{}
	options := client.ListOptions{Namespace: f.Namespace, FieldSelector: f.selector(), Limit: pageSize}
	for {
		list := f.List()
		if err := f.Client.List(ctx, list, &options); err != nil {
			return "", err
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			if obj, ok := item.(T); ok {
				f.keep(seen, obj)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		if options.Continue = list.GetContinue(); options.Continue == "" {
			f.seen = seen
			return list.GetResourceVersion(), nil
		}
	}
}

func (f *Follower[T]) keep(seen map[types.NamespacedName]T, obj T) {
	if f.Strip != nil {
		f.Strip(obj)
	}
	seen[client.ObjectKeyFromObject(obj)] = obj
}

// note takes an event over, and reports whether it changes what is shown.
func (f *Follower[T]) note(event watch.Event) bool {
	obj, ok := event.Object.(T)
	if !ok || event.Type == watch.Bookmark || f.Name != "" && obj.GetName() != f.Name {
		return false
	}
	if event.Type == watch.Deleted {
		delete(f.seen, client.ObjectKeyFromObject(obj))
		return true
	}
	f.keep(f.seen, obj)
	return true
}

func (f *Follower[T]) sorted() []T {
	return slices.SortedFunc(maps.Values(f.seen), func(a, b T) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
}
