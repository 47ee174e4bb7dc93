// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package operator installs the chart into a world and runs the manager as the
// chart would have it run: as a process with the arguments and environment of the
// Deployment and the token of its service account. There are no nodes in a world,
// so no pod would ever start.
package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	// Namespace, Release and Deployment are the names of the README.
	Namespace  = "helmrelease-trigger-operator-system"
	Release    = "helmrelease-trigger-operator"
	Deployment = Release + "-controller-manager"

	startTimeout = time.Minute
	stopTimeout  = 20 * time.Second
)

// Options of an installation.
type Options struct {
	// Name is the name of the Helm release, and with Values that set fullnameOverride
	// to it too, the prefix of all names: for a second installation. Release by default.
	Name string

	// Values are arguments of helm install, such as --set key=value.
	Values []string

	// Args and Env are given to the manager after those of the Deployment.
	Args []string
	Env  []string

	// Log names the log file of the manager, default "manager".
	Log string

	// Proxy stands between the manager and the API server, if there is one.
	Proxy Proxy

	// Installed reports that the chart is installed already.
	Installed bool
}

// Proxy is an API server for the manager that is not the world's own.
type Proxy interface {
	URL() string
	CA() []byte
}

// Operator is an installed chart and a running manager.
type Operator struct {
	world   *world.World
	options Options
	spec    world.Spec
	health  string
	metrics string
	process *world.Process
}

// Root returns the directory of the checkout.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Chart returns the directory of the chart.
func Chart() string { return filepath.Join(Root(), "config", "chart") }

// Build compiles the manager into dir and returns its path. RACE=1 in the
// environment builds it with the race detector.
func Build(ctx context.Context, dir string) (string, error) {
	return build(ctx, filepath.Join(dir, "manager"), "./cmd", os.Environ(), race()...)
}

// BuildRelease compiles the manager as the image has it, for measurements.
func BuildRelease(ctx context.Context, dir string) (string, error) {
	return build(ctx, filepath.Join(dir, "manager"), "./cmd", append(os.Environ(), "CGO_ENABLED=0"), "-trimpath", "-ldflags=-s -w")
}

// BuildPlugin compiles the plugin of kubectl into dir, under the names by which kubectl
// finds it in the PATH.
func BuildPlugin(ctx context.Context, dir string) error {
	const name = "kubectl-valuestrigger"
	path, err := build(ctx, filepath.Join(dir, name), "./cmd/"+name, os.Environ(), race()...)
	if err != nil {
		return err
	}
	for _, other := range []string{"kubectl-vt", "kubectl_complete-valuestrigger", "kubectl_complete-vt"} {
		if err := os.Symlink(path, filepath.Join(dir, other)); err != nil && !errors.Is(err, fs.ErrExist) { // It was built before.
			return err
		}
	}
	return nil
}

func race() []string {
	if os.Getenv("RACE") == "1" {
		return []string{"-race"}
	}
	return nil
}

func build(ctx context.Context, path, pkg string, env []string, flags ...string) (string, error) {
	args := append([]string{"build", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, pkg)...)
	dir := filepath.Dir(path)
	cmd.Dir = Root()
	// Interrupted, the go command leaves its temporary files behind, and killed, the
	// compilers that it started.
	cmd.Env = append(env, "TMPDIR="+dir, "GOTMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// Install installs the chart, or upgrades it with other values, and starts the
// manager at path.
func Install(ctx context.Context, w *world.World, path string, o Options) (*Operator, error) {
	op := &Operator{world: w, options: o, spec: world.Spec{Name: cmp.Or(o.Log, "manager"), Path: path}}
	op.options.Name = cmp.Or(o.Name, Release)
	if !o.Installed {
		if err := install(ctx, w, op.options.Name, o.Values); err != nil {
			return nil, err
		}
	}
	if err := op.configure(ctx); err != nil {
		return nil, err
	}
	return op, op.Start(ctx)
}

// configure takes arguments, environment and account from the Deployment.
func (o *Operator) configure(ctx context.Context) error {
	deployment := &appsv1.Deployment{}
	if err := o.world.Client().Get(ctx, types.NamespacedName{Namespace: Namespace, Name: o.deployment()}, deployment); err != nil {
		return err
	}
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	kubeconfig, err := o.world.KubeconfigForServiceAccount(ctx, Namespace, pod.ServiceAccountName)
	if err != nil {
		return err
	}
	if o.options.Proxy != nil {
		if kubeconfig, err = redirected(kubeconfig, o.options.Proxy); err != nil {
			return err
		}
	}
	if o.health, err = o.world.ReservePort(); err != nil {
		return err
	}
	if o.metrics, err = o.world.ReservePort(); err != nil {
		return err
	}
	// A pod has its ports to itself; here many share one address.
	o.spec.Args = append(append([]string{}, container.Args...),
		"--metrics-bind-address="+o.metrics, "--health-probe-bind-address="+o.health)
	o.spec.Args = append(o.spec.Args, o.options.Args...)
	o.spec.Env = append(append(environment(container), "KUBECONFIG="+kubeconfig), o.options.Env...)
	return nil
}

// redirected writes a copy of a kubeconfig file that points to the proxy. Each proxy has
// its own: a replica that is started again must not get that of another one.
func redirected(path string, proxy Proxy) (string, error) {
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		return "", err
	}
	for _, cluster := range config.Clusters {
		cluster.Server, cluster.CertificateAuthority, cluster.CertificateAuthorityData = proxy.URL(), "", proxy.CA()
	}
	path += "-" + proxy.URL()[strings.LastIndex(proxy.URL(), ":")+1:]
	return path, clientcmd.WriteToFile(*config, path)
}

// environment returns what the kubelet would set.
func environment(container corev1.Container) []string {
	var env []string
	var known []string // pairs for the replacement of $(NAME)
	for _, v := range container.Env {
		value, found := valueOf(v, container)
		if !found {
			continue
		}
		value = strings.NewReplacer(known...).Replace(value)
		known = append(known, "$("+v.Name+")", value)
		env = append(env, v.Name+"="+value)
	}
	return env
}

// valueOf returns the value of an environment variable, as far as there is one
// without a node.
func valueOf(v corev1.EnvVar, container corev1.Container) (string, bool) {
	switch from := v.ValueFrom; {
	case from == nil:
		return v.Value, true
	case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
		return Namespace, true
	case from.ResourceFieldRef != nil:
		name := strings.TrimPrefix(from.ResourceFieldRef.Resource, "limits.")
		quantity, found := container.Resources.Limits[corev1.ResourceName(name)]
		if divisor := from.ResourceFieldRef.Divisor.Value(); found && divisor > 1 {
			return fmt.Sprint((quantity.Value() + divisor - 1) / divisor), true
		}
		return fmt.Sprint(quantity.Value()), found
	}
	return "", false
}

// Start runs the manager and returns when it reports to be ready.
func (o *Operator) Start(ctx context.Context) error {
	if err := o.Launch(); err != nil {
		return err
	}
	process := o.process
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		if !process.Running() {
			return false, fmt.Errorf("the manager has ended: %s", process.Tail(20))
		}
		return o.ready(ctx), nil
	})
	if err != nil {
		return fmt.Errorf("start the manager: %w\n%s", err, process.Tail(20))
	}
	return nil
}

// Launch runs the manager and does not wait for it.
func (o *Operator) Launch() error {
	process, err := o.world.Run(o.spec)
	if err == nil {
		o.process = process
	}
	return err
}

func (o *Operator) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.health+"/readyz", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// Stop ends the manager with SIGTERM.
func (o *Operator) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	return o.process.Stop(ctx)
}

// Kill ends the manager with SIGKILL.
func (o *Operator) Kill() { o.process.Kill() }

// Process returns the running manager.
func (o *Operator) Process() *world.Process { return o.process }

// Metrics returns the address of the metrics, which the chart has secured.
func (o *Operator) Metrics() string { return o.metrics }

// User returns the name under which the API server knows the manager.
func (o *Operator) User() string {
	return world.ServiceAccountUser(Namespace, o.deployment())
}

func (o *Operator) deployment() string { return o.options.Name + "-controller-manager" }
