// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/compare"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

// composer composes values as they are and as edits would have them. Each object is
// read once.
type composer struct {
	reader client.Reader
	live   map[binding.Object]read
	edited map[binding.Object]client.Object

	// hidden are sources with content that waits and may not be read.
	hidden map[binding.Object]bool

	// copies are those that triggers keep, with what is in them.
	copies map[binding.Object][]part
}

type read struct {
	object client.Object
	err    error
}

func newComposer(reader client.Reader, edits []*edit, cluster graph.Cluster) *composer {
	c := &composer{
		reader: reader, live: map[binding.Object]read{}, edited: map[binding.Object]client.Object{}, hidden: map[binding.Object]bool{}, copies: copied(cluster),
	}
	for _, e := range edits {
		c.live[e.Object], c.edited[e.Object] = read{object: e.before}, e.after
	}
	return c
}

// readLive returns an object of the cluster, nil if there is none.
func readLive(ctx context.Context, reader client.Reader, ref binding.Object) (client.Object, error) {
	var object client.Object = &corev1.ConfigMap{}
	if ref.Kind == triggerv1.SecretKind {
		object = &corev1.Secret{}
	}
	err := reader.Get(ctx, ref.NamespacedName(), object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return object, nil
}

func (c *composer) before(ctx context.Context, ref binding.Object) (client.Object, error) {
	known, found := c.live[ref]
	if !found {
		known.object, known.err = readLive(ctx, c.reader, ref)
		c.live[ref] = known
	}
	return known.object, known.err
}

func (c *composer) after(ctx context.Context, ref binding.Object) (client.Object, error) {
	if object, edited := c.edited[ref]; edited {
		return object, nil
	}
	if c.isCopyOfEdited(ref) {
		return c.copy(ctx, ref)
	}
	return c.before(ctx, ref)
}

// isForbidden reports whether the user may not read an object, or what will be in it.
func (c *composer) isForbidden(ctx context.Context, ref binding.Object) bool {
	_, before := c.before(ctx, ref)
	_, after := c.after(ctx, ref)
	return apierrors.IsForbidden(before) || apierrors.IsForbidden(after)
}

// composed are the values of a release before and after.
type composed struct {
	before, after               map[string]any
	beforeProblem, afterProblem string
	differ                      bool

	// secrets are what each reference to a Secret sets, before and after.
	secrets []compare.Contribution
	leftOut []string
}

// compose composes the values of a release as it is, and as it would be; before is nil for
// a new one. Secrets that may not be read are left out of both.
func (c *composer) compose(ctx context.Context, before, after *helmv2.HelmRelease) (composed, error) {
	var out composed
	var err error
	if before != nil {
		before = c.readable(ctx, before, &out)
		if out.before, out.beforeProblem, err = side(ctx, before, c.before); err != nil {
			return out, err
		}
		out.secrets = c.contributions(ctx, before, c.before)
	}
	after = c.readable(ctx, after, &out)
	if out.after, out.afterProblem, err = side(ctx, after, c.after); err != nil {
		return out, err
	}
	out.secrets = append(out.secrets, c.contributions(ctx, after, c.after)...)
	out.differ = out.beforeProblem != out.afterProblem || !reflect.DeepEqual(out.before, out.after)
	return out, nil
}

// readable returns a release without the Secrets that may not be read, which it notes.
func (c *composer) readable(ctx context.Context, hr *helmv2.HelmRelease, out *composed) *helmv2.HelmRelease {
	readable := hr.DeepCopy()
	readable.Spec.ValuesFrom = slices.DeleteFunc(readable.Spec.ValuesFrom, func(ref meta.ValuesReference) bool {
		full := binding.ReadObject(hr, ref)
		forbidden := ref.Kind == triggerv1.SecretKind && c.isForbidden(ctx, full)
		if forbidden && !slices.Contains(out.leftOut, full.String()) {
			out.leftOut = append(out.leftOut, full.String())
		}
		return forbidden
	})
	return readable
}

func (c *composer) contributions(ctx context.Context, hr *helmv2.HelmRelease, read source.ContentReader) []compare.Contribution {
	var out []compare.Contribution
	for _, ref := range hr.Spec.ValuesFrom {
		if ref.Kind == triggerv1.SecretKind {
			out = append(out, c.contribution(ctx, hr, ref, read))
		}
	}
	return out
}

// side composes one side. A problem says why it cannot be composed; an error, that the
// cluster could not be read.
func side(ctx context.Context, hr *helmv2.HelmRelease, read source.ContentReader) (values map[string]any, problem string, err error) {
	var refused error
	values, err = source.Compose(ctx, hr, func(ctx context.Context, ref binding.Object) (client.Object, error) {
		object, err := read(ctx, ref)
		if err != nil && !errors.Is(err, errCopy) {
			refused = err
		}
		return object, err
	})
	switch {
	case refused != nil:
		return nil, "", refused
	case err != nil:
		return nil, source.Reason(err), nil
	}
	return values, "", nil
}

// contribution returns what one reference to a Secret sets by itself. What a copy sets is
// known by the sources: each release has a copy of its own.
func (c *composer) contribution(ctx context.Context, hr *helmv2.HelmRelease, ref meta.ValuesReference, read source.ContentReader) compare.Contribution {
	alone := hr.DeepCopy()
	alone.Spec.Values, alone.Spec.ValuesFrom = nil, []meta.ValuesReference{ref}
	values, _, _ := side(ctx, alone, read) // What cannot be composed sets nothing, and fails as a whole, too.
	full := binding.ReadObject(hr, ref)
	name := full.String()
	if parts := c.copies[full]; len(parts) > 0 {
		names := make([]string, 0, len(parts))
		for _, p := range parts {
			names = append(names, p.String())
		}
		name = strings.Join(names, ", ")
	}
	return compare.Contribution{Secret: name, TargetPath: ref.TargetPath, Values: values}
}
