// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
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
	// calm is true in the part of a run where nothing goes wrong any more.
	calm bool

	// emit gets each step that is possible.
	emit func(label, modelWorld)

	words   []string
	views   map[brief]*view
	decided map[run]verdict
	tokens  map[[2]int8]string
	// parents holds all states that were found, each with the one it was found from.
	parents map[uint64]uint64
	settled map[uint64]bool

	transitions, cut int
	found            map[rule]uint64
	bad              map[rule]int
	stuck            string
	overflow         uint64
	complete         bool
	marks            map[string]mark
}

// view is a brief as decide gets it.
type view struct {
	obj             *v1alpha1.ImageImport
	intent, foreign *intent
	err             error
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

func newModel(left budget) *model {
	patience := min(left.pauses, validity+lag)
	return &model{
		patience: patience, old: validity + lag + max(patience, 1), maxAttempt: maxAttempt,
		timing: modelTiming(), validity: validity, lag: lag, sendPause: sendPause, words: []string{""},
		views: map[brief]*view{}, marks: map[string]mark{}, decided: map[run]verdict{}, tokens: map[[2]int8]string{},
		parents: map[uint64]uint64{}, settled: map[uint64]bool{}, found: map[rule]uint64{}, bad: map[rule]int{},
	}
}

func (m *model) view(r brief) *view {
	v := m.views[r]
	if v == nil {
		v = &view{obj: m.object(r)}
		v.intent, v.foreign, v.err = readIntent(v.obj, testCluster)
		if back := m.brief(v.obj); back != r {
			panic(fmt.Sprintf("%+v reads back as %+v", r, back))
		}
		m.views[r] = v
	}
	return v
}

func (m *model) tokenName(uid, epoch int8) string {
	key := [2]int8{uid, epoch}
	name, known := m.tokens[key]
	if !known {
		obj := newObject()
		name = uniqueName(obj, &intent{Cluster: testCluster, UID: modelUIDs[uid], Epoch: int64(epoch)})
		m.tokens[key] = name
	}
	return name
}

// verdict is a state and what the shipped decide makes of it, or a decide with a protection taken away.
type verdict struct {
	s *state
	e effect
}

// decide asks once for each state, for decide is pure.
func (m *model) decide(r *run, age int8) verdict {
	key := *r
	key.fresh, key.call, key.idle = false, noReply, age
	d, known := m.decided[key]
	if !known {
		d.s = m.state(r, age)
		d.e = m.pureDecision(d.s, key.base)
		if m.ablation.decision != nil {
			d.e = m.ablation.decision(d.s, d.e)
		}
		m.decided[key] = d
	}
	return d
}

// pureDecision asks twice: the model, and with it the whole protocol, rests on decide being a function of its state.
func (m *model) pureDecision(s *state, base brief) effect {
	e := decide(s)
	if !reflect.DeepEqual(e, decide(s)) || m.brief(s.obj) != base {
		panic(fmt.Sprintf("decide is not pure: %+v", base))
	}
	return e
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
			if next := w.end(c); spend(&next.left.crashes) {
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
				m.emit(label{what: fmt.Sprint("reads object ", i), c: c}, m.begin(*w, c, int8(i), o.now, true))
			}
			if o.before.exists {
				m.emit(label{what: fmt.Sprint("reads the old version of object ", i), c: c}, m.begin(*w, c, int8(i), o.before, false))
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
				m.parents[1], m.parents[m.hash(&w)] = 0, parent
				m.overflow = m.hash(&w)
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

func (m *model) summary(name string, took time.Duration) string {
	return fmt.Sprintf("%-22s %9d states %10d transitions %10d decisions, beyond the bound %d, %v; duplicate %d, orphan %d, foreign delete %d, no way to settle %d, other %d",
		name, len(m.parents), m.transitions, len(m.decided), m.cut, took.Round(time.Second/10),
		m.bad[brokenDuplicate], m.bad[brokenOrphan], m.bad[brokenForeign], m.bad[brokenSettle], m.bad[brokenPermit]+m.bad[brokenGrowth])
}
