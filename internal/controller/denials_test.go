// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
)

func TestDenials_what_is_refused_is_tried_ever_more_rarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		d := newDenials()
		req := ctrl.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "name"}}
		var waits []string
		for range 9 {
			after, first := d.again(req)
			g.Expect(first).To(Equal(len(waits) == 0))
			waits = append(waits, after.String())
			time.Sleep(after)
		}
		g.Expect(waits).To(Equal([]string{"10s", "10s", "20s", "40s", "1m20s", "2m40s", "5m20s", "10m0s", "10m0s"}))

		d.over(req)
		g.Expect(d.since).To(BeEmpty())
		after, first := d.again(req)
		g.Expect(after).To(Equal(firstDenial))
		g.Expect(first).To(BeTrue())
	})
}
