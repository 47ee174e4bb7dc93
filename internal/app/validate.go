// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
)

// Bounds of --settle-time, if it is not 0: tools take longer than the least, and the most is
// what each commit waits.
const (
	minSettleTime = 100 * time.Millisecond
	maxSettleTime = time.Minute
)

// Validate checks what the types of the flags do not, and normalises the log
// level. The error is one line.
func (o *Options) Validate() error {
	for _, check := range []func() error{
		o.validateAddresses,
		o.validateNumbers,
		o.validateDurations,
		o.validateLeaderElection,
		o.validateWatch,
		o.validateMetrics,
		o.validateLog,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// invalid is the one way to word a bad value.
func (o *Options) invalid(flag string, value any, want string) error {
	return fmt.Errorf("invalid value %q for %s: must be %s", fmt.Sprint(value), o.name(flag), want)
}

// name returns what the user set a flag with.
func (o *Options) name(flag string) string {
	if name, ok := o.origin[flag]; ok {
		return name
	}
	return "--" + flag
}

func (o *Options) validateAddresses() error {
	for flag, addr := range map[string]string{flagMetricsAddr: o.MetricsAddr, flagHealthAddr: o.HealthAddr} {
		if addr != "0" && !isListenAddress(addr) {
			return o.invalid(flag, addr, "host:port, :port, or 0 to serve nothing")
		}
	}
	if o.EventsAddr != "" {
		u, err := url.Parse(o.EventsAddr)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return o.invalid(flagEventsAddr, o.EventsAddr, "an http or https URL")
		}
	}
	return nil
}

func isListenAddress(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n <= 65535
}

func (o *Options) validateNumbers() error {
	if o.Concurrent < 1 {
		return o.invalid(flagConcurrent, o.Concurrent, "a whole number of at least 1")
	}
	if o.QPS <= 0 {
		return o.invalid(flagQPS, o.QPS, "a number greater than 0")
	}
	if o.Burst < 1 {
		return o.invalid(flagBurst, o.Burst, "a whole number of at least 1")
	}
	if o.Jitter.Percentage >= 100 {
		return o.invalid(flagJitter, o.Jitter.Percentage, "a whole number from 0 to 99")
	}
	return nil
}

func (o *Options) validateDurations() error {
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{flagCacheSync, o.CacheSyncTimeout},
		{flagGracefulStop, o.GracefulShutdownTimeout},
		{flagMinRetryDelay, o.RateLimiter.MinRetryDelay},
		{flagMaxRetryDelay, o.RateLimiter.MaxRetryDelay},
		{flagLeaseDuration, o.LeaderElection.LeaseDuration},
		{flagRenewDeadline, o.LeaderElection.RenewDeadline},
		{flagRetryPeriod, o.LeaderElection.RetryPeriod},
	} {
		if d.value <= 0 {
			return o.invalid(d.flag, d.value, "a duration greater than 0, such as 30s or 5m")
		}
	}
	if o.SettleTime != 0 && (o.SettleTime < minSettleTime || o.SettleTime > maxSettleTime) {
		return o.invalid(flagSettleTime, o.SettleTime, fmt.Sprintf("a duration from %s to %s, or 0 to deliver at once", minSettleTime, maxSettleTime))
	}
	if o.RateLimiter.MaxRetryDelay < o.RateLimiter.MinRetryDelay {
		return o.invalid(flagMaxRetryDelay, o.RateLimiter.MaxRetryDelay,
			fmt.Sprintf("no less than --%s, which is %s", flagMinRetryDelay, o.RateLimiter.MinRetryDelay))
	}
	return nil
}

func (o *Options) validateLeaderElection() error {
	le := o.LeaderElection
	if !le.Enable {
		return nil
	}
	if le.LeaseDuration <= le.RenewDeadline {
		return o.invalid(flagLeaseDuration, le.LeaseDuration,
			fmt.Sprintf("more than --%s, which is %s", flagRenewDeadline, le.RenewDeadline))
	}
	// The factor is the jitter that client-go adds to the retry period.
	if le.RenewDeadline <= le.RetryPeriod*6/5 {
		return o.invalid(flagRenewDeadline, le.RenewDeadline,
			fmt.Sprintf("more than 1.2 times --%s, which is %s", flagRetryPeriod, le.RetryPeriod))
	}
	if o.RuntimeNamespace == "" {
		return fmt.Errorf("%s outside a cluster needs the environment variable %s: the namespace of the lease",
			o.name(flagLeaderElection), envRuntimeNamespace)
	}
	return nil
}

func (o *Options) validateWatch() error {
	if !o.Watch.AllNamespaces && o.RuntimeNamespace == "" {
		return fmt.Errorf("--%s=false needs the environment variable %s: the namespace to watch",
			flagAllNamespaces, envRuntimeNamespace)
	}
	if _, err := runtimectrl.GetWatchSelector(o.Watch); err != nil {
		return o.invalid(flagLabelSelector, o.Watch.LabelSelector, "a label selector such as key=value,other in (a,b)")
	}
	if o.DefaultServiceAccount != "" && len(validation.IsDNS1123Subdomain(o.DefaultServiceAccount)) > 0 {
		return o.invalid(flagDefaultSA, o.DefaultServiceAccount, "the name of a service account")
	}
	return nil
}

func (o *Options) validateMetrics() error {
	if o.MetricsCertPath != "" && !o.MetricsSecure {
		return fmt.Errorf("--%s needs --%s: without it metrics are served in the clear", flagMetricsCertPath, flagMetricsSecure)
	}
	if o.MetricsCertName == "" || o.MetricsCertKey == "" {
		return errors.New("--" + flagMetricsCertName + " and --" + flagMetricsCertKey + " cannot be empty")
	}
	return nil
}
