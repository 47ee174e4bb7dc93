// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Environment variables. A flag that is given explicitly beats its variable, and
// an empty variable counts as unset.
const (
	envConcurrency      = "MAX_CONCURRENCY"
	envCacheSync        = "CACHE_SYNC_TIMEOUT"
	envLogLevel         = "LOG_LEVEL"
	envRuntimeNamespace = "RUNTIME_NAMESPACE"
	envPodNamespace     = "POD_NAMESPACE"
)

// envFlags maps variables to the flags they set.
var envFlags = []struct{ env, flag string }{
	{envConcurrency, flagConcurrent},
	{envCacheSync, flagCacheSync},
	{envLogLevel, flagLogLevel},
}

// Other names of flags, those of the first operator.
const (
	aliasMetricsAddr    = "metrics-bind-address"
	aliasHealthAddr     = "health-probe-bind-address"
	aliasLeaderElection = "leader-elect"
	aliasLogFormat      = "log-format"
)

// aliasFlags maps the other names to the flags they set.
var aliasFlags = []struct{ alias, flag string }{
	{aliasMetricsAddr, flagMetricsAddr},
	{aliasHealthAddr, flagHealthAddr},
	{aliasLeaderElection, flagLeaderElection},
	{aliasLogFormat, flagLogEncoding},
}

// serviceAccountNamespace is the file in which a Pod finds its own namespace.
const serviceAccountNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// ParseOptions reads the command line (without the program name) and the
// environment. The error is one line that names the flag or variable, its value
// and what is allowed; it is pflag.ErrHelp when help was requested.
func ParseOptions(args []string, getenv func(string) string) (Options, error) {
	opts := Options{origin: map[string]string{}}
	fs := newFlagSet(&opts)

	if err := fs.Parse(args); err != nil {
		return opts, explain(err, "")
	}
	if fs.NArg() > 0 {
		return opts, fmt.Errorf("unexpected argument %q: all settings are flags, see --help", fs.Arg(0))
	}
	// Read before aliases and variables count as given, too.
	if !fs.Changed(flagMetricsSecure) {
		// As in the first operator, where this flag means a protected endpoint.
		opts.MetricsSecure = fs.Changed(aliasMetricsAddr)
	}
	opts.ClientLimited = fs.Changed(flagQPS) || fs.Changed(flagBurst)

	if err := opts.applyAliases(fs); err != nil {
		return opts, err
	}
	if err := opts.applyEnv(fs, getenv); err != nil {
		return opts, err
	}
	opts.RuntimeNamespace = runtimeNamespace(getenv)

	return opts, opts.Validate()
}

// Usage returns the description of all flags.
func Usage() string {
	return newFlagSet(&Options{}).FlagUsagesWrapped(100)
}

func newFlagSet(opts *Options) *pflag.FlagSet {
	fs := pflag.NewFlagSet("manager", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {} // not a screenful for one mistyped flag
	opts.BindFlags(fs)
	return fs
}

func bindAliases(fs *pflag.FlagSet) {
	for _, a := range aliasFlags {
		usage := "Same as --" + a.flag + "."
		switch a.alias {
		case aliasLeaderElection:
			fs.Bool(a.alias, false, usage)
		case aliasLogFormat:
			fs.String(a.alias, "", "Same as --"+a.flag+": 'plain' is console, 'json' is json.")
		default:
			fs.String(a.alias, "", usage)
		}
	}
}

// applyAliases copies what was given under another name to the flag proper.
func (o *Options) applyAliases(fs *pflag.FlagSet) error {
	for _, a := range aliasFlags {
		if !fs.Changed(a.alias) {
			continue
		}
		given := fs.Lookup(a.alias).Value.String()
		value := given
		if a.alias == aliasLogFormat {
			encoding, ok := map[string]string{"plain": "console", "json": "json"}[given]
			if !ok {
				return fmt.Errorf("invalid value %q for --%s: must be plain or json", given, a.alias)
			}
			value = encoding
		}
		if twin := fs.Lookup(a.flag); twin.Changed && twin.Value.String() != value {
			return fmt.Errorf("--%s=%s and --%s=%s are one setting with two values: give one of them",
				a.alias, given, a.flag, twin.Value.String())
		}
		o.origin[a.flag] = "--" + a.alias
		if err := fs.Set(a.flag, value); err != nil {
			return explain(err, o.origin[a.flag])
		}
	}
	return nil
}

// applyEnv sets the flags that were not given from their variables.
func (o *Options) applyEnv(fs *pflag.FlagSet, getenv func(string) string) error {
	for _, e := range envFlags {
		value := getenv(e.env)
		if value == "" || fs.Changed(e.flag) {
			continue
		}
		o.origin[e.flag] = "the environment variable " + e.env
		if err := fs.Set(e.flag, value); err != nil {
			return explain(err, o.origin[e.flag])
		}
	}
	return nil
}

// explain words an error of pflag so that it says what is allowed. Name is where
// the value came from; empty means the flag itself.
func explain(err error, name string) error {
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := invalid.GetFlag()
		if name == "" {
			name = "--" + f.Name
		}
		return fmt.Errorf("invalid value %q for %s: must be %s", invalid.GetValue(), name, acceptedType(f))
	}
	if _, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return fmt.Errorf("%w: see --help", err)
	}
	return err
}

// acceptedType describes the values that a flag accepts.
func acceptedType(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number of at least 1"
	case "uint8":
		return "a whole number from 0 to 99"
	case "float32":
		return "a number greater than 0"
	case "duration":
		return "a duration such as 30s or 5m"
	case "mapStringBool":
		return "a list such as Gate=true,Other=false"
	default:
		return "a " + f.Value.Type()
	}
}

// runtimeNamespace finds the operator's own namespace, or returns "".
func runtimeNamespace(getenv func(string) string) string {
	for _, env := range []string{envRuntimeNamespace, envPodNamespace} {
		if ns := getenv(env); ns != "" {
			return ns
		}
	}
	ns, err := os.ReadFile(serviceAccountNamespace)
	if err != nil {
		return "" // not in a Pod
	}
	return strings.TrimSpace(string(ns))
}
