// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// maxUnwritten bounds how long a status is put off in favour of requests.
const maxUnwritten = time.Second

// unwritten holds statuses that are decided and not written yet: a reconciliation that
// has made requests leaves its status to the next one, which comes after the requests of
// others. After a crash they are lost, as any status is that could not be written in
// time: what was requested is on record on the HelmReleases.
type unwritten struct {
	mu       sync.Mutex
	statuses map[types.NamespacedName]unwrittenStatus
}

type unwrittenStatus struct {
	uid    types.UID
	since  time.Time
	stored *triggerv1.ValuesTriggerStatus // the one in the API that it is to replace
	status *triggerv1.ValuesTriggerStatus
}

func newUnwritten() *unwritten {
	return &unwritten{statuses: map[types.NamespacedName]unwrittenStatus{}}
}

// restore gives a trigger the status that was decided for it last, if that is not
// written. One that is written meanwhile, by whomever, replaces it.
func (u *unwritten) restore(vt *triggerv1.ValuesTrigger) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := client.ObjectKeyFromObject(vt)
	held, found := u.statuses[key]
	switch {
	case !found:
	case held.uid == vt.UID && equality.Semantic.DeepEqual(held.stored, &vt.Status):
		vt.Status = *held.status.DeepCopy()
	default:
		delete(u.statuses, key)
	}
}

// keep holds the status of a trigger, whose stored state is also given. It returns false
// if that has to be written now.
func (u *unwritten) keep(stored, vt *triggerv1.ValuesTrigger, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := client.ObjectKeyFromObject(vt)
	since := now
	if held, found := u.statuses[key]; found {
		since = held.since
	}
	if now.Sub(since) > maxUnwritten {
		return false
	}
	u.statuses[key] = unwrittenStatus{uid: vt.UID, since: since, stored: stored.Status.DeepCopy(), status: vt.Status.DeepCopy()}
	return true
}

// forget drops the status of a trigger: it is written, or not needed.
func (u *unwritten) forget(key types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.statuses, key)
}
