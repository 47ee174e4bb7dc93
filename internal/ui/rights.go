// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// rightAge is how long an answer about a right is believed. What is done is decided by the API server each time.
const rightAge = 30 * time.Second

// right is a verb on a ValuesTrigger.
type right struct{ verb, namespace, name string }

// rights remembers what the person may do.
type rights struct {
	client client.Client
	now    func() time.Time

	mu    sync.Mutex
	known map[right]answer
}

type answer struct {
	allowed bool
	at      time.Time
}

func newRights(c client.Client, now func() time.Time) *rights {
	return &rights{client: c, now: now, known: map[right]answer{}}
}

// allows reports whether the person has a right. What the API server does not answer counts as allowed: it
// decides when it is done.
func (r *rights) allows(ctx context.Context, want right) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, found := r.known[want]
	if found && r.now().Sub(known.at) < rightAge {
		return known.allowed
	}
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: want.namespace, Name: want.name, Verb: want.verb, Group: triggerv1.GroupVersion.Group, Resource: "valuestriggers",
		},
	}}
	if err := r.client.Create(ctx, review); err != nil {
		return !found || known.allowed
	}
	r.known[want] = answer{review.Status.Allowed, r.now()}
	return review.Status.Allowed
}
