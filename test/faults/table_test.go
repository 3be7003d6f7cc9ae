// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// results counts the cells of all tests.
var results tally

type tally struct {
	mu   sync.Mutex
	rows map[string]map[string]*count
	left map[string]int
}

type count struct{ run, unreached, violated int }

// cell plays one flow with some faults planned.
type cell struct {
	name  string
	group string
	row   string
	flow  flow
	plan  []planned
	// before prepares the world, next to what the faults prepare.
	before func(*world)
}

func (c cell) run(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range c.plan {
		w.plan = append(w.plan, &p)
		if p.fault.before != nil {
			p.fault.before(w)
		}
	}
	if c.before != nil {
		c.before(w)
	}
	w.play(c.flow)
	c.report(t, w)
}

func (c cell) report(t *testing.T, w *world) {
	t.Helper()
	unreached := slices.ContainsFunc(w.plan, func(p *planned) bool { return !p.hit })
	results.add(c.group, c.row, unreached, len(w.violations) > 0)
	for _, violation := range w.violations {
		t.Errorf("%s: %s", c.name, violation)
	}
	if t.Failed() {
		for _, call := range w.cloud.History() {
			t.Logf("%s %s %s id=%s code=%s executed=%t", call.Time.Format("15:04:05"), call.Action, call.Params["ImageName"], call.ImageID, call.Code, call.Executed)
		}
		t.Logf("reached: %v", w.reached)
	}
}

func (r *tally) add(group, row string, unreached, violated bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rows == nil {
		r.rows = map[string]map[string]*count{}
	}
	if r.rows[group] == nil {
		r.rows[group] = map[string]*count{}
	}
	c := r.rows[group][row]
	if c == nil {
		c = &count{}
		r.rows[group][row] = c
	}
	c.run++
	if unreached {
		c.unreached++
	}
	if violated {
		c.violated++
	}
}

// leaveOut notes cells that were not played.
func (r *tally) leaveOut(group string, cells int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		r.left = map[string]int{}
	}
	r.left[group] += cells
}

// table has a row for each group, and in full one for each site and fault. Cells whose fault found no exchange to hit
// count as not reached.
func (r *tally) table(full bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var text strings.Builder
	out := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	var all count
	left := 0
	fmt.Fprintln(out, "\ngroup\tsite and fault\tcells\tleft out (make crash runs them)\tnot reached\tviolated\t")
	for _, group := range slices.Sorted(maps.Keys(r.rows)) {
		var sum count
		for _, row := range slices.Sorted(maps.Keys(r.rows[group])) {
			c := r.rows[group][row]
			if full {
				fmt.Fprintf(out, "%s\t%s\t%d\t-\t%d\t%d\t\n", group, row, c.run, c.unreached, c.violated)
			}
			sum.run, sum.unreached, sum.violated = sum.run+c.run, sum.unreached+c.unreached, sum.violated+c.violated
		}
		fmt.Fprintf(out, "%s\tall\t%d\t%d\t%d\t%d\t\n", group, sum.run, r.left[group], sum.unreached, sum.violated)
		left += r.left[group]
		all.run, all.unreached, all.violated = all.run+sum.run, all.unreached+sum.unreached, all.violated+sum.violated
	}
	fmt.Fprintf(out, "all\tall\t%d\t%d\t%d\t%d\t\n", all.run, left, all.unreached, all.violated)
	_ = out.Flush()
	return text.String()
}
