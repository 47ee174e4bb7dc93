// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

const enabled = "nebius.ai/helmrelease-trigger-operator"

// labelled adds labels, given as key and value, to an object.
func labelled[T client.Object](obj T, labels ...string) T {
	set := map[string]string{}
	for i := 0; i < len(labels); i += 2 {
		set[labels[i]] = labels[i+1]
	}
	obj.SetLabels(set)
	return obj
}

func inNamespace[T client.Object](obj T, namespace string) T {
	obj.SetNamespace(namespace)
	return obj
}

// testKeyring has a key that everyone knows.
type testKeyring struct{}

func (testKeyring) Keys(context.Context) (digest.Keys, error) {
	return digest.Keys{Current: []byte("a key of thirty-two bytes, or so")}, nil
}

func testSecret(name string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name, UID: "the-uid"}, Data: data}
}

// fixture is what the trigger apps/trigger finds.
func fixture(t *testing.T) Resolver {
	t.Helper()
	cl := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(
		testConfigMap("a", map[string]string{"values.yaml": "a: 1", "other": "x"}),
		labelled(testConfigMap("b", map[string]string{"values.yaml": "b: 1"}), "group", "one"),
		labelled(testConfigMap("c", map[string]string{"values.yaml": "c: 1"}), "group", "one"),
		labelled(testConfigMap("out", map[string]string{"values.yaml": "d: 1"}), "group", "one", enabled, "false"),
		inNamespace(testConfigMap("a", map[string]string{"values.yaml": "other namespace"}), "config"),
		testSecret("s", map[string][]byte{"values.yaml": []byte("s: 1")}),
	).Build()
	return Resolver{Store: NewStore(cl, cl, testKeyring{}), Metadata: cl, Secrets: true}
}

func resolve(t *testing.T, r Resolver, refs ...triggerv1.SourceReference) (Resolution, error) {
	t.Helper()
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "trigger"}}
	return r.Resolve(t.Context(), vt, nil, refs, Account{}, time.Hour)
}

// ids returns the identities of the sources, and in brackets those that are absent.
func ids(resolution Resolution) []string {
	found := []string{}
	for _, s := range resolution.Sources {
		if s.Digest == "" {
			found = append(found, "("+s.ID+")")
			continue
		}
		found = append(found, s.ID)
	}
	return found
}

type refs = []triggerv1.SourceReference

func group(value triggerv1.LabelValue) *triggerv1.Selector {
	return &triggerv1.Selector{MatchLabels: map[string]triggerv1.LabelValue{"group": value}}
}

func TestResolver_finds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		refs refs
		want []string
	}{
		{"a name in the trigger's namespace", refs{{Kind: "ConfigMap", Name: "a"}}, []string{"ConfigMap/apps/a"}},
		{"a name in another namespace", refs{{Kind: "ConfigMap", Name: "a", Namespace: "config"}}, []string{"ConfigMap/config/a"}},
		{"a Secret", refs{{Kind: "Secret", Name: "s"}}, []string{"Secret/apps/s"}},
		{"many, sorted", refs{{Kind: "Secret", Name: "s"}, {Kind: "ConfigMap", Name: "b"}, {Kind: "ConfigMap", Name: "a"}}, []string{"ConfigMap/apps/a", "ConfigMap/apps/b", "Secret/apps/s"}},
		{"what a selector matches, without what is excluded", refs{{Kind: "ConfigMap", Selector: group("one")}}, []string{"ConfigMap/apps/b", "ConfigMap/apps/c"}},
		{"an object that several references lead to once", refs{{Kind: "ConfigMap", Name: "b"}, {Kind: "ConfigMap", Selector: group("one")}, {Kind: "ConfigMap", Name: "b", Namespace: "apps"}}, []string{"ConfigMap/apps/b", "ConfigMap/apps/c"}},
		{"an optional object that is absent as such", refs{{Kind: "ConfigMap", Name: "absent", Optional: true}}, []string{"(ConfigMap/apps/absent)"}},
		{"an optional object that is excluded as absent", refs{{Kind: "ConfigMap", Name: "out", Optional: true}}, []string{"(ConfigMap/apps/out)"}},
		{"nothing by an optional selector without a match", refs{{Kind: "ConfigMap", Selector: group("none"), Optional: true}}, []string{}},
		{"an optional object without the key", refs{{Kind: "ConfigMap", Name: "a", Keys: []string{"absent"}, Optional: true}}, []string{"ConfigMap/apps/a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			resolution, err := resolve(t, fixture(t), c.refs...)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(ids(resolution)).To(Equal(c.want))
			g.Expect(resolution.Disabled).To(BeEmpty())
		})
	}
}

func TestResolver_says_what_is_missing_and_what_to_do(t *testing.T) {
	t.Parallel()
	first := triggerv1.SourceReference{Kind: "ConfigMap", Name: "a"}
	malformed := &triggerv1.Selector{MatchExpressions: []triggerv1.SelectorRequirement{{Key: "a", Operator: "Like"}}}
	for _, c := range []struct {
		name string
		ref  triggerv1.SourceReference
		is   string
		says string
	}{
		{"a required object", triggerv1.SourceReference{Kind: "ConfigMap", Name: "absent"}, triggerv1.SourceNotFoundReason,
			"source not found: ConfigMap apps/absent does not exist; create it, or set spec.sources[1].optional"},
		{"a required Secret in another namespace", triggerv1.SourceReference{Kind: "Secret", Name: "s", Namespace: "config"}, triggerv1.SourceNotFoundReason,
			"source not found: Secret config/s does not exist; create it, or set spec.sources[1].optional"},
		{"required keys", triggerv1.SourceReference{Kind: "ConfigMap", Name: "b", Keys: []string{"x", "values.yaml", "y"}}, triggerv1.SourceNotFoundReason,
			"source not found: ConfigMap apps/b has no key x, y; add it, or correct spec.sources[1].keys"},
		{"an object that is excluded", triggerv1.SourceReference{Kind: "ConfigMap", Name: "out"}, triggerv1.SourceNotFoundReason,
			`source not found: ConfigMap apps/out is excluded by its label nebius.ai/helmrelease-trigger-operator: "false"; remove the label, or spec.sources[1]`},
		{"a match of a selector", triggerv1.SourceReference{Kind: "ConfigMap", Selector: group("none")}, triggerv1.SourceNotFoundReason,
			"source not found: no ConfigMap in namespace apps matches spec.sources[1].selector; label one, or set spec.sources[1].optional"},
		{"a selector that is well-formed", triggerv1.SourceReference{Kind: "ConfigMap", Selector: malformed}, triggerv1.InvalidSpecReason,
			"spec.sources[1].selector"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			_, err := resolve(t, fixture(t), first, c.ref)
			g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(c.is)))
			g.Expect(err).To(MatchError(ContainSubstring(c.says)))
		})
	}
}

// Of two references to one object, one may require a key and the other do without.
func TestResolver_requires_the_keys_of_the_references_that_are_not_optional(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	ref := func(name string, optional bool, keys ...string) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Name: name, Optional: optional, Keys: keys}
	}
	content := digest.OfConfigMap(testConfigMap("b", map[string]string{"values.yaml": "b: 1"}))
	for _, found := range []refs{
		{ref("b", false, "values.yaml"), ref("b", true, "absent")},
		{ref("b", true, "absent"), ref("b", false, "values.yaml")},
		{ref("b", true, "absent"), {Kind: "ConfigMap", Selector: group("one"), Keys: []string{"values.yaml"}}},
	} {
		resolution, err := resolve(t, fixture(t), found...)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(resolution.Sources[0]).To(And(HaveField("Digest", content.Digest("values.yaml")), HaveField("Keys", []string{"absent", "values.yaml"})))
	}
	for says, missing := range map[string]refs{
		"ConfigMap apps/b has no key absent; add it, or correct spec.sources[1].keys":                                                       {ref("b", true, "more"), ref("b", false, "absent")},
		"ConfigMap apps/b has no key absent, x; add it, or correct spec.sources[0].keys, spec.sources[2].keys":                              {ref("b", false, "x", "values.yaml"), ref("b", false, "values.yaml"), ref("b", false, "absent")},
		"ConfigMap apps/absent does not exist; create it, or set spec.sources[1].optional":                                                  {ref("absent", true), ref("absent", false)},
		`ConfigMap apps/out is excluded by its label nebius.ai/helmrelease-trigger-operator: "false"; remove the label, or spec.sources[1]`: {ref("out", true), ref("out", false)},
	} {
		_, err := resolve(t, fixture(t), missing...)
		g.Expect(err).To(MatchError("source not found: " + says))
	}
}

// What several references want of one object: all their keys, the strongest force, and
// its presence if any of them requires it.
func TestResolver_unites_references(t *testing.T) {
	t.Parallel()
	a := func(force triggerv1.ForcePolicy, optional bool, keys ...string) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Name: "a", Force: force, Optional: optional, Keys: keys}
	}
	content := digest.OfConfigMap(testConfigMap("a", map[string]string{"values.yaml": "a: 1", "other": "x"}))
	const never, auto, always = triggerv1.ForceNever, triggerv1.ForceAuto, triggerv1.ForceAlways
	for _, c := range []struct {
		name   string
		refs   refs
		digest string
		force  triggerv1.ForcePolicy
	}{
		{"one without keys takes all", refs{a("", false)}, content.Digest(), auto},
		{"one with a key", refs{a("", false, "other")}, content.Digest("other"), auto},
		{"two with keys", refs{a("", false, "other"), a("", false, "values.yaml")}, content.Digest(), auto},
		{"the same key twice", refs{a("", false, "other"), a("", false, "other")}, content.Digest("other"), auto},
		{"one with a key and one without", refs{a("", false, "other"), a("", false)}, content.Digest(), auto},
		{"one without a key and one with", refs{a("", false), a("", false, "other")}, content.Digest(), auto},
		{"Never and Auto", refs{a(never, false), a(auto, false)}, content.Digest(), auto},
		{"Always and Never", refs{a(always, false), a(never, false)}, content.Digest(), always},
		{"Auto and Always", refs{a(auto, false), a(always, false)}, content.Digest(), always},
		{"Never", refs{a(never, false)}, content.Digest(), never},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			resolution, err := resolve(t, fixture(t), c.refs...)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(resolution.Sources).To(ConsistOf(And(
				HaveField("Digest", c.digest), HaveField("Full", content.Digest()), HaveField("Force", c.force))))
		})
	}

	g := NewWithT(t)
	absent := func(optional bool) triggerv1.SourceReference {
		return triggerv1.SourceReference{Kind: "ConfigMap", Name: "absent", Optional: optional}
	}
	_, err := resolve(t, fixture(t), absent(true), absent(false))
	g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.SourceNotFoundReason)), "one of them requires it")
}

func TestResolver_force_defaults_to_that_of_the_trigger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ trigger, source, want triggerv1.ForcePolicy }{
		{"", "", triggerv1.ForceAuto},
		{triggerv1.ForceAlways, "", triggerv1.ForceAlways},
		{triggerv1.ForceAlways, triggerv1.ForceNever, triggerv1.ForceNever},
	} {
		g := NewWithT(t)
		vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps"}, Spec: triggerv1.ValuesTriggerSpec{Force: c.trigger}}
		resolution, err := fixture(t).Resolve(t.Context(), vt, nil, refs{{Kind: "ConfigMap", Name: "a", Force: c.source}}, Account{}, time.Hour)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(resolution.Sources[0].Force).To(Equal(c.want))
	}
}

func TestResolver_without_permission_on_Secrets(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := fixture(t)
	r.Secrets = false
	none := errors.New("a Secret was touched")
	r.Metadata = interceptor.NewClient(r.Metadata.(client.WithWatch), interceptor.Funcs{
		List: func(ctx context.Context, next client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if list.GetObjectKind().GroupVersionKind().Kind == "SecretList" {
				return none
			}
			return next.List(ctx, list, opts...)
		},
	})
	resolution, err := resolve(t, r,
		triggerv1.SourceReference{Kind: "Secret", Name: "s"}, triggerv1.SourceReference{Kind: "Secret", Name: "absent"},
		triggerv1.SourceReference{Kind: "Secret", Selector: group("one")}, triggerv1.SourceReference{Kind: "ConfigMap", Name: "a"})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(ids(resolution)).To(Equal([]string{"ConfigMap/apps/a"}))
	g.Expect(resolution.Disabled).To(Equal([]string{"Secret apps/(by selector)", "Secret apps/absent", "Secret apps/s"}))
}

func TestResolver_knows_the_baseline_of_the_first_operator(t *testing.T) {
	t.Parallel()
	data := map[string]string{"values.yaml": "a: 1"}
	full := digest.OfConfigMap(testConfigMap("x", data)).Digest()
	for _, c := range []struct {
		name, label, digest string
		want                map[string]bool
	}{
		{"a digest of its content, which travels with backups", "true", full, nil},
		{"a baseline of the first operator", "true", "9f86d081", map[string]bool{"apps/one": true, "apps/two": true}},
		{"other content", "true", "sha256:" + full[8:] + "0", nil},
		{"nothing", "true", "", nil},
		{"a baseline without the label", "", "9f86d081", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			cm := labelled(testConfigMap("x", data), enabled, c.label)
			cm.Annotations = map[string]string{
				"nebius.ai/helmreleases-name": "one, two", "nebius.ai/helmreleases-namespace": "apps", "nebius.ai/config-digest": c.digest,
			}
			cl := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(cm).Build()
			resolution, err := resolve(t, Resolver{Store: NewStore(cl, cl, testKeyring{}), Metadata: cl}, triggerv1.SourceReference{Kind: "ConfigMap", Name: "x"})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(resolution.Sources).To(Equal([]plan.Source{{
				ID: "ConfigMap/apps/x", Digest: full, Full: full, Force: triggerv1.ForceAuto, Baseline: c.want,
			}}))
		})
	}
}

// An account lists and reads by itself, and never sees Helm's own Secrets.
func TestResolver_sees_the_watch_label_of_Flux(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cl := fake.NewClientBuilder().WithScheme(testScheme(t)).WithObjects(
		labelled(testConfigMap("seen", nil), meta.LabelKeyWatch, meta.LabelValueWatchEnabled),
		labelled(testConfigMap("unseen", nil), meta.LabelKeyWatch, "no"),
	).Build()
	out, err := resolve(t, Resolver{Store: NewStore(cl, cl, testKeyring{}), Metadata: cl}, refs{{Kind: "ConfigMap", Name: "seen"}, {Kind: "ConfigMap", Name: "unseen"}}...)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(out.Sources).To(HaveExactElements(HaveField("Watched", true), HaveField("Watched", false)))
}

func TestResolver_as_an_account(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	r := fixture(t)
	var listed []client.ListOptions
	account := Account{Name: "tenant", Reader: interceptor.NewClient(r.Metadata.(client.WithWatch), interceptor.Funcs{
		List: func(ctx context.Context, next client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			applied := (&client.ListOptions{}).ApplyOptions(opts)
			listed = append(listed, *applied)
			return next.List(ctx, list, client.InNamespace(applied.Namespace), client.MatchingLabelsSelector{Selector: applied.LabelSelector})
		},
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "b", errors.New("no"))
		},
	})}
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps"}}

	_, err := r.Resolve(t.Context(), vt, nil, refs{{Kind: "ConfigMap", Selector: group("one")}}, account, time.Hour)
	g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "listed but not readable: %v", err)
	_, err = r.Resolve(t.Context(), vt, nil, refs{{Kind: "Secret", Selector: group("one"), Optional: true}}, account, time.Hour)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(listed).To(HaveLen(2))
	g.Expect(listed[0].FieldSelector).To(BeNil())
	g.Expect(listed[1].FieldSelector.String()).To(Equal("type!=helm.sh/release.v1"))
}

func TestResolver_is_bounded(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	many := interceptor.NewClient(fake.NewClientBuilder().WithScheme(testScheme(t)).Build(), interceptor.Funcs{
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
			items := list.(*metav1.PartialObjectMetadataList)
			for i := range triggerv1.MaxResolvedSources + 1 {
				items.Items = append(items.Items, metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("a-", i)}})
			}
			return nil
		},
	})
	_, err := resolve(t, Resolver{Store: NewStore(many, many, testKeyring{}), Metadata: many}, triggerv1.SourceReference{Kind: "ConfigMap", Selector: group("one")})
	g.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.InvalidSpecReason)))
	g.Expect(err).To(MatchError(ContainSubstring("spec.sources select 257 objects, more than 256; narrow the selectors")))
}
