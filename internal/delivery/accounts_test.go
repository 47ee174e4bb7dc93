// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
)

// Each account has one client, which a generated trigger writes with and does not read with.
func TestAccounts(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	server := newTidying(t)
	own := &struct{ client.Client }{server.Client}
	a := NewAccounts(own, &rest.Config{Host: "http://127.0.0.1:1"}, "", server.executor.meter)
	vt := &triggerv1.ValuesTrigger{ObjectMeta: metav1.ObjectMeta{Namespace: "apps"}}
	account, writer, err := a.of(vt, false)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(account.Name).To(BeEmpty())
	g.Expect(writer).To(BeIdenticalTo(own))

	vt.Spec.ServiceAccountName = "deployer"
	account, writer, err = a.of(vt, false)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(account.Name).To(Equal("system:serviceaccount:apps:deployer"))
	g.Expect(account.Reader).NotTo(BeNil())
	account, other, err := a.of(vt, true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(account.Reader).To(BeNil())
	g.Expect(other).To(BeIdenticalTo(writer))
	g.Expect(a.clients).To(HaveLen(1))
}
