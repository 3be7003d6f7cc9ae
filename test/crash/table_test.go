// SPDX-License-Identifier: Apache-2.0

package crash

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
)

// results collects what all runs of the package have found.
var results = table{rows: map[string]*row{}}

type table struct {
	mu    sync.Mutex
	rows  map[string]*row
	notes []string
}

type row struct {
	runs       int
	boundaries map[boundary]bool
	kills      int
	faults     map[fault]int
}

func (t *table) row(name string) *row {
	if t.rows[name] == nil {
		t.rows[name] = &row{boundaries: map[boundary]bool{}, faults: map[fault]int{}}
	}
	return t.rows[name]
}

// add counts a run. A run counts once in each column, however much went wrong in it.
func (t *table) add(name string, violations []violation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.row(name)
	of.runs++
	kinds := map[fault]bool{}
	for _, v := range violations {
		kinds[v.fault] = true
	}
	for kind := range kinds {
		of.faults[kind]++
	}
}

func (t *table) killed(name string, b boundary) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.row(name)
	of.kills++
	// Before, after and late are moments of the same boundary.
	of.boundaries[boundary{kind: b.kind, ordinal: b.ordinal}] = true
}

func (t *table) missed(name string, b boundary) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf("not reached again, so nobody was killed: %s/%s", name, b))
}

func (t *table) note(format string, values ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, fmt.Sprintf(format, values...))
}

func (t *table) print(to io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, r *row, boundaries int) {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, r.runs, boundaries, r.kills, r.faults[double], r.faults[orphan], r.faults[wrongEnd])
	}
	fmt.Fprintln(out, "scenario\truns\tboundaries\tkills\tdoubles\torphans\twrong end states\t")
	total, boundaries := &row{faults: map[fault]int{}}, 0
	for _, name := range slices.Sorted(maps.Keys(t.rows)) {
		r := t.rows[name]
		line(name, r, len(r.boundaries))
		boundaries += len(r.boundaries)
		total.runs += r.runs
		total.kills += r.kills
		for kind, count := range r.faults {
			total.faults[kind] += count
		}
	}
	line("total", total, boundaries)
	_ = out.Flush()
	for _, note := range t.notes {
		fmt.Fprintln(to, note)
	}
}
