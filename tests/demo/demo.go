// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const (
	fluxNamespace = triggerv1.DefaultFluxcdNamespace
	appNamespace  = "my-app"
	app           = "my-app"
	valuesName    = "my-app-values"
	configName    = "my-app-config"
)

// The names of files that commands name.
const (
	triggerFile  = "prices.yaml"
	templateFile = "release.yaml"
)

var (
	//go:embed app.yaml
	manifests string

	//go:embed prices.yaml
	triggerManifest string

	//go:embed release.yaml
	templateManifest string
)

// programs are those that the demo needs; notification-controller is not.
var programs = []string{
	world.Etcd, world.APIServer, world.ControllerManager, world.Kubectl, world.HelmController, world.Helm,
}

// demo is a world with the operator in it.
type demo struct {
	out      *screen
	world    *world.World
	operator *operator.Operator
	client   client.WithWatch
	metrics  *http.Server
}

// open makes a world with the operator and the app in it. The caller closes it.
func open(ctx context.Context, out *screen) (*demo, error) {
	// Nothing is printed when there is nothing to build.
	if err := world.Build(ctx, programs...); err != nil {
		return nil, err
	}
	d := &demo{out: out}
	for _, step := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"Start Kubernetes (etcd, API server, controller manager) and Flux's helm-controller", d.startWorld},
		{"Compile the operator and its kubectl plugin", d.compile},
		{"Install its Helm chart, run the manager with the token of its service account", d.install},
		{"Apply HelmRelease my-app and its ConfigMaps, wait until all is delivered and idle", d.apply},
	} {
		if err := out.step(step.doing, func() (string, error) { return "", step.do(ctx) }); err != nil {
			if ctx.Err() == nil {
				d.explain(ctx)
			}
			d.close()
			return nil, err
		}
	}
	return d, nil
}

// close ends every process and removes the directory.
func (d *demo) close() {
	if d.world == nil {
		return
	}
	_ = d.out.step("Stop everything and remove "+d.world.Dir(), func() (string, error) {
		d.world.Stop()
		if d.metrics != nil {
			_ = d.metrics.Close()
		}
		return "", nil
	})
}

func (d *demo) startWorld(ctx context.Context) (err error) {
	if d.world, err = world.Start(ctx, kit.World()); err != nil {
		return err
	}
	d.client, err = client.NewWithWatch(d.world.Config(), client.Options{Scheme: d.world.Client().Scheme()})
	return err
}

func (d *demo) compile(ctx context.Context) error {
	if err := os.Mkdir(d.bin(), 0o700); err != nil {
		return err
	}
	if _, err := operator.Build(ctx, d.bin()); err != nil {
		return err
	}
	if err := operator.BuildPlugin(ctx, d.bin()); err != nil {
		return err
	}
	return d.equip(ctx)
}

func (d *demo) install(ctx context.Context) (err error) {
	// There is no notification-controller to send events to.
	providers, err := d.measure(ctx)
	if err != nil {
		return err
	}
	options := operator.Options{Values: []string{"--set", "eventsAddr=,publish.enabled=true"}, Args: []string{providers}}
	d.operator, err = operator.Install(ctx, d.world, filepath.Join(d.bin(), "manager"), options)
	return err
}

func (d *demo) apply(ctx context.Context) error {
	if _, err := d.world.Kubectl(ctx, "create", "namespace", fluxNamespace); err != nil {
		return err
	}
	if err := d.world.PublishChart(ctx, fluxNamespace, app, world.TestChart()); err != nil {
		return err
	}
	if _, err := d.world.KubectlInput(ctx, manifests, "apply", "-f", "-"); err != nil {
		return err
	}
	return d.atRest(ctx)
}

// explain says what is known when something did not arrive.
func (d *demo) explain(ctx context.Context) {
	if d.operator == nil {
		return // The error tells all there is.
	}
	if err := d.tables(ctx); err != nil {
		d.out.line("%v", err)
	}
	for _, p := range []struct {
		name    string
		process *world.Process
	}{
		{"manager", d.operator.Process()},
		{world.HelmController, d.world.Component(world.HelmController)},
	} {
		fmt.Fprintf(d.out, "\nlast lines of %s:\n%s\n", p.name, p.process.Tail(5))
	}
}
