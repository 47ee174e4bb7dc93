// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	excluded := testConfigMap("excluded", map[string]string{"a": "1"})
	excluded.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "false", "team": "blue"}
	blue := testConfigMap("blue", map[string]string{"a": "1"})
	blue.Labels = map[string]string{"team": "blue"}
	plain := testConfigMap("plain", map[string]string{"a": "1", "b": "1"})
	hidden := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "hidden"}, Data: map[string][]byte{"a": []byte("1")}}
	selector := &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"team": "blue"}}

	for _, tc := range []struct {
		name     string
		refs     []triggerv1.SourceReference
		secrets  bool
		ids      []string
		disabled []string
		err      string
		is       error
	}{
		{name: "by name", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "plain"}}, ids: []string{"ConfigMap/apps/plain"}},
		{name: "by label, without the excluded", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Selector: selector}}, ids: []string{"ConfigMap/apps/blue"}},
		{name: "once, though two references lead to it", ids: []string{"ConfigMap/apps/blue"},
			refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Selector: selector}, {Kind: "ConfigMap", Name: "blue", Namespace: "apps"}}},
		{name: "missing", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "plain"}, {Kind: "ConfigMap", Name: "no"}}, is: ErrNotFound,
			err: "ConfigMap apps/no does not exist; create it, or set spec.sources[1].optional"},
		{name: "missing and optional", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "no", Optional: true}}, ids: []string{"ConfigMap/apps/no"}},
		{name: "a missing key", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "plain", Keys: []string{"a", "z"}}}, is: ErrNotFound,
			err: "ConfigMap apps/plain has no key z; add it, or correct spec.sources[0].keys"},
		{name: "excluded by name", refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "excluded"}}, is: ErrNotFound, err: "is excluded by its label"},
		{name: "nothing matches", is: ErrNotFound, err: "no ConfigMap in namespace apps matches spec.sources[0].selector",
			refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"team": "red"}}}}},
		{name: "a malformed selector", is: ErrInvalid, err: "spec.sources[0].selector",
			refs: []triggerv1.SourceReference{{Kind: "ConfigMap", Selector: &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"a b": "c"}}}}},
		{name: "a Secret", secrets: true, refs: []triggerv1.SourceReference{{Kind: "Secret", Name: "hidden"}}, ids: []string{"Secret/apps/hidden"}},
		{name: "a Secret without permission", ids: []string{"ConfigMap/apps/plain"}, disabled: []string{"Secret apps/hidden"},
			refs: []triggerv1.SourceReference{{Kind: "Secret", Name: "hidden"}, {Kind: "ConfigMap", Name: "plain"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			c := newCounted(t, excluded.DeepCopy(), blue.DeepCopy(), plain.DeepCopy(), hidden.DeepCopy())
			vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "vt"}}
			resolution, err := Resolver{Store: c.Store, Metadata: c.client, Secrets: tc.secrets}.Resolve(t.Context(), vt, tc.refs, Account{}, time.Hour)
			if tc.err != "" {
				g.Expect(err).To(MatchError(tc.is))
				g.Expect(err).To(MatchError(ContainSubstring(tc.err)))
				return
			}
			g.Expect(err).NotTo(HaveOccurred())
			var ids []string
			for _, s := range resolution.Sources {
				ids = append(ids, s.ID)
			}
			g.Expect(ids).To(Equal(tc.ids))
			g.Expect(resolution.Disabled).To(Equal(tc.disabled))
		})
	}
}

func TestResolve_unites_what_several_references_want(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := testConfigMap("settings", map[string]string{"a": "1", "b": "1", "c": "1"})
	c := newCounted(t, cm)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "vt"}}
	resolve := func(refs ...triggerv1.SourceReference) (string, triggerv1.ForcePolicy) {
		resolution, err := Resolver{Store: c.Store, Metadata: c.client}.Resolve(t.Context(), vt, refs, Account{}, time.Hour)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(resolution.Sources).To(HaveLen(1))
		return resolution.Sources[0].Digest, resolution.Sources[0].Force
	}
	ref := func(force triggerv1.ForcePolicy, keys ...string) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Name: "settings", Keys: keys, Force: force}
	}
	both, _ := resolve(ref("", "a", "b"))
	united, force := resolve(ref(triggerv1.ForceNever, "b"), ref(triggerv1.ForceAlways, "a"))
	g.Expect(united).To(Equal(both))
	g.Expect(force).To(Equal(triggerv1.ForceAlways), "the strongest")
	all, force := resolve(ref(triggerv1.ForceNever, "b"), ref(""))
	g.Expect(all).To(Equal(describe(cm).Full))
	g.Expect(force).To(Equal(triggerv1.ForceAuto), "the default of the trigger")
}

func TestResolve_knows_to_whom_the_contract_says_the_content_was_delivered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cm := testConfigMap("settings", map[string]string{"a": "1"})
	cm.Labels = map[string]string{triggerv1.LabelReconcilerNameSourceKey: "true"}
	cm.Annotations = map[string]string{triggerv1.HRNameAnnotation: "app", triggerv1.HRNSAnnotation: "apps", triggerv1.HashAnnotation: describe(cm).Full}
	c := newCounted(t, cm)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "vt"}}
	refs := []triggerv1.SourceReference{{Kind: "ConfigMap", Name: "settings"}}
	recorded := func() map[string]bool {
		resolution, err := Resolver{Store: c.Store, Metadata: c.client}.Resolve(t.Context(), vt, refs, Account{}, time.Hour)
		g.Expect(err).NotTo(HaveOccurred())
		return resolution.Sources[0].Recorded
	}
	g.Expect(recorded()).To(Equal(map[string]bool{"apps/app": true}))

	g.Expect(c.client.Get(t.Context(), client.ObjectKeyFromObject(cm), cm)).To(Succeed())
	cm.Data["a"] = "2"
	g.Expect(c.client.Update(t.Context(), cm)).To(Succeed())
	g.Expect(recorded()).To(BeEmpty(), "that was other content")
}

func TestValuesMatch_composes_as_helm_controller_does(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	c := newCounted(t, testConfigMap("settings", map[string]string{"values.yaml": "a: 1 # one\n"}),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "hidden"}, Data: map[string][]byte{"values.yaml": []byte("b: 1\n")}})
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	hr.Spec.ValuesFrom = []meta.ValuesReference{{Kind: "ConfigMap", Name: "settings"}, {Kind: "Secret", Name: "hidden", Optional: true}}
	for _, algorithm := range []digest.Algorithm{digest.SHA256, digest.SHA384, digest.SHA512} {
		want := chartutil.DigestValues(algorithm, map[string]any{"a": 1, "b": 1}).String()
		g.Expect(c.ValuesMatch(t.Context(), hr, want, true)).To(BeTrue(), algorithm.String())
		other := chartutil.DigestValues(algorithm, map[string]any{"a": 2, "b": 1}).String()
		g.Expect(c.ValuesMatch(t.Context(), hr, other, true)).To(BeFalse())
	}
	g.Expect(c.ValuesMatch(t.Context(), hr, "", true)).To(BeFalse())
	_, err := c.ValuesMatch(t.Context(), hr, digest.FromString("").String(), false)
	g.Expect(err).To(MatchError(ErrSecretsDisabled))

	hr.Spec.ValuesFrom[0].Name = "absent"
	_, err = c.ValuesMatch(t.Context(), hr, digest.FromString("").String(), true)
	g.Expect(err).To(HaveOccurred())
}
