// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package arch tests the structure of the code: who imports whom, how long files
// are, and that each names its licence.
package arch

import (
	"errors"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

const (
	module = "github.com/nebius/helmrelease-trigger-operator"
	root   = "../.."

	// maxLines is how long a hand-written file may be: a longer one has two
	// concerns.
	maxLines = 320
)

// rule says what packages must not import, themselves or, if deep, through any
// other package of ours.
type rule struct {
	name string
	// packages and except are prefixes of paths below the module.
	packages, except []string
	// forbidden are prefixes of import paths; those of ours start with "./".
	forbidden []string
	// but is one that is not forbidden.
	but  string
	deep bool
}

var (
	// What a package may import follows from where it is: core decides and does no I/O, kube reads or writes
	// one thing each, and the rest orchestrates. The packages below the plugin decide, too, but for one that
	// reads manifests, and one that watches.
	core = []string{"internal/core", "internal/cli/"}
	kube = []string{"internal/kube"}

	orchestration = []string{"internal/app", "internal/controller", "internal/delivery", "internal/features"}

	// The plugin is another program. It decides by pure packages, and reads sources as
	// the operator does. What it shows in a browser is beside it.
	cli = []string{"internal/cli", "internal/cli/build", "internal/cli/follow", "internal/ui"}

	rules = []rule{{
		name:      "the API imports nothing of ours and no client",
		packages:  []string{"api"},
		forbidden: []string{"./internal", "./cmd", "./tests", "sigs.k8s.io/controller-runtime", "k8s.io/client-go"},
		deep:      true,
	}, {
		name:      "core imports no client",
		packages:  core,
		except:    []string{"internal/cli/build", "internal/cli/follow"},
		forbidden: []string{"sigs.k8s.io/controller-runtime", "k8s.io/client-go", "net/http", "os", "charm.land", "github.com/modelcontextprotocol"},
		deep:      true,
	}, {
		name:      "packages of kube import neither each other nor what uses them",
		packages:  kube,
		forbidden: append(ours(kube), ours(orchestration)...),
		deep:      true,
	}, {
		name:      "the plugin shares with the operator what is pure, and how sources are read",
		packages:  cli,
		forbidden: append(ours(kube), ours(orchestration)...),
		but:       "./internal/kube/source",
		deep:      true,
	}, {
		name:      "nothing imports the plugin but its program",
		packages:  []string{"api", "cmd", "internal"},
		except:    cli,
		forbidden: ours(cli),
	}, {
		name:      "only the wiring imports the controllers",
		packages:  []string{"api", "cmd", "internal"},
		except:    []string{"internal/app", "internal/controller"},
		forbidden: []string{"./internal/controller"},
	}, {
		name:      "only the controllers import the engine",
		packages:  []string{"api", "cmd", "internal"},
		except:    []string{"internal/controller", "internal/delivery"},
		forbidden: []string{"./internal/delivery"},
	}, {
		name:      "each program imports its wiring and nothing else of ours",
		packages:  []string{"cmd"},
		forbidden: []string{"./api", "./internal"},
	}, {
		name:      "only the plugin draws on terminals and serves assistants",
		packages:  []string{"api", "cmd", "internal"},
		except:    []string{"internal/cli"},
		forbidden: []string{"charm.land", "github.com/charmbracelet", "github.com/modelcontextprotocol"},
	}, {
		name:      "nothing in the product imports tests",
		packages:  []string{"api", "cmd", "internal"},
		forbidden: []string{"./tests", "testing", "github.com/onsi"},
	}}

	// allowed are exceptions to the rules: a package, and an import of it.
	allowed = map[string]string{"cmd": "./internal/app", "cmd/kubectl-valuestrigger": "./internal/cli", "internal/kube/copies": "./internal/kube/apply"}
)

func TestImports(t *testing.T) {
	t.Parallel()
	imports := productImports(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			g := NewWithT(t)
			for pkg := range imports {
				if !hasPrefix(pkg, r.packages) || hasPrefix(pkg, r.except) {
					continue
				}
				for _, path := range reach(imports, pkg, r.deep) {
					if path == allowed[pkg] || path == r.but {
						continue
					}
					g.Expect(hasPrefix(path, r.forbidden)).To(BeFalse(), "%s imports %s", pkg, path)
				}
			}
		})
	}
}

func TestEveryPackageHasItsKind(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	for pkg := range productImports(t) {
		if !strings.HasPrefix(pkg, "internal/") {
			continue
		}
		g.Expect(hasPrefix(pkg, slices.Concat(core, kube, orchestration)) || slices.Contains(cli, pkg)).To(BeTrue(),
			"%s is neither in internal/core nor in internal/kube, nor orchestration nor the plugin", pkg)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	header, err := os.ReadFile(filepath.Join(root, "api", "boilerplate.go.txt"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())

	eachGoFile(t, func(path string) {
		t.Run(path, func(t *testing.T) {
			g := NewWithT(t)
			content, err := os.ReadFile(filepath.Join(root, path))
			g.Expect(err).NotTo(HaveOccurred())

			if generated(path) {
				// The generator puts the build tag first.
				g.Expect(string(content)).To(ContainSubstring(strings.TrimSpace(string(header))))
				return
			}
			g.Expect(string(content)).To(HavePrefix(strings.TrimSpace(string(header))+"\n"), "the licence header")
			if !strings.HasSuffix(path, "_test.go") {
				g.Expect(strings.Count(string(content), "\n")).To(BeNumerically("<=", maxLines), "number of lines")
			}
		})
	})
}

// maxPages bounds what the pages of the plugin are made of, without what others have published.
const maxPages = 4000

func TestPages_stay_small(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	lines := 0
	g.Expect(filepath.WalkDir(filepath.Join(root, "internal", "ui"), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "vendor":
			return filepath.SkipDir
		case entry.IsDir() || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		lines += strings.Count(string(content), "\n")
		return err
	})).To(Succeed())
	g.Expect(lines).To(BeNumerically("<", maxPages))
}

func generated(path string) bool {
	return strings.HasPrefix(filepath.Base(path), "zz_generated.")
}

// productImports returns what each package of ours (as a path below the module)
// imports outside of tests; imports of ours start with "./".
func productImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	eachGoFile(t, func(path string) {
		dir := filepath.ToSlash(filepath.Dir(path))
		if _, done := imports[dir]; done {
			return
		}
		pkg, err := build.ImportDir(filepath.Join(root, dir), 0)
		if _, onlyTests := errors.AsType[*build.NoGoError](err); onlyTests {
			return
		}
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		paths := []string{}
		for _, path := range pkg.Imports {
			if below, ok := strings.CutPrefix(path, module+"/"); ok {
				path = "./" + below
			}
			paths = append(paths, path)
		}
		imports[dir] = paths
	})
	NewWithT(t).Expect(imports).To(HaveKey("cmd"))
	return imports
}

// reach returns the imports of a package and, if deep, of those of ours that it
// reaches.
func reach(imports map[string][]string, pkg string, deep bool) []string {
	seen := map[string]bool{}
	var found []string
	var visit func(pkg string)
	visit = func(pkg string) {
		for _, path := range imports[pkg] {
			if seen[path] {
				continue
			}
			seen[path] = true
			found = append(found, path)
			if below, ok := strings.CutPrefix(path, "./"); ok && deep {
				visit(below)
			}
		}
	}
	visit(pkg)
	return found
}

// ours turns paths below the module into import paths of ours.
func ours(paths []string) []string {
	out := make([]string, 0, len(paths))
	for _, path := range paths {
		out = append(out, "./"+path)
	}
	return out
}

// hasPrefix reports whether the path is one of the prefixes, or below one; only below one that ends with a slash.
func hasPrefix(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
	})
}

// eachGoFile calls back with every Go file of the checkout, as a path below it.
func eachGoFile(t *testing.T, visit func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			visit(filepath.ToSlash(rel))
		}
		return nil
	})
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}
