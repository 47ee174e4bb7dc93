// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package binding

import (
	"cmp"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

// DependsOn returns the HelmReleases that a HelmRelease depends on, as namespace/name.
func DependsOn(hr *helmv2.HelmRelease) []string {
	names := make([]string, 0, len(hr.Spec.DependsOn))
	for _, d := range hr.Spec.DependsOn {
		names = append(names, cmp.Or(d.Namespace, hr.Namespace)+"/"+d.Name)
	}
	return names
}
