// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
)

// keep says how to use what runs, and returns after Ctrl-C.
func (d *demo) keep(ctx context.Context) error {
	d.usage()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.operator.Process().Done():
		}
		err := d.out.step("The manager has ended; start it again, as the kubelet would", func() (string, error) {
			if err := d.operator.Start(ctx); err != nil {
				return "", err
			}
			return fmt.Sprintf("The manager has ended and was started again, pid %d", d.operator.Process().Pid()), nil
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// try is something to do with what runs.
type try struct {
	what     string
	commands []string
}

func (d *demo) tries() []try {
	return []try{
		{"Add a HelmRelease to a stage, from a template: its first installation reads its copy", []string{
			"sed 's/NAME/eu-3/; s/STAGE/eu/' " + d.file(templateFile) + " | kubectl apply -f -",
			"kubectl wait helmrelease/eu-3 -n shop --for=condition=Ready --timeout=1m",
			"kubectl valuestrigger tree prices -n shop",
		}},
		{"Ask what an edit would do, before anyone makes it", []string{
			"kubectl create configmap prices -n shop --from-literal='values.yaml=discount: 40' --dry-run=client -o yaml | kubectl valuestrigger preview -f -",
		}},
		{"Make it, approve the last stage, and see it arrive", []string{
			patch(prices, "values.yaml", "discount: 40\n"),
			"kubectl wait vt/prices -n shop --for=jsonpath='{.status.rollout.phase}'=AwaitingApproval --timeout=1m",
			"kubectl get vt prices -n shop",
			"kubectl valuestrigger approve prices -n shop --yes",
			"kubectl valuestrigger wait prices -n shop",
		}},
		{"Measure the canary by an error rate, which this demo serves out of a file, and make it a bad one: what is Ready is rolled back all the same", []string{
			analysed,
			"echo 0.5 > " + d.file(measuredFile),
			patch(prices, "values.yaml", "discount: 50\n"),
			"kubectl wait vt/prices -n shop --for=jsonpath='{.status.rollout.phase}'=RolledBack --timeout=1m",
			"kubectl valuestrigger tree prices -n shop",
		}},
		{"Make it a good one, and deliver the same again", []string{
			"echo 0.01 > " + d.file(measuredFile),
			"kubectl valuestrigger retry prices -n shop",
			"kubectl wait vt/prices -n shop --for=jsonpath='{.status.rollout.phase}'=AwaitingApproval --timeout=1m",
		}},
	}
}

func (d *demo) usage() {
	d.heading("Everything keeps running. In another terminal, paste this line, which finds kubectl, its plugin and helm:")
	d.out.line("\n  %s\n\nThen try:", d.setup())
	for i, try := range d.tries() {
		d.out.line("\n%d. %s:\n", i+1, try.what)
		for _, command := range try.commands {
			d.out.line("   %s", command)
		}
	}
	d.out.line("\nSee all of it in a browser meanwhile, with the buttons to decide; Ctrl-C ends that:\n\n      kubectl valuestrigger ui -A --open")
	process := d.operator.Process()
	d.out.line("\nThere are no nodes here: the manager is not a pod but process %d and logs to\n%s", process.Pid(), process.LogPath())
	d.out.line("%s ends all of it and leaves nothing behind.", d.out.bold("Ctrl-C"))
}
