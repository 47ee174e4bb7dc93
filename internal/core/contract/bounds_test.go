// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

func TestAnnotations_keepsNoMoreThanIsRead(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	g.Expect(Annotations(nil)).To(BeEmpty())
	g.Expect(Annotations(map[string]string{nameKey: "a", namespaceKey: "b", digestKey: "c", "other": "d"})).
		To(Equal(map[string]string{nameKey: "a", namespaceKey: "b", digestKey: "c"}))

	names := strings.Repeat(strings.Repeat("é", 20)+",", 6000)
	all := map[string]string{nameKey: names, namespaceKey: strings.Repeat("n", 1000), digestKey: strings.Repeat("0", 1000)}
	kept := Annotations(all)
	g.Expect(len(kept[nameKey])).To(BeNumerically("<=", maxNames+1))
	g.Expect(len(kept[namespaceKey])).To(BeNumerically("<=", maxValue+1))
	g.Expect(Parse(kept)).To(Equal(Parse(all)))
	g.Expect(ParseBaseline(kept)).To(Equal(ParseBaseline(all)))

	delete(all, namespaceKey)
	kept = Annotations(all)
	g.Expect(Parse(kept)).To(Equal(Parse(all)))
	g.Expect(Annotations(kept)).To(Equal(kept))
	g.Expect(Parse(kept).Problems).To(ContainElement(HavePrefix(
		"annotation nebius.ai/helmreleases-name: longer than 64 KiB, the names beyond that are ignored; move them to ")))
}

func TestAnnotations_leavesRoomForAllNamesThatHelmCanWorkWith(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	var names []string
	for i := range triggerv1.MaxTargetNames {
		names = append(names, fmt.Sprintf("%053d", i))
	}
	b := Parse(Annotations(map[string]string{nameKey: strings.Join(names, ", ")}))
	g.Expect(b.Targets).To(HaveLen(triggerv1.MaxTargetNames))
	g.Expect(b.Problems).To(BeEmpty())
}
