// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
)

func TestDefaults(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	b := build(t, nil)

	g.Expect(b.mgr.Metrics.BindAddress).To(Equal(":8080"))
	g.Expect(b.mgr.Metrics.SecureServing).To(BeFalse())
	g.Expect(b.mgr.Metrics.ExtraHandlers).To(HaveKey("/debug/pprof/heap"))
	g.Expect(b.mgr.HealthProbeBindAddress).To(Equal(":9440"))
	g.Expect(b.mgr.LeaderElection).To(BeFalse())
	g.Expect(b.mgr.Cache.ReaderFailOnMissingInformer).To(BeTrue())
	g.Expect(b.mgr.Cache.DefaultNamespaces).To(BeEmpty())
	g.Expect(b.mgr.Client.Cache.DisableFor).To(HaveLen(2))
	g.Expect(*b.mgr.Controller.RecoverPanic).To(BeTrue())
	g.Expect(*b.mgr.Controller.EnableWarmup).To(BeTrue())
	g.Expect(b.ctrl.Concurrent).To(Equal(10))
	g.Expect(b.ctrl.CacheSyncTimeout).To(Equal(2 * time.Minute))
	g.Expect(b.ctrl.Autodiscovery).To(BeTrue())
	g.Expect(b.ctrl.Secrets).To(BeTrue())
	g.Expect(b.ctrl.WatchSelector).To(BeNil())
	g.Expect(delays(b)).To(Equal([]time.Duration{750 * time.Millisecond, time.Minute}))
	g.Expect(b.opts.Log.LogLevel).To(Equal("info"))
	g.Expect(b.opts.Log.LogEncoding).To(Equal("json"))
}

func TestClientLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		args      []string
		fair      bool
		wantQPS   float32
		wantBurst int
	}{
		{name: "none where the API server is fair by itself", fair: true, wantQPS: -1, wantBurst: -1},
		{name: "the default elsewhere", wantQPS: 300, wantBurst: 600},
		{name: "what was given in any case", args: []string{"--kube-api-qps=5"}, fair: true, wantQPS: 5, wantBurst: 600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			opts, err := ParseOptions(tt.args, getenv(nil))
			g.Expect(err).NotTo(HaveOccurred())
			cfg := &rest.Config{}
			limitClient(cfg, opts, tt.fair)
			g.Expect(cfg.QPS).To(Equal(tt.wantQPS))
			g.Expect(cfg.Burst).To(Equal(tt.wantBurst))
		})
	}
}

func TestEnvironmentAndAliases(t *testing.T) {
	t.Parallel()
	all := map[string]string{envConcurrency: "3", envCacheSync: "7s", envLogLevel: "debug"}
	values := func(b built) []any {
		return []any{b.opts.Concurrent, b.opts.CacheSyncTimeout, b.opts.Log.LogLevel}
	}
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		got  func(built) any
		want any
	}{{
		name: "variables set what no flag sets",
		env:  all,
		got:  func(b built) any { return values(b) },
		want: []any{3, 7 * time.Second, "debug"},
	}, {
		name: "flags beat variables, also with their default value",
		env:  all,
		args: []string{"--concurrent=10", "--cache-sync-timeout=2m", "--log-level=info"},
		got:  func(b built) any { return values(b) },
		want: []any{10, 2 * time.Minute, "info"},
	}, {
		name: "a bad variable does not matter when its flag is given",
		env:  map[string]string{envConcurrency: "many"},
		args: []string{"--concurrent=4"},
		got:  func(b built) any { return b.opts.Concurrent },
		want: 4,
	}, {
		name: "an empty variable is not a value",
		env:  map[string]string{envConcurrency: "", envCacheSync: "", envLogLevel: ""},
		got:  func(b built) any { return values(b) },
		want: []any{10, 2 * time.Minute, "info"},
	}, {
		name: "the level of the first operator is in capitals",
		env:  map[string]string{envLogLevel: "WARN"},
		got:  func(b built) any { return b.opts.Log.LogLevel },
		want: "error",
	}, {
		name: "a flag and its other name may agree",
		args: []string{"--leader-elect", "--enable-leader-election", "--log-format=json", "--log-encoding=json"},
		env:  map[string]string{envPodNamespace: "home"},
		got:  func(b built) any { return b.mgr.LeaderElection },
		want: true,
	}, {
		name: "metrics of the first operator are protected",
		args: []string{"--metrics-bind-address=:8443"},
		got:  func(b built) any { return b.mgr.Metrics.SecureServing },
		want: true,
	}, {
		name: "unless a flag forbids it",
		args: []string{"--metrics-bind-address=:8443", "--metrics-secure=false"},
		got:  func(b built) any { return b.mgr.Metrics.SecureServing },
		want: false,
	}, {
		name: "HTTP/2 is off",
		args: []string{"--metrics-secure"},
		got:  protocols,
		want: []string{"http/1.1"},
	}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(tt.got(build(t, tt.env, tt.args...))).To(Equal(tt.want))
		})
	}
}

// mistakes are command lines that must end in one line that explains them.
var mistakes = []struct {
	args string
	env  map[string]string
	want string
}{
	{args: "--concurrent=x", want: `invalid value "x" for --concurrent: must be a whole number of at least 1`},
	{args: "--concurrent=0", want: `invalid value "0" for --concurrent: must be a whole number of at least 1`},
	{args: "--secrets=maybe", want: `invalid value "maybe" for --secrets: must be true or false`},
	{args: "--nonsense", want: `unknown flag: --nonsense`},
	{args: "nonsense", want: `unexpected argument "nonsense"`},
	{args: "--metrics-addr", want: `flag needs an argument: --metrics-addr`},
	{args: "--metrics-addr=8080", want: `invalid value "8080" for --metrics-addr: must be host:port`},
	{args: "--metrics-bind-address=8080", want: `invalid value "8080" for --metrics-bind-address: must be host:port`},
	{args: "--health-addr=:70000", want: `invalid value ":70000" for --health-addr: must be host:port`},
	{args: "--events-addr=receiver", want: `invalid value "receiver" for --events-addr: must be an http or https URL`},
	{args: "--metrics-addr=:1 --metrics-bind-address=:2",
		want: `--metrics-bind-address=:2 and --metrics-addr=:1 are one setting with two values`},
	{args: "--leader-elect=false --enable-leader-election",
		want: `--leader-elect=false and --enable-leader-election=true are one setting with two values`},
	{args: "--log-format=xml", want: `invalid value "xml" for --log-format: must be plain or json`},
	{args: "--log-encoding=xml", want: `invalid value "xml" for --log-encoding: must be json or console`},
	{args: "--log-level=loud", want: `invalid value "loud" for --log-level: must be one of trace, debug, info, error`},
	{args: "--kube-api-qps=0", want: `invalid value "0" for --kube-api-qps: must be a number greater than 0`},
	{args: "--kube-api-burst=0", want: `invalid value "0" for --kube-api-burst: must be a whole number of at least 1`},
	{args: "--interval-jitter-percentage=100", want: `invalid value "100" for --interval-jitter-percentage: must be a whole number from 0 to 99`},
	{args: "--max-retry-delay=1ms", want: `invalid value "1ms" for --max-retry-delay: must be no less than --min-retry-delay, which is 750ms`},
	{args: "--settle-time=99ms", want: `invalid value "99ms" for --settle-time: must be a duration from 100ms to 1m0s, or 0 to deliver at once`},
	{args: "--settle-time=61s", want: `invalid value "1m1s" for --settle-time: must be a duration from 100ms to 1m0s, or 0 to deliver at once`},
	{args: "--settle-time=-1s", want: `invalid value "-1s" for --settle-time: must be a duration from 100ms to 1m0s, or 0 to deliver at once`},
	{args: "--graceful-shutdown-timeout=0", want: `invalid value "0s" for --graceful-shutdown-timeout: must be a duration greater than 0`},
	{args: "--watch-label-selector=a=b=c", want: `invalid value "a=b=c" for --watch-label-selector: must be a label selector`},
	{args: "--watch-all-namespaces=false", want: `--watch-all-namespaces=false needs the environment variable RUNTIME_NAMESPACE`},
	{args: "--default-service-account=A_B", want: `invalid value "A_B" for --default-service-account: must be the name of a service account`},
	{args: "--metrics-cert-path=/tmp", want: `--metrics-cert-path needs --metrics-secure`},
	{args: "--metrics-secure --metrics-cert-name=", want: `--metrics-cert-name and --metrics-cert-key cannot be empty`},
	{args: "--leader-elect", want: `--leader-elect outside a cluster needs the environment variable RUNTIME_NAMESPACE`},
	{args: "--leader-elect --leader-election-lease-duration=5s", env: map[string]string{envRuntimeNamespace: "home"},
		want: `invalid value "5s" for --leader-election-lease-duration: must be more than --leader-election-renew-deadline, which is 30s`},
	{args: "--leader-elect --leader-election-retry-period=29s", env: map[string]string{envRuntimeNamespace: "home"},
		want: `invalid value "30s" for --leader-election-renew-deadline: must be more than 1.2 times --leader-election-retry-period`},
	{args: "--feature-gates=Nonsense=true", want: `invalid value for --feature-gates: feature-gate 'Nonsense' not supported`},
	{env: map[string]string{envConcurrency: "many"},
		want: `invalid value "many" for the environment variable MAX_CONCURRENCY: must be a whole number of at least 1`},
	{env: map[string]string{envConcurrency: "-1"},
		want: `invalid value "-1" for the environment variable MAX_CONCURRENCY: must be a whole number of at least 1`},
	{env: map[string]string{envCacheSync: "2"},
		want: `invalid value "2" for the environment variable CACHE_SYNC_TIMEOUT: must be a duration such as 30s or 5m`},
	{env: map[string]string{envLogLevel: "loud"},
		want: `invalid value "loud" for the environment variable LOG_LEVEL: must be one of trace, debug, info, error`},
}

func TestMistakesEndInOneLine(t *testing.T) {
	for _, tt := range mistakes {
		name := tt.args
		for key, value := range tt.env {
			name += " " + key + "=" + value
		}
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), strings.Fields(tt.args), getenv(tt.env), &stdout, &stderr)
			g.Expect(code).To(Equal(exitUsage))
			g.Expect(stdout.String()).To(BeEmpty())
			g.Expect(stderr.String()).To(HavePrefix("manager: " + tt.want))
			g.Expect(strings.Count(stderr.String(), "\n")).To(Equal(1))
		})
	}
}

func TestUnusableClusterEndsInOneLine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		NewWithT(t).Expect(os.WriteFile(path, []byte(content), 0o600)).To(Succeed())
		return path
	}
	for _, tt := range []struct{ name, kubeconfig, want string }{{
		name:       "the file does not exist",
		kubeconfig: filepath.Join(dir, "missing"),
		want:       "missing: no such file or directory",
	}, {
		name:       "the file is not a kubeconfig",
		kubeconfig: write("garbage", "{{{"),
		want:       "cannot load the Kubernetes client configuration: ",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			g := NewWithT(t)
			var stdout, stderr bytes.Buffer
			code := Run(t.Context(), nil, getenv(map[string]string{"KUBECONFIG": tt.kubeconfig}), &stdout, &stderr)
			g.Expect(code).To(Equal(exitFailure))
			g.Expect(stderr.String()).To(ContainSubstring(tt.want))
			g.Expect(strings.Count(stderr.String(), "\n")).To(Equal(1))
		})
	}
}

func TestWithoutAnAPIServerItWaitsAliveAndNotReady(t *testing.T) {
	g := NewWithT(t)
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	// A port that is reserved and never assigned.
	g.Expect(os.WriteFile(kubeconfig, []byte(`{"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
		"contexts": [{"name": "c", "context": {"cluster": "c"}}], "current-context": "c"}`), 0o600)).To(Succeed())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	health := listener.Addr().String()
	g.Expect(listener.Close()).To(Succeed())
	answer := func(path string) func() int {
		return func() int {
			resp, err := http.Get("http://" + health + path)
			if err != nil {
				return 0
			}
			_ = resp.Body.Close()
			return resp.StatusCode
		}
	}

	ctx, stop := context.WithCancel(t.Context())
	var stdout, stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, []string{"--health-addr=" + health}, getenv(map[string]string{"KUBECONFIG": kubeconfig}), &stdout, &stderr)
	}()
	g.Eventually(answer("/healthz")).WithTimeout(30 * time.Second).Should(Equal(http.StatusOK))
	g.Consistently(answer("/healthz"), "3s", "500ms").Should(Equal(http.StatusOK))
	g.Expect(answer("/readyz")()).To(Equal(http.StatusInternalServerError))
	stop()
	g.Eventually(code).WithTimeout(30 * time.Second).Should(Receive(Equal(exitOK)))
	g.Expect(stderr.String()).To(BeEmpty())
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var stdout, stderr bytes.Buffer

	g.Expect(Run(t.Context(), []string{"--version"}, getenv(nil), &stdout, &stderr)).To(Equal(exitOK))
	g.Expect(stdout.String()).To(HavePrefix("helmrelease-trigger-operator " + Version))

	stdout.Reset()
	g.Expect(Run(t.Context(), []string{"--help"}, getenv(nil), &stdout, &stderr)).To(Equal(exitOK))
	g.Expect(stdout.String()).To(ContainSubstring("--enable-hr-autodiscovery"))
	g.Expect(stderr.String()).To(BeEmpty())
}

func TestMissingCertificateIsAnError(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	opts, err := ParseOptions([]string{"--metrics-secure", "--metrics-cert-path=" + t.TempDir()}, getenv(nil))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = managerOptions(opts)
	g.Expect(err).To(MatchError(ContainSubstring("for --metrics-cert-path")))
}
