// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// reloadInterval is how often the files are read. The kubelet itself takes about a minute to change what
// is mounted.
const reloadInterval = 10 * time.Second

const brokenText = "; the configuration of the providers cannot be read, as the log of the operator says"

// NeedLeaderElection is false: each replica knows the providers, so that it can take over.
func (*Service) NeedLeaderElection() bool { return false }

// Start reloads the configuration when it has changed, and ends what is in progress with the context.
func (s *Service) Start(ctx context.Context) error {
	defer s.end()
	// Apart from the rest: it may wait until someone reads which triggers are to be reconciled.
	s.running.Go(s.reconcile)
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.load()
			s.sweep(time.Now())
		}
	}
}

// end cancels what is in progress, and waits for it.
func (s *Service) end() {
	s.mu.Lock()
	s.stop()
	s.mu.Unlock()
	s.running.Wait()
	for _, a := range s.clients {
		a.http.CloseIdleConnections()
	}
}

// sweep drops the answers that are old.
func (s *Service) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.kept, func(_ subject, m *measurement) bool { return m.isOld(now) })
}

// load reads the files. A configuration that cannot be read leaves the former one as it is.
func (s *Service) load() {
	if s.path == "" {
		s.meter.Configured(nil, Results, true)
		return
	}
	providers, err := read(s.path)
	if err != nil {
		s.refuse(err)
		return
	}
	next := map[string]*asker{}
	var changed []string
	for _, p := range providers {
		var files map[string]string
		var err error
		if p.Credentials != "" {
			files, err = readFiles(p.Credentials)
		}
		if former := s.clients[p.Name]; former != nil && former.same(p, files, err) {
			next[p.Name] = former
			continue
		}
		next[p.Name] = newAsker(p, files, err)
		changed = append(changed, p.Name)
		if reason := next[p.Name].unusable; reason != "" {
			s.log.Info(reason)
			s.warn(reason)
		}
	}
	s.mu.Lock()
	former, wasBroken := s.clients, s.broken != ""
	s.clients, s.broken, s.refused = next, "", ""
	s.mu.Unlock()
	s.meter.Configured(slices.Sorted(maps.Keys(next)), Results, true)
	if len(changed) == 0 && len(former) == len(next) && !wasBroken {
		return
	}
	for name, a := range former {
		if next[name] != a {
			a.http.CloseIdleConnections()
		}
	}
	s.log.Info("loaded the providers of analysis", "providers", slices.Sorted(maps.Keys(next)), "changed", changed)
	s.signal()
}

func (s *Service) signal() {
	select {
	case s.changed <- struct{}{}:
	default: // It is there already.
	}
}

// refuse reports a configuration that cannot be read, once.
func (s *Service) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.Configured(slices.Sorted(maps.Keys(s.clients)), Results, false)
	if text := err.Error(); text != s.refused {
		s.refused = text
		s.log.Error(err, "cannot read the configuration of the providers of analysis, and keep the former one", "path", s.path)
		s.warn("cannot read the providers of analysis, and keeps the former ones: " + text)
	}
	if s.broken == "" {
		s.broken = brokenText
		s.signal()
	}
}

// warn reports what is wrong with the configuration to those who look at the operator.
func (s *Service) warn(message string) {
	s.events.Event(s.self, corev1.EventTypeWarning, triggerv1.ProviderInvalidReason, message)
}

// read returns the providers in a file.
func read(path string) ([]Provider, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(filepath.Base(path))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	return parse(content)
}

// reconcile has all triggers with an analysis reconciled whenever providers have changed: those that
// lacked one, and those that lack one now.
func (s *Service) reconcile() {
	for {
		select {
		case <-s.asking.Done():
			return
		case <-s.changed:
		}
		var list triggerv1.ValuesTriggerList
		if err := s.triggers.List(s.asking, &list, client.UnsafeDisableDeepCopy); err != nil {
			s.log.Error(err, "cannot list the triggers that use the providers of analysis")
			continue
		}
		for i := range list.Items {
			if analysed(&list.Items[i]) {
				s.enqueue(types.NamespacedName{Namespace: list.Items[i].Namespace, Name: list.Items[i].Name})
			}
		}
	}
}

func analysed(vt *triggerv1.ValuesTrigger) bool {
	return vt.Spec.Rollout != nil && slices.ContainsFunc(vt.Spec.Rollout.Stages, func(stage triggerv1.Stage) bool {
		return stage.Analysis != nil
	})
}
