// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
)

// Unreadable says why the values of a release cannot be composed or compared, though nothing is
// wrong with them.
type Unreadable string

func (u Unreadable) Error() string { return string(u) }

const (
	secretsDisabled Unreadable = "the operator runs without permission on Secrets"

	// unknownAlgorithm is of a digest, as a later helm-controller may have it.
	unknownAlgorithm Unreadable = "unknown digest algorithm"
)

// ValuesMatch reports whether the values that helm-controller would compose for the
// release now have the given digest. They are composed by the same code
// (fluxcd/pkg/chartutil) and with the algorithm of the digest.
//
// That they have not is only said of content that is present: a watch may be late.
//
// An error says that they cannot be composed; it does not repeat content. Few are composed
// at a time for all callers: what is large in them is bounded, but not small.
func (s *Store) ValuesMatch(ctx context.Context, hr *helmv2.HelmRelease, want string, secrets bool) (bool, error) {
	return s.ValuesMatchGiven(ctx, hr, want, secrets, nil)
}

// Given returns the object that stands in for the one that there is, nil if none does.
type Given func(Ref) (client.Object, error)

// ValuesMatchGiven is ValuesMatch with objects that stand in for those that there are. They
// are read while a part of the Budget is held for them.
func (s *Store) ValuesMatchGiven(ctx context.Context, hr *helmv2.HelmRelease, want string, secrets bool, given Given) (bool, error) {
	expected := digest.Digest(want)
	switch err := expected.Validate(); {
	case errors.Is(err, digest.ErrDigestUnsupported):
		return false, fmt.Errorf("%w: %s", unknownAlgorithm, expected.Algorithm())
	case err != nil:
		return false, nil // An empty or malformed digest matches nothing.
	}
	part, err := s.budget.Take(ctx, min(len(hr.Spec.ValuesFrom)*budget.MaxObject, maxComposed+budget.MaxObject))
	if err != nil {
		return false, err
	}
	defer part.Return()
	reader := s.readContents(ctx, hr, secrets, given)
	part.Shrink(reader.total)
	if reader.unread != nil {
		return false, reader.unread
	}
	if err = acquire(ctx, s.composing); err != nil {
		return false, err
	}
	defer release(s.composing)
	if err = weigh(hr, reader.ofEach(hr)); err != nil {
		return false, err
	}
	values, err := compose(ctx, hr, reader)
	if err == nil && chartutil.VerifyValues(expected, values) {
		return true, nil
	}
	if outdated := s.checkPresent(ctx, reader); outdated != nil {
		return false, outdated
	}
	return false, err
}

// checkPresent returns an outdated fault if what was taken from memory is not present any more.
func (s *Store) checkPresent(ctx context.Context, c *contents) error {
	var outdated error
	for ref := range c.remembered {
		present, err := versionIn(ctx, s.live, ref)
		if err != nil {
			return err
		}
		if present != c.objects[ref].GetResourceVersion() {
			s.forgetAll(ref)
			outdated = fault.Outdated("the content of %s has changed meanwhile", ref)
		}
	}
	return outdated
}

func acquire(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func release(places chan struct{}) { <-places }

// contents is what a release reads through valuesFrom, and as much of a client as
// chartutil uses.
type contents struct {
	client.Client
	objects map[Ref]client.Object
	errs    map[Ref]error

	// total is the size of the objects.
	total int

	// unread says why what stands in for an object could not be had.
	unread error

	// remembered are those that were not read for this.
	remembered map[Ref]bool
}

// readContents reads each object once, as long as it is worth while.
func (s *Store) readContents(ctx context.Context, hr *helmv2.HelmRelease, secrets bool, given Given) *contents {
	c := &contents{objects: map[Ref]client.Object{}, errs: map[Ref]error{}, remembered: map[Ref]bool{}}
	for _, r := range binding.ReadsOf(hr) {
		ref := r.Object
		if _, known := c.objects[ref]; known {
			continue
		}
		switch {
		case ref.Kind == triggerv1.SecretKind && !secrets:
			c.errs[ref] = secretsDisabled
		case c.total > maxComposed || len(c.objects) > maxEntries/refEntries:
			c.errs[ref] = tooLarge
		default:
			s.readContent(ctx, c, ref, given)
		}
	}
	return c
}

// readContent reads one of them, unless another object stands in for it.
func (s *Store) readContent(ctx context.Context, c *contents, ref Ref, given Given) {
	var obj client.Object
	var err error
	if given != nil {
		obj, err = given(ref)
		c.unread = errors.Join(c.unread, err)
	}
	if obj == nil && err == nil {
		var remembered bool
		if obj, remembered, err = s.content(ctx, ref); remembered {
			c.remembered[ref] = true
		}
	}
	c.objects[ref], c.errs[ref] = obj, err
	if obj != nil {
		c.total += size(obj)
	}
}

// ofEach returns the content of each reference, nothing for one that is not there.
func (c *contents) ofEach(hr *helmv2.HelmRelease) [][]byte {
	all := make([][]byte, len(hr.Spec.ValuesFrom))
	for _, r := range binding.ReadsOf(hr) {
		switch obj := c.objects[r.Object].(type) {
		case *corev1.ConfigMap:
			all[r.Index] = []byte(obj.Data[r.Key])
		case *corev1.Secret:
			all[r.Index] = obj.Data[r.Key]
		}
	}
	return all
}

// Get fills in a ConfigMap or Secret.
func (c *contents) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	ref := Ref{Kind: triggerv1.ConfigMapKind, Namespace: key.Namespace, Name: key.Name}
	if _, secret := into.(*corev1.Secret); secret {
		ref.Kind = triggerv1.SecretKind
	}
	if err := c.errs[ref]; err != nil {
		return err
	}
	switch obj := c.objects[ref].(type) {
	case *corev1.ConfigMap:
		into.(*corev1.ConfigMap).Data = obj.Data
		return nil
	case *corev1.Secret:
		into.(*corev1.Secret).Data = obj.Data
		return nil
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: ref.Kind}, key.Name)
}
