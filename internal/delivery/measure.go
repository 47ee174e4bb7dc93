// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"errors"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// Measurer asks the providers that the administrator has configured. No call waits for the network.
type Measurer interface {
	// Check returns an error if a provider that an analysis names is not there, is of a type that cannot
	// do what it is named for, or is not for triggers of the namespace. The error begins with the path of
	// the field in the analysis, as in ".metrics[0].provider: ...", and says what is configured.
	Check(namespace string, a *triggerv1.Analysis) error

	// Measure returns the answers to a request if they are there. Otherwise it begins to ask, unless it is
	// doing so for the same key; when the answers have come, it sends the trigger to Measured.
	Measure(request analysis.Request) (analysis.Measurement, bool)

	// Inform sends a notice, once and without an answer.
	Inform(notice analysis.Notice)
}

// NoProviders is a Measurer for which none is configured.
type NoProviders struct{}

// Check refuses what names a provider.
func (NoProviders) Check(_ string, a *triggerv1.Analysis) error {
	if a == nil {
		return nil
	}
	return errors.New(": no provider is configured (chart value analysis.providers)")
}

// Measure never returns an answer.
func (NoProviders) Measure(analysis.Request) (analysis.Measurement, bool) {
	return analysis.Measurement{}, false
}

// Inform does nothing.
func (NoProviders) Inform(analysis.Notice) {}
