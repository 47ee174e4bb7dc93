// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package rollout

import (
	"fmt"
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

// look is one look of the operator at the trigger.
type look struct {
	*fleet
	spec     *triggerv1.Rollout
	sources  []plan.Source
	diff     plan.Diff
	content  string
	earlier  string
	rejected string
	restored int // what the copies are to hold
	inputs   [fleetSize]plan.Input
	observed [fleetSize]chart
	decided  [fleetSize]plan.Decision
}

// crash is a look that is cut short after some writes, and a start: the caches are filled again.
func (f *fleet) crash(writes int, b bounds) bool {
	if f.crashes >= b.crashes {
		return false
	}
	f.deaths = writes + 1
	f.reconcile(b)
	if f.deaths > 0 { // It has nothing to write any more.
		f.deaths = 0
		return false
	}
	f.crashes++
	f.start()
	return true
}

// dies counts a write that is about to be made, and reports whether it is not made any more.
func (f *fleet) dies() bool {
	if f.deaths == 0 {
		return false
	}
	f.deaths--
	return f.deaths == 0
}

// reconcile looks at the trigger once, as the controller does.
func (f *fleet) reconcile(b bounds) bool {
	l := f.begin(b)
	for i := range f.releases {
		l.decide(i, f.cached[i], false)
	}
	gated := l.gated()
	writes := gated.Admits()
	for i := range f.releases {
		writes = writes || l.inputs[i].Unpublished && gated.Targets[i].Held == ""
	}
	if writes && f.known.version != f.stored.version {
		f.known = f.stored.clone()
		return true
	}
	next := fleetStatus{version: f.known.version, digest: l.diff.To, sources: plan.Statuses(l.sources), rollout: gated.Status, delivered: f.known.delivered, handled: f.asks, handledReject: f.rejects}
	if gated.Passed && l.rejected == "" && (next.delivered == nil || next.delivered.Digest != l.content) {
		next.delivered = plan.Delivered(l.sources)
	}
	wrote := false
	for i := range f.releases {
		sent, dead := l.execute(i, gated.Targets[i].Held)
		if dead {
			return true
		}
		wrote = wrote || sent
	}
	if next.same(f.known) {
		return wrote
	}
	if f.known.version != f.stored.version {
		f.known = f.stored.clone() // A conflict.
		return true
	}
	if f.dies() {
		return true
	}
	next.version++
	f.stored = next.clone()
	return true
}

// begin reads the source, or what was kept of it.
func (f *fleet) begin(b bounds) *look {
	l := &look{fleet: f, sources: sourcesOf(f.seen), restored: f.seen, spec: &triggerv1.Rollout{
		OnFailure: b.onFailure, Stages: []triggerv1.Stage{{Name: "canary"}, {Name: "rest", Approval: triggerv1.ApprovalManual}},
	}}
	if b.ticks > 0 {
		l.spec.Stages[canary].Analysis = measuredCanary()
	}
	known := f.known
	l.diff = plan.Compare(known.sources, known.digest, l.sources)
	l.content = l.diff.To
	sources, sound := plan.Restored(known.delivered, l.sources)
	if b.onFailure == triggerv1.FailureRollback && sound {
		l.earlier = known.delivered.Digest
		if Rejects(l.spec, known.rollout, l.content, false, false) && known.rollout.Rollback.Digest == l.earlier {
			l.sources, l.rejected = sources, l.content
			l.diff = plan.Compare(known.sources, known.digest, sources)
			for content := range bad + 1 {
				if contentDigest(content) == l.earlier {
					l.restored = content
				}
			}
		}
	}
	return l
}

// decide asks the planner about one release, as it is in the cache or live.
func (l *look) decide(i int, observed chart, live bool) {
	in := plan.Input{
		Now: clock(l.now), Timeout: 5 * time.Minute, Trigger: "apps/platform", Target: fmt.Sprintf("apps/%d", i),
		Digest: l.diff.To, Sources: l.sources, Diff: l.diff, Rejected: l.rejected, Gated: true, Policy: triggerv1.ForceAuto,
		Knower: plan.Knower{Key: "apps/platform", UID: "1-trigger"}, Live: live,
	}
	if observed.into(&in); !live && in.DependsOnOrder() {
		observed, in.Live = l.releases[i].live, true
		observed.into(&in)
	}
	in.Unpublished = l.releases[i].copied != l.restored
	l.inputs[i], l.observed[i] = in, observed
	l.decided[i] = plan.Decide(in)
	if l.decided[i].NeedValues {
		in.Values = plan.ValuesDiffer
		if observed.config == l.releases[i].copied {
			in.Values = plan.ValuesEqual
		}
		l.decided[i] = plan.Decide(in)
	}
}

// gate asks which of the requests may be made.
func (l *look) gate(measured *analysis.Measurement) Decision {
	in := Input{
		Now: clock(l.now), Digest: l.content, Rollout: l.spec, Timeout: 5 * time.Minute, Previous: l.known.rollout,
		Approval: Annotation(l.asks), Handled: l.known.handled, Reject: Annotation(l.rejects), HandledReject: l.known.handledReject, Earlier: l.earlier, Restored: l.rejected != "",
		Trigger: "1-trigger", Measured: measured,
	}
	for i := range l.releases {
		t := Of(fmt.Sprintf("apps/%d", i), i, l.decided[i], l.inputs[i].Release)
		if in.RejectedBy == "" && l.spec.OnFailure == triggerv1.FailureRollback && t.Standing != Current && l.inputs[i].Release.Record.Rejects("apps/platform", l.content) {
			in.RejectedBy = t.Name
		}
		in.Targets = append(in.Targets, t)
	}
	return Decide(in)
}

// into is what is seen of the release, and what it says of itself as a target.
func (c chart) into(in *plan.Input) {
	in.Release = c.observe()
	in.Previous, in.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, plan.TranslationOf(in.Sources))
}

// execute writes the copy, and makes the request or keeps what is known now; after a conflict, it
// decides on what there is then.
func (l *look) execute(i int, held string) (sent, dead bool) {
	if l.decided[i].Request == nil { // Of a request that is found to be due only now, it is not known whether it may be made.
		held = "waits for its turn"
	}
	for {
		decision, m := l.decided[i], &l.releases[i]
		status, asks := decision.Status, decision.Request != nil && held == ""
		if decision.Request != nil && held != "" {
			status = decision.Held(held)
		}
		corrects := decision.Request == nil && status.State == triggerv1.TargetDelivered && status.Digest == l.diff.To
		if m.copied != l.restored && corrects && !l.inputs[i].Live {
			l.decide(i, m.live, true) // The release may have been triggered for other content since.
			continue
		}
		if m.copied != l.restored && (asks || corrects) {
			if l.dies() {
				return sent, true
			}
			l.write(i)
		}
		if m.copied == l.restored {
			status.Published = l.diff.To
		} else if before := l.inputs[i].Previous; before != nil {
			status.Published = before.Published
		}
		record := l.inputs[i].Release.Record
		if asks {
			record = decision.Request.Record
		}
		record, news := record.Keep(l.inputs[i], status)
		if !asks && !news {
			return false, false
		}
		if l.observed[i].version == m.live.version {
			if l.dies() {
				return sent, true
			}
			m.live.record = record.String()
			if asks {
				m.live.requestedAt = decision.Request.Token
				m.queued = true
			}
			m.live.version++
			return true, false
		}
		l.decide(i, m.live, true)
	}
}

// write gives a release its copy, and notes if it must not have it.
func (l *look) write(i int) {
	l.releases[i].copied = l.restored
	if s := l.stored.rollout; s != nil && s.RejectedBy != nil && s.Digest == contentDigest(l.restored) && l.releases[i].live.config != l.restored {
		l.problem = fmt.Sprintf("release %d gets content %d, which is rejected", i, l.restored)
	}
	if i != rest || l.rejected != "" {
		return
	}
	first := l.releases[canary]
	switch {
	case l.releases[rest].live.config == l.restored && !l.releases[rest].live.failed: // It runs that.
	case first.live.config != l.restored || first.live.failed:
		l.problem = fmt.Sprintf("content %d passes the canary, which does not run it", l.restored)
	case l.restored == bad:
		l.problem = "what is bad passes the analysis of the canary"
	case l.approved != l.restored:
		l.problem = fmt.Sprintf("content %d passes without approval", l.restored)
	}
}
