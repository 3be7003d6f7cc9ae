// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// model explores one scenario.
type model struct {
	timing        Timing
	validity, lag int8
	sendPause     int8
	// patience is the longest pause of a reconcile, in ticks. Ages from old on are alike, also when they are told from a
	// moment that far back.
	patience, old int8
	maxAttempt    int8
	ablation      ablation
	// sharing is true when users share images.
	sharing bool
	// calm is true in the part of a run where nothing goes wrong any more.
	calm bool

	ctx context.Context //nolint:containedctx // of the test
	// emit gets each step that is possible.
	emit func(label, modelWorld)

	// What was computed once: reasons by number, objects and marks of small values, names with tokens, decisions.
	words     []string
	views     map[brief]*view
	marks     map[string]mark
	tokens    map[[2]int8]string
	decided   map[run]verdict
	sightings map[sightingKey]*sighting
	claims    map[claimsKey]*sighting

	// parents holds all states that were found, each with the one it was found from; settled those that come to a good end.
	parents map[uint64]uint64
	settled map[uint64]bool
	// complete is true when no state is left to visit. cut counts the steps to worlds that have outgrown the model, the
	// first of which is overflow; saw counts what was seen on the way.
	complete         bool
	transitions, cut int
	overflow         uint64
	saw              [sights]int
	// bad counts the states that break a rule, found is the first of them, stuck says why one has no way to settle.
	bad   map[rule]int
	found map[rule]uint64
	stuck string
}

// label is what happened in a step.
type label struct {
	what  string
	c     int
	age   int8 // of the decision
	stale bool // a cache keeps the version before the write
	wait  bool // the report says when to come back
}

const nobody = -1

func (l label) does(what string) label { l.what = what; return l }

func (l label) String() string {
	var b strings.Builder
	if l.c != nobody {
		fmt.Fprintf(&b, "controller %c ", 'A'+rune(l.c))
	}
	b.WriteString(l.what)
	if l.age > 0 {
		fmt.Fprintf(&b, " (decided %d ticks ago)", l.age)
	}
	if l.stale {
		b.WriteString("; a cache keeps the version before")
	}
	return b.String()
}

func newModel(t *testing.T, left budget) *model {
	t.Helper()
	patience := min(left.pauses, validity+lag)
	return &model{
		ctx:     t.Context(),
		sharing: left.shares > 0, patience: patience, old: validity + lag + max(patience, 1), maxAttempt: maxAttempt,
		timing: modelTiming(), validity: validity, lag: lag, sendPause: sendPause, words: []string{""},
		views: map[brief]*view{}, sightings: map[sightingKey]*sighting{}, claims: map[claimsKey]*sighting{}, marks: map[string]mark{}, decided: map[run]verdict{}, tokens: map[[2]int8]string{},
		parents: map[uint64]uint64{}, settled: map[uint64]bool{}, found: map[rule]uint64{}, bad: map[rule]int{},
	}
}

// steps emits every step that is possible.
func (m *model) steps(w *modelWorld) {
	if next, possible := m.pass(*w); possible {
		m.emit(label{what: "a tick passes", c: nobody}, next)
	}
	m.cloudSteps(w)
	m.userSteps(w)
	idle := false
	for c := range w.runs {
		if w.runs[c].on {
			m.act(w, c)
			if next := end(*w, c); spend(&next.left.crashes) {
				m.emit(label{what: "crashes", c: c}, next)
			}
			continue
		}
		if idle {
			continue // two idle controllers are alike
		}
		idle = true
		for i, o := range w.objects {
			if o.now.exists {
				next := begin(*w, c, int8(i), o.now, true)
				m.emit(label{what: fmt.Sprint("reads object ", i), c: c}, next)
				if spend(&next.left.denials) {
					next.runs[c].denied = true
					m.emit(label{what: fmt.Sprint("reads object ", i, ", without credentials"), c: c}, next)
				}
			}
			if o.before.exists {
				m.emit(label{what: fmt.Sprint("reads the old version of object ", i), c: c}, begin(*w, c, int8(i), o.before, false))
			}
		}
	}
}

// explore visits all states that can be reached, breadth first. It stops where a rule is broken, and at the limit.
func (m *model) explore(start modelWorld, limit int, until rule) {
	level, next := []modelWorld{start}, []modelWorld(nil)
	m.parents[m.hash(&start)] = 0
	var parent uint64
	visit := func(_ label, w modelWorld) {
		m.transitions++
		if m.beyond(&w) {
			if m.cut++; m.cut == 1 {
				m.overflow = m.hash(&w)
				m.parents[m.overflow] = parent
			}
			return
		}
		h := m.hash(&w)
		if _, known := m.parents[h]; known {
			return
		}
		m.parents[h] = parent
		if m.judge(&w, h) {
			next = append(next, w)
		}
	}
	for len(level) > 0 {
		for i := range level {
			if m.bad[until] > 0 || len(m.parents) >= limit {
				return
			}
			parent, m.emit = m.hash(&level[i]), visit
			m.steps(&level[i])
			if !m.settles(level[i]) {
				m.report(brokenSettle, parent)
			}
		}
		level, next = next, level[:0]
	}
	m.complete = true
}

// beyond is true for worlds that have outgrown the model.
func (m *model) beyond(w *modelWorld) bool {
	if w.broken == brokenOverflow {
		return true
	}
	for i := range w.objects {
		if k := w.objects[i].now.mark; k.epoch > maxEpoch || k.attempt > m.maxAttempt {
			return true
		}
	}
	for i := range w.runs {
		if k := w.runs[i].base.mark; k.epoch > maxEpoch || k.attempt > m.maxAttempt {
			return true
		}
	}
	return false
}

func (m *model) report(r rule, h uint64) {
	m.bad[r]++
	if _, known := m.found[r]; !known {
		m.found[r] = h
	}
}

// trace tells the shortest way to a state.
func (m *model) trace(start modelWorld, h uint64) string {
	var path []uint64
	for ; h != 0; h = m.parents[h] {
		path = append(path, h)
	}
	var b strings.Builder
	w := start
	for i := len(path) - 2; i >= 0; i-- {
		var step *modelWorld
		m.emit = func(l label, next modelWorld) {
			renamed := next // by hash: in the story, each controller keeps its name
			if step == nil && m.hash(&renamed) == path[i] {
				step = &next
				fmt.Fprintf(&b, "  %2d. %s\n", len(path)-1-i, l)
			}
		}
		m.steps(&w)
		if step == nil {
			return b.String() + "  (lost)\n"
		}
		w = *step
	}
	return b.String() + m.describe(&w)
}

func (m *model) describe(w *modelWorld) string {
	var b strings.Builder
	for i, o := range w.objects {
		if o.now.exists || o.now.generation > 0 {
			fmt.Fprintf(&b, "      object %d: %+v reason %q\n", i, o.now, m.words[o.now.reason])
		}
	}
	for i, p := range w.images {
		if p.used {
			fmt.Fprintf(&b, "      m-%d: %+v\n", i+1, p)
		}
	}
	return b.String()
}
