// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	securefs "github.com/fluxcd/pkg/kustomize/filesys"

	"github.com/nebius/helmrelease-trigger-operator/internal/cli/lint"
)

// scan is what the files in directories hold, before anything is built.
type scan struct {
	// dirs are the directories, as absolute paths, with how the user wrote them.
	dirs map[string]string

	// root is the top of the working tree of Git; where there is none, of the file system.
	root string
	fs   filesys.FileSystem

	files map[string]file

	// kustomizations are the kustomization files by their directories.
	kustomizations map[string]string
	flux           []flux
}

// file is a file of manifests.
type file struct {
	documents []lint.Document
	problems  []lint.Finding
}

func newScan(dirs []string) (*scan, error) {
	s := &scan{dirs: map[string]string{}, files: map[string]file{}, kustomizations: map[string]string{}}
	for _, dir := range dirs {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return nil, err
		}
		if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
			return nil, err
		}
		s.dirs[absolute] = dir
	}
	top := slices.Sorted(maps.Keys(s.dirs))
	s.root = gitRoot(top[0])
	for _, dir := range top {
		if !isBelow(dir, s.root) {
			s.root = string(filepath.Separator)
		}
	}
	var err error
	if s.fs, err = securefs.MakeFsOnDiskSecure(s.root); err != nil {
		return nil, err
	}
	for _, dir := range top {
		if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error { return s.visit(dir, path, entry, err) }); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// gitRoot returns the top of the working tree that a directory is in, else the top of the
// file system.
func gitRoot(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) || filepath.Dir(at) == at {
			return at
		}
	}
}

// visit reads a file. Charts are left out: their templates are not manifests.
func (s *scan) visit(dir, path string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case entry.IsDir():
		if path != dir && strings.HasPrefix(entry.Name(), ".") || exists(filepath.Join(path, "Chart.yaml")) {
			return filepath.SkipDir
		}
		return nil
	case !entry.Type().IsRegular():
		return nil
	case IsKustomization(path):
		s.kustomizations[filepath.Dir(path)] = path
	case !isManifest(path):
		return nil
	}
	_, err = s.read(path)
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func isManifest(path string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(path))
}

// read returns what a file holds, once it has been read.
func (s *scan) read(path string) (file, error) {
	if known, found := s.files[path]; found {
		return known, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file{}, nil
	}
	if err != nil {
		return file{}, err
	}
	var f file
	f.documents, f.problems = lint.Parse(path, content)
	if !isObject(content) {
		f.problems = nil
	}
	s.files[path] = f
	for _, d := range f.documents {
		if isFlux(d.Object) {
			s.flux = append(s.flux, flux{document: d})
		}
	}
	return f, nil
}

var (
	kindLine    = regexp.MustCompile(`(?m)^kind: *\S`)
	versionLine = regexp.MustCompile(`(?m)^apiVersion: *\S`)
)

// isObject is true for text that is meant to be a Kubernetes object, though perhaps not
// well formed: other files, and templates, are those of other tools.
func isObject(content []byte) bool {
	return kindLine.Match(content) && versionLine.Match(content) && !bytes.Contains(content, []byte("{{"))
}

// resolve returns the directory that spec.path of a Flux Kustomization names: in the
// working tree, or in one of the directories. It is "" if neither has one.
func (s *scan) resolve(path string) string {
	for _, top := range append([]string{s.root}, slices.Sorted(maps.Keys(s.dirs))...) {
		dir := filepath.Join(top, filepath.FromSlash(path))
		info, err := os.Stat(dir)
		if err == nil && info.IsDir() && isBelow(dir, top) && dir != string(filepath.Separator) {
			return dir
		}
	}
	return ""
}

// isTop is true for what everything is below.
func (s *scan) isTop(dir string) bool {
	return dir == s.root || s.dirs[dir] != "" && s.root == string(filepath.Separator)
}

func (s *scan) isComponent(dir string) bool {
	return slices.ContainsFunc(s.files[s.kustomizations[dir]].documents, func(d lint.Document) bool { return d.Object["kind"] == "Component" })
}

// plain returns the manifests that are in no kustomization.
func (s *scan) plain(reads, named map[string]bool) []lint.Document {
	var out []lint.Document
	for _, path := range s.outside(reads) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(named)), func(dir string) bool { return isBelow(path, dir) }) {
			for _, d := range s.files[path].documents {
				d.File = s.shown(path)
				out = append(out, d)
			}
		}
	}
	return out
}

// problems returns what cannot be read of the files outside of kustomizations. What is
// wrong with others shows when they are built.
func (s *scan) problems(reads map[string]bool) []lint.Finding {
	var out []lint.Finding
	for _, path := range s.outside(reads) {
		for _, f := range s.files[path].problems {
			f.File, f.Severity = s.shown(path), lint.Warning
			out = append(out, f)
		}
	}
	return out
}

// outside returns the files that no build has read and no kustomization could.
func (s *scan) outside(reads map[string]bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(s.files)), func(path string) bool {
		if reads[path] || !s.isScanned(path) {
			return true
		}
		for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
			if s.kustomizations[dir] != "" {
				return true
			}
			if s.dirs[dir] != "" || dir == filepath.Dir(dir) {
				return false
			}
		}
	})
}

// isScanned is true for files below the directories, unlike those that builds add.
func (s *scan) isScanned(path string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(s.dirs)), func(dir string) bool { return isBelow(path, dir) })
}

// shown returns a path as the user would write it.
func (s *scan) shown(path string) string {
	for dir, written := range s.dirs {
		if isBelow(path, dir) {
			return filepath.ToSlash(filepath.Join(written, strings.TrimPrefix(path, dir)))
		}
	}
	if s.root != string(filepath.Separator) && isBelow(path, s.root) {
		for dir, written := range s.dirs {
			if up, err := filepath.Rel(dir, path); err == nil {
				return filepath.ToSlash(filepath.Join(written, up))
			}
		}
	}
	return path
}

// IsKustomization is true for the name of a kustomization file.
func IsKustomization(path string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path))
}

func (s *scan) hasKustomization(dir string) bool {
	return slices.ContainsFunc(konfig.RecognizedKustomizationFileNames(), func(name string) bool { return s.fs.Exists(filepath.Join(dir, name)) })
}
