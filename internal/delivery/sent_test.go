// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/plan"
)

func TestSentRequests_are_missed_until_they_are_seen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	key := types.NamespacedName{Namespace: "apps", Name: "app"}
	release := func(token string) plan.Release { return plan.Release{Record: plan.Record{Token: token}} }
	sent := &sentRequests{}
	g.Expect(sent.missing(key, release(""))).To(BeFalse(), "nothing was sent")
	sent.note(key, "0123456789ab.7")
	g.Expect(sent.missing(key, release("0123456789ab.6"))).To(BeTrue())
	g.Expect(sent.missing(key, release(""))).To(BeTrue())
	g.Expect(sent.missing(key, release("fedcba987654.8"))).To(BeFalse(), "another trigger has made one since")
	g.Expect(sent.tokens).To(BeEmpty())

	sent.note(key, "0123456789ab.7")
	sent.tokens[key] = sentRequest{token: "0123456789ab.7", at: time.Now().Add(-2 * time.Minute)}
	g.Expect(sent.missing(key, release(""))).To(BeFalse(), "the release was made again")
}
