// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/opencontainers/go-digest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/fluxcd/pkg/runtime/conditions"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
)

const sourceName = "source"

// optedOut keeps the operator away from a HelmRelease of another contestant.
func optedOut(hr *helmv2.HelmRelease) {
	kit.Labelled(hr, triggerv1.LabelReconcilerNameSourceKey, triggerv1.LabelValueDisabled)
}

// values returns a ConfigMap with the content of a round.
func values(namespace, name string, round int) *corev1.ConfigMap {
	cm := kit.Values(namespace, name, content(round))
	cm.Labels, cm.Annotations = map[string]string{}, map[string]string{}
	return cm
}

func content(round int) string { return fmt.Sprintf("round: %d\n", round) }

// edit gives a ConfigMap the content of a round, in one request.
func (s *stage) edit(ctx context.Context, namespace, name string, round int) error {
	cm := kit.ConfigMap(namespace, name, nil)
	patch := fmt.Sprintf(`{"data":{%q:%q}}`, kit.ValuesKey, content(round))
	return s.c.Patch(ctx, cm, client.RawPatch(types.MergePatchType, []byte(patch)))
}

// fleet is a namespace with HelmReleases that helm-controller never sees: the bench
// plays its part, so that nothing but the triggers is measured.
type fleet struct {
	s         *stage
	namespace string
	names     []string

	// followed is true if each release is a target of a trigger.
	followed bool

	// releases sees the requests, and answered are those that have an answer, by name.
	releases *watcher[*helmv2.HelmRelease]
	answered map[string]string
}

func nameOf(i int) string { return fmt.Sprintf("app-%04d", i) }

// fleet makes a namespace with a ConfigMap and n HelmReleases, all of them installed.
func (s *stage) fleet(ctx context.Context, namespace string, n int, source *corev1.ConfigMap, modify ...func(*helmv2.HelmRelease)) (*fleet, error) {
	f := &fleet{s: s, namespace: namespace}
	for i := range n {
		f.names = append(f.names, nameOf(i))
	}
	if err := s.namespace(ctx, namespace); err != nil {
		return nil, err
	}
	if source.Annotations[limitTargets] != "" {
		source.Annotations[limitTargets] = strings.Join(f.names, ",")
	}
	if source.Annotations[triggerv1.HRNameAnnotation] != "" {
		source.Annotations[triggerv1.HRNameAnnotation] = strings.Join(f.names, ",")
	}
	if err := s.c.Create(ctx, source); err != nil {
		return nil, err
	}
	err := many(n, func(i int) error {
		hr := kit.Release(namespace, f.names[i], modify...)
		if err := s.c.Create(ctx, hr); err != nil {
			return err
		}
		return f.report(ctx, hr)
	})
	return f, err
}

// report writes the status of a HelmRelease as helm-controller would after an upgrade
// with the present values.
func (f *fleet) report(ctx context.Context, hr *helmv2.HelmRelease) error {
	values, err := chartutil.ChartValuesFromReferences(ctx, logr.Discard(), f.s.c, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
	if err != nil {
		return err
	}
	old := hr.DeepCopy()
	version := kit.Revision(hr) + 1
	// Younger than what was there before, for certain: times are in seconds.
	deployed := metav1.NewTime(time.Now().Add(time.Minute))
	hr.Status.History = helmv2.Snapshots{{
		Name: hr.Name, Namespace: hr.Namespace, Version: version, Status: "deployed",
		ConfigDigest: chartutil.DigestValues(digest.Canonical, values).String(),
		Digest:       digest.FromString(hr.Name).String(), ChartName: "test", ChartVersion: "0.1.0",
		FirstDeployed: deployed, LastDeployed: deployed,
	}}
	hr.Status.ObservedGeneration = hr.Generation
	hr.Status.LastHandledReconcileAt = hr.Annotations[meta.ReconcileRequestAnnotation]
	hr.Status.LastHandledForceAt = hr.Annotations[meta.ForceRequestAnnotation]
	conditions.MarkTrue(hr, meta.ReadyCondition, helmv2.UpgradeSucceededReason, "Helm upgrade succeeded for release %s.v%d", hr.Name, version)
	return f.s.c.Status().Patch(ctx, hr, client.MergeFrom(old))
}

// settle answers all requests as helm-controller would, not faster than the given pause
// between two, and waits until all triggers of the namespace are Ready.
func (f *fleet) settle(ctx context.Context, between time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		answered, err := f.answer(ctx, between)
		if err != nil {
			return err
		}
		waits, err := f.waits(ctx)
		if err != nil || waits == "" && answered == 0 {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%s does not settle: %w; %s", f.namespace, err, waits)
		}
	}
}

// answer handles the requests that are open.
func (f *fleet) answer(ctx context.Context, between time.Duration) (int, error) {
	var open []*helmv2.HelmRelease
	for _, hr := range f.releases.in(f.namespace) {
		token := hr.Annotations[meta.ReconcileRequestAnnotation]
		if token != hr.Status.LastHandledReconcileAt && token != f.answered[hr.Name] { // The watch may be behind.
			f.answered[hr.Name] = token
			open = append(open, hr.DeepCopy())
		}
	}
	start := time.Now()
	return len(open), many(len(open), func(i int) error {
		if err := pause(ctx, time.Until(start.Add(time.Duration(i)*between))); err != nil {
			return err
		}
		return f.report(ctx, open[i])
	})
}

// waits says for what the triggers of the namespace wait, nothing if all are there and have
// delivered.
func (f *fleet) waits(ctx context.Context) (string, error) {
	list := &triggerv1.ValuesTriggerList{}
	if err := f.s.c.List(ctx, list, client.InNamespace(f.namespace)); err != nil {
		return "", err
	}
	all := 0
	for i := range list.Items {
		vt := &list.Items[i]
		said := fmt.Sprintf("ValuesTrigger %s: %s", vt.Name, conditions.GetMessage(vt, meta.ReadyCondition))
		if conditions.IsStalled(vt) {
			return "", errors.New(said)
		}
		if !delivered(vt) {
			return said, nil
		}
		// Not every target has an entry in the status.
		if _, total, found := strings.Cut(vt.Status.Delivered, "/"); found {
			n, err := strconv.Atoi(total)
			if err != nil {
				return "", err
			}
			all += n
		}
	}
	if f.followed && all != len(f.names) {
		return fmt.Sprintf("%d of %d HelmReleases are targets", all, len(f.names)), nil
	}
	return "", nil
}

// delivered reports whether a trigger says that all its targets run the present content.
func delivered(vt *triggerv1.ValuesTrigger) bool {
	for _, t := range vt.Status.Targets {
		if t.State != triggerv1.TargetDelivered || t.Digest != vt.Status.LastDigest {
			return false
		}
	}
	return conditions.IsReady(vt)
}
