// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	cmKind     = triggerv1.ConfigMapKind
	secretKind = triggerv1.SecretKind

	// patience is how long a test watches for what must not happen.
	patience = 2 * time.Second
)

// own starts a world for one test, with an operator of other options than the
// standard ones.
func own(t *testing.T, w world.Options, o operator.Options) (*env, *operator.Operator) {
	t.Helper()
	t.Parallel()
	e := in(t, world.ForTest(t, w))
	op, err := operator.Install(e.ctx, e.w, manager, o)
	e.Expect(err).NotTo(HaveOccurred())
	return e, op
}

// again returns the view of a subtest on the same world.
func (e *env) again(t *testing.T) *env { return in(t, e.w) }

// setValues replaces what releases read of a ConfigMap.
func (e *env) setValues(cm *corev1.ConfigMap, values string) {
	e.t.Helper()
	e.setData(cm, kit.ValuesKey, values)
}

// delete removes an object and waits until it is gone.
func (e *env) delete(obj client.Object) {
	e.t.Helper()
	e.Expect(e.c.Delete(e.ctx, obj)).To(Succeed())
	e.Eventually(e.gone(obj)).Should(BeTrue())
}

// annotate sets annotations of an object that exists.
func annotate[T client.Object](e *env, obj T, set map[string]string) {
	e.t.Helper()
	edit(e, obj, func(obj T) {
		annotations := obj.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		maps.Copy(annotations, set)
		obj.SetAnnotations(annotations)
	})
}

// request does what `flux reconcile` does: it asks for a reconciliation of a trigger, and
// with further annotations for more than that.
func (e *env) request(namespace, trigger, value string, more ...string) {
	e.t.Helper()
	set := map[string]string{meta.ReconcileRequestAnnotation: value}
	for _, key := range more {
		set[key] = value
	}
	annotate(e, kit.Trigger(namespace, trigger), set)
}

// suspend suspends or resumes a HelmRelease.
func (e *env) suspend(namespace, name string, suspend bool) {
	e.t.Helper()
	edit(e, kit.Release(namespace, name), func(hr *helmv2.HelmRelease) { hr.Spec.Suspend = suspend })
}

// get returns a HelmRelease.
func (e *env) get(namespace, name string) *helmv2.HelmRelease {
	e.t.Helper()
	return releasesOf(e, namespace, name)[0]
}

// sources returns the names of the sources that a trigger refers to, none while there is
// no such trigger.
func (e *env) sources(namespace, trigger string) func() ([]string, error) {
	return func() ([]string, error) {
		vt, err := e.trigger(namespace, trigger)
		var names []string
		for _, s := range vt.Spec.Sources {
			names = append(names, s.Name)
		}
		return names, client.IgnoreNotFound(err)
	}
}

// target returns what a trigger records of a HelmRelease.
func (e *env) target(namespace, trigger, target string) func() (triggerv1.TargetStatus, error) {
	return func() (triggerv1.TargetStatus, error) {
		vt, err := e.trigger(namespace, trigger)
		return targetOf(vt, target), err
	}
}

// condition returns a condition of a trigger about its present spec, as in
// "False SourceNotFound: ConfigMap …", or nothing.
func (e *env) condition(namespace, trigger, condition string) func() (string, error) {
	return func() (string, error) {
		vt, err := e.trigger(namespace, trigger)
		if err != nil || vt.Status.ObservedGeneration != vt.Generation {
			return "", client.IgnoreNotFound(err)
		}
		return kit.Says(vt, condition), nil
	}
}

// stalled expects a trigger to wait for a person, and to tell why by its conditions and
// by a Warning event.
func (e *env) stalled(namespace, trigger, reason string, says ...string) {
	e.t.Helper()
	matchers := []gomegatypes.GomegaMatcher{HavePrefix("True " + reason + ": ")}
	for _, text := range says {
		matchers = append(matchers, ContainSubstring(text))
	}
	e.Eventually(e.condition(namespace, trigger, meta.StalledCondition)).Should(And(matchers...))
	e.Expect(e.condition(namespace, trigger, meta.ReadyCondition)()).To(HavePrefix("False " + reason + ": "))
	e.Expect(e.condition(namespace, trigger, meta.ReconcilingCondition)()).To(BeEmpty())
	vt, err := e.trigger(namespace, trigger)
	e.Expect(err).NotTo(HaveOccurred())
	for _, text := range says {
		e.Eventually(e.eventsAbout(triggerv1.ValuesTriggerKind, namespace, vt.Name, corev1.EventTypeWarning, reason)).
			Should(ContainElement(ContainSubstring(text)))
	}
}

// eventsAbout returns the messages of the events about one object.
func (e *env) eventsAbout(kind, namespace, name, eventType, reason string) func() ([]string, error) {
	return func() ([]string, error) {
		list := &corev1.EventList{}
		err := e.c.List(e.ctx, list, client.InNamespace(namespace), client.MatchingFields{
			"involvedObject.kind": kind, "involvedObject.name": name, "type": eventType, "reason": reason,
		})
		var messages []string
		for _, event := range list.Items {
			messages = append(messages, event.Message)
		}
		return messages, err
	}
}

// stay expects releases to keep their Helm revisions.
func (e *env) stay(namespace string, revisions map[string]int) {
	e.t.Helper()
	e.Consistently(func() (map[string]int, error) {
		now := map[string]int{}
		for name := range revisions {
			revision, err := e.revision(namespace, name)()
			if err != nil {
				return nil, err
			}
			now[name] = revision
		}
		return now, nil
	}, patience).Should(Equal(revisions))
}

// asked returns the requests on HelmReleases that an operator, perhaps in the name of an
// account, has made in a namespace since a mark.
func (e *env) asked(op *operator.Operator, namespace string, since world.AuditMark) func() ([]world.AuditEvent, error) {
	return func() ([]world.AuditEvent, error) {
		return e.w.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
			return world.WritesBy(op.User())(event) && event.Asks && event.Namespace == namespace
		})
	}
}

func (e *env) mark() world.AuditMark {
	e.t.Helper()
	mark, err := e.w.AuditMark(e.ctx)
	e.Expect(err).NotTo(HaveOccurred())
	return mark
}

// account creates a service account with the given rights in its namespace.
func (e *env) account(namespace, name string, rules ...rbacv1.PolicyRule) {
	e.t.Helper()
	e.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	e.grant(namespace, types.NamespacedName{Namespace: namespace, Name: name}, rules...)
}

// grant gives rights in a namespace to a service account, perhaps of another.
func (e *env) grant(namespace string, account types.NamespacedName, rules ...rbacv1.PolicyRule) {
	e.t.Helper()
	if len(rules) == 0 {
		return
	}
	named := metav1.ObjectMeta{Namespace: namespace, GenerateName: account.Name + "-"}
	role := &rbacv1.Role{ObjectMeta: named, Rules: rules}
	e.create(role)
	e.create(&rbacv1.RoleBinding{
		ObjectMeta: named,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	})
}

// Rights that a trigger's account needs.
func mayRead(resource string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{"get", "list"}}
}

func mayOnReleases(verbs ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{APIGroups: []string{helmv2.GroupVersion.Group}, Resources: []string{"helmreleases"}, Verbs: verbs}
}

func lower[T ~string](text T) string { return strings.ToLower(string(text)) }

// readyConditionOf returns the Ready condition of a HelmRelease about its present spec.
func (e *env) readyConditionOf(namespace, name string) func() (string, error) {
	return func() (string, error) {
		hr := &helmv2.HelmRelease{}
		err := e.c.Get(e.ctx, types.NamespacedName{Namespace: namespace, Name: name}, hr)
		if err != nil || conditions.GetObservedGeneration(hr, meta.ReadyCondition) != hr.Generation {
			return "", err
		}
		return kit.Says(hr, meta.ReadyCondition), nil
	}
}

// setInline sets values in the spec of a HelmRelease.
func setInline(hr *helmv2.HelmRelease, values map[string]any) {
	raw, err := json.Marshal(values)
	if err != nil {
		panic(err)
	}
	hr.Spec.Values = &apiextensionsv1.JSON{Raw: raw}
}

// values returns the values of a HelmRelease from JSON.
func values(text string) *apiextensionsv1.JSON {
	return &apiextensionsv1.JSON{Raw: []byte(text)}
}
