// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
)

// pageSize is how many objects are listed at a time, as kubectl does.
const pageSize = 500

// newScheme returns the kinds that the plugin knows.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, helmv2.AddToScheme, triggerv1.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err) // Types that clash are a mistake of the program.
		}
	}
	return scheme
}

// newMapper knows the kinds without asking the cluster for all that it serves.
func newMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []schema.GroupVersionKind{
		corev1.SchemeGroupVersion.WithKind(triggerv1.ConfigMapKind), corev1.SchemeGroupVersion.WithKind(triggerv1.SecretKind),
		corev1.SchemeGroupVersion.WithKind("Event"), helmv2.GroupVersion.WithKind(helmv2.HelmReleaseKind),
		triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind),
	} {
		mapper.Add(kind, meta.RESTScopeNamespace)
	}
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	mapper.Add(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), meta.RESTScopeRoot)
	mapper.Add(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), meta.RESTScopeRoot)
	return mapper
}

// connect makes the client and finds out the namespace.
func (c *cli) connect() error {
	namespace, _, err := c.flags.ToRawKubeConfigLoader().Namespace()
	switch {
	case *c.flags.Namespace != "":
		c.namespace = *c.flags.Namespace
	case err != nil && c.Connect == nil:
		return err
	default:
		c.namespace = namespace
	}
	if c.Connect != nil {
		c.client, err = c.Connect()
		return err
	}
	// Otherwise it complains after half a minute that no one has.
	ctrllog.SetLogger(logr.Discard())
	cfg, err := c.flags.ToRESTConfig()
	if err != nil {
		return err
	}
	cfg.QPS, cfg.Burst, cfg.WarningHandler = 50, 300, rest.NoWarnings{}
	c.client, err = client.NewWithWatch(cfg, client.Options{Scheme: newScheme(), Mapper: newMapper()})
	return err
}

// scope returns the namespace to look at, "" for all.
func (c *cli) scope() string {
	if c.allNamespaces {
		return ""
	}
	return c.namespace
}

// trigger reads a ValuesTrigger. If there is none of that name, and one is generated for the
// HelmRelease of that name, the error names that one.
func (c *cli) trigger(ctx context.Context, key client.ObjectKey) (*triggerv1.ValuesTrigger, error) {
	vt := &triggerv1.ValuesTrigger{}
	err := c.client.Get(ctx, key, vt)
	if !apierrors.IsNotFound(err) {
		return vt, err
	}
	auto := client.ObjectKey{Namespace: key.Namespace, Name: generated.Names(key.Name)[0]}
	if c.client.Get(ctx, auto, vt) == nil {
		return nil, fmt.Errorf("%w; that of HelmRelease %s is %s", err, key.Name, auto.Name)
	}
	return nil, err
}

// triggers lists ValuesTriggers.
func (c *cli) triggers(ctx context.Context, namespace string, options ...client.ListOption) (all []triggerv1.ValuesTrigger, err error) {
	err = pages(ctx, c.client, namespace, func() *triggerv1.ValuesTriggerList { return &triggerv1.ValuesTriggerList{} },
		func(list *triggerv1.ValuesTriggerList) { all = append(all, list.Items...) }, options...)
	return all, err
}

// selectedTriggers lists the ValuesTriggers in the scope of the command, those that --selector selects.
func (c *cli) selectedTriggers(ctx context.Context) ([]triggerv1.ValuesTrigger, error) {
	selector, err := labels.Parse(c.selector)
	if err != nil {
		return nil, usageError{fmt.Errorf("--selector: %w", err)}
	}
	return c.triggers(ctx, c.scope(), client.MatchingLabelsSelector{Selector: selector})
}

// releases lists HelmReleases.
func (c *cli) releases(ctx context.Context, namespace string) (all []helmv2.HelmRelease, err error) {
	err = pages(ctx, c.client, namespace, func() *helmv2.HelmReleaseList { return &helmv2.HelmReleaseList{} },
		func(list *helmv2.HelmReleaseList) { all = append(all, list.Items...) })
	return all, err
}

// pages lists page by page.
func pages[L client.ObjectList](ctx context.Context, c client.Client, namespace string, empty func() L, page func(L), options ...client.ListOption) error {
	for next := ""; ; {
		list := empty()
		if err := c.List(ctx, list, append(options, client.InNamespace(namespace), client.Limit(pageSize), client.Continue(next))...); err != nil {
			return err
		}
		page(list)
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

// cluster lists what can depend on an object: everywhere, or where the user may look.
func (c *cli) cluster(ctx context.Context, namespace string) (graph.Cluster, error) {
	triggers, err := c.allTriggers(ctx, namespace)
	if err != nil {
		return graph.Cluster{}, err
	}
	return c.clusterOf(ctx, namespace, triggers)
}

// clusterOf lists what some triggers can have as targets.
func (c *cli) clusterOf(ctx context.Context, namespace string, triggers []triggerv1.ValuesTrigger) (graph.Cluster, error) {
	d, err := c.allReleases(ctx, namespace)
	if err != nil {
		return graph.Cluster{}, err
	}
	d, err = c.completed(ctx, d, triggers)
	return graph.Cluster{Directory: d, Triggers: triggers, Now: c.Now()}, err
}

// allTriggers lists the ValuesTriggers of all namespaces or, if that is forbidden, of one.
func (c *cli) allTriggers(ctx context.Context, namespace string) ([]triggerv1.ValuesTrigger, error) {
	all, _, err := widest(c, namespace, "ValuesTriggers", func(in string) ([]triggerv1.ValuesTrigger, error) { return c.triggers(ctx, in) })
	return all, err
}

// allReleases lists the HelmReleases of all namespaces or, if that is forbidden, of one.
func (c *cli) allReleases(ctx context.Context, namespace string) (graph.Directory, error) {
	all, in, err := widest(c, namespace, "HelmReleases", func(in string) ([]helmv2.HelmRelease, error) { return c.releases(ctx, in) })
	return graph.Directory{Releases: all, All: in == "", Namespace: in}, err
}

// widest lists in all namespaces or, if that is forbidden, in one, and says so. It returns in which,
// "" for all.
func widest[T any](c *cli, namespace, what string, list func(namespace string) ([]T, error)) (all []T, in string, err error) {
	all, err = list("")
	if apierrors.IsForbidden(err) {
		c.warn("%s are listed in namespace %s only: you may not list them in all namespaces", what, namespace)
		all, err = list(namespace)
		return all, namespace, err
	}
	return all, "", err
}

// warn tells something beside the answer.
func (c *cli) warn(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Err, "warning: "+format+"\n", args...)
}

// reference is an argument of the form KIND/NAME or NAME.
type reference struct{ kind, name string }

// kinds are the names of kinds on the command line.
var kinds = map[string]string{
	"cm": triggerv1.ConfigMapKind, "configmap": triggerv1.ConfigMapKind, "configmaps": triggerv1.ConfigMapKind,
	"secret": triggerv1.SecretKind, "secrets": triggerv1.SecretKind,
	"hr": helmv2.HelmReleaseKind, "helmrelease": helmv2.HelmReleaseKind, "helmreleases": helmv2.HelmReleaseKind,
	"vt": triggerv1.ValuesTriggerKind, "valuestrigger": triggerv1.ValuesTriggerKind, "valuestriggers": triggerv1.ValuesTriggerKind,
}

// parseReference reads an argument. A name without a kind is of the given kind.
func parseReference(arg, kind string) (reference, error) {
	if before, name, found := strings.Cut(arg, "/"); found {
		known := kinds[strings.ToLower(before)]
		if known == "" {
			return reference{}, usageError{fmt.Errorf("%q: give configmap/NAME, secret/NAME, helmrelease/NAME or valuestrigger/NAME", arg)}
		}
		kind, arg = known, name
	}
	if arg == "" {
		return reference{}, usageError{errors.New("a name is empty")}
	}
	return reference{kind: kind, name: arg}, nil
}
