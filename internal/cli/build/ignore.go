// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package build

import (
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
)

// ignored returns the files and directories below one that source-controller leaves out of
// what kustomize-controller gets, as patterns for that directory.
func (s *scan) ignored(dir string) (string, error) {
	top := s.root
	if top == string(filepath.Separator) {
		top = dir
	}
	domain := strings.Split(top, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(top, domain)
	if err != nil {
		return "", err
	}
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	var out strings.Builder
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir || !matcher.Match(strings.Split(path, string(filepath.Separator)), entry.IsDir()) {
			return err
		}
		out.WriteString(filepath.ToSlash(strings.TrimPrefix(path, dir)) + "\n")
		if entry.IsDir() {
			return filepath.SkipDir
		}
		return nil
	})
	return out.String(), err
}
