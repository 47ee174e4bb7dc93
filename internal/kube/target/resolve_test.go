// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package target

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
)

var scheme = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, helmv2.AddToScheme} {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	return scheme
}()

func release(namespace, name string, labels map[string]string) *helmv2.HelmRelease {
	return &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
}

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func trigger(targets ...triggerv1.TargetReference) *triggerv1.ValuesTrigger {
	return &triggerv1.ValuesTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "trigger"},
		Spec:       triggerv1.ValuesTriggerSpec{Targets: targets},
	}
}

func selector(key string, value triggerv1.LabelValue) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{key: value}}
}

var malformed = &triggerv1.Selector{MatchExpressions: []triggerv1.SelectorRequirement{{Key: "a", Operator: "Like"}}}

func TestResolver_Resolve(t *testing.T) {
	t.Parallel()
	web, all := map[string]string{"tier": "web"}, &triggerv1.Selector{}
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		namespace("apps", nil),
		namespace("prod", map[string]string{"env": "prod"}),
		namespace("prod-2", map[string]string{"env": "prod"}),
		namespace("dev", map[string]string{"env": "dev"}),
		release("apps", "a", web), release("apps", "b", nil), release("apps-2", "a", web),
		release("prod", "a", web), release("prod", "b", nil), release("prod-2", "a", nil), release("dev", "a", web),
	).Build()

	for _, c := range []struct {
		name    string
		targets []triggerv1.TargetReference
		want    []string // With a question mark behind those that do not exist.
	}{
		{"a name in the trigger's namespace", []triggerv1.TargetReference{{Name: "a"}}, []string{"apps/a"}},
		{"a name in another namespace", []triggerv1.TargetReference{{Name: "b", Namespace: "prod"}}, []string{"prod/b"}},
		{"a name that does not exist", []triggerv1.TargetReference{{Name: "z"}, {Name: "a"}}, []string{"apps/a", "apps/z?"}},
		{"a selector in the trigger's namespace", []triggerv1.TargetReference{{Selector: selector("tier", "web")}}, []string{"apps/a"}},
		{"a selector in another namespace", []triggerv1.TargetReference{{Selector: selector("tier", "web"), Namespace: "dev"}}, []string{"dev/a"}},
		{"an empty selector selects all", []triggerv1.TargetReference{{Selector: all}}, []string{"apps/a", "apps/b"}},
		{"a selector that matches none is not an error", []triggerv1.TargetReference{{Selector: selector("tier", "db")}}, []string{}},
		{"a selector in a namespace that does not exist", []triggerv1.TargetReference{{Selector: all, Namespace: "nowhere"}}, []string{}},
		{"selected namespaces", []triggerv1.TargetReference{{Selector: selector("tier", "web"), NamespaceSelector: selector("env", "prod")}}, []string{"prod/a"}},
		{"a name in selected namespaces, also where it is missing", []triggerv1.TargetReference{{Name: "b", NamespaceSelector: selector("env", "prod")}}, []string{"prod-2/b?", "prod/b"}},
		{"no namespace selected", []triggerv1.TargetReference{{Selector: all, NamespaceSelector: selector("env", "test")}}, []string{}},
		{"all namespaces", []triggerv1.TargetReference{{Name: "a", NamespaceSelector: all}}, []string{"apps/a", "dev/a", "prod-2/a", "prod/a"}},
		{"each once, whatever leads to it", []triggerv1.TargetReference{
			{Name: "a"}, {Selector: all}, {Name: "a", Namespace: "apps"}, {Name: "a", NamespaceSelector: all},
		}, []string{"apps/a", "apps/b", "dev/a", "prod-2/a", "prod/a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			targets, _, err := Resolver{Releases: reader, Namespaces: reader}.Resolve(context.Background(), trigger(c.targets...))
			g.Expect(err).NotTo(HaveOccurred())
			names := []string{}
			for _, target := range targets {
				if target.Release == nil {
					names = append(names, target.String()+"?")
					continue
				}
				g.Expect(client.ObjectKeyFromObject(target.Release)).To(Equal(target.NamespacedName))
				names = append(names, target.String())
			}
			g.Expect(names).To(Equal(c.want))
		})
	}
}

func TestResolver_Resolve_what_selects_nothing(t *testing.T) {
	t.Parallel()
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		namespace("apps", map[string]string{"env": "prod"}), release("apps", "a", map[string]string{"tier": "web"})).Build()
	web, wbe := &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"tier": "web"}}, &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"teir": "web"}}
	prod, dev := &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"env": "prod"}}, &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"env": "dev"}}
	for _, c := range []struct {
		name   string
		target triggerv1.TargetReference
		want   string
		found  int
	}{
		{"a selector that matches", triggerv1.TargetReference{Selector: web, NamespaceSelector: prod}, "", 1},
		{"a selector that matches nothing", triggerv1.TargetReference{Selector: wbe}, "spec.targets[0].selector matches no HelmRelease in namespace apps; label one, correct selector or namespace, or set spec.targets[0].optional", 0},
		{"in another namespace", triggerv1.TargetReference{Selector: web, Namespace: "elsewhere"}, "spec.targets[0].selector matches no HelmRelease in namespace elsewhere; label one, correct selector or namespace, or set spec.targets[0].optional", 0},
		{"in selected namespaces", triggerv1.TargetReference{Selector: wbe, NamespaceSelector: prod}, "spec.targets[0].selector matches no HelmRelease in the namespaces of namespaceSelector; label one, correct the selectors, or set spec.targets[0].optional", 0},
		{"no namespace", triggerv1.TargetReference{Selector: web, NamespaceSelector: dev}, "spec.targets[0].namespaceSelector matches no namespace; label one, correct the selector, or set spec.targets[0].optional", 0},
		{"a name in no namespace", triggerv1.TargetReference{Name: "a", NamespaceSelector: dev}, "spec.targets[0].namespaceSelector matches no namespace; label one, correct the selector, or set spec.targets[0].optional", 0},
		{"optional", triggerv1.TargetReference{Selector: wbe, Optional: true}, "", 0},
		{"a name that does not exist is Missing", triggerv1.TargetReference{Name: "gone"}, "", 1},
		{"an optional name that does not exist is left out", triggerv1.TargetReference{Name: "gone", Optional: true}, "", 0},
		{"an optional name that exists", triggerv1.TargetReference{Name: "a", Optional: true}, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			targets, selectNothing, err := Resolver{Releases: reader, Namespaces: reader}.Resolve(context.Background(), trigger(c.target))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(targets).To(HaveLen(c.found))
			g.Expect(strings.Join(selectNothing, "\n")).To(Equal(c.want))
		})
	}
}

func TestResolver_Resolve_errors(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	reader := fake.NewClientBuilder().WithScheme(scheme).WithObjects(namespace("apps", nil), release("apps", "a", nil)).Build()
	broken := interceptor.NewClient(reader, interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return refused
		},
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return refused },
	})
	invalid := WithTransform(fault.ReasonOf, Equal(triggerv1.InvalidSpecReason))
	for _, c := range []struct {
		name     string
		resolver Resolver
		target   triggerv1.TargetReference
		is       OmegaMatcher
		says     string
	}{
		{"a malformed selector", Resolver{reader, reader}, triggerv1.TargetReference{Selector: malformed}, invalid, "spec.targets[1].selector"},
		{"a malformed namespace selector", Resolver{reader, reader}, triggerv1.TargetReference{Name: "a", NamespaceSelector: malformed}, invalid, "spec.targets[1].namespaceSelector"},
		{"a namespace selector where namespaces are not watched", Resolver{reader, nil}, triggerv1.TargetReference{Name: "a", NamespaceSelector: &triggerv1.Selector{}}, invalid, "set namespace instead"},
		{"a name that may not be read", Resolver{broken, reader}, triggerv1.TargetReference{Name: "a"}, MatchError(refused), "spec.targets[0]"},
		{"releases that may not be listed", Resolver{broken, reader}, triggerv1.TargetReference{Selector: &triggerv1.Selector{}}, MatchError(refused), "spec.targets[0]"},
		{"namespaces that may not be listed", Resolver{reader, broken}, triggerv1.TargetReference{Name: "a", NamespaceSelector: &triggerv1.Selector{}}, MatchError(refused), "spec.targets[1].namespaceSelector"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			targets, _, err := c.resolver.Resolve(context.Background(), trigger(triggerv1.TargetReference{Name: "a"}, c.target))
			g.Expect(err).To(c.is)
			g.Expect(err).To(MatchError(ContainSubstring(c.says)))
			g.Expect(targets).To(BeNil())
		})
	}
}

func TestResolver_Resolve_isBounded(t *testing.T) {
	t.Parallel()
	// many lists so many releases.
	many := func(n int) client.Reader {
		return interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).Build(), interceptor.Funcs{
			List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
				for i := range n {
					list.(*helmv2.HelmReleaseList).Items = append(list.(*helmv2.HelmReleaseList).Items, *release("apps", fmt.Sprintf("a-%05d", i), nil))
				}
				return nil
			},
		})
	}
	g := NewWithT(t)
	all := trigger(triggerv1.TargetReference{Selector: &triggerv1.Selector{}})
	targets, _, err := Resolver{Releases: many(triggerv1.MaxResolvedTargets)}.Resolve(context.Background(), all)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(targets).To(HaveLen(triggerv1.MaxResolvedTargets))

	_, _, err = Resolver{Releases: many(triggerv1.MaxResolvedTargets + 1)}.Resolve(context.Background(), all)
	g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.InvalidSpecReason)))
	g.Expect(err).To(MatchError(ContainSubstring("spec.targets select 10001 HelmReleases, more than 10000; split them")))
}
