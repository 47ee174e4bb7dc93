// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// gather returns what a scrape shows, as in `name{label="value"}`, of a histogram its
// count and sum.
func gather(g Gomega, registry prometheus.Gatherer) map[string]float64 {
	families, err := registry.Gather()
	g.Expect(err).NotTo(HaveOccurred())
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			name := strings.TrimPrefix(family.GetName(), "trigger_")
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case metric.GetHistogram() != nil:
				values[name+"_count"] = float64(metric.GetHistogram().GetSampleCount())
				values[name+"_sum"] = metric.GetHistogram().GetSampleSum()
			case metric.GetCounter() != nil:
				values[name] = metric.GetCounter().GetValue()
			default:
				values[name] = metric.GetGauge().GetValue()
			}
		}
	}
	return values
}

// counted returns the metrics that are not 0.
func counted(g Gomega, registry prometheus.Gatherer) map[string]float64 {
	values := gather(g, registry)
	maps.DeleteFunc(values, func(_ string, value float64) bool { return value == 0 })
	return values
}

func TestNew_every_counter_is_there_from_the_beginning(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	registry := prometheus.NewPedanticRegistry()
	New(registry)
	values := gather(g, registry)
	g.Expect(slices.Sorted(maps.Keys(values))).To(Equal([]string{
		"analysis_config_last_reload_successful",
		"change_to_finished_seconds_count", "change_to_finished_seconds_sum",
		"deliveries_total{outcome=delivered}", "deliveries_total{outcome=failed}", "deliveries_total{outcome=superseded}",
		"edit_to_trigger_seconds_count", "edit_to_trigger_seconds_sum",
		"measurements_total{purpose=check,result=failed}", "measurements_total{purpose=check,result=inconclusive}",
		"measurements_total{purpose=check,result=successful}",
		"measurements_total{purpose=start,result=failed}", "measurements_total{purpose=start,result=inconclusive}",
		"measurements_total{purpose=start,result=successful}",
		"requests_lost_total", "requests_total{forced=false}", "requests_total{forced=true}",
		"rollouts_total{outcome=finished}", "rollouts_total{outcome=halted}",
		"rollouts_total{outcome=rollback_halted}", "rollouts_total{outcome=rolled_back}", "rollouts_total{outcome=superseded}",
		"source_reads_total{kind=ConfigMap,result=error}", "source_reads_total{kind=ConfigMap,result=forbidden}",
		"source_reads_total{kind=ConfigMap,result=not_found}", "source_reads_total{kind=ConfigMap,result=ok}",
		"source_reads_total{kind=Secret,result=error}", "source_reads_total{kind=Secret,result=forbidden}",
		"source_reads_total{kind=Secret,result=not_found}", "source_reads_total{kind=Secret,result=ok}",
		"trigger_to_delivered_seconds_count", "trigger_to_delivered_seconds_sum",
	}))
	g.Expect(counted(g, registry)).To(BeEmpty())
}

func TestReader_counts_reads_of_content_by_kind_and_result(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	resource := schema.GroupResource{Resource: "secrets"}
	answers := map[string]error{"broken": errors.New("broken"), "denied": apierrors.NewForbidden(resource, "denied", nil)}
	reader := interceptor.NewClient(fake.NewClientBuilder().WithObjects(
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "there"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "there"}},
	).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if err := answers[key.Name]; err != nil {
				return err
			}
			return c.Get(ctx, key, obj, opts...)
		},
	})
	registry := prometheus.NewPedanticRegistry()
	counting := New(registry).Reader(reader)
	get := func(obj client.Object, name string) error {
		return counting.Get(t.Context(), client.ObjectKey{Namespace: "apps", Name: name}, obj)
	}
	g.Expect(get(&corev1.ConfigMap{}, "there")).To(Succeed())
	g.Expect(get(&corev1.ConfigMap{}, "there")).To(Succeed())
	g.Expect(get(&corev1.ConfigMap{}, "gone")).To(MatchError(apierrors.IsNotFound, "IsNotFound"))
	g.Expect(get(&corev1.Secret{}, "there")).To(Succeed())
	g.Expect(get(&corev1.Secret{}, "denied")).To(MatchError(apierrors.IsForbidden, "IsForbidden"))
	g.Expect(get(&corev1.Secret{}, "broken")).To(MatchError("broken"))
	g.Expect(get(&corev1.Namespace{}, "broken")).To(MatchError("broken"), "no source")
	g.Expect(counted(g, registry)).To(Equal(map[string]float64{
		"source_reads_total{kind=ConfigMap,result=ok}": 2, "source_reads_total{kind=ConfigMap,result=not_found}": 1,
		"source_reads_total{kind=Secret,result=ok}": 1, "source_reads_total{kind=Secret,result=forbidden}": 1,
		"source_reads_total{kind=Secret,result=error}": 1,
	}))
}
