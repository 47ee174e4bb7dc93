// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
)

// recorder is the file system that a build reads. It records what is read, has generated
// kustomizations in place of what is on disk, and takes out of kustomizations what
// kustomize would fetch: nothing here asks the network.
type recorder struct {
	filesys.FileSystem
	root    string
	overlay map[string][]byte
	reads   map[string]bool
	remote  []remote
}

// remote is something that a kustomization refers to by its URL.
type remote struct {
	file string
	line int
	url  string
}

// ReadFile returns a file as the build is to see it.
func (r *recorder) ReadFile(path string) ([]byte, error) {
	content, generated := r.overlay[path]
	if !generated {
		var err error
		if content, err = r.FileSystem.ReadFile(path); err != nil {
			return nil, err
		}
	}
	r.reads[path] = true
	if IsKustomization(path) {
		return r.kustomization(path, content)
	}
	if found := remoteIn(content); found != "" {
		r.remote = append(r.remote, remote{path, 1, found})
		return nil, fmt.Errorf("%s is not fetched", found)
	}
	return content, nil
}

// Exists is true for generated files, too.
func (r *recorder) Exists(path string) bool {
	_, generated := r.overlay[path]
	return generated || r.FileSystem.Exists(path)
}

// These are not needed to build.
var errReadOnly = errors.New("nothing is written")

// Create refuses.
func (r *recorder) Create(string) (filesys.File, error) { return nil, errReadOnly }

// Mkdir refuses.
func (r *recorder) Mkdir(string) error { return errReadOnly }

// MkdirAll refuses.
func (r *recorder) MkdirAll(string) error { return errReadOnly }

// RemoveAll refuses.
func (r *recorder) RemoveAll(string) error { return errReadOnly }

// WriteFile refuses.
func (r *recorder) WriteFile(string, []byte) error { return errReadOnly }

// lists are the fields of a kustomization that may name a URL, of which the first bring
// objects with them: the build goes on without.
var (
	objectLists = []string{"resources", "bases", "components", "crds"}
	otherFields = []string{
		"patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "configurations", "generators", "transformers",
		"validators", "openapi", "configMapGenerator", "secretGenerator",
	}
)

// kustomization returns the content of a kustomization without what would be fetched, and
// for the root with a request for the origins of all objects.
func (r *recorder) kustomization(path string, content []byte) ([]byte, error) {
	fields := fieldsOf(content)
	if fields == nil {
		return content, nil // Kustomize says what is wrong.
	}
	changed := false
	for _, field := range objectLists {
		list, _ := fields[field].([]any)
		kept := slices.DeleteFunc(slices.Clone(list), func(entry any) bool {
			text, _ := entry.(string)
			if !isRemote(text) {
				return false
			}
			r.remote = append(r.remote, remote{path, 1 + bytes.Count(content[:max(bytes.Index(content, []byte(text)), 0)], []byte("\n")), text})
			return true
		})
		if len(kept) < len(list) {
			fields[field], changed = kept, true
		}
	}
	for _, field := range otherFields {
		if found := firstURL(fields[field]); found != "" {
			r.remote = append(r.remote, remote{path, 1, found})
			return nil, fmt.Errorf("%s is not fetched", found)
		}
	}
	if filepath.Dir(path) == r.root {
		metadata, _ := fields["buildMetadata"].([]any)
		fields["buildMetadata"], changed = append(metadata, types.OriginAnnotations), true
	}
	if !changed {
		return content, nil
	}
	return yaml.Marshal(fields)
}

// fieldsOf returns what a kustomization has, nil if it cannot be read.
func fieldsOf(content []byte) map[string]any {
	fields := map[string]any{}
	if yaml.Unmarshal(content, &fields) != nil {
		return nil
	}
	return fields
}

// isRemote is true if kustomize would fetch a resource, over HTTP or with Git.
func isRemote(entry string) bool {
	if strings.Contains(entry, "\n") {
		return false // Inline.
	}
	user, _, at := strings.Cut(entry, "@")
	return !fluxkustomize.IsLocalRelativePath(entry) && !filepath.IsAbs(entry) || isURL(entry) ||
		at && strings.Contains(entry, ":") && !strings.ContainsAny(user, "/.")
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "ssh" || u.Scheme == "file")
}

// fileFields name files in what a kustomization configures.
var fileFields = []string{"path", "files", "envs", "env"}

// firstURL returns the first file in a field that would be fetched, "" if there is none.
func firstURL(field any) string {
	switch field := field.(type) {
	case string:
		_, file, named := strings.Cut(field, "=")
		if !named {
			file = field
		}
		if isURL(file) {
			return file
		}
	case []any:
		for _, entry := range field {
			if object, isMap := entry.(map[string]any); isMap {
				entry = filesOf(object)
			}
			if found := firstURL(entry); found != "" {
				return found
			}
		}
	case map[string]any:
		return firstURL(filesOf(field))
	}
	return ""
}

func filesOf(object map[string]any) []any {
	var out []any
	for _, field := range fileFields {
		switch value := object[field].(type) {
		case string:
			out = append(out, value)
		case []any:
			out = append(out, value...)
		}
	}
	return out
}

// remoteIn returns what the configuration of a generator or transformer would fetch, ""
// for anything else.
func remoteIn(content []byte) string {
	if !bytes.Contains(content, []byte("builtin")) || !bytes.Contains(content, []byte("http")) {
		return ""
	}
	for part := range bytes.SplitSeq(content, []byte("\n---")) {
		object := map[string]any{}
		if yaml.Unmarshal(part, &object) == nil && object["apiVersion"] == "builtin" {
			if found := firstURL(object); found != "" {
				return found
			}
		}
	}
	return ""
}
