// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package world

// TestChart returns a chart that shows what helm-controller gave it. It renders
// one ConfigMap, named like the release, with the keys
//
//   - values: all values, as YAML;
//   - lookup: the data, as JSON, of the ConfigMap that the value "lookup"
//     names in the release's namespace: a dependency that no valuesFrom shows.
//
// The value "fail: true" makes rendering fail, which leaves no Helm revision
// behind. "reject: true" renders an object that the API server refuses: a
// failed revision.
func TestChart() Chart {
	return Chart{
		Name:    "test",
		Version: "0.1.0",
		Files: map[string]string{
			"values.yaml":              testChartValues,
			"templates/configmap.yaml": testChartTemplate,
		},
	}
}

const testChartValues = `lookup: ""
fail: false
reject: false
`

const testChartTemplate = `{{- if .Values.fail }}{{ fail "the value fail is true" }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  values: |
    {{- toYaml .Values | nindent 4 }}
  {{- with .Values.lookup }}
  lookup: {{ (lookup "v1" "ConfigMap" $.Release.Namespace .).data | toJson | quote }}
  {{- end }}
{{- if .Values.reject }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: Refused
{{- end }}
`
