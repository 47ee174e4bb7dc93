// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

// Package monitoring runs what is shipped for monitoring, dashboard, alert rules and the
// configuration of kube-state-metrics, on the real programs, in a world.
package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/nebius/helmrelease-trigger-operator/tests/operator"
)

// Job is the name under which Prometheus scrapes the operator.
const Job = "helmrelease-trigger-operator"

// Dashboard is as much of Grafana's model as the shipped one uses.
type Dashboard struct {
	Title      string
	UID        string
	Panels     []Panel
	Templating struct {
		List []Variable
	}
}

// Variable is a variable of the dashboard.
type Variable struct {
	Name       string
	Definition string
}

// Panel is one panel, or the title of a row of them.
type Panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults struct {
			Unit       string
			Thresholds struct {
				Steps []struct {
					Color string
					Value *float64
				}
			}
			Custom struct {
				DrawStyle   string
				FillOpacity int
				Stacking    struct{ Mode string }
			}
		}
		Overrides []struct {
			Matcher    struct{ ID, Options string }
			Properties []struct {
				ID    string
				Value struct{ FixedColor string }
			}
		}
	}
	Targets []Target
}

// Target is a query of a panel.
type Target struct {
	Expr         string
	LegendFormat string
	RefID        string
	Instant      bool
}

// LoadDashboard reads the shipped dashboard.
func LoadDashboard() (*Dashboard, error) {
	data, err := os.ReadFile(filepath.Join(operator.Root(), "config", "grafana", "dashboard.json"))
	if err != nil {
		return nil, err
	}
	dashboard := &Dashboard{}
	if err := json.Unmarshal(data, dashboard); err != nil {
		return nil, fmt.Errorf("config/grafana/dashboard.json: %w", err)
	}
	return dashboard, nil
}

// Fill returns a query as Grafana sends it: with the variables replaced.
func Fill(expr, rateInterval string) string {
	return strings.NewReplacer("$job", Job, "$__rate_interval", rateInterval).Replace(expr)
}

// Label returns the legend of a series.
func (t Target) Label(labels map[string]string) string {
	legend := t.LegendFormat
	for name, value := range labels {
		legend = strings.ReplaceAll(legend, "{{"+name+"}}", value)
	}
	return legend
}

// RuleFile writes the shipped alert rules into a file that Prometheus reads, without the
// envelope of its operator.
func RuleFile(path string) error {
	data, err := os.ReadFile(filepath.Join(operator.Root(), "config", "prometheus", "rules.yaml"))
	if err != nil {
		return err
	}
	var rule struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &rule); err != nil {
		return fmt.Errorf("config/prometheus/rules.yaml: %w", err)
	}
	return os.WriteFile(path, rule.Spec, 0o600) // JSON is YAML.
}

// StateConfig returns the path of the configuration of kube-state-metrics.
func StateConfig() string {
	return filepath.Join(operator.Root(), "config", "kube-state-metrics", "valuestriggers.yaml")
}
