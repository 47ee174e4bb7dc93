// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
)

const (
	// retryAfter is how long to wait for a cluster that does not answer.
	retryAfter = time.Second

	// settleTime is how long changes are collected before they are shown.
	settleTime = 150 * time.Millisecond

	// directoryAge is how old the list of HelmReleases may be by which a status is completed.
	directoryAge = 15 * time.Second

	// watchTime is how long a watch lasts at most. A list after it finds what a watch
	// has lost.
	watchTime = 5 * time.Minute
)

// follower lists ValuesTriggers and watches them, and begins again when a watch ends.
type follower struct {
	client    client.WithWatch
	namespace string

	// name of the one that is followed, "" for all.
	name string

	now      func() time.Time
	patience time.Duration

	// complete reads what completes statuses that do not list all targets.
	complete func(context.Context, []triggerv1.ValuesTrigger) (graph.Directory, error)

	seen      map[types.NamespacedName]triggerv1.ValuesTrigger
	directory graph.Directory
	completed time.Time
	stale     time.Time
}

// follow calls show with what is seen, whenever that has changed, until ctx ends. It returns an error
// only if the first list fails in a way that does not pass.
func (f *follower) follow(ctx context.Context, show func(scene)) error {
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
				f.stale = f.now()
			}
			s := f.scene()
			s.stale, s.why = f.stale, withoutAddress(err)
			show(s)
		case time.Since(began) > f.patience:
			continue // The watch has ended, as it does from time to time.
		}
		select {
		case <-ctx.Done():
		case <-time.After(f.patience):
		}
	}
	return nil
}

// once lists and watches until the watch ends. The error is why the cluster does not answer.
func (f *follower) once(ctx context.Context, show func(scene)) error {
	version, err := f.list(ctx)
	if err != nil {
		return err
	}
	f.stale = time.Time{}
	if err := f.look(ctx); err != nil {
		return err
	}
	show(f.scene())

	w, err := f.client.Watch(ctx, &triggerv1.ValuesTriggerList{}, &client.ListOptions{
		Namespace: f.namespace, FieldSelector: f.selector(), Raw: &metav1.ListOptions{
			ResourceVersion: version, AllowWatchBookmarks: true, TimeoutSeconds: new(int64(watchTime.Seconds())),
		},
	})
	if err != nil {
		return err
	}
	defer w.Stop()
	return f.events(ctx, w, show)
}

// events shows what a watch sees, many changes in a moment as one.
func (f *follower) events(ctx context.Context, w watch.Interface, show func(scene)) error {
	var settled <-chan time.Time
	for soon := false; ; {
		if settled == nil && slices.ContainsFunc(f.sorted(), isBounded) {
			settled = time.After(directoryAge) // What is on record on HelmReleases makes no event here.
		}
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-w.ResultChan():
			if !open || event.Type == watch.Error {
				return ended(event)
			}
			if f.note(event) && !soon {
				settled, soon = time.After(settleTime), true
			}
		case <-settled:
			settled, soon = nil, false
			if err := f.look(ctx); err != nil {
				return err
			}
			show(f.scene())
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

func (f *follower) selector() fields.Selector {
	if f.name == "" {
		return nil
	}
	return fields.OneTermEqualSelector("metadata.name", f.name)
}

// list reads all that is followed, and returns the version from which to watch.
func (f *follower) list(ctx context.Context) (version string, err error) {
	seen := map[types.NamespacedName]triggerv1.ValuesTrigger{}
	options := client.ListOptions{Namespace: f.namespace, FieldSelector: f.selector(), Limit: pageSize}
	for {
		list := &triggerv1.ValuesTriggerList{}
		if err := f.client.List(ctx, list, &options); err != nil {
			return "", err
		}
		for _, vt := range list.Items {
			seen[binding.TriggerObject(&vt).NamespacedName()] = vt
		}
		if options.Continue = list.Continue; options.Continue == "" {
			f.seen = seen
			return list.ResourceVersion, nil
		}
	}
}

// note takes an event over, and reports whether it changes what is shown.
func (f *follower) note(event watch.Event) bool {
	vt, ok := event.Object.(*triggerv1.ValuesTrigger)
	if !ok || event.Type == watch.Bookmark || f.name != "" && vt.Name != f.name {
		return false
	}
	key := binding.TriggerObject(vt).NamespacedName()
	if event.Type == watch.Deleted {
		delete(f.seen, key)
		return true
	}
	f.seen[key] = *vt
	return true
}

// look completes the statuses that do not list all targets, not too often.
func (f *follower) look(ctx context.Context) error {
	if f.complete == nil || !f.completed.IsZero() && f.now().Sub(f.completed) < directoryAge {
		return nil
	}
	d, err := f.complete(ctx, f.sorted())
	if err != nil {
		return err
	}
	f.directory, f.completed = d, f.now()
	return nil
}

func (f *follower) sorted() []triggerv1.ValuesTrigger {
	return slices.SortedFunc(maps.Values(f.seen), func(a, b triggerv1.ValuesTrigger) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

func (f *follower) scene() scene { return scene{triggers: f.sorted(), Directory: f.directory} }
