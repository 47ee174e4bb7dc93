// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package model

import (
	"fmt"

	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

// chartName is the name of the chart's source in each namespace with releases.
const chartName = "chart"

// chart returns a chart like world.TestChart, except that it looks up all sources of
// the fleet, so that every dependency shows in what was rendered: valuesFrom in the
// values, the others in what was looked up.
func chart(version int, broken bool) world.Chart {
	files := map[string]string{"values.yaml": chartValues, "templates/configmap.yaml": chartTemplate}
	if broken {
		files["templates/broken.yaml"] = `{{ fail "the chart is broken" }}`
	}
	return world.Chart{Name: "model", Version: fmt.Sprintf("0.1.%d", version), Files: files}
}

const chartValues = `lookups: []
fail: false
reject: false
rejectFor: none
`

const chartTemplate = `{{- if .Values.fail }}{{ fail "the value fail is true" }}{{ end }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  values: |
    {{- toYaml .Values | nindent 4 }}
  {{- range .Values.lookups }}
  {{ .name }}: {{ (lookup "v1" .kind .namespace .name).data | toJson | quote }}
  {{- end }}
{{- if or .Values.reject (eq .Values.rejectFor .Release.Name) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: Refused
{{- end }}
`
