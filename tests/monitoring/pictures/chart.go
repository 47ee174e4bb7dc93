// Copyright 2026 The HelmRelease Trigger Operator authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/nebius/helmrelease-trigger-operator/tests/monitoring"
)

// frame is the area of a chart and its scale.
type frame struct {
	x, y, w, h int
	slots      int64
	top        float64
}

func (f frame) at(slot int64, value float64) string {
	x := f.x + int(int64(f.w)*slot/max(1, f.slots))
	y := f.y + f.h - int(math.Round(float64(f.h)*value/f.top))
	return fmt.Sprintf("%d %d", x, y)
}

// chart draws curves, or stacks of areas or bars.
func (c *canvas) chart(ctx context.Context, panel monitoring.Panel, x, y, w, h int) error {
	curves, err := c.curves(ctx, panel)
	if err != nil {
		return err
	}
	custom := panel.FieldConfig.Defaults.Custom
	stacked, bars := custom.Stacking.Mode == "normal", custom.DrawStyle == "bars"
	f := frame{x: x + 54, y: y + header + 6, w: w - 66, h: h - header - footer - 26, slots: c.slot(c.to)}
	f.top = scale(highest(curves, stacked, f.slots))
	c.grid(f, panel.FieldConfig.Defaults.Unit)

	below := make([]float64, f.slots+1)
	for _, one := range curves {
		if !stacked {
			fmt.Fprintf(c, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n", f.path(one), one.color)
			continue
		}
		opacity := float64(custom.FillOpacity) / 100
		fmt.Fprintf(c, `<path d="%s" fill="%s" fill-opacity="%g"/>`+"\n", f.area(one, below, bars), one.color, opacity)
		for slot, value := range one.values {
			below[slot] += value
		}
	}
	c.legend(curves, x+10, y+h-8, w)
	return nil
}

// highest is the largest value that has to fit in.
func highest(curves []curve, stacked bool, slots int64) float64 {
	top := 0.0
	for slot := range slots + 1 {
		sum := 0.0
		for _, one := range curves {
			top = max(top, one.values[slot])
			sum += one.values[slot]
		}
		if stacked {
			top = max(top, sum)
		}
	}
	return top
}

// scale is the next number that divides well.
func scale(top float64) float64 {
	if top <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(top)))
	for _, factor := range []float64{1, 2, 4, 5, 10} {
		if top <= unit*factor {
			return unit * factor
		}
	}
	return top
}

func (c *canvas) grid(f frame, unit string) {
	const rows = 4
	for i := range rows + 1 {
		value := f.top * float64(i) / rows
		y := f.y + f.h - f.h*i/rows
		fmt.Fprintf(c, `<path d="M%d %dh%d" stroke="#ebecec"/>`+"\n", f.x, y, f.w)
		c.text(f.x-6, y+4, `text-anchor="end" fill="#6e7781"`, format(value, unit))
	}
	for minute := time.Duration(0); minute < c.to.Sub(c.from); minute += time.Minute {
		x := f.x + int(int64(f.w)*int64(minute/step)/max(1, f.slots))
		c.text(x, f.y+f.h+13, `text-anchor="middle" fill="#6e7781"`, strings.TrimSuffix(minute.String(), "0s"))
	}
}

// path is the line of a curve, with gaps where it has no values.
func (f frame) path(one curve) string {
	var path strings.Builder
	pen := "M"
	for slot := range f.slots + 1 {
		value, found := one.values[slot]
		if !found {
			pen = "M"
			continue
		}
		path.WriteString(pen + f.at(slot, value))
		pen = "L"
	}
	return path.String()
}

// area is what a curve adds to those below it: one shape, or a bar for each value.
func (f frame) area(one curve, below []float64, bars bool) string {
	var path, back strings.Builder
	for slot := range f.slots + 1 {
		low, high := below[slot], below[slot]+one.values[slot]
		switch {
		case bars && high > low && slot < f.slots:
			path.WriteString("M" + f.at(slot, low) + "L" + f.at(slot, high) + "L" + f.at(slot+1, high) + "L" + f.at(slot+1, low) + "Z")
		case bars:
		case slot == 0:
			path.WriteString("M" + f.at(slot, high))
		default:
			path.WriteString("L" + f.at(slot, high))
		}
	}
	if bars {
		return path.String()
	}
	for slot := f.slots; slot >= 0; slot-- {
		back.WriteString("L" + f.at(slot, below[slot]))
	}
	return path.String() + back.String() + "Z"
}

func (c *canvas) legend(curves []curve, x, y, w int) {
	const letter = 6
	at, end := x, x+w-20
	for i, one := range curves {
		width := 16 + letter*len(one.label)
		if at+width > end-40 && i < len(curves)-1 {
			c.text(at, y, `fill="#6e7781"`, fmt.Sprintf("+%d", len(curves)-i))
			return
		}
		fmt.Fprintf(c, `<rect x="%d" y="%d" width="10" height="4" fill="%s"/>`+"\n", at, y-6, one.color)
		c.text(at+14, y, "", one.label)
		at += width + 10
	}
}

// format writes a value in its unit.
func format(value float64, unit string) string {
	short := func(v float64) string {
		if v >= 1000 {
			return strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	switch unit {
	case "percentunit":
		return short(100*value) + "%"
	case "bytes":
		return short(value/(1<<20)) + " MiB"
	case "s":
		switch {
		case value == 0:
			return "0 s"
		case value < 1:
			return short(1000*value) + " ms"
		}
		return short(value) + " s"
	case "reqps", "ops":
		return short(value) + "/s"
	default:
		return short(value)
	}
}
