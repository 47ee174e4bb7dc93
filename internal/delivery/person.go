// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/fields"
	"github.com/nebius/helmrelease-trigger-operator/internal/text"
)

// This file finds out who has set an annotation.

const (
	// maxManager is the longest name of a field manager that the API server accepts, and maxUser
	// bounds how much of the name of a user is stored, in bytes.
	maxManager = 128
	maxUser    = 256
)

// Person returns who has set an annotation, as far as that is known: the user whom another one names,
// and the field manager that owns it.
func (e *Engine) Person(ctx context.Context, vt *triggerv1.ValuesTrigger, annotation, by string, at time.Time) triggerv1.PersonRecord {
	return triggerv1.PersonRecord{
		Time: metav1.NewTime(at.UTC().Truncate(time.Second)), User: text.Line(vt.Annotations[by], maxUser),
		Manager: text.Line(e.setBy(ctx, vt, annotation), maxManager),
	}
}

// setBy returns the field manager that set an annotation, empty if that is not known.
func (e *Engine) setBy(ctx context.Context, vt *triggerv1.ValuesTrigger, annotation string) string {
	newest, err := e.newest(ctx, vt)
	if err != nil {
		ctrl.LoggerFrom(ctx).V(1).Info("cannot find out who set an annotation", "annotation", annotation, "error", err.Error())
		return ""
	}
	if newest.Annotations[annotation] != vt.Annotations[annotation] {
		return "" // It is another request by now.
	}
	for _, entry := range newest.ManagedFields {
		if fields.Of(entry).Has("metadata", "annotations", annotation) {
			return entry.Manager
		}
	}
	return ""
}
