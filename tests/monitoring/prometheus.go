// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
	"github.com/nebius/helmrelease-trigger-operator/tests/world"
)

const startTimeout = time.Minute

// Prometheus is one that runs in a world.
type Prometheus struct {
	w       *world.World
	url     string
	args    []string
	process *world.Process
}

// config is that of the shipped ServiceMonitor, with other intervals.
const config = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%[1]s]
scrape_configs:
- job_name: %[2]s
  scheme: https
  tls_config: {insecure_skip_verify: true}
  authorization: {credentials_file: %[3]s}
  static_configs: [{targets: [%[4]q]}]
- job_name: kube-state-metrics
  honor_labels: true
  static_configs: [{targets: [%[5]q]}]
`

// Scrape starts a Prometheus that scrapes a target each second.
func Scrape(ctx context.Context, w *world.World, target string) (*Prometheus, error) {
	dir := filepath.Join(w.Dir(), "prometheus")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "prometheus.yaml")
	text := fmt.Appendf(nil, "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: test, static_configs: [{targets: [%q]}]}]\n", target)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return start(ctx, w, dir, file)
}

// URL is the address of its API.
func (p *Prometheus) URL() string { return p.url }

// Stop ends it. What it has stored stays.
func (p *Prometheus) Stop(ctx context.Context) error { return p.process.Stop(ctx) }

// Resume starts it again.
func (p *Prometheus) Resume(ctx context.Context) error {
	var err error
	p.process, err = run(ctx, p.w, world.Prometheus, p.url+"/-/ready", p.args...)
	return err
}

// start starts Prometheus with its directory and configuration.
func start(ctx context.Context, w *world.World, dir, file string) (*Prometheus, error) {
	listen, err := w.ReservePort()
	if err != nil {
		return nil, err
	}
	p := &Prometheus{w: w, url: "http://" + listen, args: []string{
		"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + listen, "--log.level=warn",
	}}
	return p, p.Resume(ctx)
}

// Start starts kube-state-metrics and Prometheus in a world, with the shipped rules. The
// operator serves its metrics, secured, at the address.
func Start(ctx context.Context, w *world.World, address string) (*Prometheus, error) {
	states, err := startStateMetrics(ctx, w)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(w.Dir(), "prometheus")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	bearer, err := reader(ctx, w)
	if err != nil {
		return nil, err
	}
	rules, token, file := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "token"), filepath.Join(dir, "prometheus.yaml")
	err = errors.Join(
		RuleFile(rules),
		os.WriteFile(token, []byte(bearer), 0o600),
		os.WriteFile(file, fmt.Appendf(nil, config, rules, Job, token, address, states), 0o600),
	)
	if err != nil {
		return nil, err
	}
	return start(ctx, w, dir, file)
}

// startStateMetrics starts kube-state-metrics with the shipped configuration.
func startStateMetrics(ctx context.Context, w *world.World) (string, error) {
	listen, err := w.ReservePort()
	if err != nil {
		return "", err
	}
	own, err := w.ReservePort()
	if err != nil {
		return "", err
	}
	host, port := split(listen)
	ownHost, ownPort := split(own)
	_, err = run(ctx, w, world.KubeStateMetrics, "http://"+listen+"/healthz",
		"--kubeconfig="+w.Kubeconfig(), "--custom-resource-state-only", "--custom-resource-state-config-file="+StateConfig(),
		"--host="+host, "--port="+port, "--telemetry-host="+ownHost, "--telemetry-port="+ownPort)
	return listen, err
}

func split(address string) (host, port string) {
	u, err := url.Parse("http://" + address)
	if err != nil {
		return "", ""
	}
	return u.Hostname(), u.Port()
}

// run starts a program and waits until a page of it is there.
func run(ctx context.Context, w *world.World, program, page string, args ...string) (*world.Process, error) {
	path, err := world.Binary(ctx, program)
	if err != nil {
		return nil, err
	}
	process, err := w.Run(world.Spec{Name: program, Path: path, Args: args})
	if err != nil {
		return nil, err
	}
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		if !process.Running() {
			return false, fmt.Errorf("%s has ended", program)
		}
		return get(ctx, page, nil) == nil, nil
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w\n%s", program, err, process.Tail(20))
	}
	return process, nil
}

// reader returns the token of an account that may read metrics, as Prometheus has one.
func reader(ctx context.Context, w *world.World) (string, error) {
	name := metav1.ObjectMeta{Namespace: operator.Namespace, Name: "prometheus"}
	if err := w.Client().Create(ctx, &corev1.ServiceAccount{ObjectMeta: name}); err != nil {
		return "", err
	}
	if err := w.Client().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "prometheus"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: operator.Release + "-metrics-reader"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: name.Namespace, Name: name.Name}},
	}); err != nil {
		return "", err
	}
	// The operator remembers a refusal for half a minute.
	review := authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User:                  world.ServiceAccountUser(name.Namespace, name.Name),
		NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
	}}
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, startTimeout, true, func(ctx context.Context) (bool, error) {
		asked := review.DeepCopy()
		err := w.Client().Create(ctx, asked)
		return asked.Status.Allowed, err
	})
	if err != nil {
		return "", fmt.Errorf("wait for the permission to read metrics: %w", err)
	}
	account, err := w.ConfigForServiceAccount(ctx, name.Namespace, name.Name)
	if err != nil {
		return "", err
	}
	return account.BearerToken, nil
}

// Series is one series of the answer to a query.
type Series struct {
	Labels map[string]string
	Points []Point
}

// Point is one value of a series.
type Point struct {
	At    time.Time
	Value float64
}

// UnmarshalJSON reads what Prometheus writes: [seconds, "value"].
func (p *Point) UnmarshalJSON(data []byte) error {
	var pair [2]any
	if err := json.Unmarshal(data, &pair); err != nil {
		return err
	}
	at, _ := pair[0].(float64)
	text, _ := pair[1].(string)
	value, err := strconv.ParseFloat(text, 64)
	p.At, p.Value = time.UnixMilli(int64(at*1000)), value
	return err
}

type answer struct {
	Metric map[string]string
	Value  *Point
	Values []Point
}

// Query returns the present values of an expression.
func (p *Prometheus) Query(ctx context.Context, expr string) ([]Series, error) {
	return p.query(ctx, "query", url.Values{"query": {expr}})
}

// Range returns the values of an expression over time.
func (p *Prometheus) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	return p.query(ctx, "query_range", url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {step.String()},
	})
}

func (p *Prometheus) query(ctx context.Context, verb string, values url.Values) ([]Series, error) {
	var data struct{ Result []answer }
	if err := p.api(ctx, verb+"?"+values.Encode(), &data); err != nil {
		return nil, fmt.Errorf("%s: %w", values.Get("query"), err)
	}
	series := make([]Series, 0, len(data.Result))
	for _, a := range data.Result {
		if a.Value != nil {
			a.Values = []Point{*a.Value}
		}
		series = append(series, Series{Labels: a.Metric, Points: a.Values})
	}
	return series, nil
}

// Alert is a rule as Prometheus sees it.
type Alert struct {
	Name      string
	State     string
	Health    string
	LastError string
}

// Alerts returns the shipped alerts by name.
func (p *Prometheus) Alerts(ctx context.Context) (map[string]Alert, error) {
	var data struct {
		Groups []struct{ Rules []Alert }
	}
	if err := p.api(ctx, "rules", &data); err != nil {
		return nil, err
	}
	alerts := map[string]Alert{}
	for _, group := range data.Groups {
		for _, rule := range group.Rules {
			alerts[rule.Name] = rule
		}
	}
	return alerts, nil
}

func (p *Prometheus) api(ctx context.Context, path string, data any) error {
	var envelope struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := get(ctx, p.url+"/api/v1/"+path, &envelope); err != nil {
		return err
	}
	if envelope.Status != "success" {
		return errors.New(envelope.Error)
	}
	return json.Unmarshal(envelope.Data, data)
}

// get reads a page; into may be nil. Prometheus explains errors in pages that are not OK.
func get(ctx context.Context, page string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into != nil && resp.Header.Get("Content-Type") == "application/json" {
		return json.NewDecoder(resp.Body).Decode(into)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", page, resp.Status)
	}
	return nil
}
