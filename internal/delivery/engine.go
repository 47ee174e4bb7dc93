// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package delivery is the engine: one pass over one ValuesTrigger takes a snapshot of its sources
// and targets, decides about each target, makes the requests that are due and may be made, and
// returns what became of that. [Engine.Run] is the table of contents; each phase that it names is a
// type in the file that is called after it.
package delivery

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/budget"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/fault"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/copies"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/index"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/kustomization"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/metrics"
	"github.com/nebius/helmrelease-trigger-operator/internal/kube/source"
)

// Config is what an Engine works with.
type Config struct {
	// Cache is what the watches show, and Live the API server. Namespaces is nil where only the
	// operator's own is watched.
	Cache, Live, Namespaces client.Reader

	Accounts *Accounts
	Sources  source.Resolver
	Copies   *copies.Keeper
	Retained *budget.Budget
	Policy   access.Policy
	Meter    *metrics.Metrics
	Measurer Measurer

	// Derive returns the sources of a generated trigger: no more than the contract and valuesFrom
	// give to its release, without what declared triggers deliver.
	Derive func(context.Context, *helmv2.HelmRelease) ([]triggerv1.SourceReference, error)

	// Concurrent is how many targets are evaluated, and triggered, at a time.
	Concurrent int

	// SettleTime is how long a change settles that a tool has applied, and Kustomizations
	// says whether it still goes on.
	SettleTime     time.Duration
	Kustomizations *kustomization.Reader
}

// Engine delivers what the sources of a trigger hold to its targets, and follows each delivery to
// its proof. Each phase of a pass is a type in a file of its own, which holds only what it uses.
type Engine struct {
	accounts   *Accounts
	measurer   Measurer
	people     *people
	resolver   *resolver
	restorer   *restorer
	decider    *decider
	gatekeeper *gatekeeper
	keeper     *keeper
	executor   *executor
	concluder  *concluder
	sweeper    *sweeper
}

// New returns an engine whose phases share what is configured.
func New(config Config) *Engine {
	kinds := index.Kinds(config.Sources.Secrets)
	store, expected := config.Sources.Store, &expectations{}
	sweeper := &sweeper{cache: config.Cache, live: config.Live, kinds: kinds, accounts: config.Accounts, copies: config.Copies}
	people := &people{live: config.Live}
	values := &comparer{store: store, secrets: config.Sources.Secrets}
	keeper := &keeper{cache: config.Cache, live: config.Live, kinds: kinds, store: store, copies: config.Copies}
	decider := &decider{
		live: config.Live, store: store, policy: config.Policy, values: values, expected: expected, concurrent: config.Concurrent,
		observer: &observer{namespaces: config.Namespaces, copies: config.Copies},
	}
	return &Engine{
		accounts: config.Accounts, measurer: config.Measurer, people: people,
		resolver: &resolver{
			cache: config.Cache, live: config.Live, namespaces: config.Namespaces, accounts: config.Accounts, sources: config.Sources,
			policy: config.Policy, derive: config.Derive, measurer: config.Measurer, retained: config.Retained,
			settleTime: config.SettleTime, keeper: keeper,
		},
		restorer: &restorer{accounts: config.Accounts, people: people, keeper: keeper},
		decider:  decider,
		gatekeeper: &gatekeeper{
			live: config.Live, namespaces: config.Namespaces, kustomizations: config.Kustomizations, measurer: config.Measurer,
			values: values, decider: decider,
		},
		keeper: keeper,
		executor: &executor{
			accounts: config.Accounts, meter: config.Meter, expected: expected, concurrent: config.Concurrent, decider: decider,
			publisher: &publisher{cache: config.Cache, kinds: kinds, copies: config.Copies, values: values},
		},
		concluder: &concluder{sweeper: sweeper, keeper: keeper},
		sweeper:   sweeper,
	}
}

// Run makes one pass over a trigger: it makes the requests that are due. What the API server
// refuses is in the result, and returned as an error.
func (e *Engine) Run(ctx context.Context, stored *triggerv1.ValuesTrigger) (Result, error) {
	snap, err := e.resolver.resolve(ctx, stored, time.Now())
	defer snap.publication.forget()
	switch {
	case err != nil:
		return e.unable(snap, err)
	case snap.idle:
		return snap.result(), nil
	}
	snap, recorded, err := e.restorer.heed(ctx, snap)
	switch {
	case err != nil:
		return e.unable(snap, err)
	case recorded:
		return snap.again(ConflictDelay), nil
	}
	snap = e.people.identify(ctx, snap)
	out, err := e.deliver(ctx, snap)
	if err != nil {
		return e.unable(snap, err)
	}
	return e.concluder.conclude(ctx, snap, out)
}

// deliver decides about every target and makes the requests that are due and not held
// back. What happens to one target does not touch another. An error reports that nothing
// was done.
func (e *Engine) deliver(ctx context.Context, snap snapshot) (outcome, error) {
	cases, err := e.decider.decideAll(ctx, snap)
	if err != nil {
		return outcome{}, err
	}
	judged, err := e.gatekeeper.hold(ctx, snap, cases)
	if err != nil {
		return outcome{}, err
	}
	if err := e.gatekeeper.checkCurrent(ctx, snap, judged, cases); err != nil {
		return outcome{}, err
	}
	if err := e.keeper.keep(ctx, snap, judged); err != nil {
		return outcome{}, err
	}
	e.executor.executeAll(ctx, snap, cases, judged.turns)
	return outcomeOf(snap, cases, judged), nil
}

// unable returns why nothing could be done for a trigger.
func (e *Engine) unable(snap snapshot, err error) (Result, error) {
	if fault.IsOutdated(err) {
		return snap.again(ConflictDelay), nil
	}
	found, is := errors.AsType[*fault.Fault](err)
	reason, message := e.accounts.refusalOf(snap.vt, err)
	result := snap.result()
	if !is && reason == "" {
		result.Summary = notReady(triggerv1.ReadFailedReason, err.Error())
		return result, err
	}
	result.Summary, result.Again = notReady(reason, message), AtInterval
	result.Summary.Stalled = !is || found.Stalled
	markLooked(&result.Status, snap.vt.Annotations)
	if is {
		err = nil // What ends it is an event.
	}
	return result, err
}

func notReady(reason, message string) *plan.Summary {
	return &plan.Summary{Ready: metav1.ConditionFalse, Reason: reason, Message: message}
}

// NoteDecisions records in the status that a person has approved or rejected the content that is being
// delivered, where no pass has.
func (e *Engine) NoteDecisions(ctx context.Context, vt *triggerv1.ValuesTrigger) {
	e.people.noteDecisions(ctx, vt)
}

// Inform has the webhooks of the stages informed of what a stored status says is new of them, given the targets
// of the pass.
func (e *Engine) Inform(was, is *triggerv1.ValuesTrigger, targets []TargetChange) {
	inform(e.measurer, was, is, targets)
}

// LetGo has the copies of a trigger stay when it goes.
func (e *Engine) LetGo(ctx context.Context, vt *triggerv1.ValuesTrigger) (more bool, err error) {
	return e.sweeper.letGo(ctx, vt)
}

// Remove removes the copies of a trigger that is being deleted, if they go with it. What cannot be
// removed is logged, and kept.
func (e *Engine) Remove(ctx context.Context, vt *triggerv1.ValuesTrigger) ([]Note, error) {
	return e.sweeper.remove(ctx, vt)
}

// Collect removes the copies that go with a trigger that is gone. They are found when it is
// deleted, and when the operator starts.
func (e *Engine) Collect(ctx context.Context, trigger types.NamespacedName) (Swept, error) {
	return e.sweeper.collect(ctx, trigger)
}
