// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
	"github.com/nebius/helmrelease-trigger-operator/internal/digest"
	"github.com/nebius/helmrelease-trigger-operator/internal/source"
)

// edit is an object as it is and as it would be.
type edit struct {
	graph.Object
	Created     bool     `json:"created,omitempty"`
	ChangedKeys []string `json:"changedKeys"`
	FluxWatched bool     `json:"fluxWatched,omitempty"`
	Excluded    bool     `json:"excluded,omitempty"`
	Problems    []string `json:"problems,omitempty"`

	subject graph.Subject
	before  client.Object // nil if it does not exist
	after   client.Object
}

// readEdits reads the ConfigMaps and Secrets in files, and what they are now.
func (c *cli) readEdits(ctx context.Context, files []string) ([]*edit, error) {
	documents, err := c.all(files)
	if err != nil {
		return nil, err
	}
	var edits []*edit
	for _, d := range documents {
		after, err := decodeEdit(d)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", d.File, d.Line, err)
		}
		if after == nil {
			continue
		}
		if after.GetNamespace() == "" {
			after.SetNamespace(c.namespace)
		}
		if strings.Contains(fmt.Sprint(d.Object["data"], d.Object["stringData"]), "${") {
			c.warn("%s:%d: what Flux would fill in for ${…} is taken as it is written", d.File, d.Line)
		}
		e, err := c.newEdit(ctx, after)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	if len(edits) == 0 {
		return nil, usageError{errors.New("there is no ConfigMap or Secret in the files")}
	}
	return edits, nil
}

// decodeEdit returns the ConfigMap or Secret in a document, nil for anything else.
func decodeEdit(d lint.Document) (client.Object, error) {
	if d.Object["apiVersion"] != "v1" {
		return nil, nil
	}
	if _, encrypted := d.Object["sops"]; encrypted {
		return nil, errors.New("encrypted by SOPS; decrypt it first, as in: sops -d FILE | kubectl valuestrigger preview -f -")
	}
	raw, err := json.Marshal(d.Object)
	if err != nil {
		return nil, err
	}
	switch d.Object["kind"] {
	case triggerv1.ConfigMapKind:
		cm := &corev1.ConfigMap{}
		return cm, json.Unmarshal(raw, cm)
	case triggerv1.SecretKind:
		secret := &corev1.Secret{}
		err := json.Unmarshal(raw, secret)
		for key, value := range secret.StringData {
			if secret.Data == nil {
				secret.Data = map[string][]byte{}
			}
			secret.Data[key] = []byte(value)
		}
		secret.StringData = nil
		return secret, err
	}
	return nil, nil
}

func kindOf(obj client.Object) string {
	if _, secret := obj.(*corev1.Secret); secret {
		return triggerv1.SecretKind
	}
	return triggerv1.ConfigMapKind
}

// newEdit compares an object with what it is now.
func (c *cli) newEdit(ctx context.Context, after client.Object) (*edit, error) {
	e := &edit{Object: graph.Object{Kind: kindOf(after), Namespace: after.GetNamespace(), Name: after.GetName()}, after: after}
	before, err := readLive(ctx, c.client, source.Ref{Kind: e.Kind, Namespace: e.Namespace, Name: e.Name})
	if err != nil {
		return nil, err
	}
	e.subject = graph.Subject{Object: e.Object, Labels: map[string]string{}, Annotations: map[string]string{}}
	for _, obj := range []client.Object{before, after} {
		if obj != nil { // What only the cluster has stays, as with kubectl apply.
			maps.Copy(e.subject.Labels, obj.GetLabels())
			maps.Copy(e.subject.Annotations, obj.GetAnnotations())
		}
	}
	e.before, e.Created = before, before == nil
	var old digest.Content
	if before != nil {
		after.SetUID(before.GetUID()) // It salts the digests.
		old = digest.Of(before)
	}
	e.ChangedKeys = append([]string{}, digest.Of(after).ChangedSince(old)...)
	return e, nil
}
