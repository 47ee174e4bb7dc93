// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const shop = "shop"

// prices are the ConfigMap and the ValuesTrigger that delivers it.
var prices = types.NamespacedName{Namespace: shop, Name: "prices"}

// stages are the releases that read prices, in the order in which they are triggered.
var stages = []struct {
	name     string
	releases []string
}{
	{"canary", []string{"canary"}},
	{"eu", []string{"eu-1", "eu-2"}},
	{"us", []string{"us-1", "us-2"}},
}

// rollout makes an edit that breaks the canary, and one that waits for an approval.
func (d *demo) rollout(ctx context.Context) error {
	d.heading("One ConfigMap, five HelmReleases: in stages, with an approval, rolled back when it breaks")
	if err := d.show(ctx, "cat "+d.file(triggerFile)); err != nil {
		return err
	}
	d.out.line("")
	err := d.out.step("Apply it and five HelmReleases, wait until all run the same prices", func() (string, error) {
		return "", d.openShop(ctx)
	})
	if err != nil {
		return err
	}
	if err := d.breakCanary(ctx); err != nil {
		return err
	}
	return d.approve(ctx)
}

func (d *demo) openShop(ctx context.Context) error {
	if _, err := d.world.Kubectl(ctx, "create", "namespace", shop); err != nil {
		return err
	}
	if err := d.world.PublishChart(ctx, shop, shop, world.TestChart()); err != nil {
		return err
	}
	objects, releases := []string{triggerManifest}, 0
	for _, stage := range stages {
		releases += len(stage.releases)
		for _, name := range stage.releases {
			objects = append(objects, strings.NewReplacer("NAME", name, "STAGE", stage.name).Replace(templateManifest))
		}
	}
	all := func(vt *triggerv1.ValuesTrigger) bool {
		return isReadyTrigger(vt) && len(vt.Status.Targets) == releases
	}
	return d.until(ctx, all, func(string) {}, func() error {
		_, err := d.world.Kubectl(ctx, "create", "configmap", prices.Name, "-n", shop, "--from-literal=values.yaml=discount: 10")
		if err != nil {
			return err
		}
		_, err = d.world.KubectlInput(ctx, strings.Join(objects, "---\n"), "apply", "-f", "-")
		return err
	})
}

func (d *demo) breakCanary(ctx context.Context) error {
	d.heading("Edit 4, the API server refuses what these values render: only the canary gets them, and is rolled back")
	return d.change(ctx, patch(prices, "values.yaml", "discount: 20\nreject: true\n"), []string{"canary"},
		inPhase(triggerv1.RolloutRolledBack), "kubectl valuestrigger tree prices -n shop")
}

func (d *demo) approve(ctx context.Context) error {
	d.heading("Edit 5, good values: the last stage waits for a person")
	edit := patch(prices, "values.yaml", "discount: 30\n")
	err := d.change(ctx, edit, []string{"canary", "eu-1", "eu-2"},
		inPhase(triggerv1.RolloutAwaitingApproval), "kubectl valuestrigger preview --pending prices -n shop")
	if err != nil {
		return err
	}
	vt := &triggerv1.ValuesTrigger{}
	if err := d.client.Get(ctx, prices, vt); err != nil {
		return err
	}
	_, command, found := strings.Cut(readyMessage(vt), "waits for approval: ")
	if !found {
		return fmt.Errorf("ValuesTrigger %s does not say how to approve: %s", prices, readyMessage(vt))
	}
	d.heading("Approve, by the command in the status of the ValuesTrigger")
	return d.change(ctx, command, []string{"us-1", "us-2"}, isReadyTrigger,
		"kubectl valuestrigger tree prices -n shop", "kubectl valuestrigger why canary -n shop",
		"kubectl get events -n shop --field-selector=involvedObject.kind=ValuesTrigger,involvedObject.name=prices --no-headers -o custom-columns=:.reason,:.message | tail -n 16")
}

// change runs a command, follows the rollout until it is as expected, and shows what the plugin
// says then. Exactly the given releases are to be triggered.
func (d *demo) change(ctx context.Context, command string, expected []string, done func(*triggerv1.ValuesTrigger) bool, then ...string) error {
	before, err := d.requests(ctx)
	if err != nil {
		return err
	}
	d.prompt(command)
	err = d.out.step("Follow the rollout", func() (string, error) {
		start := time.Now()
		err := d.until(ctx, done, func(message string) { d.out.note(start, message) }, func() error {
			_, err := d.shell(ctx, command)
			return err
		})
		if err != nil {
			return "", err
		}
		return d.compare(ctx, before, expected)
	})
	if err != nil {
		return err
	}
	for _, command := range then {
		if err := d.show(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// until does something and watches the ValuesTrigger until it is done. It passes on each new message.
func (d *demo) until(ctx context.Context, done func(*triggerv1.ValuesTrigger) bool, say func(string), do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()

	before := &triggerv1.ValuesTrigger{}
	if err := d.client.Get(ctx, prices, before); client.IgnoreNotFound(err) != nil {
		return err
	}
	watcher, err := d.client.Watch(ctx, &triggerv1.ValuesTriggerList{}, client.InNamespace(prices.Namespace), client.MatchingFields{"metadata.name": prices.Name})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	if err := do(); err != nil {
		return err
	}
	last := readyMessage(before)
	for event := range watcher.ResultChan() {
		vt, ok := event.Object.(*triggerv1.ValuesTrigger)
		if !ok {
			continue
		}
		if message := readyMessage(vt); message != last {
			say(message)
			last = message
		}
		if done(vt) {
			return nil
		}
	}
	return fmt.Errorf("not done within %.0f s: ValuesTrigger %s says: %s", patience.Seconds(), prices, last)
}

// requests returns what helm-controller was last asked of each release.
func (d *demo) requests(ctx context.Context) (map[string]string, error) {
	list := &helmv2.HelmReleaseList{}
	if err := d.client.List(ctx, list, client.InNamespace(shop)); err != nil {
		return nil, err
	}
	requests := map[string]string{}
	for _, hr := range list.Items {
		requests[hr.Name] = hr.Annotations[meta.ReconcileRequestAnnotation]
	}
	return requests, nil
}

// compare says which releases were triggered since, and fails if others should have been.
func (d *demo) compare(ctx context.Context, before map[string]string, expected []string) (string, error) {
	after, err := d.requests(ctx)
	if err != nil {
		return "", err
	}
	var asked, left []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if after[name] != before[name] {
			asked = append(asked, name)
		} else {
			left = append(left, name)
		}
	}
	if !slices.Equal(asked, expected) {
		return "", fmt.Errorf("%s were triggered, not %s", strings.Join(asked, ", "), strings.Join(expected, ", "))
	}
	return fmt.Sprintf("upgraded: %s; untouched: %s", strings.Join(asked, ", "), strings.Join(left, ", ")), nil
}

func inPhase(phase triggerv1.RolloutPhase) func(*triggerv1.ValuesTrigger) bool {
	return func(vt *triggerv1.ValuesTrigger) bool {
		return vt.Status.Rollout != nil && vt.Status.Rollout.Phase == phase
	}
}

func isReadyTrigger(vt *triggerv1.ValuesTrigger) bool { return isReady(vt.Status.Conditions) }

func readyMessage(vt *triggerv1.ValuesTrigger) string {
	for _, c := range vt.Status.Conditions {
		if c.Type == meta.ReadyCondition {
			return c.Message
		}
	}
	return ""
}
