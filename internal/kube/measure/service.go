// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package measure asks the providers that the administrator of the operator has configured about the
// stages of rollouts. Nothing waits for it: a request is made in the background, the trigger is
// reconciled when the answer is there, and the answer is kept until it has been taken. What is kept is
// a cache. If it is lost, the request is made again.
package measure

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

const (
	// keep is how long an answer says how things are. One that no one has taken by then, since the trigger
	// was suspended or its window has closed, is requested again.
	keep = time.Minute

	// maxKept is how many measurements are there at a time, those that are being made included.
	maxKept = 20_000
)

// Meter counts requests.
type Meter interface {
	// Asked notes a request to a provider, its result, and how long it took.
	Asked(provider, result string, took time.Duration)

	// Configured notes which providers there are, which results they can have, and whether the
	// configuration could be read.
	Configured(providers, results []string, ok bool)
}

// Service measures. It implements the Measurer of the engine and a Runnable of the manager, which reloads
// the configuration and ends what is in progress when the operator stops.
type Service struct {
	// path of the configuration. Empty if there is none.
	path     string
	triggers client.Reader
	meter    Meter
	log      logr.Logger

	// events are about self, the Pod of the operator: who configures providers looks there.
	events record.EventRecorder
	self   runtime.Object

	// measured are the triggers that are to be reconciled.
	measured chan event.TypedGenericEvent[types.NamespacedName]

	// asking ends with the operator; running are the goroutines that it ends.
	asking context.Context
	stop   context.CancelFunc

	// changed has room for one: providers have changed, and triggers have to be reconciled.
	changed chan struct{}

	mu      sync.Mutex
	running sync.WaitGroup
	clients map[string]*asker
	broken  string // What Check adds while the configuration cannot be read.
	refused string // Why, as it was logged last.
	kept    map[subject]*measurement
}

// subject has one measurement at a time.
type subject struct {
	trigger types.UID
	stage   string
}

// measurement is one that is being made, or was.
type measurement struct {
	key    analysis.Key
	cancel context.CancelFunc

	// answers are there when it is done.
	done    time.Time
	answers analysis.Measurement
}

// isOld reports that the answers have been there for too long.
func (m *measurement) isOld(now time.Time) bool { return !m.done.IsZero() && now.Sub(m.done) >= keep }

// New returns what measures by the configuration in a file. The triggers are those of the cache, and what is
// wrong with the configuration is reported by events about the operator itself.
func New(path string, triggers client.Reader, meter Meter, events record.EventRecorder, self runtime.Object, log logr.Logger) *Service {
	asking, stop := context.WithCancel(context.Background())
	s := &Service{
		path: path, triggers: triggers, meter: meter, log: log, events: events, self: self,
		measured: make(chan event.TypedGenericEvent[types.NamespacedName]),
		asking:   asking, stop: stop,
		changed: make(chan struct{}, 1),
		clients: map[string]*asker{}, kept: map[subject]*measurement{},
	}
	s.load()
	return s
}

// Measured are the triggers that have to be reconciled, since there is an answer, or since providers have
// changed.
func (s *Service) Measured() <-chan event.TypedGenericEvent[types.NamespacedName] { return s.measured }

// Check returns an error if a provider of an analysis is not there for a namespace, or cannot do what it
// is named for. It begins with the path of the field in the analysis.
func (s *Service) Check(namespace string, a *triggerv1.Analysis) error {
	if a == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, metric := range a.Metrics {
		if s.find(namespace, metric.Provider) == nil {
			return fmt.Errorf(".metrics[%d].provider: %s", i, s.missing(namespace, metric.Provider, false))
		}
	}
	for i, webhook := range a.Webhooks {
		found := s.find(namespace, webhook.Provider)
		switch {
		case found == nil:
			return fmt.Errorf(".webhooks[%d].provider: %s", i, s.missing(namespace, webhook.Provider, true))
		case found.Type != HTTP:
			return fmt.Errorf(".webhooks[%d].provider: %q is of type %s, and a webhook needs one of type %s", i, webhook.Provider, found.Type, HTTP)
		}
	}
	return nil
}

// find returns the client of a provider if triggers of the namespace may use it.
func (s *Service) find(namespace, name string) *asker {
	if found := s.clients[name]; found != nil && found.serves(namespace) {
		return found
	}
	return nil
}

// missing words that a provider is not there. It names those that the namespace may use, and no others.
func (s *Service) missing(namespace, name string, webhook bool) string {
	var usable []string
	for _, other := range slices.Sorted(maps.Keys(s.clients)) {
		if s.find(namespace, other) != nil && (!webhook || s.clients[other].Type == HTTP) {
			usable = append(usable, other)
		}
	}
	text := fmt.Sprintf("%q is not configured for namespace %s", name, namespace)
	switch {
	case len(usable) > 0:
		text += "; these are: " + strings.Join(usable, ", ")
	case len(s.clients) == 0 && s.broken == "":
		text = "no provider is configured (chart value analysis.providers)"
	}
	return text + s.broken
}

// Measure returns the answers to a request if they are there. Otherwise it begins to ask.
func (s *Service) Measure(request analysis.Request) (analysis.Measurement, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := subject{trigger: request.Trigger, stage: request.Stage}
	current := s.kept[of]
	switch {
	case current != nil && current.key == request.Key && !current.isOld(time.Now()):
		return current.answers, !current.done.IsZero()
	case s.asking.Err() != nil:
		return analysis.Measurement{}, false
	case current != nil:
		current.cancel() // No one waits for it any more.
	case len(s.kept) >= maxKept:
		return tooMany(request), true
	}
	ctx, cancel := context.WithCancel(s.asking)
	current = &measurement{key: request.Key, cancel: cancel}
	s.kept[of] = current
	s.running.Go(func() {
		defer cancel()
		answers := s.ask(ctx, request)
		s.mu.Lock()
		overtaken := ctx.Err() != nil
		if !overtaken {
			current.answers, current.done = answers, time.Now()
		}
		s.mu.Unlock()
		if !overtaken {
			s.enqueue(request.Subject.Trigger)
		}
	})
	return analysis.Measurement{}, false
}

// enqueue has a trigger reconciled.
func (s *Service) enqueue(trigger types.NamespacedName) {
	select {
	case s.measured <- event.TypedGenericEvent[types.NamespacedName]{Object: trigger}:
	case <-s.asking.Done():
	}
}

// ask asks for everything at once, and returns when there is an answer to all of it.
func (s *Service) ask(ctx context.Context, request analysis.Request) analysis.Measurement {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := analysis.Measurement{Key: request.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	one := func(into map[string]analysis.Answer, name, provider string, how func(*asker) (analysis.Answer, string)) {
		all.Go(func() {
			answer := s.timed(request.Subject.Trigger.Namespace, provider, how)
			mu.Lock()
			defer mu.Unlock()
			into[name] = answer
		})
	}
	for _, metric := range request.Metrics {
		one(out.Metrics, metric.Name, metric.Provider, func(a *asker) (analysis.Answer, string) {
			return askMetric(ctx, a, request, metric)
		})
	}
	for _, webhook := range request.Webhooks {
		one(out.Webhooks, webhook.Name, webhook.Provider, func(a *asker) (analysis.Answer, string) {
			return a.call(ctx, payloadOf(request, string(webhook.Type), webhook.Name))
		})
	}
	all.Wait()
	return out
}

func askMetric(ctx context.Context, a *asker, request analysis.Request, metric triggerv1.AnalysisMetric) (analysis.Answer, string) {
	var answer analysis.Answer
	var result string
	if a.Type == HTTP {
		answer, result = a.measure(ctx, payloadOfMetric(request, metric))
	} else {
		query, err := analysis.Query(metric.Query, request)
		if err != nil {
			return inconclusive(ResultError, "%s", err)
		}
		answer, result = a.query(ctx, query)
	}
	if request.Purpose == analysis.Start && answer.Value != nil && math.IsInf(*answer.Value, 0) {
		// Nothing could be compared with it.
		return inconclusive(ResultNoData, "the value is infinite, which is no baseline")
	}
	return answer, result
}

// timed asks a provider and counts it.
func (s *Service) timed(namespace, provider string, how func(*asker) (analysis.Answer, string)) analysis.Answer {
	s.mu.Lock()
	found := s.find(namespace, provider)
	s.mu.Unlock()
	if found == nil {
		answer, _ := inconclusive(ResultError, "provider %q is not configured", provider)
		return answer
	}
	start := time.Now()
	answer, result := how(found)
	s.meter.Asked(provider, result, time.Since(start))
	return answer
}

func tooMany(request analysis.Request) analysis.Measurement {
	out := analysis.Measurement{Key: request.Key, Metrics: map[string]analysis.Answer{}, Webhooks: map[string]analysis.Answer{}}
	answer, _ := inconclusive(ResultError, "the operator makes too many measurements at a time")
	for _, metric := range request.Metrics {
		out.Metrics[metric.Name] = answer
	}
	for _, webhook := range request.Webhooks {
		out.Webhooks[webhook.Name] = answer
	}
	return out
}

// Inform sends a notice, once and without an answer.
func (s *Service) Inform(notice analysis.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking.Err() != nil {
		return
	}
	for _, webhook := range notice.Webhooks {
		s.running.Go(func() {
			s.timed(notice.Subject.Trigger.Namespace, webhook.Provider, func(a *asker) (analysis.Answer, string) {
				return a.call(s.asking, payloadOfNotice(notice, webhook.Name))
			})
		})
	}
}
