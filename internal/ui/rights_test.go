// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// A page asks for several rights. It waits for one answer at most where there is none, whatever it shows.
func TestRights_wait_once_for_an_API_server_that_does_not_answer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		answers := false
		asked := 0
		c := interceptor.NewClient(fake.NewClientBuilder().Build(), interceptor.Funcs{
			Create: func(ctx context.Context, _ client.WithWatch, _ client.Object, _ ...client.CreateOption) error {
				asked++
				if answers {
					return nil // The person has none of them.
				}
				<-ctx.Done()
				return ctx.Err()
			},
		})
		r := newRights(c, time.Now)
		began := time.Now()
		for _, name := range []string{"one", "two", "three"} {
			for _, verb := range []string{patchVerb, "approve", "suspend", "override"} {
				g.Expect(r.allows(t.Context(), right{verb, "apps", name})).To(BeTrue(), "what is not known is not refused")
			}
		}
		g.Expect(time.Since(began)).To(Equal(rightTime))
		g.Expect(asked).To(Equal(1))

		answers = true
		time.Sleep(silentTime)
		g.Expect(r.allows(t.Context(), right{"approve", "apps", "two"})).To(BeFalse(), "it asks again when the API server may answer")
	})
}
