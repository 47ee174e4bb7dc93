// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/tools/record"
)

const (
	oldSchema = `{"components":{"schemas":{"io.fluxcd.toolkit.helm.v2.HelmReleaseList":{"x-kubernetes-group-version-kind":[{"kind":"HelmReleaseList"}]},
"io.fluxcd.toolkit.helm.v2.HelmRelease":{"x-kubernetes-group-version-kind":[{"group":"helm.toolkit.fluxcd.io","kind":"HelmRelease","version":"v2"}],
"properties":{"status":{"properties":{"history":{"items":{"properties":{"digest":{"type":"string"}}}}}}}}}}}`
	newSchema = `{"components":{"schemas":{
"io.fluxcd.toolkit.helm.v2.HelmRelease":{"x-kubernetes-group-version-kind":[{"group":"helm.toolkit.fluxcd.io","kind":"HelmRelease","version":"v2"}],
"properties":{"status":{"properties":{"history":{"items":{"properties":{"action":{"type":"string"}}}}}}}}}}}`
)

func TestLacksAction(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		document string
		lacks    bool
		fails    bool
	}{
		"before 1.5":             {document: oldSchema, lacks: true},
		"1.5":                    {document: newSchema},
		"without any history":    {document: `{"components":{"schemas":{"a":{"x-kubernetes-group-version-kind":[{"kind":"HelmRelease"}]}}}}`, lacks: true},
		"without HelmReleases":   {document: `{"components":{"schemas":{}}}`, fails: true},
		"not what was requested": {document: `404`, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			lacks, err := lacksAction([]byte(tt.document))
			g.Expect(lacks).To(Equal(tt.lacks))
			g.Expect(err != nil).To(Equal(tt.fails), "%v", err)
		})
	}
}

// served is an API server that serves one document after the other, and then the last one.
type served struct{ documents []string }

func (s *served) Paths() (map[string]openapi.GroupVersion, error) {
	return map[string]openapi.GroupVersion{"apis/helm.toolkit.fluxcd.io/v2": s}, nil
}

func (s *served) Schema(string) ([]byte, error) {
	document := s.documents[0]
	if len(s.documents) > 1 {
		s.documents = s.documents[1:]
	}
	return []byte(document), nil
}

func (*served) ServerRelativeURL() string { return "" }

func TestFluxCheck_reports_once_and_again_after_an_upgrade(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	recorder := record.NewFakeRecorder(10)
	gauge := newOutdatedGauge(prometheus.NewRegistry())
	check := &fluxCheck{
		schemas: &served{documents: []string{oldSchema, oldSchema, "broken", newSchema, oldSchema, newSchema}}, events: recorder,
		gauge: gauge, log: logr.Discard(), interval: time.Millisecond,
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- check.Start(ctx) }()
	for range 2 {
		g.Eventually(recorder.Events).Should(Receive(Equal("Warning FluxOutdated " + fluxOutdated)))
	}
	g.Eventually(func() float64 { return testutil.ToFloat64(gauge) }).Should(BeZero())
	g.Consistently(recorder.Events, "50ms").ShouldNot(Receive())
	cancel()
	g.Eventually(done).Should(Receive(BeNil()))
}
