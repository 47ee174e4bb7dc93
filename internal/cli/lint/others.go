// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package lint

import (
	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// content returns a ConfigMap or Secret. The keys of one that SOPS has encrypted are
// readable all the same.
func (s *set) content(d Document, kind string) []*resource {
	r := s.resource(d, kind, d.Object)
	r.keys = map[string]bool{}
	for _, section := range []string{"data", "binaryData", "stringData"} {
		for key := range at(d.Object, section) {
			r.keys[key] = true
		}
	}
	return []*resource{r}
}

// makes returns the Secrets that something else in the cluster makes out of a manifest:
// External Secrets, Sealed Secrets.
func (s *set) makes(d Document, kind, group string) []*resource {
	switch {
	case group == "external-secrets.io" && kind == "ExternalSecret":
		target := at(d.Object, "spec", "target")
		r := s.resource(d, triggerv1.SecretKind, withMetadata(d.Object, at(target, "template", "metadata")))
		if name := text(target, "name"); name != "" {
			r.key.Name = name
		}
		r.made = true // Its keys may come from all kinds of places.
		return []*resource{r}
	case group == "bitnami.com" && kind == "SealedSecret":
		template := at(d.Object, "spec", "template")
		r := s.resource(d, triggerv1.SecretKind, withMetadata(d.Object, at(template, "metadata")))
		r.made, r.keys = true, map[string]bool{}
		for _, section := range []map[string]any{at(d.Object, "spec", "encryptedData"), at(template, "data")} {
			for key := range section {
				r.keys[key] = true
			}
		}
		return []*resource{r}
	}
	return nil
}

// withMetadata returns an object with the name of one and the labels and annotations of
// its template.
func withMetadata(object, template map[string]any) map[string]any {
	metadata := map[string]any{
		"name": text(at(object, "metadata"), "name"), "namespace": text(at(object, "metadata"), "namespace"),
	}
	for _, field := range []string{"labels", "annotations"} {
		metadata[field] = template[field]
	}
	return map[string]any{"metadata": metadata}
}
