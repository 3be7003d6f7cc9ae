// SPDX-License-Identifier: Apache-2.0

// Command plot draws what "make bench" has measured: how many calls a minute it takes to watch imports in flight. It reads
// docs/performance.csv and writes an SVG.
package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// The columns of the CSV that are drawn.
var columns = map[string]int{"operator": 3, "naive controller": 4, "script, a process per call": 5}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: plot CSV SVG")
		os.Exit(2)
	}
	if err := draw(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func draw(from, to string) error {
	file, err := os.Open(from)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		return err
	}
	var lines []any
	for _, name := range []string{"operator", "naive controller", "script, a process per call"} {
		if points := measured(rows, columns[name]); len(points) > 0 {
			lines = append(lines, name, points)
		}
	}
	p := plot.New()
	p.Title.Text = "DescribeSelfImages calls per minute, 10 s poll"
	p.X.Label.Text, p.Y.Label.Text = "imports in flight", "calls per minute"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	if err := plotutil.AddLinePoints(p, lines...); err != nil {
		return err
	}
	return p.Save(16*vg.Centimeter, 10*vg.Centimeter, to)
}

// measured are the numbers of imports in flight, and the calls that they took, of one column.
func measured(rows [][]string, column int) (points plotter.XYs) {
	for _, row := range rows {
		var imports float64
		if _, err := fmt.Sscanf(row[0], "cloud reads, %f imports in flight", &imports); err != nil {
			continue
		}
		if calls, err := strconv.ParseFloat(row[column], 64); err == nil && calls > 0 {
			points = append(points, plotter.XY{X: imports, Y: calls})
		}
	}
	return points
}
