// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package kit

import (
	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/runtime/conditions"
)

// Says returns what a condition says, as in "False SourceNotFound: ConfigMap …", or nothing.
func Says(obj conditions.Getter, condition string) string {
	c := conditions.Get(obj, condition)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason + ": " + c.Message
}

// Installed reports whether helm-controller has finished with the present generation of a
// HelmRelease, successfully.
func Installed(hr *helmv2.HelmRelease) bool {
	return hr.Status.ObservedGeneration == hr.Generation && hr.Status.History.Latest() != nil && conditions.IsReady(hr)
}

// Idle reports whether a HelmRelease is installed and no request to it is open.
func Idle(hr *helmv2.HelmRelease) bool {
	requested := hr.Annotations[meta.ReconcileRequestAnnotation]
	return Installed(hr) && !conditions.IsReconciling(hr) && (requested == "" || requested == hr.Status.LastHandledReconcileAt)
}

// Revision returns the newest Helm revision of a HelmRelease, 0 if there is none.
func Revision(hr *helmv2.HelmRelease) int {
	if latest := hr.Status.History.Latest(); latest != nil {
		return latest.Version
	}
	return 0
}
