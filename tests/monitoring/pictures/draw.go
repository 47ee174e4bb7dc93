// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/tests/monitoring"
)

// The grid of the dashboard has 24 columns.
const (
	column, line = 50, 28
	gap          = 6
	header       = 24
	footer       = 20
)

// colors are those of Grafana by name, and otherwise given in turn.
var (
	colors = map[string]string{
		"green": "#56a64b", "red": "#e02f44", "yellow": "#e0b400", "orange": "#ff780a",
		"blue": "#3274d9", "light-blue": "#8ab8ff", "purple": "#a352cc",
	}
	palette = []string{"#56a64b", "#3274d9", "#e0b400", "#a352cc", "#ff780a", "#e02f44", "#37872d", "#8ab8ff", "#b877d9", "#96d98d"}
)

// head is for those who do not see the picture.
const head = `<title id="title">The dashboard</title>
<desc id="desc">Panels with numbers and curves: targets by state, deliveries and their latencies, requests, reads, reconciliations.</desc>
`

// canvas is an SVG in the making.
type canvas struct {
	bytes.Buffer
	prometheus *monitoring.Prometheus
	from, to   time.Time
}

// curve is a series with its place in a panel.
type curve struct {
	label, color string
	values       map[int64]float64
}

// draw returns the dashboard as an SVG.
func draw(ctx context.Context, dashboard *monitoring.Dashboard, prometheus *monitoring.Prometheus, from, to time.Time) ([]byte, error) {
	c := &canvas{prometheus: prometheus, from: from, to: to}
	height := 0
	for _, panel := range dashboard.Panels {
		height = max(height, (panel.GridPos.Y+panel.GridPos.H)*line)
	}
	fmt.Fprintf(c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-labelledby="title desc" font-family="Helvetica,Arial,sans-serif" font-size="11" fill="#24292e">`+"\n",
		24*column, height)
	c.WriteString(head)
	fmt.Fprintf(c, `<rect width="100%%" height="100%%" fill="#f4f5f5"/>`+"\n")
	for _, panel := range dashboard.Panels {
		if err := c.panel(ctx, panel); err != nil {
			return nil, fmt.Errorf("panel %q: %w", panel.Title, err)
		}
	}
	c.WriteString("</svg>\n")
	return c.Bytes(), nil
}

func (c *canvas) text(x, y int, attributes, text string) {
	fmt.Fprintf(c, `<text x="%d" y="%d" %s>%s</text>`+"\n", x, y, attributes, html.EscapeString(text))
}

func (c *canvas) panel(ctx context.Context, panel monitoring.Panel) error {
	x, y := panel.GridPos.X*column+gap/2, panel.GridPos.Y*line+gap/2
	w, h := panel.GridPos.W*column-gap, panel.GridPos.H*line-gap
	if panel.Type == "row" {
		c.text(x+4, y+h-4, `font-size="14" font-weight="bold"`, panel.Title)
		return nil
	}
	fmt.Fprintf(c, `<rect x="%d" y="%d" width="%d" height="%d" fill="#fff" stroke="#e4e5e6"/>`+"\n", x, y, w, h)
	c.text(x+8, y+16, `font-weight="bold"`, panel.Title)
	switch panel.Type {
	case "stat":
		return c.stat(ctx, panel, x, y, w, h)
	case "table":
		return c.table(ctx, panel, x, y)
	default:
		return c.chart(ctx, panel, x, y, w, h)
	}
}

func (c *canvas) stat(ctx context.Context, panel monitoring.Panel, x, y, w, h int) error {
	series, err := c.prometheus.Query(ctx, monitoring.Fill(panel.Targets[0].Expr, rateInterval))
	if err != nil || len(series) == 0 {
		return err
	}
	value := series[0].Points[0].Value
	color := ""
	for _, threshold := range panel.FieldConfig.Defaults.Thresholds.Steps {
		if threshold.Value == nil || value >= *threshold.Value {
			color = colors[threshold.Color]
		}
	}
	c.text(x+w/2, y+h/2+22, fmt.Sprintf(`font-size="32" text-anchor="middle" fill="%s"`, color),
		format(value, panel.FieldConfig.Defaults.Unit))
	return nil
}

// table shows the labels that say something, of a few rows.
func (c *canvas) table(ctx context.Context, panel monitoring.Panel, x, y int) error {
	series, err := c.prometheus.Query(ctx, panel.Targets[0].Expr)
	if err != nil {
		return err
	}
	columns := []string{"exported_namespace", "name", "ready", "reason", "suspended", "managed_by"}
	for i, name := range columns {
		c.text(x+8+i*180, y+38, `fill="#6e7781"`, name)
		for j, s := range series[:min(len(series), 5)] {
			c.text(x+8+i*180, y+58+j*18, "", s.Labels[name])
		}
	}
	return nil
}

// curves returns the answers to the queries of a panel.
func (c *canvas) curves(ctx context.Context, panel monitoring.Panel) ([]curve, error) {
	fixed := map[string]string{}
	for _, override := range panel.FieldConfig.Overrides {
		for _, property := range override.Properties {
			fixed[override.Matcher.Options] = colors[property.Value.FixedColor]
		}
	}
	var curves []curve
	for _, target := range panel.Targets {
		series, err := c.prometheus.Range(ctx, monitoring.Fill(target.Expr, rateInterval), c.from, c.to, step)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(series, func(a, b monitoring.Series) int {
			return strings.Compare(target.Label(a.Labels), target.Label(b.Labels))
		})
		for _, s := range series {
			one := curve{label: target.Label(s.Labels), values: map[int64]float64{}}
			for _, point := range s.Points {
				if !math.IsNaN(point.Value) {
					one.values[c.slot(point.At)] = point.Value
				}
			}
			one.color = cmp.Or(fixed[one.label], palette[len(curves)%len(palette)])
			curves = append(curves, one)
		}
	}
	return curves, nil
}

// slot is the number of the step that a time is in.
func (c *canvas) slot(at time.Time) int64 { return int64(at.Sub(c.from).Round(step) / step) }
