// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

var platform = types.NamespacedName{Namespace: "config", Name: "platform"}

// scene is a keeper over a made-up API server that counts.
type scene struct {
	*WithT
	*Keeper
	client.Client
	actor          Actor
	reads, patches int
}

func newScene(t *testing.T, objects ...client.Object) *scene {
	t.Helper()
	s := &scene{WithT: NewWithT(t)}
	all := fake.NewClientBuilder().WithObjects(objects...).WithReturnManagedFields().Build()
	s.Client = interceptor.NewClient(all, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			s.reads++
			return c.Get(ctx, key, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if err := moved(ctx, c, obj, patch); err != nil {
				return err
			}
			if len((&client.PatchOptions{}).ApplyOptions(opts).DryRun) > 0 {
				return c.Patch(ctx, obj, patch, opts...)
			}
			s.patches++
			kind := obj.GetObjectKind().GroupVersionKind()
			if kind.Empty() {
				kind = corev1.SchemeGroupVersion.WithKind("ConfigMap")
			}
			if err := c.Patch(ctx, obj, patch, opts...); err != nil {
				return err
			}
			return number(ctx, c, obj, kind)
		},
	})
	s.Keeper = NewKeeper(all, budget.New(8<<20))
	s.actor = Actor{Reader: s.Client, Writer: s.Client}
	return s
}

// moved refuses to apply over another version than the given one, which the made-up API
// server does not do by itself.
func moved(ctx context.Context, c client.Client, obj client.Object, patch client.Patch) error {
	body, err := patch.Data(obj)
	if err != nil {
		return err
	}
	var given, found metav1.PartialObjectMetadata
	if err := json.Unmarshal(body, &given); err != nil || given.ResourceVersion == "" {
		return err
	}
	found.SetGroupVersionKind(obj.GetObjectKind().GroupVersionKind())
	err = c.Get(ctx, client.ObjectKeyFromObject(obj), &found)
	if err == nil && found.ResourceVersion != given.ResourceVersion {
		err = apierrors.NewConflict(schema.GroupResource{Resource: given.Kind}, given.Name, errors.New("it has moved"))
	}
	return client.IgnoreNotFound(err)
}

// number gives what was applied a version, as an API server does.
func number(ctx context.Context, c client.Client, obj client.Object, kind schema.GroupVersionKind) error {
	all := &unstructured.Unstructured{}
	all.SetGroupVersionKind(kind)
	err := c.Get(ctx, client.ObjectKeyFromObject(obj), all)
	if err == nil {
		err = c.Update(ctx, all)
	}
	obj.SetResourceVersion(all.GetResourceVersion())
	return err
}

func wanted(kind string, content publish.Content, digest string) Wanted {
	c := publish.Wanted(platform, types.NamespacedName{Namespace: "apps", Name: "app"}, []publish.Source{{ID: kind + "/config/a", Suffix: "values"}})[0]
	return Wanted{Copy: c, Digest: digest, Content: func() (publish.Content, error) { return content, nil }}
}

func data(pairs ...string) publish.Content {
	c := publish.Content{Data: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		c.Data[pairs[i]] = pairs[i+1]
	}
	return c
}

func (s *scene) configMap(ctx context.Context) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{}
	s.Expect(s.Client.Get(ctx, client.ObjectKey{Namespace: "apps", Name: "app-values"}, cm)).To(Succeed())
	return cm
}

func (s *scene) state(ctx context.Context, want Wanted) publish.State {
	state, err := s.Look(ctx, s.actor, want)
	s.Expect(err).NotTo(HaveOccurred())
	return state
}

func TestKeeper_makes_follows_and_mends(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	first := wanted("ConfigMap", data("a", "1", "b", "1"), "first")
	s.Expect(s.state(ctx, first)).To(Equal(publish.Absent))
	s.Expect(s.Write(ctx, s.actor, first)).To(Succeed())
	s.Expect(s.state(ctx, first)).To(Equal(publish.Current))
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "1", "b": "1"}))
	s.Expect(s.configMap(ctx).Labels).To(Equal(first.Labels))

	second := wanted("ConfigMap", data("a", "2"), "second")
	s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))
	s.Expect(s.Write(ctx, s.actor, second)).To(Succeed())
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "2"}), "a key that is no more is taken away")

	edited := s.configMap(ctx)
	edited.Data = map[string]string{"a": "edited", "theirs": "kept"}
	s.Expect(s.Update(ctx, edited)).To(Succeed())
	s.Expect(s.state(ctx, second)).To(Equal(publish.Outdated))
	s.Expect(s.Write(ctx, s.actor, second)).To(Succeed())
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "2", "theirs": "kept"}))
	s.Expect(s.state(ctx, second)).To(Equal(publish.Current))
}

func TestKeeper_reads_and_writes_nothing_that_has_not_moved(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
	s.reads, s.patches = 0, 0
	for range 3 {
		s.Expect(s.state(ctx, want)).To(Equal(publish.Current))
	}
	s.Expect(s.reads).To(BeZero())
	s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
	s.Expect(s.patches).To(BeZero())

	other := s.actor
	other.Name = "system:serviceaccount:config:tenant"
	_, err := s.Look(ctx, other, want)
	s.Expect(err).NotTo(HaveOccurred())
	s.Expect(s.reads).To(Equal(2), "what one account has seen tells another nothing")
}

func TestKeeper_of_a_Secret_is_a_Secret(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("Secret", publish.Content{Binary: map[string][]byte{"a": {0, 1}}}, "first")
	s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
	secret := &corev1.Secret{}
	s.Expect(s.Client.Get(ctx, client.ObjectKey{Namespace: "apps", Name: "app-values"}, secret)).To(Succeed())
	s.Expect(secret.Data).To(Equal(map[string][]byte{"a": {0, 1}}))
	s.Expect(s.state(ctx, want)).To(Equal(publish.Current))
	err := s.Client.Get(ctx, client.ObjectKey{Namespace: "apps", Name: "app-values"}, &corev1.ConfigMap{})
	s.Expect(apierrors.IsNotFound(err)).To(BeTrue())
}

func TestKeeper_leaves_alone_what_is_not_its_own(t *testing.T) {
	t.Parallel()
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app-values"}, Data: map[string]string{"a": "theirs"}}
	s, ctx := newScene(t, theirs), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	s.Expect(s.state(ctx, want)).To(Equal(publish.Foreign))
	err := s.Write(ctx, s.actor, want)
	s.Expect(err).To(WithTransform(fault.ReasonOf, Equal(triggerv1.NameConflictReason)))
	s.Expect(err).To(MatchError(ContainSubstring("ConfigMap apps/app-values is not a copy")))
	s.Expect(s.configMap(ctx).Data).To(Equal(theirs.Data))
	s.Expect(s.configMap(ctx).Labels).To(BeEmpty())
}

func TestKeeper_takes_nothing_from_what_appears_meanwhile(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	s.actor.Reader = interceptor.NewClient(s.Client.(client.WithWatch), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			err := c.Get(ctx, key, obj, opts...)
			s.Expect(s.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}, Data: map[string]string{"a": "theirs"}})).To(Succeed())
			return err
		},
	})
	s.Expect(apierrors.IsConflict(errors.Unwrap(s.Write(ctx, s.actor, want)))).To(BeTrue())
	s.Expect(s.configMap(ctx).Data).To(Equal(map[string]string{"a": "theirs"}))
}

func TestKeeper_deletes_what_was_looked_at(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	want := wanted("ConfigMap", data("a", "1"), "first")
	s.Expect(s.Write(ctx, s.actor, want)).To(Succeed())
	found := partial("ConfigMap")
	s.Expect(s.Client.Get(ctx, client.ObjectKey{Namespace: "apps", Name: "app-values"}, found)).To(Succeed())

	moved := found.DeepCopy()
	moved.ResourceVersion = "7"
	s.Expect(s.Keeper.Delete(ctx, s.Client, moved)).NotTo(Succeed(), "someone has changed it, perhaps made it theirs")
	s.Expect(s.Keeper.Delete(ctx, s.Client, found)).To(Succeed())
	s.Expect(s.Keeper.Delete(ctx, s.Client, found)).To(Succeed(), "it is gone")
}

func TestKeeper_surfaces_errors(t *testing.T) {
	t.Parallel()
	s, ctx := newScene(t), t.Context()
	moved := errors.New("moved")
	want := wanted("ConfigMap", data("a", "1"), "first")
	want.Content = func() (publish.Content, error) { return publish.Content{}, moved }
	s.Expect(s.Write(ctx, s.actor, want)).To(MatchError(moved))
	s.Expect(s.state(ctx, want)).To(Equal(publish.Absent), "there is nothing to compare it with")
	s.Expect(s.patches).To(BeZero())
	s.Expect(s.Write(ctx, s.actor, wanted("ConfigMap", data("a", "1"), "first"))).To(Succeed())
	want.Digest = "second"
	_, err := s.Look(ctx, s.actor, want)
	s.Expect(err).To(MatchError(moved))
}
