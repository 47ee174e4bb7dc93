// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/util/cert"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/runtime/leaderelection"
	"github.com/fluxcd/pkg/runtime/pprof"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/controller"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/guard"
)

const (
	// leaseName is the name of the leader election lease.
	leaseName = triggerv1.FieldManager + "-leader-election"

	// reconcileTimeout ends a reconciliation that hangs, so that its worker is
	// not lost. One that patches 500 releases takes seconds.
	reconcileTimeout = 5 * time.Minute
)

// NewScheme returns the kinds that the operator knows.
func NewScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme)) // Kubernetes' other kinds are not touched.
	utilruntime.Must(helmv2.AddToScheme(scheme))
	utilruntime.Must(triggerv1.AddToScheme(scheme))
	return scheme
}

// managerOptions translates the options into those of the manager.
func managerOptions(opts Options) (ctrl.Options, error) {
	metrics, err := metricsOptions(opts)
	if err != nil {
		return ctrl.Options{}, err
	}

	leaseID := leaseName
	if opts.Watch.LabelSelector != "" {
		// Each shard has its own leader.
		leaseID = leaderelection.GenerateID(leaseName, opts.Watch.LabelSelector)
	}

	return ctrl.Options{
		Scheme: NewScheme(),
		Logger: ctrl.Log,
		Cache:  cacheOptions(opts),
		Client: client.Options{
			FieldOwner: triggerv1.FieldManager,
			Cache: &client.CacheOptions{
				// Only the metadata of these is cached. Their content is read live, and
				// only that of objects that are referenced.
				DisableFor: []client.Object{&corev1.ConfigMap{}, &corev1.Secret{}},
			},
		},
		Metrics:                       metrics,
		HealthProbeBindAddress:        opts.HealthAddr,
		GracefulShutdownTimeout:       &opts.GracefulShutdownTimeout,
		LeaderElection:                opts.LeaderElection.Enable,
		LeaderElectionID:              leaseID,
		LeaderElectionNamespace:       opts.RuntimeNamespace,
		LeaderElectionReleaseOnCancel: opts.LeaderElection.ReleaseOnCancel,
		LeaseDuration:                 &opts.LeaderElection.LeaseDuration,
		RenewDeadline:                 &opts.LeaderElection.RenewDeadline,
		RetryPeriod:                   &opts.LeaderElection.RetryPeriod,
		Controller: config.Controller{
			MaxConcurrentReconciles: opts.Concurrent,
			CacheSyncTimeout:        opts.CacheSyncTimeout,
			ReconciliationTimeout:   reconcileTimeout,
			RecoverPanic:            new(true),
			// A replica that is not the leader fills its caches and queues too, so
			// that it can take over at once. Map functions and predicates must
			// therefore write nothing.
			EnableWarmup: new(true),
			// The check is per process, and would forbid a second manager in one.
			SkipNameValidation: new(true),
		},
	}, nil
}

// cacheOptions returns what the controllers want cached, of the namespaces that
// are watched.
func cacheOptions(opts Options) cache.Options {
	out := controller.CacheOptions(opts.Secrets)
	// A read of anything else would silently start to watch and cache all of it.
	out.ReaderFailOnMissingInformer = true
	if !opts.Watch.AllNamespaces {
		out.DefaultNamespaces = map[string]cache.Config{opts.RuntimeNamespace: {}}
	}
	return out
}

// metricsOptions returns how metrics and profiles are served.
func metricsOptions(opts Options) (metricsserver.Options, error) {
	out := metricsserver.Options{
		BindAddress: opts.MetricsAddr,
		// A copy, since the original belongs to the package.
		ExtraHandlers: maps.Clone(pprof.GetHandlers()),
	}
	if !opts.MetricsSecure {
		return out, nil
	}

	out.SecureServing = true
	out.FilterProvider = guard.Filter
	// Off unless the flag is set, as HTTP/2 lets one client cost the server much
	// (CVE-2023-44487, CVE-2023-39325).
	protocols := []string{"http/1.1"}
	if opts.EnableHTTP2 {
		protocols = []string{"h2", "http/1.1"}
	}
	out.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = protocols }}
	if opts.MetricsCertPath == "" {
		out.TLSOpts = append(out.TLSOpts, selfSigned)
		return out, nil
	}

	out.CertDir, out.CertName, out.KeyName = opts.MetricsCertPath, opts.MetricsCertName, opts.MetricsCertKey
	for _, name := range []string{opts.MetricsCertName, opts.MetricsCertKey} {
		// The metrics server would quietly use a self-signed certificate instead.
		if _, err := os.Stat(filepath.Join(opts.MetricsCertPath, name)); err != nil {
			return out, fmt.Errorf("invalid value %q for --%s: %w", opts.MetricsCertPath, flagMetricsCertPath, err)
		}
	}
	return out, nil
}

// selfSigned has a server make a certificate for the first client: by itself, it makes one at each
// start, which computes longer than all other work of a start.
func selfSigned(c *tls.Config) {
	certificate := sync.OnceValues(func() (*tls.Certificate, error) {
		certPEM, keyPEM, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
		if err != nil {
			return nil, fmt.Errorf("cannot make a certificate for metrics: %w", err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		return &pair, err
	})
	c.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate() }
}
