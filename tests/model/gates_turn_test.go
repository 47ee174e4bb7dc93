// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/rollout"
)

// turn returns why new content must not have come into a copy when it did. Each gate must
// have been open at some time since the operator may have decided it. What nothing was
// installed from yet, and was not there, waits for no one.
func (j *judge) turn(one *sighting, numbers map[*origin]int, first bool) error {
	versions := j.valid(one, j.known(one.at))
	if !slices.ContainsFunc(versions, func(v sighting) bool { return !v.gone && !v.vt.IsGated() }) {
		// Where something is held back, it asks whether it knows the newest version.
		versions = j.valid(one, j.since(one.at))
	}
	switch {
	case slices.ContainsFunc(versions, func(v sighting) bool { return v.gap }):
		return nil // Not all is known.
	case !slices.ContainsFunc(versions, func(v sighting) bool { return !v.gone && !v.vt.Spec.Suspend }):
		return errors.New("the trigger was suspended")
	case first:
		return nil
	}
	digests, late := j.gate.digests(numbers), slices.ContainsFunc(versions, func(v sighting) bool { return v.late(one.at) })
	var errs []error
	for _, v := range versions {
		if v.gone {
			continue
		}
		err := j.open(v.vt, one, numbers, digests, late)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("in %d versions, the last: %w", len(errs), errs[len(errs)-1])
}

// valid returns the versions of the trigger on which the operator may have decided what it
// wrote.
func (j *judge) valid(one *sighting, since time.Time) []sighting {
	var valid []sighting
	for i, v := range j.triggers {
		last := i+1 == len(j.triggers)
		if v.version < one.version && (last || j.triggers[i+1].version > one.version || j.triggers[i+1].at.After(since)) {
			v.gap = v.gap || !last && j.triggers[i+1].gap // There may have been others since.
			valid = append(valid, v)
		}
	}
	return valid
}

// late reports that the longest delay was over at a time, whatever came in the end.
func (s sighting) late(at time.Time) bool {
	if s.gone || s.vt.Status.Rollout == nil || s.vt.Status.Rollout.UnsettledSince == nil {
		return false
	}
	return at.Sub(s.vt.Status.Rollout.UnsettledSince.Time) >= s.vt.GetMaxDelay()
}

// open returns what of a version of the trigger holds content back.
func (j *judge) open(vt *triggerv1.ValuesTrigger, one *sighting, numbers map[*origin]int, digests []string, late bool) error {
	r, forced := vt.Status.Rollout, vt.Annotations[meta.ForceRequestAnnotation]
	of := r != nil && slices.Contains(digests, r.Digest)
	switch {
	case of && r.Overridden && forced != "", forced != vt.Status.LastHandledForceAt && forced == vt.Annotations[meta.ReconcileRequestAnnotation]:
		return nil // A person wants it now.
	case vt.Spec.Suspend:
		return errors.New("it is suspended")
	case len(vt.Spec.Schedule) > 0 && vt.Spec.Schedule[0].Cron != "* * * * *":
		return errors.New("no window is open")
	}
	for o, number := range numbers {
		for _, e := range o.editions {
			if age := one.at.Sub(e.at); e.values == number && age < vt.Spec.QuietPeriod.Duration && !late {
				return fmt.Errorf("%d of %s is %s old", number, o.id(), age.Round(time.Millisecond))
			}
		}
	}
	if vt.Spec.Rollout == nil {
		return nil
	}
	switch {
	case !of:
		return fmt.Errorf("the rollout is of %+v", r)
	case r.Rollback != nil && vt.RollsBack():
		return errors.New("it is refused")
	}
	for i, st := range r.Stages {
		if st.Name != j.stage {
			continue
		}
		if st.Phase == triggerv1.StageWaiting || st.Phase == triggerv1.StageUnchanged || st.Phase == "" {
			return fmt.Errorf("the stage is %q", st.Phase)
		}
		if vt.Spec.Rollout.Stages[i].Approval == triggerv1.ApprovalManual && !j.approved(one, r.Digest) {
			return errors.New("no one has approved it")
		}
		return nil
	}
	return errors.New("it is in no stage")
}

// approved reports whether someone had approved the stage for content.
func (j *judge) approved(one *sighting, digest string) bool {
	want := rollout.Approval(digest, j.stage, "")
	return slices.ContainsFunc(j.triggers, func(v sighting) bool {
		value := v.vt.Annotations[triggerv1.ApproveAnnotation]
		return v.version < one.version && !v.gone && (value == digest || value == want || strings.HasPrefix(value, want+"/"))
	})
}
