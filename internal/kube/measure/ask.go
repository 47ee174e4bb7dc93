// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"

	"github.com/prometheus/common/model"

	triggerv1 "github.com/nebius/helmrelease-trigger-operator/api/v1beta1"
	"github.com/nebius/helmrelease-trigger-operator/internal/core/analysis"
)

// Results of a request, as metrics count them.
const (
	// ResultOK is a value, or a status of 2xx of a webhook.
	ResultOK = "ok"

	// ResultFailed is a status of 4xx of a webhook.
	ResultFailed = "failed"

	// ResultNoData is an answer without a value.
	ResultNoData = "no_data"

	// ResultTimeout is no answer in time.
	ResultTimeout = "timeout"

	// ResultError is any other answer, or none.
	ResultError = "error"
)

// Results are all of them.
var Results = []string{ResultOK, ResultFailed, ResultNoData, ResultTimeout, ResultError}

func value(v float64) (analysis.Answer, string) {
	return analysis.Answer{Result: triggerv1.AnalysisSuccessful, Value: &v}, ResultOK
}

func inconclusive(result, message string, args ...any) (analysis.Answer, string) {
	return analysis.Answer{Result: triggerv1.AnalysisInconclusive, Message: fmt.Sprintf(message, args...)}, result
}

// failure returns the answer to what no status is known of.
func (r response) failure() (analysis.Answer, string) {
	if r.timedOut {
		return inconclusive(ResultTimeout, "%s", r.problem)
	}
	return inconclusive(ResultError, "%s", r.problem)
}

// refusal returns the answer to a status other than the ones that count.
func (a *asker) refusal(status int) (analysis.Answer, string) {
	if status >= 300 && status < 400 {
		return inconclusive(ResultError, "provider %q answers with status %d, and redirects are not followed", a.Name, status)
	}
	return inconclusive(ResultError, "provider %q answers with status %d", a.Name, status)
}

// query asks Prometheus.
func (a *asker) query(ctx context.Context, query string) (analysis.Answer, string) {
	form := url.Values{"query": {query}, "timeout": {model.Duration(a.Timeout.Duration).String()}}
	r := a.post(ctx, "api/v1/query", "application/x-www-form-urlencoded", []byte(form.Encode()))
	switch {
	case r.problem != "":
		return r.failure()
	case (r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity) && isRefusedQuery(r.body):
		return inconclusive(ResultError, "provider %q cannot execute the query (status %d)", a.Name, r.status)
	case r.status != http.StatusOK:
		return a.refusal(r.status)
	}
	return a.read(r.body)
}

// isRefusedQuery reports whether Prometheus says that it cannot execute a query. A proxy that knows nothing of queries
// answers with the same status.
func isRefusedQuery(body []byte) bool {
	var answer struct {
		Status string `json:"status"`
	}
	return json.Unmarshal(body, &answer) == nil && answer.Status == "error"
}

// read decodes an answer of Prometheus. Warnings do not matter, as they do not to its own alerts.
func (a *asker) read(body []byte) (analysis.Answer, string) {
	var answer struct {
		Status string `json:"status"`
		Data   struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		return inconclusive(ResultError, "provider %q does not answer as Prometheus does", a.Name)
	}
	switch answer.Data.Type {
	case model.ValScalar.String():
		var scalar model.Scalar
		if err := json.Unmarshal(answer.Data.Result, &scalar); err != nil {
			return inconclusive(ResultError, "provider %q does not answer as Prometheus does", a.Name)
		}
		return number(float64(scalar.Value))
	case model.ValVector.String():
		var vector model.Vector
		if err := json.Unmarshal(answer.Data.Result, &vector); err != nil {
			return inconclusive(ResultError, "provider %q does not answer as Prometheus does", a.Name)
		}
		return one(vector)
	default:
		return inconclusive(ResultNoData, "the query returns neither a scalar nor a vector")
	}
}

func one(vector model.Vector) (analysis.Answer, string) {
	switch {
	case len(vector) == 0 || vector[0] == nil:
		return inconclusive(ResultNoData, "the query returns no data")
	case len(vector) > 1:
		return inconclusive(ResultNoData, "the query returns %d samples, where it has to return one", len(vector))
	case vector[0].Histogram != nil:
		return inconclusive(ResultNoData, "the query returns a histogram, where it has to return a number")
	}
	return number(float64(vector[0].Value))
}

func number(v float64) (analysis.Answer, string) {
	if math.IsNaN(v) {
		return inconclusive(ResultNoData, "the query returns NaN: a division of 0 by 0, for example")
	}
	return value(v)
}

// measure asks an endpoint for a value.
func (a *asker) measure(ctx context.Context, sent payload) (analysis.Answer, string) {
	r := a.post(ctx, "", "application/json", sent.json())
	switch {
	case r.problem != "":
		return r.failure()
	case r.status < 200 || r.status > 299:
		return a.refusal(r.status)
	}
	var answer struct {
		Value *float64 `json:"value"`
	}
	if err := json.Unmarshal(r.body, &answer); err != nil {
		return inconclusive(ResultError, "provider %q does not answer with a JSON object with a number as value", a.Name)
	}
	if answer.Value == nil {
		return inconclusive(ResultNoData, "provider %q answers without a value", a.Name)
	}
	return value(*answer.Value)
}

// call asks a webhook, whose status is the answer.
func (a *asker) call(ctx context.Context, sent payload) (analysis.Answer, string) {
	r := a.post(ctx, "", "application/json", sent.json())
	switch {
	case r.problem != "":
		return r.failure()
	case r.status >= 200 && r.status <= 299:
		return analysis.Answer{Result: triggerv1.AnalysisSuccessful, Message: fmt.Sprintf("status %d", r.status)}, ResultOK
	case r.status >= 400 && r.status <= 499 && r.status != http.StatusRequestTimeout && r.status != http.StatusTooManyRequests:
		return analysis.Answer{Result: triggerv1.AnalysisFailed, Message: fmt.Sprintf("status %d", r.status)}, ResultFailed
	}
	return a.refusal(r.status)
}
