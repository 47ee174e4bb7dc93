// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"
	"strings"

	"github.com/fluxcd/pkg/runtime/logger"
)

// logLevels maps the accepted levels to those of Flux's logger. Logr knows no
// level between info and error, and nothing above error: the others are accepted
// for those who used them with the first operator. Errors are always logged, so
// that a failing operator says why.
var logLevels = []struct{ name, level string }{
	{"trace", "trace"},
	{"debug", "debug"},
	{"info", "info"},
	{"error", "error"},
	{"warn", "error"},
	{"dpanic", "error"},
	{"panic", "error"},
	{"fatal", "error"},
}

func logLevelNames() []string {
	names := make([]string, 0, len(logLevels))
	for _, l := range logLevels {
		names = append(names, "'"+l.name+"'")
	}
	return names
}

// validateLog checks level and encoding, and translates the level.
func (o *Options) validateLog() error {
	if o.Log.LogEncoding != "json" && o.Log.LogEncoding != "console" {
		return o.invalid(flagLogEncoding, o.Log.LogEncoding, "json or console")
	}
	for _, l := range logLevels {
		if strings.EqualFold(l.name, o.Log.LogLevel) {
			o.Log.LogLevel = l.level
			return nil
		}
	}
	names := make([]string, 0, len(logLevels))
	for _, l := range logLevels {
		names = append(names, l.name)
	}
	return o.invalid(flagLogLevel, o.Log.LogLevel, fmt.Sprintf("one of %s", strings.Join(names, ", ")))
}

// setLogger makes the configured logger that of controller-runtime and client-go.
func setLogger(opts logger.Options) {
	logger.SetLogger(logger.NewLogger(opts))
}
