// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package gitops

import (
	"fmt"
	"testing"

	. "github.com/onsi/gomega"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// mark returns the present end of the audit log.
func (e *team) mark() world.AuditMark {
	e.t.Helper()
	mark, err := field.AuditMark(e.ctx)
	e.Expect(err).NotTo(HaveOccurred())
	return mark
}

// writesBy returns what a user has written in the namespace since a mark, in order, without
// events and status, as in "patch helmreleases/app".
func (e *team) writesBy(user string, since world.AuditMark) []string {
	e.t.Helper()
	events, err := field.AuditEvents(e.ctx, since, func(event world.AuditEvent) bool {
		return world.WritesBy(user)(event) && event.Namespace == e.ns && event.Resource != "events" && event.Subresource == ""
	})
	e.Expect(err).NotTo(HaveOccurred())
	var writes []string
	for _, event := range events {
		writes = append(writes, event.Verb+" "+event.Resource+"/"+event.Name)
	}
	return writes
}

// readyTriggers returns the condition Ready of all triggers in the namespace.
func (e *team) readyTriggers() ([]string, error) {
	list := &triggerv1.ValuesTriggerList{}
	if err := e.list(list); err != nil {
		return nil, err
	}
	ready := make([]string, len(list.Items))
	for i := range list.Items {
		var err error
		if ready[i], err = e.ready(list.Items[i].Name)(); err != nil {
			return nil, err
		}
	}
	return ready, nil
}

// catalogue is where two releases have their charts from: an OCI registry and a Helm
// repository with an index.
const catalogue = `apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {namespace: %[1]s, name: app}
spec: {interval: 1h, insecure: true, url: %[2]s/app, ref: {tag: %[4]s}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {namespace: %[1]s, name: index}
spec: {interval: 1h, url: %[3]s}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: %[1]s, name: registry}
spec:
  interval: 1h
  chartRef: {kind: OCIRepository, name: app}
  valuesFrom: [{kind: ConfigMap, name: app-values}]
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {namespace: %[1]s, name: index}
spec:
  interval: 1h
  chart:
    spec: {chart: app, version: %[4]s, sourceRef: {kind: HelmRepository, name: index}}
  valuesFrom: [{kind: ConfigMap, name: app-values}]
`

func TestWrites_an_edit_in_Git_is_one_request_and_one_revision_for_each_release(t *testing.T) {
	e := newTeam(t, "writes")
	values := func(n int) map[string]string {
		return map[string]string{"values.yaml": configMap(e.ns, "app-values", map[string]string{"values.yaml": fmt.Sprintf("knob: %d\nsince: 0.0.0\n", n)})}
	}
	releases := []string{"registry", "index"}
	files := values(0)
	files["apps.yaml"] = fmt.Sprintf(catalogue, e.ns, field.ChartsURL(), field.HelmRepositoryURL(), chartVersion(0))
	e.commit(files)
	const delivered = "True Succeeded: Delivered"
	e.Eventually(e.readyTriggers).Should(HaveExactElements(HavePrefix(delivered), HavePrefix(delivered)))

	mark := e.mark()
	e.commit(values(1))
	for _, release := range releases {
		e.Eventually(e.pairs(release)).Should(HaveExactElements(HavePrefix("0 with"), HavePrefix("1 with")))
		e.Eventually(e.atRest(release)).Should(BeTrue())
	}
	e.Eventually(e.readyTriggers).Should(HaveExactElements(HavePrefix(delivered), HavePrefix(delivered)))

	e.Expect(e.writesBy(world.KustomizeControllerUser, mark)).To(HaveExactElements("patch configmaps/app-values"))
	e.Expect(e.writesBy(world.SourceControllerUser, mark)).To(BeEmpty())
	e.Expect(e.writesBy(manager.User(), mark)).To(ConsistOf(
		"patch helmreleases/registry", "patch helmreleases/index", "patch helmreleases/registry", "patch helmreleases/index"), "the request and its proof")
	e.Expect(e.writesBy(world.HelmControllerUser, mark)).To(ContainElements(
		"create secrets/sh.helm.release.v1.registry.v2", "create secrets/sh.helm.release.v1.index.v2"))
}
