// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/nebius/helmrelease-trigger-operator/internal/core/plan"
)

func TestExpectations_are_unmet_until_they_are_seen(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	key := types.NamespacedName{Namespace: "apps", Name: "app"}
	release := func(token string) plan.Release { return plan.Release{Record: plan.Record{Token: token}} }
	expected := &expectations{}
	g.Expect(expected.unmet(key, release(""))).To(BeFalse(), "nothing was sent")
	expected.expect(key, "0123456789ab.7")
	g.Expect(expected.unmet(key, release("0123456789ab.6"))).To(BeTrue())
	g.Expect(expected.unmet(key, release(""))).To(BeTrue())
	g.Expect(expected.unmet(key, release("fedcba987654.8"))).To(BeFalse(), "another trigger has made one since")
	g.Expect(expected.tokens).To(BeEmpty())

	expected.expect(key, "0123456789ab.7")
	expected.tokens[key] = expectation{token: "0123456789ab.7", at: time.Now().Add(-2 * time.Minute)}
	g.Expect(expected.unmet(key, release(""))).To(BeFalse(), "the release was made again")
}
