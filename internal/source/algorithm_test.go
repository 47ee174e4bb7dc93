// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
)

func TestValuesMatch_does_not_judge_a_digest_of_an_algorithm_that_it_lacks(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	for _, algorithm := range []string{"blake3", "sha1"} { // helm-controller has both.
		_, err := newCounted(t).ValuesMatch(t.Context(), hr, algorithm+":"+strings.Repeat("0a", 32), true)
		g.Expect(err).To(MatchError(ErrAlgorithm), algorithm)
	}
}
