// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"time"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// This file models what the controller does about one target.

// simOutcome is what became of a target.
type simOutcome struct {
	status triggerv1.TargetStatus
	after  time.Duration

	// wrote reports that the release was asked, or that what is known of it was kept on it, undecided
	// that this was to be done and was not.
	wrote, undecided bool
}

// deliver decides about one target and executes the decision, unless the change settles.
func (o *simOperator) deliver(t *simTrigger, h *simHelm, in Input, settling bool) simOutcome {
	observed := o.releases[h.release.name]
	if observed.version < h.askedVersion && o.now.Sub(h.asked) >= firstRetryDelay-time.Second {
		// The cache is not that far behind the operator's own writes.
		observed = h.release
		o.releases[h.release.name] = observed
	}
	if observed.into(&in); in.DependsOnOrder() {
		observed, in.Live = h.release, true
		o.releases[h.release.name] = observed
	}
	for range simMaxConflicts {
		observed.into(&in)
		decision, read := o.look(t, h, &in, observed)
		if !read {
			return simOutcome{status: previousOf(in), undecided: true}
		}
		out, asks := o.outcome(t, h, decision, settling)
		record := in.Release.Record
		if asks {
			record = decision.Request.Record
		}
		record, news := record.Keep(in, out.status)
		switch {
		case !asks && !news:
			o.account(t, h, in, observed, decision)
			return out
		case !o.calm && o.chance(20):
			t.queued = true
			o.note("%s: what is to be written on %s is refused", t.name, h.release.name)
			if !asks {
				return simOutcome{status: out.status, undecided: true}
			}
			_, lost := in.Release.Record.Keep(in, decision.Unsent)
			return simOutcome{status: decision.Unsent, undecided: lost || decision.Unsent.Digest == ""}
		case observed.version != h.release.version: // A conflict.
			observed, in.Live = h.release, true
			continue
		}
		out.wrote = true
		h.release.record = record.String()
		if !asks {
			o.account(t, h, in, observed, decision)
			if problem := o.unproven(t, h, in, out.status); problem != "" {
				panic(problem)
			}
			h.changed()
			o.note("%s: keeps on %s that it is %s %s", t.name, h.release.name, out.status.State, out.status.Token)
			return out
		}
		o.excuse(t, h, in, decision.Request.Force)
		req := decision.Request
		h.request(req.Token, req.Force, req.Reset)
		h.asked, h.askedVersion = o.now, h.release.version
		o.note("%s: requests %s of %s force=%t because of %s", t.name, req.Token, h.release.name, req.Force, req.Cause)
		return out
	}
	panic("conflicts without anybody else writing")
}

// into is what is seen of the release, and what it says of itself as a target.
func (r simRelease) into(in *Input) {
	in.Release, in.Values = r.observe(), ValuesUnknown
	in.Previous, in.Known = in.Release.Record.Recall(in.Knower, in.Release.UID, TranslationOf(in.Sources))
}

// look decides, and returns false if the values could not be read.
func (o *simOperator) look(t *simTrigger, h *simHelm, in *Input, observed simRelease) (Decision, bool) {
	decision := o.decide(*in)
	if decision.NeedValues {
		if !o.calm && o.chance(10) {
			o.note("%s: values of %s could not be read", t.name, h.release.name)
			return decision, false
		}
		in.Values = ValuesDiffer
		if o.unreadable {
			in.Values = ValuesUnreadable
		} else if observed.config == composed(observed, func(s *simSource) content { return o.sources[s.id].content }, o.world.sources) && observed.revision > 0 {
			in.Values = ValuesEqual
		}
		decision = o.decide(*in)
		if decision.NeedValues {
			panic("values are asked for twice")
		}
	}
	if decision.Notes(in.Previous) && o.replaced(t) {
		decision.Status.Revision = in.Previous.Revision
	}
	return decision, true
}

// outcome returns what becomes of a target if all goes well, and whether it is asked.
func (o *simOperator) outcome(t *simTrigger, h *simHelm, decision Decision, settling bool) (out simOutcome, asks bool) {
	switch {
	case decision.Request == nil:
		return simOutcome{status: decision.Status, after: decision.After}, false
	case settling:
		o.note("%s: request for %s waits for the change to settle", t.name, h.release.name)
		return simOutcome{status: decision.Settling("settles"), after: time.Second}, false
	case !o.calm && o.chance(6):
		o.note("%s: request for %s is held back", t.name, h.release.name)
		return simOutcome{status: decision.Held("not its turn yet"), after: time.Second}, false
	}
	return simOutcome{status: decision.Status, after: decision.After}, true
}

// account notes what excuses a revision after a decision without a request.
func (o *simOperator) account(t *simTrigger, h *simHelm, in Input, observed simRelease, decision Decision) {
	if decision.Request != nil {
		return
	}
	if observed.objects != h.release.objects {
		h.allowLasting("decision about the release before it")
	}
	if observed.version != h.release.version && h.run != nil {
		h.blind = true
	}
	if o.stale(t) && decision.Status.State == triggerv1.TargetDelivered && (in.Previous == nil || in.Previous.State != triggerv1.TargetDelivered) {
		h.allowLasting("delivery of content that is old already")
	}
}

// excuse notes what excuses the revision of a request.
func (o *simOperator) excuse(t *simTrigger, h *simHelm, in Input, force bool) {
	if h.run != nil {
		// Ready=False hides that helm-controller is at work again: an early
		// exit and a wait for a retry look alike.
		h.allowLasting("request beside an unseen reconciliation")
	}
	if o.stale(t) {
		h.allow("request for content that is old already")
	}
	if o.misread(h) {
		h.allowLasting("request after a look at old values")
	}
	if force && mayHaveRead(in) {
		if in.Previous != nil && in.Previous.Digest != "" {
			o.unwitnessed++
		}
		h.allowLasting("force after a revision that may have read the content")
	}
	if (in.Previous == nil || in.Previous.Digest == "" || in.recreated()) && t.met[h] <= h.release.objects {
		t.met[h] = h.release.objects + 1
		h.allow("first sight by " + t.name)
	}
}
