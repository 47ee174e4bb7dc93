// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package v1beta1 contains the trigger.nebius.ai/v1beta1 API: the ValuesTrigger
// kind and the label and annotation contract on ConfigMaps, Secrets and
// HelmReleases.
//
// It imports nothing but apimachinery and fluxcd/pkg/apis, so that other
// programs can use it without pulling in a controller.
//
// +kubebuilder:object:generate=true
// +groupName=trigger.nebius.ai
package v1beta1
