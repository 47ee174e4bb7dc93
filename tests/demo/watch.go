// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patience is how long anything may take to arrive.
const patience = time.Minute

// sighting is the first moment at which a watch shows an object as the condition says.
type sighting[T client.Object] struct {
	what  string
	found chan found[T]
}

type found[T client.Object] struct {
	object T
	at     time.Time
}

// lookout starts to watch an object and returns once the API server has accepted the
// watch, so that nothing that happens from then on is missed. It ends with ctx.
func lookout[T client.Object](ctx context.Context, c client.WithWatch, list client.ObjectList, key types.NamespacedName, what string, condition func(T) bool) (*sighting[T], error) {
	watcher, err := c.Watch(ctx, list, client.InNamespace(key.Namespace), client.MatchingFields{"metadata.name": key.Name})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", key, err)
	}
	s := &sighting[T]{what: what, found: make(chan found[T], 1)}
	go func() {
		defer watcher.Stop()
		defer close(s.found)
		for event := range watcher.ResultChan() {
			at := time.Now()
			if object, ok := event.Object.(T); ok && condition(object) {
				s.found <- found[T]{object, at}
				return
			}
		}
	}()
	return s, nil
}

// wait returns the object and the moment at which it was seen.
func (s *sighting[T]) wait(ctx context.Context) (object T, at time.Time, err error) {
	select {
	case f, ok := <-s.found:
		if ok {
			return f.object, f.at, nil
		}
	case <-ctx.Done():
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("not seen within %.0f s: %s", patience.Seconds(), s.what)
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		err = fmt.Errorf("the API server ended the watch for: %s", s.what)
	}
	return object, at, err
}
