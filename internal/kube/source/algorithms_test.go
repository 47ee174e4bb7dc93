// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	godigest "github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"
)

func TestValuesMatch_checks_digests_of_every_algorithm_that_helm_controller_has(t *testing.T) {
	t.Parallel()
	store, hr, _ := valuesFixture(t)
	values, err := chartutil.ChartValuesFromReferences(t.Context(), logr.Discard(), store.client, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for _, algorithm := range []godigest.Algorithm{"sha1", "sha256", "sha384", "sha512", "blake3"} {
		t.Run(algorithm.String(), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			g.Expect(algorithm.Available()).To(BeTrue())
			digest := chartutil.DigestValues(algorithm, values)
			g.Expect(store.ValuesMatch(t.Context(), hr, digest.String(), true)).To(BeTrue())
			other := godigest.NewDigestFromEncoded(algorithm, strings.Repeat("0", len(digest.Encoded())))
			g.Expect(store.ValuesMatch(t.Context(), hr, other.String(), true)).To(BeFalse())
		})
	}
}

func TestValuesMatch_does_not_judge_a_digest_of_an_algorithm_that_it_lacks(t *testing.T) {
	t.Parallel()
	hr := &helmv2.HelmRelease{ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: "app"}}
	_, err := newCounted(t).ValuesMatch(t.Context(), hr, "sha3-256:"+strings.Repeat("0a", 32), true)
	NewWithT(t).Expect(err).To(MatchError(unknownAlgorithm))
}
