// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package index finds who depends on an object, by field indexes of the cache.
package index

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/discovery"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// Keys of the field indexes.
const (
	// TriggerSource finds ValuesTriggers by what Source returns.
	TriggerSource = ".index.source"

	// TriggerTarget finds ValuesTriggers by what Target returns.
	TriggerTarget = ".index.target"

	// TriggerNamespaces finds the ValuesTriggers that select namespaces, by the
	// value Selected.
	TriggerNamespaces = ".index.namespaces"

	// ReleaseSource finds HelmReleases by the sources that they read.
	ReleaseSource = ".index.valuesFrom"

	// copyTrigger finds copies by the ValuesTrigger that their labels name, and those that
	// go with it by that and goesWith. Ask Copies and CopiesThatGo.
	copyTrigger = ".index.copy"
	goesWith    = "/goes"

	// contractTarget finds labelled ConfigMaps and Secrets by the HelmReleases that
	// they name, among others. Ask Labelled.
	contractTarget = ".index.contract"
)

// contractBuckets is the number of keys of contractTarget. A key for each name would
// cost a hundred times the memory of the annotation that the name is in, and anyone who may
// write ConfigMaps could have the operator killed with a few megabytes of them.
const contractBuckets = 256

// Selected is the only value of TriggerNamespaces.
const Selected = "selected"

// wildcard stands for every name, or every namespace, where a selector decides.
const wildcard = "*"

// Source returns the key of a source by name, AnySource of those by selector.
func Source(kind, namespace, name string) string {
	return kind + "/" + namespace + "/" + name
}

// AnySource returns the key of triggers that select sources by label.
func AnySource(kind, namespace string) string {
	return Source(kind, namespace, wildcard)
}

// Target returns the keys under which triggers of a HelmRelease are found: those
// that name it, and those whose selector may match.
func Target(namespace, name string) []string {
	return []string{
		namespace + "/" + name,
		namespace + "/" + wildcard,
		wildcard + "/" + name,
		wildcard + "/" + wildcard,
	}
}

// Setup adds all indexes. Without Secrets, nothing watches them.
func Setup(ctx context.Context, indexer client.FieldIndexer, secrets bool) error {
	for _, i := range []struct {
		obj   client.Object
		field string
		keys  client.IndexerFunc
	}{
		{&triggerv1.ValuesTrigger{}, TriggerSource, triggerSources},
		{&triggerv1.ValuesTrigger{}, TriggerTarget, triggerTargets},
		{&triggerv1.ValuesTrigger{}, TriggerNamespaces, triggerNamespaces},
		{&helmv2.HelmRelease{}, ReleaseSource, releaseSources},
		{Metadata(triggerv1.ConfigMapKind), contractTarget, contractTargets},
		{Metadata(triggerv1.SecretKind), contractTarget, contractTargets},
		{Metadata(triggerv1.ConfigMapKind), copyTrigger, copyTriggers},
		{Metadata(triggerv1.SecretKind), copyTrigger, copyTriggers},
	} {
		if !secrets && i.obj.GetObjectKind().GroupVersionKind().Kind == triggerv1.SecretKind {
			continue
		}
		if err := indexer.IndexField(ctx, i.obj, i.field, i.keys); err != nil {
			return fmt.Errorf("index %s of %T: %w", i.field, i.obj, err)
		}
	}
	return nil
}

// Metadata returns the object under which a kind of the core API is watched.
func Metadata(kind string) *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
	return obj
}

// Kinds returns the kinds of sources that are watched.
func Kinds(secrets bool) []string {
	if secrets {
		return []string{triggerv1.ConfigMapKind, triggerv1.SecretKind}
	}
	return []string{triggerv1.ConfigMapKind}
}

// MetadataList is Metadata for a list.
func MetadataList(kind string) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind + "List"))
	return list
}

func triggerSources(obj client.Object) []string {
	vt := obj.(*triggerv1.ValuesTrigger)
	var keys []string
	for _, ref := range vt.Spec.Sources {
		namespace := ref.Namespace
		if namespace == "" {
			namespace = vt.Namespace
		}
		if ref.Name != "" {
			keys = append(keys, Source(ref.Kind, namespace, ref.Name))
		} else {
			keys = append(keys, AnySource(ref.Kind, namespace))
		}
	}
	return keys
}

func triggerTargets(obj client.Object) []string {
	vt := obj.(*triggerv1.ValuesTrigger)
	var keys []string
	for _, ref := range vt.Spec.Targets {
		namespace, name := ref.Namespace, ref.Name
		switch {
		case ref.NamespaceSelector != nil:
			namespace = wildcard
		case namespace == "":
			namespace = vt.Namespace
		}
		if name == "" {
			name = wildcard
		}
		keys = append(keys, namespace+"/"+name)
	}
	return keys
}

func triggerNamespaces(obj client.Object) []string {
	for _, ref := range obj.(*triggerv1.ValuesTrigger).Spec.Targets {
		if ref.NamespaceSelector != nil {
			return []string{Selected}
		}
	}
	return nil
}

func releaseSources(obj client.Object) []string {
	var keys []string
	for _, ref := range discovery.Found(obj.(*helmv2.HelmRelease)) {
		keys = append(keys, Source(ref.Kind, ref.Namespace, ref.Name))
	}
	return keys
}

func contractTargets(obj client.Object) []string {
	if !contract.IsSource(obj.GetLabels()) {
		return nil
	}
	buckets := map[string]bool{}
	for _, target := range contract.Parse(obj.GetAnnotations()).Targets {
		buckets[contractBucket(target)] = true
	}
	return slices.Collect(maps.Keys(buckets))
}

func contractBucket(target types.NamespacedName) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(target.String())) // Never fails.
	return strconv.FormatUint(uint64(h.Sum32()%contractBuckets), 36)
}

// Labelled returns the labelled objects of a kind that name a HelmRelease, of the
// namespaces that the filter takes.
func Labelled(ctx context.Context, cache client.Reader, kind string, target types.NamespacedName, filter func(namespace string) bool) ([]types.NamespacedName, error) {
	list := MetadataList(kind)
	if err := cache.List(ctx, list, client.MatchingFields{contractTarget: contractBucket(target)}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("labelled %ss of HelmRelease %s: %w", kind, target, err)
	}
	var found []types.NamespacedName
	for i := range list.Items {
		obj := &list.Items[i]
		if filter(obj.Namespace) && contract.Names(obj.Annotations, target) {
			found = append(found, client.ObjectKeyFromObject(obj))
		}
	}
	return found, nil
}

func copyTriggers(obj client.Object) []string {
	by, ok := publish.Trigger(obj.GetLabels())
	switch {
	case !ok:
		return nil
	case publish.GoesWith(obj.GetLabels()):
		return []string{by.String(), by.String() + goesWith}
	}
	return []string{by.String()}
}

// Copies returns the objects of some kinds whose labels say that they are copies of a
// trigger, or what is kept for it. They are those of the cache: they must not be changed.
func Copies(ctx context.Context, cache client.Reader, kinds []string, trigger types.NamespacedName) ([]*metav1.PartialObjectMetadata, error) {
	return copiesUnder(ctx, cache, kinds, trigger, "")
}

// CopiesThatGo returns those of Copies that go with the trigger.
func CopiesThatGo(ctx context.Context, cache client.Reader, kinds []string, trigger types.NamespacedName) ([]*metav1.PartialObjectMetadata, error) {
	return copiesUnder(ctx, cache, kinds, trigger, goesWith)
}

// CopiesNow returns what Copies will when the cache has caught up.
func CopiesNow(ctx context.Context, live client.Reader, kinds []string, trigger types.NamespacedName) ([]*metav1.PartialObjectMetadata, error) {
	return listCopies(ctx, live, kinds, trigger, client.MatchingLabels(publish.Selector(trigger)))
}

func copiesUnder(ctx context.Context, cache client.Reader, kinds []string, trigger types.NamespacedName, which string) ([]*metav1.PartialObjectMetadata, error) {
	key := types.NamespacedName{Namespace: trigger.Namespace, Name: publish.LabelValue(trigger.Name)}
	return listCopies(ctx, cache, kinds, trigger, client.MatchingFields{copyTrigger: key.String() + which}, client.UnsafeDisableDeepCopy)
}

func listCopies(ctx context.Context, reader client.Reader, kinds []string, trigger types.NamespacedName, opts ...client.ListOption) ([]*metav1.PartialObjectMetadata, error) {
	var found []*metav1.PartialObjectMetadata
	for _, kind := range kinds {
		list := MetadataList(kind)
		if err := reader.List(ctx, list, opts...); err != nil {
			return nil, fmt.Errorf("%s copies of ValuesTrigger %s: %w", kind, trigger, err)
		}
		for i := range list.Items {
			one := list.Items[i]
			one.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind(kind))
			found = append(found, &one)
		}
	}
	return found, nil
}
