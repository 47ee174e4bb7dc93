// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/access"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/binding"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/contract"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/generated"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/publish"
)

// Cluster is what an answer is about.
type Cluster struct {
	Directory
	Triggers []triggerv1.ValuesTrigger

	// Now is when it was read.
	Now time.Time
}

// Subject is a ConfigMap or Secret with its labels and annotations, as they are or as
// an edit would have them.
type Subject struct {
	binding.Object
	Labels      map[string]string
	Annotations map[string]string
}

// reacher collects the edges of one object.
type reacher struct {
	subject  Subject
	cluster  Cluster
	releases map[types.NamespacedName]*helmv2.HelmRelease
	reach    Reach
	followed map[types.NamespacedName]bool

	// targets are what the subject names by the contract, and named the same.
	targets []types.NamespacedName
	named   map[types.NamespacedName]bool
}

// Reaches says what an edit of the subject would touch.
func Reaches(c Cluster, subject Subject) Reach {
	r := &reacher{
		subject: subject, cluster: c, releases: make(map[types.NamespacedName]*helmv2.HelmRelease, len(c.Releases)),
		followed: map[types.NamespacedName]bool{}, named: map[types.NamespacedName]bool{},
		reach: Reach{
			Object: subject.Object, Edges: []Edge{},
			Excluded:    contract.IsExcluded(subject.Labels),
			FluxWatched: binding.FluxWatches(subject.Labels),
		},
	}
	for i := range c.Releases {
		hr := &c.Releases[i]
		r.releases[binding.ReleaseObject(hr).NamespacedName()] = hr
	}
	if trigger, copied := publish.Trigger(subject.Labels); copied {
		r.reach.CopyOf = Key{trigger}
	}
	if contract.IsSource(subject.Labels) {
		parsed := contract.Parse(subject.Annotations)
		r.targets, r.reach.Problems = parsed.Targets, parsed.Problems
		for _, key := range r.targets {
			r.named[key] = true
		}
	}
	if !r.reach.Excluded {
		for i := range c.Triggers {
			r.followTrigger(&c.Triggers[i])
		}
		r.followContract()
	}
	r.followReaders(c.Releases)

	slices.SortStableFunc(r.reach.Edges, func(a, b Edge) int {
		if order := byRank(TargetSeverity, orDelivered(a.State), orDelivered(b.State)); order != 0 {
			return order
		}
		if order := byRank(Effects, a.Effect, b.Effect); order != 0 {
			return order
		}
		return strings.Compare(a.Release.ID()+a.Trigger.String(), b.Release.ID()+b.Trigger.String())
	})
	return r.reach
}

// orDelivered sorts what has no state beside what is fine.
func orDelivered(state triggerv1.TargetState) triggerv1.TargetState {
	if state == "" {
		return triggerv1.TargetDelivered
	}
	return state
}

// followTrigger adds the targets of a trigger that has the subject as a source.
func (r *reacher) followTrigger(vt *triggerv1.ValuesTrigger) {
	source, found := r.sourceIn(vt)
	if !found {
		return
	}
	turns := turnsOf(vt, r.cluster.Now)
	isGenerated := generated.Is(vt)
	for _, t := range targets(vt, r.cluster.Members(vt)) {
		key := t.NamespacedName()
		hr := r.releases[key]
		reads := hr != nil && Reads(hr, r.subject.Object, t.Copies)
		edge := Edge{
			Release: t.Object, How: Declared, Trigger: Key{binding.TriggerObject(vt).NamespacedName()},
			Keys: source.Keys, State: t.State, Message: t.Message,
			Force: source.Force == triggerv1.ForceAlways || source.Force == triggerv1.ForceAuto && !reads,
		}
		if isGenerated {
			edge.How = ValuesFrom
			if r.named[key] {
				edge.How = Labelled
			}
		}
		edge.Effect = effect(vt, hr, t, edge.Force, reads)
		if hr != nil {
			edge.Turn, edge.Itself = turns(hr), binding.Reads(hr, r.subject.Object)
		}
		if edge.Turn.Never {
			edge.Effect, edge.Message = None, edge.Turn.After
			if edge.Itself {
				edge.Effect = AtInterval
			}
		}
		edge.Waits = waits(vt, t, edge.Turn)
		r.reach.Edges = append(r.reach.Edges, edge)
		r.followed[key] = true
	}
}

func effect(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease, t Target, force, reads bool) Effect {
	switch {
	case hr == nil:
		return Absent
	case vt.Spec.Suspend || hr.Spec.Suspend:
		return Held
	case t.State == triggerv1.TargetFailed && isDenied(vt, hr):
		return Denied
	case force:
		return Forced
	case reads:
		return Upgraded
	}
	return Requested
}

// isDenied reports whether the HelmRelease does not accept a trigger, by its own word.
func isDenied(vt *triggerv1.ValuesTrigger, hr *helmv2.HelmRelease) bool {
	return !generated.Is(vt) && access.Policy{}.Check(vt.Namespace, access.TargetOf(hr)) != nil
}

// sourceIn returns the subject as a source of a trigger.
func (r *reacher) sourceIn(vt *triggerv1.ValuesTrigger) (binding.Source, bool) {
	var found []binding.Source
	for i, ref := range vt.Spec.Sources {
		if binding.SelectsSource(vt, ref, r.subject.Object, r.subject.Labels) {
			found = binding.Merge(found, binding.SourceOf(vt, i, ref, r.subject.Name))
		}
	}
	if len(found) == 0 {
		return binding.Source{}, false
	}
	return found[0], true
}

// followContract adds the HelmReleases that the subject names and no trigger follows
// for it, and says why not.
func (r *reacher) followContract() {
	for _, key := range r.targets {
		if r.followed[key] {
			continue
		}
		edge := Edge{Release: release(key), How: Labelled, Force: true, Effect: Forced}
		hr, refused := r.releases[key], error(nil)
		if hr != nil {
			refused = access.Policy{}.Check(r.subject.Namespace, access.TargetOf(hr))
		}
		switch {
		case hr == nil:
			edge.Effect, edge.State = Absent, triggerv1.TargetMissing
			edge.Message = "no such HelmRelease; check name and namespace (annotation " + triggerv1.HRNSAnnotation + ", default " + triggerv1.DefaultFluxcdNamespace + ")"
		case refused != nil: // First of all, as the operator answers.
			edge.Effect, edge.Message = Denied, refused.Error()
		case contract.IsExcluded(hr.Labels):
			edge.Effect, edge.Message = None, "opted out by the label "+triggerv1.LabelReconcilerNameSourceKey+" of the HelmRelease"
		default:
			edge.Message = "the operator has not generated a ValuesTrigger for this yet; is it running, and does it serve this namespace?"
		}
		r.reach.Edges = append(r.reach.Edges, edge)
		r.followed[key] = true
	}
}

// followReaders adds the HelmReleases that read the subject without being triggered.
func (r *reacher) followReaders(releases []helmv2.HelmRelease) {
	for i := range releases {
		hr := &releases[i]
		key := binding.ReleaseObject(hr).NamespacedName()
		if r.followed[key] || !binding.Reads(hr, r.subject.Object) {
			continue
		}
		edge := Edge{Release: release(key), How: ValuesFrom, Keys: keysOf(hr, r.subject.Object), Effect: AtInterval}
		switch {
		case r.reach.CopyOf != Key{}:
			edge.Message = "a copy: edit the sources of ValuesTrigger " + r.reach.CopyOf.String() + " instead"
		case r.reach.Excluded:
			edge.Message = "not followed: the label " + triggerv1.LabelReconcilerNameSourceKey + " takes the " + r.subject.Kind + " out"
		case contract.IsExcluded(hr.Labels):
			edge.Message = "not followed: the label " + triggerv1.LabelReconcilerNameSourceKey + " takes the HelmRelease out"
		default:
			edge.Message = "no ValuesTrigger follows it; is autodiscovery on, and does the operator serve this namespace?"
		}
		if hr.Spec.Suspend {
			edge.Effect = Held
		}
		r.reach.Edges = append(r.reach.Edges, edge)
	}
}

// keysOf returns the keys that a HelmRelease reads of an object.
func keysOf(hr *helmv2.HelmRelease, o binding.Object) []string {
	for _, s := range reads(hr) {
		if s.Kind == o.Kind && s.Name == o.Name {
			return s.Keys
		}
	}
	return nil
}

func release(key types.NamespacedName) binding.Object {
	return binding.Object{Kind: helmv2.HelmReleaseKind, Namespace: key.Namespace, Name: key.Name}
}
