// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// Answers of the API server to a write, by what becomes of them.
var (
	conflicting    = answer(http.StatusConflict, metav1.StatusReasonConflict, "the object has been modified")
	forbidden      = answer(http.StatusForbidden, metav1.StatusReasonForbidden, `User "operator" cannot patch resource "a"`)
	gone           = answer(http.StatusNotFound, metav1.StatusReasonNotFound, "not found")
	malformed      = answer(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, "spec.a: Invalid value")
	errUnreachable = errors.New("connection refused")
)

// writes records the writes through a client, in order, and answers some of them with an error.
// The dry run before a write is none, but it gets the same answer.
type writes struct {
	mu      sync.Mutex
	tried   []string
	answers map[string]error
}

// through returns a client whose writes are recorded as "verb Kind name".
func (w *writes) through(c client.WithWatch) client.WithWatch {
	note := func(verb string, obj client.Object, suffix string, dryRun ...string) error {
		gvk, err := apiutil.GVKForObject(obj, c.Scheme())
		if err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		write := verb + " " + gvk.Kind + " " + obj.GetName() + suffix
		if len(dryRun) == 0 || w.answers[write] != nil {
			w.tried = append(w.tried, write)
		}
		return w.answers[write]
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, next client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if err := note("create", obj, ""); err != nil {
				return err
			}
			return next.Create(ctx, obj, opts...)
		},
		Delete: func(ctx context.Context, next client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			if err := note("delete", obj, ""); err != nil {
				return err
			}
			return next.Delete(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, next client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if err := note("patch", obj, "", (&client.PatchOptions{}).ApplyOptions(opts).DryRun...); err != nil {
				return err
			}
			return next.Patch(ctx, obj, patch, opts...)
		},
		SubResourcePatch: func(ctx context.Context, next client.Client, subresource string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := note("patch", obj, "/"+subresource); err != nil {
				return err
			}
			return next.SubResource(subresource).Patch(ctx, obj, patch, opts...)
		},
	})
}

// taken returns and forgets the writes so far.
func (w *writes) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	tried := w.tried
	w.tried = nil
	return tried
}

// clientOf returns a made-up API server that serves these objects, and what is written to it.
func clientOf(t *testing.T, objects ...client.Object) (client.WithWatch, *writes) {
	t.Helper()
	c, ok := newStrict(t, objects...).Client.(client.WithWatch)
	NewWithT(t).Expect(ok).To(BeTrue())
	w := &writes{}
	return w.through(c), w
}

// unreadable is a cache that cannot be read.
type unreadable struct{ client.Reader }

func (unreadable) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errUnreachable
}

func (unreadable) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errUnreachable
}
