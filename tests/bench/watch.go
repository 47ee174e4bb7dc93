// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// watcher sees all objects of a kind change, and when.
type watcher[T client.Object] struct {
	mu      sync.Mutex
	latest  map[types.NamespacedName]T
	waiting map[types.NamespacedName][]*sight[T]
	each    func(T)

	// stop ends the watch.
	stop func()
}

// sight is a state of an object that someone waits for.
type sight[T client.Object] struct {
	is   func(T) bool
	at   time.Time
	done chan struct{}
}

// watchAll starts to watch; each, if there is one, is called for every change.
func watchAll[T client.Object](ctx context.Context, c client.WithWatch, list client.ObjectList, each func(T)) (*watcher[T], error) {
	if err := c.List(ctx, list); err != nil {
		return nil, err
	}
	w := &watcher[T]{
		latest:  map[types.NamespacedName]T{},
		waiting: map[types.NamespacedName][]*sight[T]{},
		each:    each,
	}
	err := meta.EachListItem(list, func(obj runtime.Object) error {
		o := obj.(T)
		w.latest[client.ObjectKeyFromObject(o)] = o
		return nil
	})
	if err != nil {
		return nil, err
	}
	// The API server ends a watch whose client is too slow.
	changes, err := watchtools.NewRetryWatcherWithContext(ctx, list.GetResourceVersion(), follower{c, list})
	if err != nil {
		return nil, err
	}
	w.stop = changes.Stop
	go func() {
		for change := range changes.ResultChan() {
			if obj, ok := change.Object.(T); ok && change.Type != watch.Deleted {
				w.see(obj, time.Now())
			}
		}
	}()
	return w, nil
}

// follower watches all objects of a kind.
type follower struct {
	c    client.WithWatch
	list client.ObjectList
}

// WatchWithContext implements cache.WatcherWithContext.
func (f follower) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return f.c.Watch(ctx, f.list, &client.ListOptions{Raw: &options})
}

func (w *watcher[T]) see(obj T, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := client.ObjectKeyFromObject(obj)
	w.latest[key] = obj
	if w.each != nil {
		w.each(obj)
	}
	var left []*sight[T]
	for _, s := range w.waiting[key] {
		if s.is(obj) {
			s.at = at
			close(s.done)
		} else {
			left = append(left, s)
		}
	}
	w.waiting[key] = left
}

// get returns an object as it was last seen, the zero value if it never was.
func (w *watcher[T]) get(namespace, name string) T {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.latest[types.NamespacedName{Namespace: namespace, Name: name}]
}

// in returns the objects of a namespace as they were last seen.
func (w *watcher[T]) in(namespace string) []T {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []T
	for key, obj := range w.latest {
		if key.Namespace == namespace {
			found = append(found, obj)
		}
	}
	return found
}

// when watches out for the next change of an object to a state.
func (w *watcher[T]) when(namespace, name string, is func(T) bool) *sight[T] {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := types.NamespacedName{Namespace: namespace, Name: name}
	s := &sight[T]{is: is, done: make(chan struct{})}
	w.waiting[key] = append(w.waiting[key], s)
	return s
}

// until waits for an object to have a state, which it may have already.
func (w *watcher[T]) until(ctx context.Context, namespace, name string, is func(T) bool) error {
	s := w.when(namespace, name, is)
	w.mu.Lock()
	obj, found := w.latest[types.NamespacedName{Namespace: namespace, Name: name}]
	w.mu.Unlock()
	if found && is(obj) {
		return nil
	}
	_, err := s.wait(ctx, "state of "+namespace+"/"+name)
	return err
}

// patience is how long anything may take.
const patience = 5 * time.Minute

// wait returns when the state was seen.
func (s *sight[T]) wait(ctx context.Context, what string) (time.Time, error) {
	select {
	case <-s.done:
		return s.at, nil
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	case <-time.After(patience):
		return time.Time{}, fmt.Errorf("waited %s in vain for %s", patience, what)
	}
}

// listen receives each change from now on.
func (w *watcher[T]) listen(each func(T)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = each
}
