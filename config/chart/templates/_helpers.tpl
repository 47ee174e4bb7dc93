{{/* 44 leave room for -controller-manager in the 63 of a label. */}}
{{- define "helmrelease-trigger-operator.fullname" -}}
{{- $name := default (trimPrefix "helm-" .Chart.Name) .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* A Service's name has 63 characters at most, and its suffix here takes 35. */}}
{{- define "helmrelease-trigger-operator.metricsServiceName" -}}
{{- printf "%s-controller-manager-metrics-service" (include "helmrelease-trigger-operator.fullname" . | trunc 28 | trimSuffix "-") }}
{{- end }}

{{/*
The selector of a Deployment is immutable: these are the labels of the first
operator, whose release can be upgraded to this chart.
*/}}
{{- define "helmrelease-trigger-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "helmrelease-trigger-operator.serviceAccountName" -}}
{{- default (printf "%s-controller-manager" (include "helmrelease-trigger-operator.fullname" .)) .Values.controllerManager.serviceAccount.name }}
{{- end }}

{{/* The subject of the operator's own bindings. */}}
{{- define "helmrelease-trigger-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "helmrelease-trigger-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "helmrelease-trigger-operator.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "helmrelease-trigger-operator.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
control-plane: controller-manager
{{- end }}

{{- define "helmrelease-trigger-operator.labels" -}}
{{- include "helmrelease-trigger-operator.labelsWith" (dict "root" .) }}
{{- end }}

{{/* The labels of an object for which a value, called .name, has more .labels. */}}
{{- define "helmrelease-trigger-operator.labelsWith" -}}
{{- $own := include "helmrelease-trigger-operator.ownLabels" .root | fromYaml }}
{{- include "helmrelease-trigger-operator.mergeLabels" (merge (dict "own" $own) .) }}
{{- end }}

{{- define "helmrelease-trigger-operator.podLabels" -}}
{{- $own := include "helmrelease-trigger-operator.selectorLabels" . | fromYaml }}
{{- $_ := set $own "control-plane" "controller-manager" }}
{{- include "helmrelease-trigger-operator.mergeLabels" (dict "root" . "own" $own "name" "podLabels" "labels" .Values.podLabels) }}
{{- end }}

{{/* Labels for one object win over those for all. None replaces one of the chart's. */}}
{{- define "helmrelease-trigger-operator.mergeLabels" -}}
{{- $labels := .labels | default dict }}
{{- $common := .root.Values.commonLabels | default dict }}
{{- $own := .own }}
{{- range $value, $set := dict "commonLabels" $common (.name | default "") $labels }}
{{- range $label, $_ := $set }}
{{- if hasKey $own $label }}
{{- fail (printf "%s may not have %s: the chart sets it" $value $label) }}
{{- end }}
{{- end }}
{{- end }}
{{- merge (dict) $own $labels $common | toYaml }}
{{- end }}

{{/*
A registry of the user's takes the place of the one in the repository, which is
its first component if that has a dot or a port or is localhost, as for Docker.
*/}}
{{- define "helmrelease-trigger-operator.image" -}}
{{- $image := .Values.controllerManager.manager.image }}
{{- $repository := $image.repository }}
{{- with $image.registry | default (.Values.global).imageRegistry }}
{{- $repository = printf "%s/%s" . (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $repository "") }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- define "helmrelease-trigger-operator.imagePullSecrets" -}}
{{- $secrets := .Values.imagePullSecrets | default list }}
{{- range (.Values.global).imagePullSecrets }}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) }}
{{- end }}
{{- with $secrets | uniq }}
{{- toYaml . }}
{{- end }}
{{- end }}

{{/* The flags that the user gives, as a list in YAML. */}}
{{- define "helmrelease-trigger-operator.userArgs" -}}
{{- concat (.Values.controllerManager.manager.args | default list) (.Values.extraArgs | default list) | toYaml }}
{{- end }}

{{/*
The value of a flag in the user's args, empty when it is not there. The last of
several wins, as it does for the operator; .names are aliases of one another.
A boolean flag (.bool) takes no following word, and bare means true.
*/}}
{{- define "helmrelease-trigger-operator.flag" -}}
{{- $args := include "helmrelease-trigger-operator.userArgs" .root | fromYamlArray }}
{{- $names := .names }}
{{- $bool := .bool }}
{{- $value := "" }}
{{- range $i, $arg := $args }}
{{- range $name := $names }}
{{- $flag := printf "--%s" $name }}
{{- if hasPrefix (printf "%s=" $flag) $arg }}
{{- $value = trimPrefix (printf "%s=" $flag) $arg }}
{{- else if eq $flag $arg }}
{{- if $bool }}
{{- $value = "true" }}
{{- else if lt (add1 $i | int) (len $args) }}
{{- $value = index $args (add1 $i | int) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $bool $value }}
{{- $value = has (lower $value) (list "1" "t" "true") | toString }}
{{- end }}
{{- $value }}
{{- end }}

{{- define "helmrelease-trigger-operator.healthAddr" -}}
{{- include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "health-addr" "health-probe-bind-address")) }}
{{- end }}

{{/* 0 means no probes. */}}
{{- define "helmrelease-trigger-operator.healthPort" -}}
{{- include "helmrelease-trigger-operator.healthAddr" . | default ":8081" | regexFind "[0-9]+$" }}
{{- end }}

{{/* 8080 is the operator's own default; 0 means no metrics. */}}
{{- define "helmrelease-trigger-operator.metricsPort" -}}
{{- include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "metrics-addr" "metrics-bind-address")) | default ":8080" | regexFind "[0-9]+$" }}
{{- end }}

{{/* The operator's own rule: its default depends on which name the address has. */}}
{{- define "helmrelease-trigger-operator.metricsSecure" -}}
{{- $flag := include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "metrics-secure") "bool" true) }}
{{- $alias := include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "metrics-bind-address")) }}
{{- default (ternary "true" "false" (ne $alias "")) $flag }}
{{- end }}

{{/* true or false, or empty when the args leave it open. */}}
{{- define "helmrelease-trigger-operator.leaderElect" -}}
{{- include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "leader-elect" "enable-leader-election") "bool" true) }}
{{- end }}

{{- define "helmrelease-trigger-operator.eventsAddr" -}}
{{- tpl (.Values.eventsAddr | default "") . }}
{{- end }}

{{/*
All args: what the chart adds, then the user's lists, then the flags that belong
to permissions. The last of several equal flags wins, so the user's lists
override the first group and nothing overrides the third.
*/}}
{{- define "helmrelease-trigger-operator.args" -}}
{{- $values := .Values }}
{{- $before := list }}
{{- $after := list }}
{{- with include "helmrelease-trigger-operator.eventsAddr" . }}
{{- $before = append $before (printf "--events-addr=%s" .) }}
{{- end }}
{{- if not (include "helmrelease-trigger-operator.healthAddr" .) }}
{{- $before = append $before "--health-probe-bind-address=:8081" }}
{{- end }}
{{- if and (gt (int $values.controllerManager.replicas) 1) (not (include "helmrelease-trigger-operator.leaderElect" .)) }}
{{- $before = append $before "--leader-elect" }}
{{- end }}
{{- if not (kindIs "invalid" $values.settleTime) }}
{{- $before = append $before (printf "--settle-time=%v" $values.settleTime) }}
{{- end }}
{{- if ($values.analysis).providers }}
{{- $before = append $before "--analysis-providers=/etc/analysis/providers.yaml" }}
{{- end }}
{{- if $values.noCrossNamespaceRefs }}
{{- $after = append $after "--no-cross-namespace-refs=true" }}
{{- end }}
{{- if not $values.rbac.secrets }}
{{- $after = append $after "--secrets=false" }}
{{- end }}
{{- if not $values.watch.allNamespaces }}
{{- $after = append $after "--watch-all-namespaces=false" }}
{{- end }}
{{- with $values.defaultServiceAccount }}
{{- $after = append $after (printf "--default-service-account=%s" .) }}
{{- end }}
{{- concat $before (include "helmrelease-trigger-operator.userArgs" . | fromYamlArray) $after | toYaml }}
{{- end }}

{{/* The Secrets of the providers of analysis, each once. */}}
{{- define "helmrelease-trigger-operator.analysisSecrets" -}}
{{- $names := list }}
{{- range (.Values.analysis).providers }}
{{- with .secretName }}
{{- $names = append $names . }}
{{- end }}
{{- end }}
{{- $names | uniq | sortAlpha | toYaml }}
{{- end }}

{{/* The volume of a Secret: names of volumes are shorter than those of Secrets, and have no dots. */}}
{{- define "helmrelease-trigger-operator.analysisVolume" -}}
{{- printf "analysis-%s" (sha256sum . | trunc 16) }}
{{- end }}

{{/* The API version in which the cluster serves MutatingAdmissionPolicies, empty if it does not. */}}
{{- define "helmrelease-trigger-operator.mutatingPolicies" -}}
{{- range list "v1" "v1beta1" }}
{{- if $.Capabilities.APIVersions.Has (printf "admissionregistration.k8s.io/%s/MutatingAdmissionPolicy" .) }}
{{- printf "admissionregistration.k8s.io/%s" . }}
{{- break }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the schema cannot see. Fails with the value to change. */}}
{{- define "helmrelease-trigger-operator.validate" -}}
{{- $secrets := include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "secrets") "bool" true) }}
{{- if and $secrets (ne $secrets (toString .Values.rbac.secrets)) }}
{{- fail "controllerManager.manager.args or extraArgs contradicts rbac.secrets: drop --secrets from the flags and set rbac.secrets, so that permissions follow" }}
{{- end }}
{{- $all := include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "watch-all-namespaces") "bool" true) }}
{{- if and $all (ne $all (toString .Values.watch.allNamespaces)) }}
{{- fail "controllerManager.manager.args or extraArgs contradicts watch.allNamespaces: drop --watch-all-namespaces from the flags and set watch.allNamespaces, so that permissions follow" }}
{{- end }}
{{- $account := include "helmrelease-trigger-operator.flag" (dict "root" . "names" (list "default-service-account")) }}
{{- if and $account (ne $account .Values.defaultServiceAccount) }}
{{- fail "controllerManager.manager.args or extraArgs contradicts defaultServiceAccount: drop --default-service-account from the flags and set defaultServiceAccount, so that permissions follow" }}
{{- end }}
{{- if and (gt (int .Values.controllerManager.replicas) 1) (eq (include "helmrelease-trigger-operator.leaderElect" .) "false") }}
{{- fail "controllerManager.replicas is more than 1 and args turn leader election off: the replicas would compete" }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (eq (include "helmrelease-trigger-operator.metricsPort" .) "0") }}
{{- fail "serviceMonitor.enabled needs metrics, and args turn them off" }}
{{- end }}
{{- $runsAs := .Values.controllerManager.serviceAccount }}
{{- if eq (toString $runsAs.create) "false" }}
{{- if not $runsAs.name }}
{{- fail "controllerManager.serviceAccount.name is needed when create is false: the account that the operator runs as" }}
{{- end }}
{{- if $runsAs.annotations }}
{{- fail "controllerManager.serviceAccount.annotations needs create to be true: annotate the account where it is made" }}
{{- end }}
{{- end }}
{{- $providers := list }}
{{- range (.Values.analysis).providers }}
{{- if has .name $providers }}
{{- fail (printf "analysis.providers has %s twice" .name) }}
{{- end }}
{{- $providers = append $providers .name }}
{{- end }}
{{- if and (.Values.approvals).fourEyes (not (.Values.approvals).enforce) }}
{{- fail "approvals.fourEyes needs approvals.enforce: without, anyone who may edit a ValuesTrigger may approve under any name" }}
{{- end }}
{{- if and (.Values.approvals).enforce (semverCompare "<1.30-0" .Capabilities.KubeVersion.Version) }}
{{- fail (printf "approvals.enforce needs Kubernetes 1.30 or later, for ValidatingAdmissionPolicies; this is %s" .Capabilities.KubeVersion.Version) }}
{{- end }}
{{- if and (.Values.metricsReader).subjects (not .Values.rbac.create) }}
{{- fail "metricsReader.subjects needs rbac.create: bind them to a ClusterRole of your own" }}
{{- end }}
{{- end }}

{{/* Permissions that a Role can grant as well as a ClusterRole. */}}
{{- define "helmrelease-trigger-operator.managerRules" -}}
- apiGroups: [""]
  resources: [configmaps]
  verbs: [{{ if .Values.publish.enabled }}create, delete, {{ end }}get, list, patch, watch]
{{- if .Values.rbac.secrets }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [{{ if .Values.publish.enabled }}create, delete, {{ end }}get, list, patch, watch]
{{- end }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [helm.toolkit.fluxcd.io]
  resources: [helmreleases]
  verbs: [get, list, patch, watch]
{{- if .Values.rbac.kustomizations }}
- apiGroups: [kustomize.toolkit.fluxcd.io]
  resources: [kustomizations]
  verbs: [get]
{{- end }}
- apiGroups: [trigger.nebius.ai]
  resources: [valuestriggers]
  verbs: [create, delete, get, list, patch, watch]
- apiGroups: [trigger.nebius.ai]
  resources: [valuestriggers/status]
  verbs: [get, patch]
{{- end }}
