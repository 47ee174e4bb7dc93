// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/graph"
	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/digest"
)

// edit is an object as it is and as it would be.
type edit struct {
	binding.Object
	Created     bool     `json:"created,omitempty"`
	ChangedKeys []string `json:"changedKeys"`
	FluxWatched bool     `json:"fluxWatched,omitempty"`
	Excluded    bool     `json:"excluded,omitempty"`
	Problems    []string `json:"problems,omitempty"`

	subject graph.Subject
	before  client.Object // nil if it does not exist
	after   client.Object
}

// counts is true if one of the keys changes, or any if none are given.
func (e *edit) counts(keys []string) bool {
	return len(keys) == 0 && len(e.ChangedKeys) > 0 ||
		slices.ContainsFunc(e.ChangedKeys, func(key string) bool { return slices.Contains(keys, key) })
}

// inputs are the objects that would be applied.
type inputs struct {
	edits    []*edit
	releases []*helmv2.HelmRelease
}

// readInputs reads the ConfigMaps, Secrets and HelmReleases in files, and what the former
// are now.
func (c *cli) readInputs(ctx context.Context, files []string) (inputs, error) {
	var in inputs
	documents, built, err := c.all(files)
	if err != nil {
		return in, err
	}
	for _, d := range documents {
		if err := c.readInput(ctx, d, built, &in); err != nil {
			return in, err
		}
	}
	if len(in.edits)+len(in.releases) == 0 {
		return in, usageError{errors.New("there is no ConfigMap, Secret or HelmRelease in the files")}
	}
	return in, nil
}

func (c *cli) readInput(ctx context.Context, d lint.Document, built bool, in *inputs) error {
	at := fmt.Sprintf("%s:%d", d.File, d.Line)
	if _, encrypted := d.Object["sops"]; encrypted && built {
		c.warn("%s: encrypted by SOPS, and left out", at)
		return nil
	}
	hr, err := decodeRelease(d)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", at, err)
	case hr != nil:
		hr.Namespace = cmp.Or(hr.Namespace, c.namespace)
		in.releases = append(in.releases, hr)
		return nil
	case d.Object["kind"] == triggerv1.ValuesTriggerKind:
		c.warn("%s: a ValuesTrigger, and left out: what follows is said by those of the cluster", at)
		return nil
	}
	after, err := decodeEdit(d)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if after == nil {
		return nil
	}
	if after.GetNamespace() == "" {
		after.SetNamespace(c.namespace)
	}
	if strings.Contains(fmt.Sprint(d.Object["data"], d.Object["stringData"]), "${") {
		c.warn("%s: what Flux would fill in for ${…} is taken as it is written", at)
	}
	e, err := c.newEdit(ctx, after)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in.edits, func(other *edit) bool { return other.Object == e.Object }) {
		return usageError{fmt.Errorf("%s: %s is there twice; give what one cluster gets", at, e)}
	}
	// Of a whole tree, most is as it was.
	if !built || e.Created || len(e.ChangedKeys) > 0 {
		in.edits = append(in.edits, e)
	}
	return nil
}

// decodeRelease returns the HelmRelease in a document, nil for anything else.
func decodeRelease(d lint.Document) (*helmv2.HelmRelease, error) {
	version, _ := d.Object["apiVersion"].(string)
	if d.Object["kind"] != helmv2.HelmReleaseKind || !strings.HasPrefix(version, helmv2.GroupVersion.Group+"/") {
		return nil, nil
	}
	raw, err := json.Marshal(d.Object)
	if err != nil {
		return nil, err
	}
	hr := &helmv2.HelmRelease{}
	return hr, json.Unmarshal(raw, hr)
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
	e := &edit{Object: binding.Object{Kind: kindOf(after), Namespace: after.GetNamespace(), Name: after.GetName()}, after: after}
	before, err := readLive(ctx, c.client, e.Object)
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
	e.ChangedKeys = append([]string{}, digest.Changed(before, after)...)
	return e, nil
}
