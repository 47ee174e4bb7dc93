// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"testing"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	godigest "github.com/opencontainers/go-digest"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
)

// composed returns a release with values from everywhere, and the digest that
// helm-controller would note for it.
func composed(t *testing.T, cl client.Client) (*helmv2.HelmRelease, string) {
	t.Helper()
	hr := &helmv2.HelmRelease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"},
		Spec: helmv2.HelmReleaseSpec{
			Values: &apiextensionsv1.JSON{Raw: []byte(`{"inline":{"list":[1,2]},"shared":"inline"}`)},
			ValuesFrom: []meta.ValuesReference{
				{Kind: "ConfigMap", Name: "values"},
				{Kind: "Secret", Name: "values"},
				{Kind: "Secret", Name: "values", ValuesKey: "password", TargetPath: "db.password"},
				{Kind: "ConfigMap", Name: "absent", Optional: true},
			},
		},
	}
	values, err := chartutil.ChartValuesFromReferences(t.Context(), logr.Discard(), cl, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return hr, chartutil.DigestValues(godigest.Canonical, values).String()
}

func valuesFixture(t *testing.T) (*counted, *helmv2.HelmRelease, string) {
	t.Helper()
	c := newCounted(t,
		testConfigMap("values", map[string]string{"values.yaml": "replicas: 2\nshared: configmap\n", "unrelated": "1"}),
		testSecret("values", map[string][]byte{"values.yaml": []byte("image: {tag: v1}\n"), "password": []byte("hunter2")}))
	hr, digest := composed(t, c.client)
	return c, hr, digest
}

func TestStore_ValuesMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		edit func(g *WithT, t *testing.T, c *counted, hr *helmv2.HelmRelease)
		want bool
	}{
		{"the digest that helm-controller notes", func(*WithT, *testing.T, *counted, *helmv2.HelmRelease) {}, true},
		{"not after an edit of a ConfigMap", func(g *WithT, t *testing.T, c *counted, _ *helmv2.HelmRelease) {
			g.Expect(c.client.Update(t.Context(), testConfigMap("values", map[string]string{"values.yaml": "replicas: 3\n"}))).To(Succeed())
		}, false},
		{"not after an edit of a Secret", func(g *WithT, t *testing.T, c *counted, _ *helmv2.HelmRelease) {
			g.Expect(c.client.Update(t.Context(), testSecret("values", map[string][]byte{"values.yaml": []byte("image: {tag: v1}\n"), "password": []byte("hunter3")}))).To(Succeed())
		}, false},
		{"not after an edit of spec.values", func(_ *WithT, _ *testing.T, _ *counted, hr *helmv2.HelmRelease) {
			hr.Spec.Values.Raw = []byte(`{"inline":{"list":[2,1]}}`)
		}, false},
		{"not when an optional reference appears", func(g *WithT, t *testing.T, c *counted, _ *helmv2.HelmRelease) {
			g.Expect(c.client.Create(t.Context(), testConfigMap("absent", map[string]string{"values.yaml": "extra: true\n"}))).To(Succeed())
		}, false},
		{"still after an edit of a key that is not read", func(g *WithT, t *testing.T, c *counted, _ *helmv2.HelmRelease) {
			g.Expect(c.client.Update(t.Context(), testConfigMap("values", map[string]string{"values.yaml": "replicas: 2\nshared: configmap\n", "unrelated": "2"}))).To(Succeed())
		}, true},
		{"still after an edit of blanks", func(g *WithT, t *testing.T, c *counted, _ *helmv2.HelmRelease) {
			g.Expect(c.client.Update(t.Context(), testConfigMap("values", map[string]string{"values.yaml": "# said\nreplicas:   2\nshared: configmap\n"}))).To(Succeed())
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			store, hr, digest := valuesFixture(t)
			c.edit(g, t, store, hr)
			match, err := store.ValuesMatch(t.Context(), hr, digest, true)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(match).To(Equal(c.want))
		})
	}
}

func TestStore_ValuesMatchGiven(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	store, hr, digest := valuesFixture(t)
	stand := testConfigMap("values", map[string]string{"values.yaml": "replicas: 3\n"})
	given := func(ref Ref) (client.Object, error) {
		if ref == (Ref{Kind: "ConfigMap", Namespace: "apps", Name: "values"}) {
			return stand, nil
		}
		return nil, nil
	}
	g.Expect(store.ValuesMatchGiven(t.Context(), hr, digest, true, given)).To(BeFalse())
	g.Expect(store.client.Update(t.Context(), testConfigMap("values", stand.Data))).To(Succeed())
	_, digest = composed(t, store.client)
	g.Expect(store.ValuesMatchGiven(t.Context(), hr, digest, true, given)).To(BeTrue(), "what is given is what there is now")

	moved := errors.New("moved")
	_, err := store.ValuesMatchGiven(t.Context(), hr, digest, true, func(Ref) (client.Object, error) { return nil, moved })
	g.Expect(err).To(MatchError(moved), "nothing is said of what could not be had")
}

func TestStore_ValuesMatch_a_digest_that_is_none_matches_nothing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	store, hr, digest := valuesFixture(t)
	for _, want := range []string{"", "sha256:", digest[:len(digest)-1], "9f86d081", "sha256:" + "00" + digest[9:]} {
		match, err := store.ValuesMatch(t.Context(), hr, want, true)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(match).To(BeFalse(), want)
	}
}

func TestStore_ValuesMatch_reads_each_version_once(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	store, hr, digest := valuesFixture(t)
	hr.Spec.ValuesFrom = hr.Spec.ValuesFrom[:3]
	for range 5 {
		_, err := store.ValuesMatch(t.Context(), hr, digest, true)
		g.Expect(err).NotTo(HaveOccurred())
	}
	g.Expect(store.reads.Load()).To(BeEquivalentTo(2), "a ConfigMap and a Secret")

	g.Expect(store.client.Update(t.Context(), testConfigMap("values", map[string]string{"values.yaml": "replicas: 3\n"}))).To(Succeed())
	_, err := store.ValuesMatch(t.Context(), hr, digest, true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(store.reads.Load()).To(BeEquivalentTo(4), "the one that changed, and whether the other is still as it was remembered")
}

func TestStore_ValuesMatch_errors(t *testing.T) {
	t.Parallel()
	var malformed *chartutil.ErrValuesReference
	g := NewWithT(t)
	store, hr, digest := valuesFixture(t)

	_, err := store.ValuesMatch(t.Context(), hr, digest, false)
	g.Expect(errors.Is(err, secretsDisabled)).To(BeTrue(), "%v", err)

	hr.Spec.ValuesFrom[3].Optional = false
	_, err = store.ValuesMatch(t.Context(), hr, digest, true)
	g.Expect(errors.As(err, &malformed)).To(BeTrue(), "a required reference that is missing: %v", err)

	hr.Spec.ValuesFrom = hr.Spec.ValuesFrom[:2]
	g.Expect(store.client.Update(t.Context(), testSecret("values", map[string][]byte{"values.yaml": []byte("a: b: hunter2\n")}))).To(Succeed())
	_, err = store.ValuesMatch(t.Context(), hr, digest, true)
	g.Expect(errors.As(err, &malformed)).To(BeTrue(), "content that is not YAML: %v", err)
	g.Expect(err.Error()).NotTo(ContainSubstring("hunter2"), "no content in errors")
}

func TestCompose_Reason_names_the_reference_and_repeats_no_content(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	secret := testSecret("values", map[string][]byte{
		"values.yaml": []byte("a: b: hunter2\n"), "scalar": []byte("hunter2"), "password": []byte("a,hunter2"),
	})
	for _, c := range []struct {
		name string
		ref  meta.ValuesReference
		want string
	}{
		{"no YAML", meta.ValuesReference{}, "Secret apps/values, key values.yaml: failed to read values data"},
		{"no map", meta.ValuesReference{ValuesKey: "scalar"}, "Secret apps/values, key scalar: failed to read values data"},
		{"what cannot be set", meta.ValuesReference{ValuesKey: "password", TargetPath: "db"}, "Secret apps/values, key password: failed to merge value"},
		{"no such key", meta.ValuesReference{ValuesKey: "b"}, "Secret apps/values, key b: key not found"},
	} {
		hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
		c.ref.Kind, c.ref.Name = "Secret", "values"
		hr.Spec.ValuesFrom = []meta.ValuesReference{c.ref}
		_, err := Compose(t.Context(), hr, func(context.Context, Ref) (client.Object, error) { return secret, nil })
		g.Expect(err).To(HaveOccurred(), c.name)
		g.Expect(Reason(err)).To(Equal(c.want), c.name)
	}
	g.Expect(Reason(secretsDisabled)).To(Equal(secretsDisabled.Error()))
}

// What is remembered is as old as the watch: on it, it is not said that values differ.
func TestStore_ValuesMatch_does_not_trust_a_late_watch(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c, hr, digest := valuesFixture(t)
	late := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(
		testConfigMap("values", nil), testSecret("values", nil)).Build()
	c.metadata = late
	g.Expect(c.ValuesMatch(t.Context(), hr, digest, true)).To(BeTrue())

	changed := testConfigMap("values", nil)
	g.Expect(c.client.Get(t.Context(), client.ObjectKeyFromObject(changed), changed)).To(Succeed())
	changed.Data["values.yaml"] = "replicas: 3\n"
	g.Expect(c.client.Update(t.Context(), changed)).To(Succeed())
	_, digest = composed(t, c.client)

	_, err := c.ValuesMatch(t.Context(), hr, digest, true)
	g.Expect(err).To(Satisfy(fault.IsOutdated))
	g.Expect(c.ValuesMatch(t.Context(), hr, digest, true)).To(BeTrue(), "what was outdated is read again")
}
