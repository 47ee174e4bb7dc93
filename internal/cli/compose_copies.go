// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/nebius/helmrelease-trigger-operator/internal/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/publish"
)

// errCopy reports that sources cannot be in one copy.
var errCopy = errors.New("no copy can be made")

// part is a source of a copy, with the keys that count.
type part struct {
	binding.Object
	keys []string
}

// copied returns the desired content of the copies of all triggers.
func copied(cluster graph.Cluster) map[binding.Object][]part {
	out := map[binding.Object][]part{}
	for i := range cluster.Triggers {
		if cluster.Triggers[i].Spec.Publish == nil {
			continue
		}
		described := cluster.Describe(&cluster.Triggers[i])
		keys := map[binding.Object][]string{}
		for _, s := range described.Sources {
			keys[s.Object] = s.Keys
		}
		for _, t := range described.Targets {
			for _, c := range t.Copies {
				for _, o := range c.Sources {
					out[c.Object] = append(out[c.Object], part{o, keys[o]})
				}
			}
		}
	}
	return out
}

// isCopyOfEdited reports whether an object is a copy that the edits would change.
func (c *composer) isCopyOfEdited(ref binding.Object) bool {
	for _, p := range c.copies[ref] {
		if _, edited := c.edited[p.Object]; edited || c.hidden[p.Object] {
			return true
		}
	}
	return false
}

// copy returns a copy as the operator would write it when the turn of its target comes.
func (c *composer) copy(ctx context.Context, ref binding.Object) (client.Object, error) {
	contents := map[string]publish.Content{}
	for _, p := range c.copies[ref] {
		object, err := c.after(ctx, p.Object)
		if err != nil {
			return nil, err
		}
		if object != nil && !contract.IsExcluded(object.GetLabels()) {
			contents[p.String()] = publish.Of(object, p.keys...)
		}
	}
	merged, err := publish.Merge(contents)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCopy, err)
	}
	return merged.Object(ref.Kind), nil
}
