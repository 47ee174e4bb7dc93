// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// gitServer serves the bare repositories below a directory over HTTP, to read.
type gitServer struct {
	dir, url string
	server   *http.Server
}

func startGitServer(dir string) (*gitServer, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, fmt.Errorf("serving Git, which needs the git command: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("serving Git: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving Git: %w", err)
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + dir},
	}
	s := &gitServer{dir: dir, url: "http://" + listener.Addr().String() + "/"}
	s.server = &http.Server{Handler: backend, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

func (s *gitServer) close() {
	if s != nil {
		_ = s.server.Close()
	}
}

// GitRepository is a repository with one branch, main, that a world with Options.GitOps serves.
type GitRepository struct {
	// URL is where a Flux GitRepository finds it.
	URL string
	dir string // of the work tree
}

// NewGitRepository makes an empty repository.
func (w *World) NewGitRepository(ctx context.Context, name string) (*GitRepository, error) {
	bare := filepath.Join(w.git.dir, name+".git")
	r := &GitRepository{URL: w.git.url + name + ".git", dir: filepath.Join(w.dir, "worktree-"+name)}
	if err := errors.Join(os.Mkdir(bare, 0o700), os.Mkdir(r.dir, 0o700)); err != nil {
		return nil, fmt.Errorf("making Git repository %s: %w", name, err)
	}
	_, err := runGit(ctx, bare, "init", "--quiet", "--bare", "--initial-branch=main")
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"remote", "add", "origin", bare},
	} {
		if _, err := runGit(ctx, r.dir, args...); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Commit writes files by their path, removes those whose content is empty, pushes the commit
// and returns its hash. Without a difference it makes an empty commit.
func (r *GitRepository) Commit(ctx context.Context, message string, files map[string]string) (hash string, err error) {
	for name, content := range files {
		path := filepath.Join(r.dir, filepath.FromSlash(name))
		if content == "" {
			err = os.RemoveAll(path)
		} else if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			err = os.WriteFile(path, []byte(content), 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("writing into a Git repository: %w", err)
		}
	}
	if _, err := runGit(ctx, r.dir, "add", "--all"); err != nil {
		return "", err
	}
	if _, err := runGit(ctx, r.dir, "commit", "--quiet", "--allow-empty", "--message", message); err != nil {
		return "", err
	}
	return r.push(ctx)
}

// Revert reverts the newest commit, pushes that and returns its hash.
func (r *GitRepository) Revert(ctx context.Context) (hash string, err error) {
	if _, err := runGit(ctx, r.dir, "revert", "--no-edit", "HEAD"); err != nil {
		return "", err
	}
	return r.push(ctx)
}

func (r *GitRepository) push(ctx context.Context) (hash string, err error) {
	if _, err := runGit(ctx, r.dir, "push", "--quiet", "origin", "main"); err != nil {
		return "", err
	}
	return runGit(ctx, r.dir, "rev-parse", "HEAD")
}

// runGit runs git without the settings of the person who runs the tests.
func runGit(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(withoutGit(os.Environ()), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_AUTHOR_NAME=tester", "GIT_AUTHOR_EMAIL=tester@example.com", "GIT_COMMITTER_NAME=tester", "GIT_COMMITTER_EMAIL=tester@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w\n%s", args[0], err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// withoutGit drops what would point git at the checkout, such as in a hook.
func withoutGit(env []string) []string {
	return slices.DeleteFunc(env, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return name == "GIT_DIR" || name == "GIT_WORK_TREE" || name == "GIT_INDEX_FILE"
	})
}
