// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/kit"
	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// herd is the operator with many generated triggers that have nothing to do.
type herd struct {
	*stage
	n                               []int
	start, resident, peak, liveHeap []float64
	writes                          float64
	rows                            []Row
}

// triggerGrowth measures starts, memory and silence with many generated triggers, each of
// one release with a ConfigMap of its own.
func triggerGrowth(ctx context.Context, b *bench) (Result, error) {
	s, err := b.open(ctx, world.Options{NoHelmController: true})
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	if err := s.install(ctx); err != nil {
		return Result{}, err
	}
	h := &herd{stage: s}
	last := 0
	for _, count := range b.sizes.triggers {
		if err := h.add(ctx, last, count); err != nil {
			return Result{}, err
		}
		last = count
		say("%d generated triggers", count)
		if err := h.measure(ctx, count); err != nil {
			return Result{}, err
		}
		if count == b.sizes.idleAt {
			if err := h.idle(ctx, count, b.sizes.idle); err != nil {
				return Result{}, err
			}
		}
	}
	if err := h.alone(ctx, last); err != nil {
		return Result{}, err
	}
	return h.result(b.sizes.idleAt), nil
}

// add makes the releases from a number up to another, in namespaces of a hundred.
func (h *herd) add(ctx context.Context, from, to int) error {
	const each = 100
	for i := from / each; i < (to+each-1)/each; i++ {
		if err := h.namespace(ctx, fmt.Sprintf("herd-%02d", i)); err != nil {
			return err
		}
	}
	err := many(to-from, func(i int) error {
		i += from
		f := &fleet{s: h.stage, namespace: fmt.Sprintf("herd-%02d", i/each)}
		name := fmt.Sprintf("app-%05d", i)
		if err := h.c.Create(ctx, values(f.namespace, name, i)); err != nil {
			return err
		}
		hr := kit.Release(f.namespace, name, kit.Reads(triggerv1.ConfigMapKind, name))
		if err := h.c.Create(ctx, hr); err != nil {
			return err
		}
		return f.report(ctx, hr)
	})
	if err != nil {
		return err
	}
	for {
		list := &triggerv1.ValuesTriggerList{}
		if err := h.c.List(ctx, list); err != nil {
			return err
		}
		ready := 0
		for i := range list.Items {
			if delivered(&list.Items[i]) {
				ready++
			}
		}
		if ready == to {
			return h.quiet(ctx, time.Second)
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// measure restarts the operator and waits until it has evaluated every trigger.
func (h *herd) measure(ctx context.Context, count int) error {
	if err := h.op.Stop(ctx); err != nil {
		return err
	}
	var took time.Duration
	_, writes, err := h.during(ctx, func() (err error) {
		took, err = h.startUp(ctx, count)
		return err
	})
	if err != nil {
		return err
	}
	h.n, h.start, h.writes = append(h.n, count), append(h.start, took.Seconds()), max(h.writes, float64(writes))
	m, err := h.weigh(ctx)
	h.resident, h.peak, h.liveHeap = append(h.resident, m.resident), append(h.peak, m.peak), append(h.liveHeap, m.live)
	return err
}

// idle counts requests while nothing changes: first far from the interval of the
// triggers, then with an interval of a minute.
func (h *herd) idle(ctx context.Context, count int, length time.Duration) error {
	reads, writes, err := h.during(ctx, func() error { return pause(ctx, length) })
	if err != nil {
		return err
	}
	what := fmt.Sprintf("idle with %d triggers", count)
	h.rows = append(h.rows,
		row(what+": writes in a minute", "", float64(writes)/length.Minutes(), 0, "0"),
		row(what+": reads in a minute", "", float64(reads)/length.Minutes(), 0, "0 between intervals"),
	)

	patch := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"interval":"1m"}}`))
	list := &triggerv1.ValuesTriggerList{}
	if err := h.c.List(ctx, list); err != nil {
		return err
	}
	if err := many(len(list.Items), func(i int) error { return h.c.Patch(ctx, &list.Items[i], patch) }); err != nil {
		return err
	}
	if err := h.quiet(ctx, time.Second); err != nil {
		return err
	}
	if reads, writes, err = h.during(ctx, func() error { return pause(ctx, time.Minute) }); err != nil {
		return err
	}
	h.rows = append(h.rows,
		row(what+" of interval 1m: writes in a minute", "", float64(writes), 0, "0"),
		row(what+" of interval 1m: reads in a minute, for each", "", float64(reads)/float64(count), 1.1, "1"),
	)
	return nil
}

// alone measures what the triggers themselves cost: the difference to an operator for
// which the same releases and ConfigMaps have none.
func (h *herd) alone(ctx context.Context, count int) error {
	if err := h.op.Stop(ctx); err != nil {
		return err
	}
	if err := h.run(ctx, operator.Options{Installed: true, Args: []string{"--enable-hr-autodiscovery=false"}}); err != nil {
		return err
	}
	for n := count; n > 0; {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(triggerv1.GroupVersion.WithKind(triggerv1.ValuesTriggerKind + "List"))
		if err := h.c.List(ctx, list); err != nil {
			return err
		}
		n = len(list.Items)
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	if err := h.restart(ctx); err != nil {
		return err
	}
	m, err := h.weigh(ctx)
	if err != nil {
		return err
	}
	last := len(h.n) - 1
	kib := func(with, without float64) float64 { return (with - without) / float64(count) * 1024 }
	h.rows = append(h.rows,
		row(fmt.Sprintf("memory for each of %d generated triggers: resident", count), "KiB", kib(h.resident[last], m.resident), 10, "10 KiB"),
		row("memory for each generated trigger: live heap", "KiB", kib(h.liveHeap[last], m.live), 10, "10 KiB"),
	)
	return nil
}

func (h *herd) result(headline int) Result {
	start := 0.0
	for i, n := range h.n {
		if n == headline {
			start = h.start[i]
		}
	}
	rows := []Row{
		row(fmt.Sprintf("start with %d triggers: until all are reconciled", headline), "s", start, 20, "20 s on 2 cores"),
		row("start: writes", "", h.writes, 0, "0"),
		{What: "memory for each generated trigger, its release and its ConfigMap: resident", Unit: "KiB", Ours: new(slope(h.n, h.resident) * 1024)},
		{What: "memory for each generated trigger, its release and its ConfigMap: live heap", Unit: "KiB", Ours: new(slope(h.n, h.liveHeap) * 1024)},
	}
	return Result{
		Rows: append(rows, h.rows...),
		Growth: []Growth{
			grows("start: until all triggers are reconciled", "s", h.n, h.start),
			grows("memory with triggers: resident", "MiB", h.n, h.resident),
			grows("memory with triggers: peak of a start", "MiB", h.n, h.peak),
		},
	}
}
