// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
)

var update = flag.Bool("update", false, "write the golden files")

// now is when the tests look.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func ago(d time.Duration) *metav1.Time { return new(metav1.NewTime(now.Add(-d))) }

// call is one run of the plugin against a cluster that does not exist.
type call struct {
	objects  []client.Object
	funcs    interceptor.Funcs
	terminal bool
	width    int
	env      map[string]string
	in       string
	name     string

	// user is what the API server calls the person, empty if it does not say.
	user        string
	interactive bool

	// ctx is that of the test if it is unset.
	ctx context.Context //nolint:containedctx // A test sets it.

	client client.Client
}

type answer struct {
	out, err string
	code     int
}

func (c *call) run(t *testing.T, args ...string) answer {
	t.Helper()
	if c.client == nil {
		builder := fake.NewClientBuilder().WithScheme(newScheme()).WithRESTMapper(newMapper()).WithObjects(c.objects...).
			WithStatusSubresource(&triggerv1.ValuesTrigger{}, &helmv2.HelmRelease{}).WithInterceptorFuncs(c.reviewed())
		for field, value := range map[string]func(*corev1.Event) string{
			"involvedObject.name": func(e *corev1.Event) string { return e.InvolvedObject.Name },
			"involvedObject.kind": func(e *corev1.Event) string { return e.InvolvedObject.Kind },
		} {
			builder = builder.WithIndex(&corev1.Event{}, field, func(obj client.Object) []string { return []string{value(obj.(*corev1.Event))} })
		}
		c.client = builder.Build()
	}
	var out, errs bytes.Buffer
	if c.ctx == nil {
		c.ctx = t.Context()
	}
	code := Run(c.ctx, args, Env{
		Name: c.name, In: strings.NewReader(c.in), Out: &out, Err: &errs, Terminal: c.terminal, Width: c.width, Interactive: c.interactive,
		Getenv: func(key string) string { return c.env[key] }, Now: func() time.Time { return now },
		Connect: func() (client.Client, error) { return c.client, nil },
	})
	return answer{out.String(), errs.String(), code}
}

// reviewed has the API server say who the person is.
func (c *call) reviewed() interceptor.Funcs {
	funcs := c.funcs
	funcs.Create = func(ctx context.Context, w client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		review, is := obj.(*authenticationv1.SelfSubjectReview)
		switch {
		case !is:
			return w.Create(ctx, obj, opts...)
		case c.user == "":
			return apierrors.NewNotFound(schema.GroupResource{Group: authenticationv1.GroupName, Resource: "selfsubjectreviews"}, "")
		}
		review.Status.UserInfo.Username = c.user
		return nil
	}
	return funcs
}

// golden compares an output with a file, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	g := NewWithT(t)
	path := filepath.Join("testdata", name)
	if *update {
		g.Expect(os.WriteFile(path, []byte(got), 0o644)).To(Succeed())
	}
	want, err := os.ReadFile(path)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(got).To(Equal(string(want)), "%s; -update writes it", path)
}

// trigger returns a ValuesTrigger with a status.
func trigger(namespace, name string, sources []triggerv1.SourceReference, targets ...triggerv1.TargetStatus) *triggerv1.ValuesTrigger {
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Generation: 1}}
	vt.Spec.Sources = sources
	vt.Status.ObservedGeneration, vt.Status.LastDigest = 1, "sha256:1"
	delivered := 0
	for _, t := range targets {
		vt.Spec.Targets = append(vt.Spec.Targets, triggerv1.TargetReference{Name: t.Name, Namespace: t.Namespace})
		if t.State == triggerv1.TargetDelivered {
			delivered++
		}
	}
	vt.Status.Targets = targets
	vt.Status.Delivered = fmt.Sprintf("%d/%d", delivered, len(targets))
	return vt
}

// automatic makes a trigger the one that is generated for a HelmRelease.
func automatic(vt *triggerv1.ValuesTrigger) *triggerv1.ValuesTrigger {
	vt.Labels = map[string]string{triggerv1.ManagedByLabel: triggerv1.FieldManager}
	vt.OwnerReferences = []metav1.OwnerReference{{APIVersion: helmv2.GroupVersion.String(), Kind: helmv2.HelmReleaseKind, Name: vt.Name, UID: "1", Controller: new(true)}}
	vt.Name = generated.Names(vt.Name)[0]
	return vt
}

// ready sets the conditions.
func ready(vt *triggerv1.ValuesTrigger, status metav1.ConditionStatus, reason, message string, stalled bool) *triggerv1.ValuesTrigger {
	vt.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: status, Reason: reason, Message: message}}
	if stalled {
		vt.Status.Conditions = append(vt.Status.Conditions, metav1.Condition{Type: meta.StalledCondition, Status: metav1.ConditionTrue, Reason: reason, Message: message})
	}
	return vt
}

func fine(vt *triggerv1.ValuesTrigger) *triggerv1.ValuesTrigger {
	return ready(vt, metav1.ConditionTrue, meta.SucceededReason, "Delivered", false)
}

func target(namespace, name string, state triggerv1.TargetState, message string) triggerv1.TargetStatus {
	t := triggerv1.TargetStatus{Namespace: namespace, Name: name, State: state, Message: message, Revision: 3, TriggeredAt: ago(3 * time.Minute)}
	if state == triggerv1.TargetDelivered {
		t.Digest, t.DeliveredAt = "sha256:1", ago(2*time.Minute)
	}
	return t
}

func from(kind, namespace, name string, keys ...string) triggerv1.SourceReference {
	return triggerv1.SourceReference{Kind: kind, Namespace: namespace, Name: name, Keys: keys, Force: triggerv1.ForceAuto}
}

func release(name string, refs ...meta.ValuesReference) *helmv2.HelmRelease {
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name}}
	hr.Spec.ValuesFrom = refs
	return hr
}

func valuesFrom(kind, name string) meta.ValuesReference {
	return meta.ValuesReference{Kind: kind, Name: name}
}

func configMap(namespace, name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: data}
}

func secret(namespace, name string, data map[string]string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "secret"}, Data: map[string][]byte{}}
	for key, value := range data {
		s.Data[key] = []byte(value)
	}
	return s
}
