// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// HelmReleaseType is the type of the Secrets in which Helm keeps its releases.
const HelmReleaseType = "helm.sh/release.v1"

// notOfHelm selects the other Secrets.
var notOfHelm = fields.OneTermNotEqualSelector("type", HelmReleaseType)

// Resolution is what the references of a trigger resolved to.
type Resolution struct {
	Sources []plan.Source

	// Disabled names the Secrets that are left out because the operator runs
	// without permission on Secrets.
	Disabled []string
}

// Resolver resolves source references.
type Resolver struct {
	Store *Store

	// Metadata is the cache of watched metadata.
	Metadata client.Reader

	// Secrets reports whether Secrets may be read.
	Secrets bool

	// confirm has what selectors find in the cache compared with the API server.
	confirm bool
}

// Resolve reads the sources of a trigger as the given account, from what was read
// less than maxAge ago where nothing changed since. If that is zero, it returns an
// outdated fault while the watch does not show what selectors find: the next look would find something older.
// The release is the one for which the trigger was generated, nil if it is declared.
func (r Resolver) Resolve(ctx context.Context, vt *triggerv1.ValuesTrigger, release *helmv2.HelmRelease, refs []triggerv1.SourceReference, account Account, maxAge time.Duration) (Resolution, error) {
	var out Resolution
	r.confirm = maxAge == 0 && account.Reader == nil
	all, err := r.expand(ctx, vt, refs, account)
	if err != nil {
		return out, err
	}
	for _, w := range all {
		if w.Kind == triggerv1.SecretKind && !r.Secrets {
			out.Disabled = append(out.Disabled, w.String())
			continue
		}
		object, err := r.Store.Get(ctx, account, w.Object, maxAge)
		if err != nil {
			return out, err
		}
		if contract.IsExcluded(object.Labels) && w.Optional {
			object = Object{}
		}
		if err := check(w, release, object); err != nil {
			return out, err
		}
		out.Sources = append(out.Sources, describeSource(w, object))
	}
	return out, nil
}

func describeSource(w binding.Source, object Object) plan.Source {
	s := plan.Source{ID: w.ID(), Force: w.Force, Keys: w.Keys, PublishAs: w.PublishAs}
	if !object.Exists {
		return s
	}
	s.Digest, s.Former = object.Content.Digest(w.Keys...), object.Content.Former(w.Keys...)
	s.Full, s.FormerFull = object.Full, object.Content.Former()
	s.Watched, s.PublishTo = object.Watched, object.PublishTo
	s.UID, s.Applier, s.EditedBy = object.UID, object.Applier, object.EditedBy
	s.Editor, s.Origin, s.ChangedKeys = object.Editor, object.Origin, object.ChangedKeys
	if contract.IsSource(object.Labels) && contract.ParseBaseline(object.Annotations).Legacy {
		s.Baseline = map[string]bool{}
		for _, target := range contract.Parse(object.Annotations).Targets {
			s.Baseline[target.String()] = true
		}
	}
	return s
}

// expand returns the objects of all references, each once, sorted.
func (r Resolver) expand(ctx context.Context, vt *triggerv1.ValuesTrigger, refs []triggerv1.SourceReference, account Account) ([]binding.Source, error) {
	var all []binding.Source
	for i, ref := range refs {
		field := fmt.Sprintf("spec.sources[%d]", i)
		names, err := r.names(ctx, vt, ref, field, account)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = binding.Merge(all, binding.SourceOf(vt, i, ref, name))
		}
	}
	if len(all) > triggerv1.MaxResolvedSources {
		return nil, fault.Invalid("invalid reference: spec.sources select %d objects, more than %d; narrow the selectors", len(all), triggerv1.MaxResolvedSources)
	}
	slices.SortFunc(all, func(a, b binding.Source) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}

// names returns the names that one reference leads to.
func (r Resolver) names(ctx context.Context, vt *triggerv1.ValuesTrigger, ref triggerv1.SourceReference, field string, account Account) ([]string, error) {
	if ref.Name != "" {
		return []string{ref.Name}, nil
	}
	if ref.Kind == triggerv1.SecretKind && !r.Secrets {
		return []string{"(by selector)"}, nil // Reported as disabled, never read.
	}
	selector, err := ref.Selector.AsSelector()
	if err != nil {
		return nil, fault.Invalid("invalid reference: %s.selector: %w", field, err)
	}
	namespace := cmp.Or(ref.Namespace, vt.Namespace)
	reader, options := r.Metadata, &client.ListOptions{Namespace: namespace, LabelSelector: selector}
	if account.Reader != nil {
		reader = account.Reader
		if ref.Kind == triggerv1.SecretKind {
			// The cache leaves them out too: an upgrade makes one, and would be
			// a change that makes an upgrade.
			options.FieldSelector = notOfHelm
		}
	}
	names, err := selected(ctx, reader, ref.Kind, options)
	if err == nil && r.confirm {
		err = r.compare(ctx, ref.Kind, *options, names)
	}
	if err != nil {
		return nil, fmt.Errorf("%s.selector: %w", field, err)
	}
	if len(names) == 0 && !ref.Optional {
		return nil, fault.Waiting(triggerv1.SourceNotFoundReason, "source not found: no %s in namespace %s matches %s.selector; label one, or set %s.optional", ref.Kind, namespace, field, field)
	}
	return names, nil
}

// compare returns an outdated fault if the API server has other objects than the cache.
func (r Resolver) compare(ctx context.Context, kind string, options client.ListOptions, cached []string) error {
	if kind == triggerv1.SecretKind {
		options.FieldSelector = notOfHelm // As the cache has it.
	}
	present, err := selected(ctx, r.Store.live, kind, &options)
	if err == nil && !slices.Equal(present, cached) {
		err = fault.Outdated("the watch does not show yet what the selector finds")
	}
	return err
}

// selected returns the names of the objects that a reader has, sorted.
func selected(ctx context.Context, reader client.Reader, kind string, options *client.ListOptions) ([]string, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
	if err := reader.List(ctx, list, options); err != nil {
		return nil, err
	}
	var names []string
	for i := range list.Items {
		if !contract.IsExcluded(list.Items[i].Labels) {
			names = append(names, list.Items[i].Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
