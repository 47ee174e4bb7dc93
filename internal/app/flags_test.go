// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"crypto/tls"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"

	feathelper "github.com/fluxcd/pkg/runtime/features"
	"github.com/fluxcd/pkg/runtime/leaderelection"

	"github.com/nebius/helmrelease-trigger-operator/internal/controller"
)

// built is all that the options turn into.
type built struct {
	opts Options
	mgr  ctrl.Options
	ctrl controller.Options
	rest *rest.Config
}

func build(t *testing.T, env map[string]string, args ...string) built {
	t.Helper()
	g := NewWithT(t)
	opts, err := ParseOptions(args, getenv(env))
	g.Expect(err).NotTo(HaveOccurred())
	b := built{opts: opts, rest: &rest.Config{}}
	b.mgr, err = managerOptions(opts)
	g.Expect(err).NotTo(HaveOccurred())
	b.ctrl, err = controllerOptions(opts)
	g.Expect(err).NotTo(HaveOccurred())
	limitClient(b.rest, opts, true)
	return b
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

// reach tells for each flag where a value of it must arrive.
var reach = map[string]struct {
	args []string
	got  func(built) any
	want any
}{
	"metrics-addr": {[]string{"--metrics-addr=:1"}, func(b built) any { return b.mgr.Metrics.BindAddress }, ":1"},
	"metrics-bind-address": {[]string{"--metrics-bind-address=:1"},
		func(b built) any { return b.mgr.Metrics.BindAddress }, ":1"},
	"metrics-secure": {[]string{"--metrics-secure"},
		func(b built) any { return b.mgr.Metrics.SecureServing && b.mgr.Metrics.FilterProvider != nil }, true},
	"metrics-cert-path": {[]string{"--metrics-secure", "--metrics-cert-path=CERTS"},
		func(b built) any { return filepath.Base(b.mgr.Metrics.CertDir) }, "certs"},
	"metrics-cert-name": {[]string{"--metrics-secure", "--metrics-cert-path=CERTS", "--metrics-cert-name=other.crt"},
		func(b built) any { return b.mgr.Metrics.CertName }, "other.crt"},
	"metrics-cert-key": {[]string{"--metrics-secure", "--metrics-cert-path=CERTS", "--metrics-cert-key=other.key"},
		func(b built) any { return b.mgr.Metrics.KeyName }, "other.key"},
	"enable-http2": {[]string{"--metrics-secure", "--enable-http2"}, protocols, []string{"h2", "http/1.1"}},
	"health-addr":  {[]string{"--health-addr=:1"}, func(b built) any { return b.mgr.HealthProbeBindAddress }, ":1"},
	"health-probe-bind-address": {[]string{"--health-probe-bind-address=:1"},
		func(b built) any { return b.mgr.HealthProbeBindAddress }, ":1"},
	"concurrent": {[]string{"--concurrent=3"},
		func(b built) any { return []int{b.ctrl.Concurrent, b.mgr.Controller.MaxConcurrentReconciles} }, []int{3, 3}},
	"cache-sync-timeout": {[]string{"--cache-sync-timeout=3s"}, func(b built) any {
		return []time.Duration{b.ctrl.CacheSyncTimeout, b.mgr.Controller.CacheSyncTimeout}
	}, []time.Duration{3 * time.Second, 3 * time.Second}},
	"graceful-shutdown-timeout": {[]string{"--graceful-shutdown-timeout=3s"},
		func(b built) any { return *b.mgr.GracefulShutdownTimeout }, 3 * time.Second},
	"default-service-account": {[]string{"--default-service-account=me"},
		func(b built) any { return b.ctrl.DefaultServiceAccount }, "me"},
	"secrets":                 {[]string{"--secrets=false"}, func(b built) any { return b.ctrl.Secrets }, false},
	"enable-hr-autodiscovery": {[]string{"--enable-hr-autodiscovery=false"}, func(b built) any { return b.ctrl.Autodiscovery }, false},
	"analysis-providers":      {[]string{"--analysis-providers=/p.yaml"}, func(b built) any { return b.opts.AnalysisProviders }, "/p.yaml"},
	"settle-time":             {[]string{"--settle-time=0"}, func(b built) any { return b.ctrl.SettleTime }, time.Duration(0)},
	"no-cross-namespace-refs": {[]string{"--no-cross-namespace-refs"}, func(b built) any { return b.ctrl.NoCrossNamespaceRefs }, true},
	"watch-all-namespaces": {[]string{"--watch-all-namespaces=false"},
		func(b built) any { return slices.Collect(maps.Keys(b.mgr.Cache.DefaultNamespaces)) }, []string{"home"}},
	"watch-label-selector": {[]string{"--watch-label-selector=shard=1"},
		func(b built) any { return []any{b.ctrl.WatchSelector.String(), b.mgr.LeaderElectionID} },
		[]any{"shard=1", leaderelection.GenerateID(leaseName, "shard=1")}},
	"log-level":    {[]string{"--log-level=debug"}, func(b built) any { return b.opts.Log.LogLevel }, "debug"},
	"log-encoding": {[]string{"--log-encoding=console"}, func(b built) any { return b.opts.Log.LogEncoding }, "console"},
	"log-format":   {[]string{"--log-format=plain"}, func(b built) any { return b.opts.Log.LogEncoding }, "console"},
	"enable-leader-election": {[]string{"--enable-leader-election"}, func(b built) any {
		return []any{b.mgr.LeaderElection, b.mgr.LeaderElectionNamespace, b.mgr.LeaderElectionID}
	}, []any{true, "home", "helmrelease-trigger-operator-leader-election"}},
	"leader-elect": {[]string{"--leader-elect"}, func(b built) any { return b.mgr.LeaderElection }, true},
	"leader-election-release-on-cancel": {[]string{"--leader-election-release-on-cancel=false"},
		func(b built) any { return b.mgr.LeaderElectionReleaseOnCancel }, false},
	"leader-election-lease-duration": {[]string{"--leader-election-lease-duration=40s"},
		func(b built) any { return *b.mgr.LeaseDuration }, 40 * time.Second},
	"leader-election-renew-deadline": {[]string{"--leader-election-renew-deadline=20s"},
		func(b built) any { return *b.mgr.RenewDeadline }, 20 * time.Second},
	"leader-election-retry-period": {[]string{"--leader-election-retry-period=3s"},
		func(b built) any { return *b.mgr.RetryPeriod }, 3 * time.Second},
	"kube-api-qps":    {[]string{"--kube-api-qps=7"}, func(b built) any { return b.rest.QPS }, float32(7)},
	"kube-api-burst":  {[]string{"--kube-api-burst=8"}, func(b built) any { return b.rest.Burst }, 8},
	"min-retry-delay": {[]string{"--min-retry-delay=2s"}, func(b built) any { return delays(b)[0] }, 2 * time.Second},
	"max-retry-delay": {[]string{"--max-retry-delay=9s"}, func(b built) any { return delays(b)[1] }, 9 * time.Second},
	"interval-jitter-percentage": {[]string{"--interval-jitter-percentage=7"},
		func(b built) any { return b.opts.Jitter.Percentage }, uint8(7)},
	"feature-gates": {[]string{"--feature-gates=Some=true"}, someGate, true},
	"version":       {[]string{"--version"}, func(b built) any { return b.opts.ShowVersion }, true},

	// Where it arrives is tested with a receiver, in TestEvents.
	"events-addr": {[]string{"--events-addr=http://receiver/"}, func(b built) any { return b.opts.EventsAddr }, "http://receiver/"},
}

func protocols(b built) any {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	for _, opt := range b.mgr.Metrics.TLSOpts {
		opt(cfg)
	}
	return cfg.NextProtos
}

// delays returns the first and the last delay of the rate limiter.
func delays(b built) []time.Duration {
	limiter := b.ctrl.NewRateLimiter()
	first := limiter.When(ctrl.Request{})
	var last time.Duration
	for range 100 {
		last = limiter.When(ctrl.Request{})
	}
	return []time.Duration{first, last}
}

func someGate(b built) any {
	if err := b.opts.FeatureGates.SupportedFeatures(map[string]bool{"Some": false}, nil); err != nil {
		return err
	}
	enabled, err := feathelper.Enabled("Some")
	if err != nil {
		return err
	}
	return enabled
}

func TestEveryFlagReachesItsUse(t *testing.T) {
	certs := filepath.Join(t.TempDir(), "certs")
	NewWithT(t).Expect(os.Mkdir(certs, 0o700)).To(Succeed())
	for _, name := range []string{"tls.crt", "tls.key", "other.crt", "other.key"} {
		NewWithT(t).Expect(os.WriteFile(filepath.Join(certs, name), nil, 0o600)).To(Succeed())
	}

	newFlagSet(&Options{}).VisitAll(func(f *pflag.Flag) {
		t.Run(f.Name, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(reach).To(HaveKey(f.Name), "add where the new flag must arrive")
			want := reach[f.Name]
			args := slices.Clone(want.args)
			for i, arg := range args {
				if arg == "--metrics-cert-path=CERTS" {
					args[i] = "--metrics-cert-path=" + certs
				}
			}
			env := map[string]string{envRuntimeNamespace: "home"}

			g.Expect(want.got(build(t, env, args...))).To(Equal(want.want))
			if f.Name != "feature-gates" { // which exist only in this test
				g.Expect(want.got(build(t, env, defaultsFor(f.Name)...))).NotTo(Equal(want.want), "the default would pass, too")
			}
		})
	})
}

// defaultsFor returns arguments that leave the flag at its default, and let what
// depends on another flag be checked.
func defaultsFor(name string) []string {
	switch name {
	case "enable-http2":
		return []string{"--metrics-secure"}
	case "watch-label-selector":
		return []string{"--watch-label-selector=other=1"}
	default:
		return nil
	}
}
