// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"errors"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/target"
)

// testKeys make the digests of Secrets.
var testKeys = digest.Keys{Current: []byte("a key of thirty-two bytes, or so")}

// aPublication copies ConfigMaps of the namespace config, as they are given.
func aPublication(objects ...*corev1.ConfigMap) *publication {
	owner := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "platform"}}
	owner.Spec.Publish = &triggerv1.Publish{Name: "shared"}
	p := &publication{owner: owner, retained: budget.New(publish.MaxContent), contents: map[string]*content{},
		contentOf: func(obj client.Object) (digest.Content, error) { return testKeys.Of(obj), nil }}
	byName := map[string]*corev1.ConfigMap{}
	for _, obj := range objects {
		byName[obj.Name] = obj
		p.sources = append(p.sources, plan.Source{ID: "ConfigMap/config/" + obj.Name, Digest: digest.OfConfigMap(obj).Digest(), PublishTo: "apps"})
	}
	p.get = func(ref source.Ref) (client.Object, error) {
		if obj := byName[ref.Name]; obj != nil {
			return obj, nil
		}
		return nil, nil
	}
	return p
}

func aConfigMap(name, key, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "config", Name: name}, Data: map[string]string{key: value}}
}

func reading(namespace string, names ...string) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"}}
	for _, name := range names {
		hr.Spec.ValuesFrom = append(hr.Spec.ValuesFrom, meta.ValuesReference{Kind: "ConfigMap", Name: name})
	}
	return hr
}

// consenting is a release whose owner lets triggers of the namespaces have copies made.
func consenting(from string) *helmv2.HelmRelease {
	hr := reading("there")
	hr.Annotations = map[string]string{triggerv1.AllowFromAnnotation: from}
	return hr
}

func toAll(p *publication) { p.sources[0].PublishTo = "*" }

var anApp = types.NamespacedName{Namespace: "apps", Name: "app"}

func TestPublication_content_is_what_was_decided_on(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	a, b := aConfigMap("a", "a.yaml", "1"), aConfigMap("b", "b.yaml", "2")
	p := aPublication(a, b)
	wanted := p.wanted(p.copiesOf(anApp)[0])
	g.Expect(wanted.Name).To(Equal("app-shared"))
	merged, err := wanted.Content()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(merged.Data).To(Equal(map[string]string{"a.yaml": "1", "b.yaml": "2"}))

	other := types.NamespacedName{Namespace: "apps", Name: "other"}
	a.Data["a.yaml"] = "newer"
	merged, err = p.wanted(p.copiesOf(other)[0]).Content()
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(merged.Data).To(HaveKeyWithValue("a.yaml", "1"), "one decision, one content for all targets")

	p.forget()
	_, err = p.wanted(p.copiesOf(anApp)[0]).Content()
	g.Expect(err).To(Satisfy(fault.IsOutdated))
	g.Expect(err.Error()).NotTo(ContainSubstring("newer"))
	p.get = func(source.Ref) (client.Object, error) { return nil, nil }
	_, err = p.wanted(p.copiesOf(anApp)[0]).Content()
	g.Expect(err).To(Satisfy(fault.IsOutdated), "asked once")
}

func TestPublication_keys_in_common(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := aPublication(aConfigMap("a", "values.yaml", "1"), aConfigMap("b", "values.yaml", "2"))
	_, err := p.wanted(p.copiesOf(anApp)[0]).Content()
	g.Expect(fault.ReasonOf(err)).To(Equal(triggerv1.InvalidSpecReason))

	p.sources[1].PublishAs = "more"
	all := p.copiesOf(anApp)
	g.Expect(all).To(HaveLen(2))
	for _, c := range all {
		_, err = p.wanted(c).Content()
		g.Expect(err).NotTo(HaveOccurred())
	}
}

func TestPublication_consent(t *testing.T) {
	t.Parallel()
	there := types.NamespacedName{Namespace: "there", Name: "app"}
	for _, c := range []struct {
		name    string
		edit    func(*publication)
		target  types.NamespacedName
		hr      *helmv2.HelmRelease
		from    string // what the annotation allow-from on the Namespace says
		denied  string
		unasked bool
	}{
		{"its own namespace", nil, anApp, nil, "", "", false},
		{"a release that does not read it", nil, anApp, reading("apps"), "", "", false},
		{"no consent of the source", func(p *publication) { p.sources[0].PublishTo = "" }, anApp, nil, "", "may not be copied into namespace apps", false},
		{"no consent of the source, and one of the target", func(p *publication) { p.sources[0].PublishTo = "" }, there, consenting("apps"), "apps", "may not be copied into namespace there", false},
		{"no release in another namespace", toAll, there, nil, "", "", true},
		{"no release in a namespace that consents", toAll, there, nil, "other, apps", "", false},
		{"a release in another namespace that reads it", toAll, there, reading("there", "app-shared"), "", "is written only with the consent of its owner; set the annotation trigger.nebius.ai/allow-from: apps on HelmRelease there/app, or on Namespace there", false},
		{"one that consents", toAll, there, consenting("other,apps"), "", "", false},
		{"one that consents to others", toAll, there, consenting("other,*,app"), "", "only with the consent", false},
		{"a namespace that consents", toAll, there, reading("there"), "apps", "", false},
		{"a namespace that consents to others", toAll, there, reading("there"), "there", "only with the consent", false},
		{"as an account", func(p *publication) { p.sources[0].PublishTo, p.actor.Name = "", "tenant" }, there, nil, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			p := aPublication(aConfigMap("a", "values.yaml", "1"))
			if c.edit != nil {
				c.edit(p)
			}
			namespace := &corev1.Namespace{}
			namespace.Name, namespace.Annotations = c.target.Namespace, map[string]string{triggerv1.AllowFromAnnotation: c.from}
			r := &observer{namespaces: fake.NewClientBuilder().WithObjects(namespace).Build()}
			consented, err := r.consented(t.Context(), snapshot{publication: p}, &targetCase{Target: target.Target{NamespacedName: c.target}, hr: c.hr})
			g.Expect(err).NotTo(HaveOccurred())
			denied, unasked := p.consent(c.target, c.hr, consented, p.copiesOf(c.target))
			g.Expect(unasked).To(Equal(c.unasked))
			if c.denied == "" {
				g.Expect(denied).To(BeEmpty())
			} else {
				g.Expect(denied).To(ContainSubstring(c.denied))
			}
		})
	}
}

func TestObserveCopies(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := aPublication(aConfigMap("a", "a.yaml", "1"), aConfigMap("b", "b.yaml", "2"))
	hr := reading("apps", "app-shared")
	release := target.Observe(hr, p.sources)
	target.ObserveCopies(&release, hr, reads(p.copiesOf(anApp)))
	both := map[string]bool{"ConfigMap/config/a": true, "ConfigMap/config/b": true}
	g.Expect(release.Reads).To(Equal(both))
	g.Expect(release.Copied).To(Equal(both), "nothing passes by what holds changes back")

	p.sources[0].ID = "ConfigMap/apps/a"
	hr = reading("apps", "app-shared", "a")
	release = target.Observe(hr, p.sources)
	target.ObserveCopies(&release, hr, reads(p.copiesOf(anApp)))
	g.Expect(release.Copied).To(Equal(map[string]bool{"ConfigMap/apps/a": false, "ConfigMap/config/b": true}))

	gone := plan.Release{}
	target.ObserveCopies(&gone, nil, reads(p.copiesOf(anApp)))
	g.Expect(gone).To(BeZero())
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(fault.ReasonOf(copies.Foreign(publish.Copy{}))).To(Equal(triggerv1.NameConflictReason))
	g.Expect(fault.ReasonOf(errors.Join(nil, copies.Foreign(publish.Copy{})))).To(Equal(triggerv1.NameConflictReason))
	g.Expect(fault.ReasonOf(apierrors.NewForbidden(schema.GroupResource{}, "a", nil))).To(BeEmpty())
	g.Expect(fault.ReasonOf(nil)).To(BeEmpty())
}

func TestStatusOf_name_conflict(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	vt := &triggerv1.ValuesTrigger{}
	summary := record(vt, snapshot{at: evaluatedAt}, outcome{
		targets: []triggerv1.TargetStatus{refused(inState(triggerv1.TargetFailed), triggerv1.NameConflictReason)},
	})
	g.Expect(summary).To(And(HaveField("Ready", metav1.ConditionFalse), HaveField("Reason", "NameConflict"), HaveField("Stalled", true)))
}

// Who names a HelmRelease so that two copies meet stops these two, and no other target.
func TestPublication_sharing(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	p := aPublication(aConfigMap("a", "a.yaml", "1"), aConfigMap("b", "b.yaml", "2"))
	p.sources[1].PublishAs = "team-shared"
	snap := snapshot{publication: p}
	for _, name := range []types.NamespacedName{anApp, {Namespace: "apps", Name: "app-team"}, {Namespace: "apps", Name: "web"}, {Namespace: "web", Name: "app"}} {
		snap.targets = append(snap.targets, target.Target{NamespacedName: name})
	}
	shared := p.sharing(snap.targets)
	g.Expect(shared).To(HaveLen(2))
	for _, name := range []string{"apps/app", "apps/app-team"} {
		g.Expect(fault.ReasonOf(shared[name])).To(Equal(triggerv1.NameConflictReason), name)
		g.Expect(shared[name]).To(MatchError(ContainSubstring("apps/app and apps/app-team would have the same copy ConfigMap apps/app-team-shared")))
	}
}

func TestPublication_retains_no_more_than_its_bound(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	large := aConfigMap("large", "a.yaml", strings.Repeat("x", publish.MaxContent/2))
	p := aPublication(aConfigMap("small", "b.yaml", "1"), large)
	p.sources[1].PublishAs = "large"
	reads := 0
	get := p.get
	p.get = func(ref source.Ref) (client.Object, error) { reads++; return get(ref) }
	other := aPublication(large)
	other.retained = p.retained
	load := func(p *publication) {
		for _, c := range p.copiesOf(anApp) {
			content, err := p.wanted(c).Content()
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(content.Size()).NotTo(BeZero())
		}
	}
	load(p)
	load(p)
	g.Expect(reads).To(Equal(2), "while there is room, nothing is read again")
	load(other)
	g.Expect(other.parts).To(BeEmpty(), "for another trigger there is none")
	p.forget()
	load(other)
	g.Expect(other.parts).To(HaveLen(1))
	other.forget()
	g.Expect(p.retained.Try(publish.MaxContent)).NotTo(BeNil())
}
