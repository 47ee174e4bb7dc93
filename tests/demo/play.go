// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// events is how many of the last events are shown: those of all edits.
const events = 13

// play makes all edits and shows what came of them.
func (d *demo) play(ctx context.Context) error {
	results := make([]result, len(edits))
	for i, e := range edits {
		d.heading(fmt.Sprintf("Edit %d, %s", i+1, e.title))
		d.prompt(e.command())
		err := d.out.step("Edit and follow it until it is delivered", func() (text string, err error) {
			if results[i], err = d.follow(ctx, e); err != nil {
				return "", err
			}
			return results[i].String(), nil
		})
		if err != nil {
			return err
		}
		// In the words of the annotation, which is one long line.
		d.out.line("%s", d.out.fit("  cause: "+strings.Replace(results[i].cause, " via ", "\n         via ", 1)))
	}
	if err := d.tables(ctx); err != nil {
		return err
	}
	d.sum(results)
	return nil
}

// tables shows the cluster as a user sees it.
func (d *demo) tables(ctx context.Context) error {
	for _, command := range []string{
		"kubectl get valuestriggers -A",
		"kubectl get helmreleases -A",
		fmt.Sprintf("kubectl get events -n %s --no-headers -o custom-columns=:.involvedObject.kind,:.reason,:.message | tail -n %d", fluxNamespace, events),
	} {
		if err := d.show(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// sum shows all times together.
func (d *demo) sum(results []result) {
	const format = "%-47s  %9s  %9s  %9s  %13s"
	d.out.line("\n%s", d.out.bold(fmt.Sprintf(format, "Time from the edit until seen by a watch", "triggered", "rendered", "Delivered", "Helm revision")))
	for _, r := range results {
		rendered := ms(r.rendered)
		if r.renders == "" {
			rendered = "-"
		}
		d.out.line("%s", d.out.good(fmt.Sprintf(format, r.title, ms(r.triggered), rendered, ms(r.delivered), r.revisions())))
	}
	d.out.line("%s", d.out.dim("From triggered to Delivered it is helm-controller that works, 1 s longer when it waits for its cache."))
}

// String tells the result in one line.
func (r result) String() string {
	text := fmt.Sprintf("triggered after %s, ", ms(r.triggered))
	if r.renders != "" {
		text += fmt.Sprintf("rendered %s, ", ms(r.rendered))
	}
	return text + fmt.Sprintf("Delivered %s; Helm revision %s", ms(r.delivered), r.revisions())
}

func (r result) revisions() string {
	if r.before == r.after {
		return fmt.Sprintf("still %d", r.after)
	}
	return fmt.Sprintf("%d → %d", r.before, r.after)
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
