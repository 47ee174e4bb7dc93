// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

const (
	// rightAge is how long an answer about a right is believed. What is done is decided by the API server each time.
	rightAge = time.Minute

	// rightTime bounds a question about a right: a page does not wait for an API server that does not answer.
	rightTime = 2 * time.Second

	// silentTime is how long questions wait after one that was not answered: a page has several.
	silentTime = 10 * time.Second
)

// right is a verb on a ValuesTrigger.
type right struct{ verb, namespace, name string }

// rights remembers what the person may do.
type rights struct {
	client client.Client
	now    func() time.Time

	mu     sync.Mutex
	known  map[right]answer
	silent time.Time
}

type answer struct {
	yes bool
	at  time.Time
}

func newRights(c client.Client, now func() time.Time) *rights {
	return &rights{client: c, now: now, known: map[right]answer{}}
}

// ask returns what is known, or asks. What is not answered is as it was before, and true if that is not known.
func (r *rights) ask(ctx context.Context, about right, question func(context.Context) (bool, error)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, found := r.known[about]
	if found && r.now().Sub(known.at) < rightAge {
		return known.yes
	}
	before := !found || known.yes
	if r.now().Sub(r.silent) < silentTime {
		return before
	}
	asked, cancel := context.WithTimeout(ctx, rightTime)
	defer cancel()
	yes, err := question(asked)
	switch {
	case err != nil && ctx.Err() != nil: // The browser is gone.
		return before
	case err != nil && asked.Err() != nil:
		r.silent = r.now()
		return before
	case err != nil:
		yes = before
	}
	r.known[about] = answer{yes, r.now()}
	return yes
}

// allows reports whether the person has a right.
func (r *rights) allows(ctx context.Context, want right) bool {
	return r.ask(ctx, want, func(ctx context.Context) (bool, error) {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Namespace: want.namespace, Name: want.name, Verb: want.verb, Group: triggerv1.GroupVersion.Group, Resource: "valuestriggers",
			},
		}}
		err := r.client.Create(ctx, review)
		return review.Status.Allowed, err
	})
}

// enforced reports whether a verb of the chart is needed: that is said by a policy, which few may read. A write that
// is only tried is what it refuses.
func (r *rights) enforced(ctx context.Context, vt *triggerv1.ValuesTrigger, verb string) bool {
	return r.ask(ctx, right{"needs " + verb, vt.Namespace, vt.Name}, func(ctx context.Context) (bool, error) {
		token := "tried-" + r.now().UTC().Format(time.RFC3339Nano)
		patch := map[string]any{"metadata": map[string]any{"annotations": map[string]any{triggerv1.ApproveAnnotation: token}}}
		switch verb {
		case "suspend":
			patch = map[string]any{"spec": map[string]any{"suspend": !vt.Spec.Suspend}}
		case "override":
			patch = map[string]any{"metadata": map[string]any{"annotations": map[string]any{
				meta.ReconcileRequestAnnotation: token, meta.ForceRequestAnnotation: token,
			}}}
		}
		raw, err := json.Marshal(patch)
		if err != nil {
			return false, err
		}
		err = r.client.Patch(ctx, vt.DeepCopy(), client.RawPatch(types.MergePatchType, raw), client.DryRunAll, client.FieldOwner(triggerv1.ManualFieldManager))
		if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
			return true, nil
		}
		return false, err
	})
}
