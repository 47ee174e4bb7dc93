// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
)

// Nothing here needs an answer of an API server: kinds and fields fit together.
func TestSetupWithManager(t *testing.T) {
	g := NewWithT(t)
	scheme := triggerScheme(t)
	mgr, err := ctrl.NewManager(&rest.Config{Host: "http://127.0.0.1:1"}, ctrl.Options{
		Scheme: scheme, Metrics: server.Options{BindAddress: "0"},
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) {
			return testrestmapper.TestOnlyStaticRESTMapper(scheme), nil
		},
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(SetupWithManager(t.Context(), mgr, Options{
		Concurrent: 1, Secrets: true, AllNamespaces: true, Events: record.NewFakeRecorder(1), Meter: metrics.New(prometheus.NewRegistry()),
		NewRateLimiter: func() workqueue.TypedRateLimiter[ctrl.Request] {
			return workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]()
		},
	})).To(Succeed())
}

func TestOptions_a_shard_serves_what_its_selector_matches(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	selector, err := labels.Parse("shard=a,tier")
	g.Expect(err).NotTo(HaveOccurred())
	hr := newRelease()
	g.Expect(Options{}.serves(hr)).To(BeTrue())
	g.Expect(Options{WatchSelector: selector}.serves(hr)).To(BeFalse())
	hr.Labels = map[string]string{"shard": "a", "tier": "b"}
	g.Expect(Options{WatchSelector: selector}.serves(hr)).To(BeTrue())
	g.Expect(keysOfSelector(selector)).To(ConsistOf("shard", "tier"))
	g.Expect(keysOfSelector(nil)).To(BeEmpty())
}

// What an event of one object has looked at.
func TestRequests(t *testing.T) {
	t.Parallel()
	everything := func(client.Object) bool { return true }
	bySelection := delivering(func(vt *triggerv1.ValuesTrigger) {
		vt.Name, vt.Spec.Sources = "selecting", []triggerv1.SourceReference{bySelector}
	})
	long := delivering(func(vt *triggerv1.ValuesTrigger) {
		vt.Name = "a-name-that-is-longer-than-the-sixty-three-characters-of-a-label-value"
		vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "else"}}
	})
	cm := labelledMap("app", "absent")
	cm.Labels["part"] = "settings"
	hr := reading("settings")
	hr.UID = "the-release"
	hr.Labels = map[string]string{"ring": "one"}
	second, elsewhere := newRelease(), newRelease()
	second.Name, second.Spec.ValuesFrom = "second", nil
	elsewhere.Namespace, elsewhere.Spec.ValuesFrom = "other", nil
	selectingNamespaces := delivering(func(vt *triggerv1.ValuesTrigger) {
		vt.Name = "namespaces"
		vt.Spec.Sources = []triggerv1.SourceReference{{Kind: triggerv1.ConfigMapKind, Name: "else"}}
		vt.Spec.Targets = []triggerv1.TargetReference{{Name: "app", NamespaceSelector: &triggerv1.Selector{}}}
	})
	api, _ := clientOf(t, cm, hr, second, elsewhere, delivering(), bySelection, long, selectingNamespaces)
	requests := triggerRequests{cache: api, serves: everything}
	copyOf := func(trigger string) client.Object {
		obj := index.Metadata(triggerv1.ConfigMapKind)
		obj.Labels = map[string]string{
			triggerv1.ManagedByLabel: triggerv1.FieldManager, triggerv1.PublishedByLabel: publish.LabelValue(trigger), triggerv1.PublishedByNamespaceLabel: "apps", triggerv1.PublishedForLabel: "app",
		}
		return obj
	}
	triggers := func(found []*triggerv1.ValuesTrigger) []string {
		var names []string
		for _, vt := range found {
			names = append(names, vt.Name)
		}
		return names
	}
	releases := releaseRequests{cache: api}
	contracts := &ContractReconciler{kind: triggerv1.ConfigMapKind, cache: api}
	objects := func(found []reconcile.Request) []string {
		var names []string
		for _, req := range found {
			names = append(names, req.String())
		}
		return names
	}
	keys := func(found []types.NamespacedName) []string {
		var names []string
		for _, key := range found {
			names = append(names, key.String())
		}
		return names
	}
	selectingReleases := delivering(func(vt *triggerv1.ValuesTrigger) {
		vt.Spec.Targets = []triggerv1.TargetReference{{Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"ring": "one"}}}}
	})
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apps"}}
	orphan := newGenerated(orphaned)
	another := delivering(func(vt *triggerv1.ValuesTrigger) {
		vt.Status.Sources = append(vt.Status.Sources, triggerv1.SourceStatus{Kind: triggerv1.SecretKind, Namespace: "apps", Name: "settings"},
			triggerv1.SourceStatus{Kind: triggerv1.ConfigMapKind, Namespace: "apps", Name: "unlabelled"})
	})
	for name, c := range map[string]struct{ got, want []string }{
		"the triggers that name or select a source": {triggers(requests.ofSource(triggerv1.ConfigMapKind)(t.Context(), cm)), []string{"platform", "selecting"}},
		"the trigger of a copy":                     {triggers(requests.ofCopy(t.Context(), copyOf("platform"))), []string{"platform"}},
		"that has a long name":                      {triggers(requests.ofCopy(t.Context(), copyOf(long.Name))), []string{long.Name}},
		"that is gone":                              {triggers(requests.ofCopy(t.Context(), copyOf("gone"))), nil},
		"no trigger of what is not a copy":          {triggers(requests.ofCopy(t.Context(), cm)), nil},
		"the releases that read a source or are named by it": {objects(releases.releasesOfSource(triggerv1.ConfigMapKind, Options{})(t.Context(), cm)),
			[]string{"apps/app", "apps/app"}},
		"the releases of a generated trigger":      {keys(releases.releasesOfTrigger(t.Context(), orphan)), []string{"apps/app", "apps/app"}},
		"the releases of a declared one":           {keys(releases.releasesOfTrigger(t.Context(), delivering())), []string{"apps/app"}},
		"those that it selects":                    {keys(releases.releasesOfTrigger(t.Context(), selectingReleases)), []string{"apps/app"}},
		"those that it may select somewhere":       {keys(releases.releasesOfTrigger(t.Context(), selectingNamespaces)), []string{"apps/app", "other/app"}},
		"no release of anything else":              {keys(releases.releasesOfTrigger(t.Context(), cm)), nil},
		"the releases of a namespace":              {objects(releases.releasesOfNamespace(t.Context(), namespace)), []string{"apps/app", "apps/second"}},
		"the labelled sources of a trigger":        {objects(contracts.sourcesOfTrigger(t.Context(), another)), []string{"apps/settings"}},
		"no source of anything else":               {objects(contracts.sourcesOfTrigger(t.Context(), cm)), nil},
		"the labelled objects that name a release": {objects(contracts.sourcesOfRelease(t.Context(), hr)), []string{"apps/settings"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(c.got).To(ConsistOf(c.want))
		})
	}
}
