// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package copies

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// Follow has a copy that is there say what becomes of it with its trigger, whatever it
// holds.
func (k *Keeper) Follow(ctx context.Context, actor Actor, want Wanted) error {
	meta, err := k.seen(ctx, want.Copy)
	if err != nil || meta == nil || !publish.IsOf(meta.Labels, want.Copy) {
		return err
	}
	version, err := k.mark(ctx, actor.Writer, meta, want.Labels[triggerv1.DeletionPolicyLabel], want.Annotations[triggerv1.AccountAnnotation])
	if err == nil && version != "" {
		k.memory.moved(actor, want, meta.ResourceVersion, version)
	}
	return err
}

// LetGo has a copy stay when its trigger goes.
func (k *Keeper) LetGo(ctx context.Context, writer client.Client, found *metav1.PartialObjectMetadata) error {
	_, err := k.mark(ctx, writer, found, "", "")
	return err
}

// mark writes the policy and the account of a copy in the version that was read, if
// they differ. It returns the version that this makes, if it does.
func (k *Keeper) mark(ctx context.Context, writer client.Client, meta *metav1.PartialObjectMetadata, policy, account string) (string, error) {
	if meta.Labels[triggerv1.DeletionPolicyLabel] == policy && meta.Annotations[triggerv1.AccountAnnotation] == account {
		return "", nil
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"resourceVersion": meta.ResourceVersion,
		"labels":          map[string]any{triggerv1.DeletionPolicyLabel: orNothing(policy)},
		"annotations":     map[string]any{triggerv1.AccountAnnotation: orNothing(account)},
	}})
	if err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	obj := partial(meta.Kind)
	obj.Namespace, obj.Name = meta.Namespace, meta.Name
	err = writer.Patch(ctx, obj, client.RawPatch(types.MergePatchType, body), client.FieldOwner(triggerv1.FieldManager))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return "", nil // Its watch is about to say so.
	}
	if err != nil {
		return "", fmt.Errorf("label %s %s/%s: %w", meta.Kind, meta.Namespace, meta.Name, err)
	}
	return obj.ResourceVersion, nil
}

// orNothing returns what removes a field in place of an empty text.
func orNothing(text string) any {
	if text == "" {
		return nil
	}
	return text
}
