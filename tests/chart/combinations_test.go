// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package chart

// combinations are values that must render objects which the API server takes
// and the operator understands. The tests of this package that hold for any
// values go through all of them.
var combinations = map[string]string{
	"the defaults":                       "",
	"the example of the first operator":  exampleValues,
	"the defaults of the first operator": firstDefaults,

	"no args": `controllerManager: {manager: {args: []}}`,
	"args with Flux's names": `controllerManager: {manager: {args: [
		--metrics-addr=:8080, --health-addr=:9440, --enable-leader-election, --watch-all-namespaces, --concurrent=4]}}`,
	"args in two words": `controllerManager: {manager: {args: [--metrics-addr, ":9090", --health-addr, "0.0.0.0:9091"]}}`,
	"args that repeat a flag": `controllerManager: {manager: {args: [
		--metrics-bind-address=:1111, --metrics-bind-address=:2222, --metrics-secure, --metrics-secure=false]}}`,
	"metrics in the clear":     `controllerManager: {manager: {args: ["--metrics-bind-address=:8443", "--metrics-secure=f"]}}`,
	"secure metrics elsewhere": `controllerManager: {manager: {args: ["--metrics-addr=:8080", "--metrics-secure=1"]}}`,
	"no metrics":               `controllerManager: {manager: {args: ["--metrics-bind-address=0"]}}`,
	"no probes":                `controllerManager: {manager: {args: ["--health-addr=0"]}}`,
	"replicas and no args":     `controllerManager: {replicas: 3, manager: {args: []}}`,
	"no leader election":       `controllerManager: {manager: {args: [--leader-elect=false]}}`,
	"no replica":               `controllerManager: {replicas: 0}`,
	"an environment": `controllerManager: {manager: {args: [], env: {
		maxConcurrency: 7, cacheSyncTimeout: 3m30s, logLevel: debug}}}`,
	"no events":      `eventsAddr: ""`,
	"another domain": `kubernetesClusterDomain: example.org`,
	"events by args": `{eventsAddr: "", controllerManager: {manager: {args: ["--events-addr=http://events.example.com/"]}}}`,

	"more args":                        `{extraArgs: [--concurrent=20, "--metrics-bind-address=:9999"]}`,
	"more args that agree with values": `{rbac: {secrets: false}, extraArgs: [--secrets=false, --leader-elect=false]}`,
	"an account that exists":           `controllerManager: {serviceAccount: {create: false, name: trigger}}`,
	"an account by another name":       `controllerManager: {serviceAccount: {name: trigger}}`,
	"a mirror":                         `controllerManager: {manager: {image: {registry: "localhost:5000"}}}`,
	"a mirror for all charts": `global: {imageRegistry: registry.example.com/mirror, imagePullSecrets: [pull, {name: more}],
		storageClass: fast}`,
	"labels for all":   `{commonLabels: {example.com/team: platform, app.kubernetes.io/part-of: flux}, grafanaDashboard: {enabled: true}}`,
	"readers":          readers,
	"objects to apply": objectsToApply,

	"no secrets":        `rbac: {secrets: false}`,
	"no rbac":           `rbac: {create: false}`,
	"no roles to add":   `rbac: {aggregatedRoles: false}`,
	"no Kustomizations": `rbac: {kustomizations: false}`,
	"a settle time":     `settleTime: 1m`,
	"no settle time":    `settleTime: 0`,
	"an older release": `{settleTime: null, analysis: null, approvals: null, rbac: {kustomizations: null}, extraArgs: null, commonLabels: null, global: null,
		metricsReader: null, extraObjects: null, deploymentAnnotations: null,
		serviceMonitor: {enabled: true, namespace: null, scrapeTimeout: null, annotations: null, relabelings: null, metricRelabelings: null},
		prometheusRule: {enabled: true, namespace: null, annotations: null}, grafanaDashboard: {enabled: true, namespace: null},
		controllerManager: {manager: {image: {registry: null}}, serviceAccount: {create: null, name: null}}}`,
	"one namespace": `watch: {allNamespaces: false}`,
	"one namespace without secrets, impersonating": `{
		watch: {allNamespaces: false}, rbac: {secrets: false}, impersonation: {enabled: true}}`,
	"no cross-namespace references": `noCrossNamespaceRefs: true`,
	"a default account":             `defaultServiceAccount: values-trigger`,
	"impersonation":                 `impersonation: {enabled: true}`,
	"providers": `analysis: {providers: [
		{name: prometheus, type: Prometheus, address: "https://prometheus:9090/p", timeout: 20s, namespaces: [team-*, apps],
			headers: {X-Scope-OrgID: platform}, secretName: prometheus.credentials},
		{name: board, type: HTTP, address: "http://board.example.com", secretName: prometheus.credentials, insecureSkipVerify: true,
			proxyURL: "http://proxy:3128"}]}`,
	"publish":                 `publish: {enabled: true}`,
	"publish without Secrets": `{publish: {enabled: true}, rbac: {secrets: false}}`,
	"both":                    `{impersonation: {enabled: true}, defaultServiceAccount: values-trigger}`,
	"args that agree with values": `{
		rbac: {secrets: false}, watch: {allNamespaces: false}, defaultServiceAccount: flux,
		controllerManager: {manager: {args: [--secrets=false, --watch-all-namespaces=0, --default-service-account, flux]}}}`,

	"approvals":                      `approvals: {enforce: true}`,
	"approvals with four eyes":       `approvals: {enforce: true, fourEyes: true, appliers: ["system:serviceaccount:team:it's \"me\"", argocd]}`,
	"approvals without who applies":  `approvals: {enforce: true, fourEyes: true, appliers: null}`,
	"approvals in one namespace":     `{approvals: {enforce: true, fourEyes: true}, watch: {allNamespaces: false}, fullnameOverride: trigger}`,
	"approvals with roles elsewhere": `{approvals: {enforce: true}, rbac: {create: false}}`,

	"no CRDs":          `crds: {install: false}`,
	"CRDs to remove":   `crds: {keep: false}`,
	"other names":      `{nameOverride: hrto, fullnameOverride: trigger}`,
	"release names":    `fullnameOverride: ""`,
	"the longest name": `fullnameOverride: a234567890123456789012345678901234567890bcde`,

	"everything about the pod": `{
		controllerManager: {
			serviceAccount: {annotations: {example.com/role: trigger}},
			manager: {
				image: {digest: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", pullPolicy: Always},
				containerSecurityContext: {runAsUser: 1000}}},
		deploymentAnnotations: {reloader.stakater.com/auto: "true"},
		podAnnotations: {example.com/a: b}, podLabels: {example.com/team: platform},
		priorityClassName: system-cluster-critical, imagePullSecrets: [{name: pull}],
		nodeSelector: {disk: ssd}, tolerations: [{key: critical, operator: Exists}],
		affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
			{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}},
		topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}],
		extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}, {name: GOMEMLIMIT, value: 100MiB}],
		extraVolumes: [{name: certs, secret: {secretName: metrics-certs}}],
		extraVolumeMounts: [{name: certs, mountPath: /certs, readOnly: true}]}`,
	"everything about the network": `{
		metricsService: {type: NodePort, ports: [{name: metrics, port: 80, nodePort: 30080, targetPort: 8443}]},
		serviceMonitor: {enabled: true, namespace: default, interval: 1m, scrapeTimeout: 20s, labels: {release: prometheus},
			annotations: {example.com/a: b}, tlsConfig: {serverName: metrics},
			relabelings: [{action: labeldrop, regex: pod}],
			metricRelabelings: [{sourceLabels: [__name__], regex: "controller_runtime_.*", action: drop}]},
		prometheusRule: {enabled: true, namespace: default, labels: {release: prometheus}, annotations: {example.com/a: b}},
		grafanaDashboard: {enabled: true, namespace: default, labels: {dashboards: "yes"}, annotations: {grafana_folder: Flux}},
		podDisruptionBudget: {enabled: true, maxUnavailable: 50%},
		networkPolicy: {enabled: true, metricsFrom: [{namespaceSelector: {matchLabels: {name: monitoring}}}],
			apiServerPorts: [16443], extraEgress: [{ports: [{port: 3128}]}]}}`,
	"policies without ports": `{networkPolicy: {enabled: true}, eventsAddr: "",
		controllerManager: {manager: {args: ["--metrics-addr=0", "--health-addr=0"]}}}`,
	"scraped in the clear": `{serviceMonitor: {enabled: true}, controllerManager: {manager: {args: []}}}`,
}

// rejected are values that must not render, with what the error must say.
var rejected = map[string]struct{ values, message string }{
	"a typo at the top":      {`controlerManager: {replicas: 2}`, "controlerManager"},
	"a typo in an object":    {`controllerManager: {manager: {image: {repo: x}}}`, "repo"},
	"a typo in a permission": {`rbac: {secret: false}`, "secret"},
	"a typo in the security context": {
		`controllerManager: {manager: {containerSecurityContext: {runAsNonroot: true}}}`, "runAsNonroot"},
	"a string for a number":       {`controllerManager: {replicas: "2"}`, "replicas"},
	"a string for a boolean":      {`rbac: {secrets: "false"}`, "secrets"},
	"a number for a tag":          {`controllerManager: {manager: {image: {tag: 1.2}}}`, "tag"},
	"a number for a label":        {`grafanaDashboard: {enabled: true, labels: {grafana_dashboard: 1}}`, "grafana_dashboard"},
	"a string for the args":       {`controllerManager: {manager: {args: --leader-elect}}`, "args"},
	"a digest without algorithm":  {`controllerManager: {manager: {image: {digest: e3b0c442}}}`, "digest"},
	"a level that does not exist": {`controllerManager: {manager: {env: {logLevel: loud}}}`, "logLevel"},
	"a timeout without unit":      {`controllerManager: {manager: {env: {cacheSyncTimeout: "120"}}}`, "cacheSyncTimeout"},
	"a settle time without unit":  {`settleTime: 2`, "settleTime"},
	"a settle time of hours":      {`settleTime: 1h`, "settleTime"},
	"no concurrency":              {`controllerManager: {manager: {env: {maxConcurrency: 0}}}`, "maxConcurrency"},
	"a name that is none":         {`fullnameOverride: Trigger_1`, "fullnameOverride"},
	"a service without port":      {`metricsService: {ports: []}`, "ports"},
	"a section taken away":        {`rbac: null`, "rbac"},
	"a registry with a scheme":    {`global: {imageRegistry: "https://registry.example.com"}`, "imageRegistry"},
	"a registry that ends":        {`controllerManager: {manager: {image: {registry: registry.example.com/}}}`, "registry"},
	"an object without kind":      {`extraObjects: [{apiVersion: v1}]`, "kind"},
	"a reader without namespace":  {`metricsReader: {subjects: [{kind: ServiceAccount, name: prometheus}]}`, "namespace"},
	"a reader of no kind":         {`metricsReader: {subjects: [{kind: Pod, name: prometheus}]}`, "kind"},

	"an account without name": {
		`controllerManager: {serviceAccount: {create: false}}`, "controllerManager.serviceAccount.name"},
	"annotations for an account that exists": {
		`controllerManager: {serviceAccount: {create: false, name: x, annotations: {a: b}}}`, "serviceAccount.annotations"},
	"a label of the chart for all": {
		`commonLabels: {app.kubernetes.io/name: x}`, "commonLabels may not have app.kubernetes.io/name"},
	"a label of the chart for the pod": {
		`podLabels: {control-plane: x}`, "podLabels may not have control-plane"},
	"a label of the chart for the dashboard": {
		`grafanaDashboard: {enabled: true, labels: {app.kubernetes.io/version: "1"}}`, "grafanaDashboard.labels may not have"},
	"readers without roles": {
		`{rbac: {create: false}, metricsReader: {subjects: [{kind: User, name: jane}]}}`, "metricsReader.subjects"},
	"more args without rbac.secrets": {
		`extraArgs: [--secrets=false]`, "set rbac.secrets"},

	"four eyes without approvals": {`approvals: {fourEyes: true}`, "approvals.fourEyes needs approvals.enforce"},
	"a verb for one who applies":  {`approvals: {appliers: [{name: x}]}`, "appliers"},

	"args without rbac.secrets": {
		`controllerManager: {manager: {args: [--secrets=false]}}`, "set rbac.secrets"},
	"args with Secrets, rbac without": {
		`{rbac: {secrets: false}, controllerManager: {manager: {args: [--secrets]}}}`, "set rbac.secrets"},
	"args for one namespace, permissions for all": {
		`controllerManager: {manager: {args: [--watch-all-namespaces=false]}}`, "set watch.allNamespaces"},
	"args for all namespaces, permissions for one": {
		`{watch: {allNamespaces: false}, controllerManager: {manager: {args: [--watch-all-namespaces]}}}`,
		"set watch.allNamespaces"},
	"args with an account, permissions without": {
		`controllerManager: {manager: {args: [--default-service-account=x]}}`, "set defaultServiceAccount"},
	"args with an account, permissions for another": {
		`{defaultServiceAccount: a, controllerManager: {manager: {args: [--default-service-account, b]}}}`,
		"set defaultServiceAccount"},
	"replicas without leader": {
		`controllerManager: {replicas: 2, manager: {args: [--leader-elect=false]}}`, "leader election"},
	"a monitor without metrics": {
		`{serviceMonitor: {enabled: true}, controllerManager: {manager: {args: [--metrics-addr=0]}}}`,
		"serviceMonitor.enabled"},
}
