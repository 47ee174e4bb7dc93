// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// witness sees every version of copies and of the triggers of gates, in the order in
// which the API server has stored them. It does not look through the proxies.
type witness struct {
	mu   sync.Mutex
	seen map[string][]sighting // by kind/namespace/name
}

// sighting is a version of an object.
type sighting struct {
	at      time.Time // when it was seen
	version int64
	gone    bool

	// gap reports that there may have been others before it that were not seen, since the
	// API server was away. Then it may also be older than it seems.
	gap bool

	// vt is the trigger, or labels and texts are those of the copy.
	vt     *triggerv1.ValuesTrigger
	labels map[string]string
	texts  map[string]string
}

// observe begins to watch.
func (d *driver) observe() (*witness, error) {
	c, err := client.NewWithWatch(d.w.Config(), client.Options{Scheme: d.c.Scheme()})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(d.ctx)
	var group sync.WaitGroup
	d.closers = slices.Insert(d.closers, 0, func() { stop(); group.Wait() })
	w := &witness{seen: map[string][]sighting{}}
	for _, ns := range []string{teamNS, edgeNS} {
		group.Go(func() {
			w.follow(ctx, c, triggerv1.ConfigMapKind, func() client.ObjectList { return &corev1.ConfigMapList{} }, ns)
		})
		group.Go(func() {
			w.follow(ctx, c, triggerv1.SecretKind, func() client.ObjectList { return &corev1.SecretList{} }, ns)
		})
	}
	group.Go(func() {
		w.follow(ctx, c, triggerv1.ValuesTriggerKind, func() client.ObjectList { return &triggerv1.ValuesTriggerList{} }, teamNS)
	})
	return w, nil
}

// follow watches the objects of a kind in a namespace, again whenever a watch ends. Each
// begins with what there is.
func (w *witness) follow(ctx context.Context, c client.WithWatch, kind string, list func() client.ObjectList, ns string) {
	for again := false; ctx.Err() == nil; again = true {
		all := list()
		err := c.List(ctx, all, client.InNamespace(ns))
		if err == nil {
			w.catchUp(kind, ns, all, again)
			var events watch.Interface
			if events, err = c.Watch(ctx, list(), client.InNamespace(ns), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: all.GetResourceVersion()}}); err == nil {
				for event := range events.ResultChan() {
					if obj, ok := event.Object.(client.Object); ok {
						w.see(kind, obj, event.Type == watch.Deleted, false)
					}
				}
				events.Stop()
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// catchUp applies what a list shows that no watch has delivered.
func (w *witness) catchUp(kind, ns string, list client.ObjectList, gap bool) {
	var objects []client.Object
	switch list := list.(type) {
	case *corev1.ConfigMapList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *corev1.SecretList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	case *triggerv1.ValuesTriggerList:
		for i := range list.Items {
			objects = append(objects, &list.Items[i])
		}
	}
	there := map[string]bool{}
	for _, obj := range objects {
		there[kind+"/"+ns+"/"+obj.GetName()] = true
		w.see(kind, obj, false, gap)
	}
	version, _ := strconv.ParseInt(list.GetResourceVersion(), 10, 64)
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, seen := range w.seen {
		if strings.HasPrefix(key, kind+"/"+ns+"/") && !there[key] && !seen[len(seen)-1].gone {
			w.seen[key] = append(seen, sighting{at: time.Now(), version: version, gone: true, gap: gap})
		}
	}
}

// see notes a version of an object, if it is one that matters and is new.
func (w *witness) see(kind string, obj client.Object, gone, gap bool) {
	if kind != triggerv1.ValuesTriggerKind && !strings.HasSuffix(obj.GetName(), "-"+suffix) {
		return
	}
	version, err := strconv.ParseInt(obj.GetResourceVersion(), 10, 64)
	if err != nil {
		panic(err)
	}
	one := sighting{at: time.Now(), version: version, gone: gone, gap: gap, labels: obj.GetLabels()}
	if gap {
		one.at = lastWritten(obj)
	}
	if vt, ok := obj.(*triggerv1.ValuesTrigger); ok {
		one.vt = vt
	} else {
		one.texts = maps.Clone(texts(obj))
	}
	key := kind + "/" + obj.GetNamespace() + "/" + obj.GetName()
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen[key]
	if n := len(seen); n > 0 && seen[n-1].version >= version {
		return
	}
	w.seen[key] = append(seen, one)
}

// lastWritten returns when an object was last written, in whole seconds.
func lastWritten(obj client.Object) time.Time {
	at := obj.GetCreationTimestamp().Time
	for _, entry := range obj.GetManagedFields() {
		if entry.Time != nil && entry.Time.After(at) {
			at = entry.Time.Time
		}
	}
	return at
}

// of returns the versions of an object.
func (w *witness) of(kind, ns, name string) []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen[kind+"/"+ns+"/"+name])
}

// changes returns when the content of a target's copies became another, anyone who did
// that: each entitles it to a revision.
func (w *witness) changes(m *member) []effective {
	var changes []effective
	for _, kind := range m.gate.kinds() {
		var before map[string]string
		for i, one := range w.of(kind, m.ns, m.copyName()) {
			if one.gone {
				continue
			}
			if i > 0 && !maps.Equal(before, one.texts) {
				changes = append(changes, effective{at: one.at, why: "the copy " + kind + " has " + brief(one.texts)})
			}
			before = one.texts
		}
	}
	return changes
}

// brief puts contents into one line.
func brief(texts map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		parts = append(parts, strings.ReplaceAll(strings.TrimSpace(texts[key]), "\n", " "))
	}
	return strings.Join(parts, ", ")
}
