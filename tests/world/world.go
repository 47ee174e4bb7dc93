// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

// startTimeout bounds the start of a world once its programs are built.
const startTimeout = 2 * time.Minute

// Options of a world. The zero value is a control plane with Flux's kinds and
// helm-controller.
type Options struct {
	// NoHelmController leaves helm-controller stopped. StartComponent starts it.
	NoHelmController bool
	// NotificationController starts notification-controller, and has
	// helm-controller send its events there.
	NotificationController bool
	// GitOps starts source-controller, kustomize-controller, an OCI registry and a Git server,
	// so that charts come from PushChart and objects from NewGitRepository. PublishChart is of
	// no use then: source-controller looks for what it says.
	GitOps bool
	// NoAudit saves the API server the audit log, for measurements of speed.
	NoAudit bool
	// CRDs are files or directories with CustomResourceDefinitions to install
	// besides Flux's. Those installed here are known to the garbage collector
	// from the start; of any installed later it learns within 30 seconds.
	CRDs []string
	// AddToScheme adds kinds to those that Client knows: Kubernetes' own and
	// HelmRelease.
	AddToScheme []func(*runtime.Scheme) error
	// Arguments that come after the world's own and win over them.
	APIServerArgs, ControllerManagerArgs, HelmControllerArgs, NotificationControllerArgs,
	SourceControllerArgs, KustomizeControllerArgs []string
	// Progress gets a few lines if something must be built, default os.Stderr.
	Progress io.Writer
}

// World is a running Kubernetes API with Flux.
type World struct {
	dir       string
	builder   *builder
	reaper    *reaper
	config    *rest.Config
	client    client.Client
	clientset *kubernetes.Clientset
	artifacts *artifactServer
	eventsURL string
	registry  string
	charts    sync.Mutex
	git       *gitServer
	stop      sync.Once

	mu       sync.Mutex
	services map[string]*service

	trackMu  sync.Mutex
	started  []*Process
	releases []func()
}

// Start makes a world and returns when all of it is ready to work. ctx bounds
// the start only; the world lasts until Stop, or until this process ends, in
// whichever way. A main program should have signal.NotifyContext make the ctx
// and defer Stop, then Ctrl-C waits until everything is cleaned up.
//
// Programs that were never built on this machine are built first, which takes
// some minutes and is reported to Options.Progress.
func Start(ctx context.Context, o Options) (*World, error) {
	if o.Progress == nil {
		o.Progress = os.Stderr
	}
	b, err := newBuilder(o.Progress)
	if err != nil {
		return nil, err
	}
	names := []string{Etcd, APIServer, ControllerManager}
	if !o.NoHelmController {
		names = append(names, HelmController)
	}
	if o.NotificationController {
		names = append(names, NotificationController)
	}
	if o.GitOps {
		names = append(append(names, Helm), gitOpsComponents...)
	}
	for _, name := range names {
		if _, err := b.find(ctx, name); err != nil {
			return nil, err
		}
	}
	crds, err := b.fluxCRDs(ctx)
	if err != nil {
		return nil, err
	}
	o.CRDs = append([]string{crds}, o.CRDs...)

	w := &World{builder: b, services: map[string]*service{}}
	if w.reaper, err = startReaper(); err != nil {
		return nil, err
	}
	w.dir = w.reaper.dir
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("the world was not ready in %s", startTimeout))
	defer cancel()
	if err := w.start(ctx, o); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

func (w *World) start(ctx context.Context, o Options) error {
	for _, name := range []string{"logs", "home", "tmp", "kubeconfig"} {
		if err := os.Mkdir(filepath.Join(w.dir, name), 0o700); err != nil {
			return fmt.Errorf("making the world's directory: %w", err)
		}
	}
	addr, err := w.ReservePort()
	if err != nil {
		return err
	}
	ca, err := w.writeCerts()
	if err != nil {
		return err
	}
	if err := w.writeUsers(addr, ca); err != nil {
		return err
	}
	if err := w.connect(o); err != nil {
		return err
	}
	if w.artifacts, err = startArtifactServer(); err != nil {
		return err
	}
	w.services[Etcd] = w.etcdService()
	if w.services[APIServer], err = w.apiServerService(addr, o); err != nil {
		return err
	}
	w.services[ControllerManager] = w.controllerManagerService(o)
	if err := w.addFlux(o); err != nil {
		return err
	}
	if o.GitOps {
		if err := w.addGitOps(o); err != nil {
			return err
		}
	}

	for _, name := range []string{Etcd, APIServer} {
		if err := w.StartComponent(ctx, name); err != nil {
			return err
		}
	}
	if err := w.InstallCRDs(ctx, o.CRDs...); err != nil {
		return err
	}
	return w.startRest(ctx, o)
}

// startRest starts, all at once, what only needs the API server.
func (w *World) startRest(ctx context.Context, o Options) error {
	services := []*service{w.services[ControllerManager]}
	if o.NotificationController {
		services = append(services, w.services[NotificationController])
	}
	if !o.NoHelmController {
		services = append(services, w.services[HelmController])
	}
	if o.GitOps {
		for _, name := range gitOpsComponents {
			services = append(services, w.services[name])
		}
	}
	errs := make([]error, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { errs[i] = w.startService(ctx, s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Stop kills everything that runs in the world and removes its directory. It
// may be called more than once.
func (w *World) Stop() {
	w.stop.Do(func() {
		w.reaper.reap()
		w.artifacts.close()
		w.git.close()
		w.trackMu.Lock()
		defer w.trackMu.Unlock()
		for _, p := range w.started {
			<-p.done
		}
		for _, release := range w.releases {
			release()
		}
	})
}

// Client returns a client of the cluster admin, without a cache.
func (w *World) Client() client.Client { return w.client }

// Dir returns the world's directory, which Stop removes.
func (w *World) Dir() string { return w.dir }

// LogPath returns the log file of a component, or of a Process, by its name.
func (w *World) LogPath(name string) string { return filepath.Join(w.dir, "logs", name+".log") }

// ReservePort returns a loopback address, such as 127.0.0.1:40001, for a
// server to listen on. It is kept for the life of the world.
func (w *World) ReservePort() (addr string, err error) {
	addr, release, err := reservePort()
	if err != nil {
		return "", err
	}
	w.trackMu.Lock()
	defer w.trackMu.Unlock()
	w.releases = append(w.releases, release)
	return addr, nil
}

// Namespace creates a namespace with a name of its own that begins with prefix.
func (w *World) Namespace(ctx context.Context, prefix string) (string, error) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: prefix + "-"}}
	if err := w.client.Create(ctx, ns); err != nil {
		return "", fmt.Errorf("creating a namespace: %w", err)
	}
	return ns.Name, nil
}

// Dump writes the last n lines of every log file, to tell why a test failed.
func (w *World) Dump(out io.Writer, n int) {
	paths, _ := filepath.Glob(w.LogPath("*"))
	for _, path := range paths {
		if data, err := os.ReadFile(path); err == nil && len(data) > 0 {
			fmt.Fprintf(out, "--- %s, last lines:\n%s\n", filepath.Base(path), tail(string(data), n))
		}
	}
}

// track has Stop wait for a process.
func (w *World) track(p *Process) {
	w.trackMu.Lock()
	defer w.trackMu.Unlock()
	w.started = slices.DeleteFunc(w.started, func(p *Process) bool { return !p.Running() })
	w.started = append(w.started, p)
}

func newClient(config *rest.Config, o Options) (client.Client, error) {
	scheme := runtime.NewScheme()
	for _, add := range append([]func(*runtime.Scheme) error{clientgoscheme.AddToScheme, helmv2.AddToScheme}, o.AddToScheme...) {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return client.New(config, client.Options{Scheme: scheme})
}
