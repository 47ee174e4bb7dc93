// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package app wires the operator: flags and environment become the options of a
// manager, and the manager gets its reconcilers. It is a package, not a main
// program, so that tests start the very manager that production runs.
package app

import (
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/fluxcd/pkg/runtime/acl"
	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
	feathelper "github.com/fluxcd/pkg/runtime/features"
	"github.com/fluxcd/pkg/runtime/jitter"
	"github.com/fluxcd/pkg/runtime/leaderelection"
	"github.com/fluxcd/pkg/runtime/logger"
)

// Names of the flags that code refers to.
const (
	flagMetricsAddr     = "metrics-addr"
	flagHealthAddr      = "health-addr"
	flagEventsAddr      = "events-addr"
	flagConcurrent      = "concurrent"
	flagCacheSync       = "cache-sync-timeout"
	flagGracefulStop    = "graceful-shutdown-timeout"
	flagAllNamespaces   = "watch-all-namespaces"
	flagLabelSelector   = "watch-label-selector"
	flagDefaultSA       = "default-service-account"
	flagSecrets         = "secrets"
	flagAutodiscovery   = "enable-hr-autodiscovery"
	flagSettleTime      = "settle-time"
	flagProviders       = "analysis-providers"
	flagMetricsSecure   = "metrics-secure"
	flagMetricsCertPath = "metrics-cert-path"
	flagMetricsCertName = "metrics-cert-name"
	flagMetricsCertKey  = "metrics-cert-key"
	flagHTTP2           = "enable-http2"
	flagVersion         = "version"

	// Flux's, whose package comes with much of kubectl.
	flagQPS   = "kube-api-qps"
	flagBurst = "kube-api-burst"

	// Bound by fluxcd/pkg/runtime.
	flagMinRetryDelay  = "min-retry-delay"
	flagMaxRetryDelay  = "max-retry-delay"
	flagLogLevel       = "log-level"
	flagLogEncoding    = "log-encoding"
	flagLeaderElection = "enable-leader-election"
	flagLeaseDuration  = "leader-election-lease-duration"
	flagRenewDeadline  = "leader-election-renew-deadline"
	flagRetryPeriod    = "leader-election-retry-period"
	flagJitter         = "interval-jitter-percentage"
	flagFeatureGates   = "feature-gates"
)

// Options is everything that the command line and the environment decide. Get
// one from ParseOptions: the zero value has no defaults.
type Options struct {
	// MetricsAddr and HealthAddr are listen addresses; "0" serves nothing.
	MetricsAddr string
	HealthAddr  string

	// EventsAddr is the URL of Flux's notification-controller. Empty means that
	// events go to the Kubernetes API only.
	EventsAddr string

	// Concurrent is the number of objects of each kind reconciled at a time.
	Concurrent int

	// CacheSyncTimeout bounds the first listing of what is watched; the process
	// ends when it takes longer.
	CacheSyncTimeout time.Duration

	// GracefulShutdownTimeout is what running reconciliations get to finish.
	GracefulShutdownTimeout time.Duration

	// DefaultServiceAccount is impersonated by triggers that name no account.
	DefaultServiceAccount string

	// Secrets says that the operator may read Secrets.
	Secrets bool

	// Autodiscovery makes every ConfigMap and Secret in spec.valuesFrom of a
	// HelmRelease a source of it.
	Autodiscovery bool

	// SettleTime is how long a change settles that a GitOps tool or Helm has applied.
	// 0 means not at all.
	SettleTime time.Duration

	// AnalysisProviders is the file with the providers that stages may be measured by,
	// which is reloaded when it changes. Empty means none.
	AnalysisProviders string

	// MetricsSecure serves metrics over TLS, to clients that the API server
	// authenticates and authorises only.
	MetricsSecure bool

	// MetricsCertPath is the directory of the metrics certificate, which is
	// reloaded when it changes. Empty means a self-signed one.
	MetricsCertPath string
	MetricsCertName string
	MetricsCertKey  string

	// EnableHTTP2 allows HTTP/2 on the metrics server.
	EnableHTTP2 bool

	// ShowVersion asks for the version instead of a run.
	ShowVersion bool

	Log            logger.Options
	ACL            acl.Options
	LeaderElection leaderelection.Options
	RateLimiter    runtimectrl.RateLimiterOptions
	Watch          runtimectrl.WatchOptions
	Jitter         jitter.IntervalOptions
	FeatureGates   feathelper.FeatureGates

	// QPS and Burst limit the requests of the client.
	QPS   float32
	Burst int

	// ClientLimited says that a client-side rate limit was set. Otherwise
	// the API server's priority and fairness is trusted where it is enabled.
	ClientLimited bool

	// RuntimeNamespace is the namespace that the operator runs in: of its leader
	// election lease, and the only one watched without --watch-all-namespaces.
	// Empty when it is unknown.
	RuntimeNamespace string

	// origin names where a flag got its value when that was not the flag itself,
	// so that an error names what the user wrote.
	origin map[string]string
}

// BindFlags defines all flags on fs and sets the defaults.
func (o *Options) BindFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.MetricsAddr, flagMetricsAddr, ":8080",
		"Address the metrics endpoint binds to, '0' to serve none.")
	fs.StringVar(&o.HealthAddr, flagHealthAddr, ":9440",
		"Address the health endpoint binds to, '0' to serve none.")
	fs.StringVar(&o.EventsAddr, flagEventsAddr, "",
		"URL of the events receiver, Flux's notification-controller.")
	fs.IntVar(&o.Concurrent, flagConcurrent, 10,
		"Number of objects of each kind reconciled at a time. Environment: "+envConcurrency+".")
	fs.DurationVar(&o.CacheSyncTimeout, flagCacheSync, 2*time.Minute,
		"How long the first listing of the watched objects may take. Environment: "+envCacheSync+".")
	// With the time that events get to drain, below the 30 seconds that a Pod has
	// by default between the request to stop and the kill.
	fs.DurationVar(&o.GracefulShutdownTimeout, flagGracefulStop, 20*time.Second,
		"How long running reconciliations may take to finish when the operator stops.")
	fs.StringVar(&o.DefaultServiceAccount, flagDefaultSA, "",
		"Service account impersonated by triggers that name none.")
	fs.BoolVar(&o.Secrets, flagSecrets, true,
		"Read Secrets. When false the operator needs no permission on them, and reports Secret sources.")
	fs.BoolVar(&o.Autodiscovery, flagAutodiscovery, true,
		"Make every ConfigMap and Secret in the valuesFrom of a HelmRelease a source of it.")
	fs.DurationVar(&o.SettleTime, flagSettleTime, 2*time.Second,
		"How long a change settles that Flux, Argo CD or Helm has applied, until what belongs to it is applied too. 0 delivers it at once.")
	fs.StringVar(&o.AnalysisProviders, flagProviders, "",
		"File with the providers (Prometheus, HTTP) that the analysis of stages may use.")
	fs.BoolVar(&o.MetricsSecure, flagMetricsSecure, false,
		"Serve metrics over TLS with authentication and authorization by the API server. "+
			"Defaults to true when --"+aliasMetricsAddr+" is given.")
	fs.StringVar(&o.MetricsCertPath, flagMetricsCertPath, "",
		"Directory of the metrics certificate. Without it a self-signed one is used.")
	fs.StringVar(&o.MetricsCertName, flagMetricsCertName, "tls.crt",
		"File name of the metrics certificate.")
	fs.StringVar(&o.MetricsCertKey, flagMetricsCertKey, "tls.key",
		"File name of the key of the metrics certificate.")
	fs.BoolVar(&o.EnableHTTP2, flagHTTP2, false,
		"Allow HTTP/2 on the metrics server.")
	fs.BoolVar(&o.ShowVersion, flagVersion, false,
		"Print the version and exit.")

	// Only these two of Flux's watch flags: the third selects ConfigMaps by
	// Flux's own watch label, on which this operator does not depend.
	fs.BoolVar(&o.Watch.AllNamespaces, flagAllNamespaces, true,
		"Watch all namespaces; when false only the one named by the environment variable "+envRuntimeNamespace+".")
	fs.StringVar(&o.Watch.LabelSelector, flagLabelSelector, "",
		"Serve only objects with matching labels, e.g. 'sharding.fluxcd.io/key=shard1'.")

	o.Log.BindFlags(fs)
	fs.Lookup(flagLogLevel).Usage = "Log verbosity level. Can be one of " + strings.Join(logLevelNames(), ", ") +
		"; the last four log what 'error' logs. Environment: " + envLogLevel + "."
	o.ACL.BindFlags(fs)
	o.LeaderElection.BindFlags(fs)
	o.Jitter.BindFlags(fs)
	o.FeatureGates.BindFlags(fs)

	// One change may fan out to hundreds of releases, each a read and a patch;
	// Flux's 50 and 300 would make the last of them wait for seconds.
	const unless = " Unless given, requests are not limited where the API server does priority and fairness."
	fs.Float32Var(&o.QPS, flagQPS, 300,
		"The maximum queries-per-second of requests sent to the Kubernetes API."+unless)
	fs.IntVar(&o.Burst, flagBurst, 600,
		"The maximum burst queries-per-second of requests sent to the Kubernetes API."+unless)

	// Flux's fifteen minutes fit failing chart downloads. What fails here is the
	// API server, and a change must not wait that long once it is back.
	o.RateLimiter.BindFlags(fs)
	setDefault(fs, flagMaxRetryDelay, "1m0s")

	bindAliases(fs)
}

// setDefault changes the default of a flag that a library has bound.
func setDefault(fs *pflag.FlagSet, name, value string) {
	f := fs.Lookup(name)
	if err := f.Value.Set(value); err != nil {
		panic("default of --" + name + ": " + err.Error())
	}
	f.DefValue = value
}
