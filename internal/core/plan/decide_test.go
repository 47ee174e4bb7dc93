// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// decision is one case: what is given, what is decided, and what is said about it.
type decision struct {
	name    string
	given   func() *scene
	want    outcome
	message string
}

func check(t *testing.T, cases []decision) {
	t.Helper()
	t.Parallel()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := c.given()
			d := s.decide()
			g.Expect(outcomeOf(d)).To(Equal(c.want), "message: %s", d.Status.Message)
			g.Expect(d.Status.Message).To(ContainSubstring(c.message))
			if c.message == "" && c.want.State == triggerv1.TargetDelivered {
				g.Expect(d.Status.Message).To(BeEmpty())
			}
			g.Expect(s.decide()).To(Equal(d), "the same decision when it is taken twice")
			if d.Request != nil {
				g.Expect(d.Request.Cause).To(HaveSuffix(" via ValuesTrigger apps/trigger"))
				g.Expect(d.Request.Cause).NotTo(HavePrefix(" via"))
				g.Expect(d.Request.Record.Token).To(Equal(d.Request.Token))
				g.Expect(d.Request.Token).NotTo(BeElementOf(s.release.RequestedAt, s.release.HandledAt, s.release.Record.Token))

				g.Expect(d.Unsent.State).To(Equal(triggerv1.TargetPending))
				s.status, s.force, s.reset = &d.Unsent, "", ""
				if d.Unsent.Digest != "" {
					s.note()
				}
				again := s.decide()
				g.Expect(outcomeOf(again)).To(Equal(c.want), "a request that could not be made is made later: %s", again.Status.Message)
				g.Expect(again.Request.Token).To(Equal(d.Request.Token))
			}
		})
	}
}

func TestDecide_targetsThatMustNotBeTouched(t *testing.T) {
	check(t, []decision{{
		name: "a HelmRelease that does not exist is Missing",
		given: func() *scene {
			s := newScene(read)
			s.release = Release{}
			return s
		},
		want:    outcome{triggerv1.TargetMissing, none},
		message: "create it, or remove it from spec.targets",
	}, {
		name: "a HelmRelease that disappears is Missing and forgotten",
		given: func() *scene {
			s := triggered(read)
			s.release = Release{}
			return s
		},
		want: outcome{triggerv1.TargetMissing, none},
	}, {
		name: "a HelmRelease that denies the trigger is Failed with the reason",
		given: func() *scene {
			s := delivered(read)
			s.edit(read)
			s.release.Denied = "no entry"
			return s
		},
		want:    outcome{triggerv1.TargetFailed, none},
		message: "no entry",
	}, {
		name: "a denied caller does not learn that there is no HelmRelease",
		given: func() *scene {
			s := delivered(read)
			s.release = Release{Denied: "no entry"}
			return s
		},
		want:    outcome{triggerv1.TargetFailed, none},
		message: "no entry",
	}, {
		name: "a HelmRelease that accepts the trigger again gets what changed meanwhile",
		given: func() *scene {
			s := delivered(read)
			s.edit(read)
			s.release.Denied = "no entry"
			s.step()
			s.release.Denied = ""
			return s
		},
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "a HelmRelease that accepts the trigger again is Delivered if nothing changed",
		given: func() *scene {
			s := delivered(read)
			s.release.Denied = "no entry"
			s.step()
			s.release.Denied = ""
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_missingForgetsWhatWasDelivered(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := triggered(read)
	s.release = Release{}
	g.Expect(s.step().Status).To(Equal(triggerv1.TargetStatus{
		State: triggerv1.TargetMissing, Message: "HelmRelease does not exist; create it, or remove it from spec.targets",
	}))
}

func TestDecide_edits(t *testing.T) {
	edited := func(id string, force triggerv1.ForcePolicy) func() *scene {
		return func() *scene {
			s := delivered(id)
			s.source(id).Force = force
			s.later(time.Minute)
			s.edit(id)
			return s
		}
	}
	check(t, []decision{{
		name:  "nothing changed",
		given: func() *scene { return delivered(read, other, always) },
		want:  outcome{triggerv1.TargetDelivered, none},
	}, {
		name:  "a source that the release reads is requested without force",
		given: edited(read, triggerv1.ForceAuto),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name:  "a source that the release does not read is forced",
		given: edited(other, triggerv1.ForceAuto),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a source with force Always is forced though the release reads it",
		given: edited(read, triggerv1.ForceAlways),
		want:  outcome{triggerv1.TargetTriggered, forced},
	}, {
		name:  "a source with force Never is not forced though the release does not read it",
		given: edited(other, triggerv1.ForceNever),
		want:  outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "one of two sources that needs force is enough",
		given: func() *scene {
			s := delivered(read, other)
			s.edit(read)
			s.edit(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that needs force and has not changed is not forced",
		given: func() *scene {
			s := delivered(read, other)
			s.edit(read)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "an optional source that disappears is a change",
		given: func() *scene {
			s := delivered(read, other)
			s.removeOther()
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "an optional source that appears is a change",
		given: func() *scene {
			s := delivered(read, other)
			s.removeOther()
			s.step()
			s.later(time.Minute)
			s.upgrade()
			s.step()
			s.edit(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that is added and that the release was asked for is not a change",
		given: func() *scene {
			s := delivered(read)
			s.include(other)
			s.requestedBy(true, s.now, read, other)
			s.upgrade()
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}, {
		name: "a source that is added and does not provably run is delivered",
		given: func() *scene {
			s := delivered(read)
			s.include(other)
			s.edit(other)
			return s
		},
		want: outcome{triggerv1.TargetTriggered, forced},
	}, {
		name: "a source that is added, read and differs is delivered",
		given: func() *scene {
			s := delivered(other)
			s.include(read)
			s.values = ValuesDiffer
			return s
		},
		want: outcome{triggerv1.TargetTriggered, unforced},
	}, {
		name: "a source that is removed is not a change",
		given: func() *scene {
			s := delivered(read, other)
			s.exclude(other)
			return s
		},
		want: outcome{triggerv1.TargetDelivered, none},
	}})
}

func TestDecide_theRequestCarriesEverything(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := delivered(read, other)
	s.later(1500 * time.Millisecond)
	s.edit(other)
	s.source(other).Editor, s.source(other).ChangedKeys = "kubectl-edit", []string{"a", "b", "c", "d"}
	digests := map[string]string{}
	for _, source := range s.sources {
		digests[source.ID] = source.Full[len("sha256:"):][:12]
	}

	d := s.step()
	g.Expect(*d.Request).To(Equal(Request{
		Token: s.lastDigest[len("sha256:"):][:12] + ".2",
		Force: true,
		Record: Record{
			UID: "release", Token: d.Request.Token, Force: true, Revision: 3, At: noon.Add(time.Second),
			Sources: []RecordedSource{
				{ID: other, Digest: digests[other], Object: "1-Config", After: 3}, {ID: read, Digest: digests[read], Object: "1-Config", After: 2},
			},
		},
		Cause: "ConfigMap apps/other sha256:" + digests[other] + " (a, b, c and 1 more) by kubectl-edit via ValuesTrigger apps/trigger",
	}))
	g.Expect(d.Status).To(Equal(triggerv1.TargetStatus{
		UID: "release", State: triggerv1.TargetTriggered, Digest: s.lastDigest, Token: d.Request.Token, Forced: true, Attempts: 1,
		TriggeredAt: timestamp(noon.Add(time.Second)), Revision: 3, Cause: d.Request.Cause,
	}))
	g.Expect(d.After).To(Equal(5*time.Minute), "looked at again when the time is up")
}
