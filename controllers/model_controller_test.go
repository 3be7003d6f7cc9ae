// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"reflect"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// verdict is a state and what the shipped decide makes of it, or a decide with a protection taken away.
type verdict struct {
	s *state
	e effect
	// told is the object after a rest, and wait whether the controller comes back by itself.
	told brief
	wait bool
}

// decide asks once for each state, for decide is pure.
func (m *model) decide(r *run, age int8) verdict {
	key := *r
	key.fresh, key.call, key.idle = false, noReply, age
	d, known := m.decided[key]
	if !known {
		d.s = m.state(r, age)
		d.e = m.pureDecision(d.s, key.base)
		if d.e.verb == connect {
			m.connect(r, d.s)
			d.e = m.pureDecision(d.s, key.base)
		}
		if m.ablation.decision != nil {
			d.e = m.ablation.decision(d.s, d.e)
		}
		if d.e.verb == rest && !d.e.report.silent {
			d.told, d.wait = m.apply(key.base, d.e.report)
		}
		m.decided[key] = d
	}
	return d
}

// connect plays the reading of the credentials. It takes no time: what happens before it could happen after it as well.
func (m *model) connect(r *run, s *state) {
	if r.denied {
		s.denied = &credentialsError{reason: "SecretNotFound", message: "there is no Secret"}
		return
	}
	s.account = &account{}
}

// pureDecision asks twice: the model, and with it the whole protocol, rests on decide being a function of its state.
func (m *model) pureDecision(s *state, base brief) effect {
	e := decide(s)
	if !reflect.DeepEqual(e, decide(s)) || m.brief(s.obj) != base {
		panic(fmt.Sprintf("decide is not pure: %+v", base))
	}
	return e
}

// act is one step of a controller: it decides, now or at any time since its last step, and what it decided comes to
// pass in each way that the world has for it.
func (m *model) act(w *modelWorld, c int) {
	r := &w.runs[c]
	if r.call != noReply {
		next := *w
		next.runs[c].answer, next.runs[c].call, next.runs[c].idle = r.call, noReply, 0
		m.emit(label{what: "gets the answer of ImportImage", c: c}, next)
		return
	}
	for age := range r.idle + 1 {
		d := m.decide(r, age)
		m.perform(*w, c, age, d)
	}
}

// perform mirrors Reconciler.perform and what Reconcile does with an error.
func (m *model) perform(w modelWorld, c int, age int8, d verdict) {
	w.runs[c].idle = 0
	at, s, e := label{c: c, age: age}, d.s, d.e
	switch e.verb {
	case rest:
		m.tell(w, c, d, at.does("rests: "+e.report.reason))
	case look:
		m.look(w, c, s, at)
	case readShares:
		m.readShares(w, c, s, e, at)
	case writeIntent:
		m.writeIntent(w, c, s, e, at)
	case importImage:
		m.importImage(w, c, s, at)
	case renameImage:
		m.renameImage(w, c, s, e, at)
	case shareImage, unshareImage:
		m.changeShares(w, c, s, e, at)
	case deleteImage:
		m.deleteImage(w, c, s, e, at)
	case removeFinalizer:
		m.removeFinalizer(w, c, at)
	case connect:
		panic("connected already")
	}
}

// interrupted is an error of the cloud's: it ends the reconcile with a report.
func (m *model) interrupted(w modelWorld, c int, s *state, class ens.Class, at label) {
	outcome, err := s.interrupted(&ens.Error{Action: "Another", Class: class, Code: string(class), Hint: "wait"})
	if err != nil {
		panic(err)
	}
	told, wait := m.apply(w.runs[c].base, outcome)
	m.tell(w, c, verdict{e: effect{report: outcome}, told: told, wait: wait}, at)
}

// tell mirrors Reconciler.tell.
func (m *model) tell(w modelWorld, c int, d verdict, at label) {
	r := w.runs[c]
	known, over := &w.objects[r.object].now, end(w, c)
	if d.e.report.silent {
		m.emit(at, over)
		return
	}
	base, told := r.base, d.told
	at.wait = d.wait
	if told == base {
		m.emit(at, over)
		return
	}
	if !r.fresh {
		if !known.exists || known.mark != base.mark || known.generation != base.generation || known.ask != base.ask || known.status() != base.status() {
			m.emit(at.does("conflicts"), over)
			return
		}
		told, _ = m.apply(*known, d.e.report)
	}
	m.store(over, r.object, told, nobody, at)
}

// store writes an object, and lets a cache keep the version before it.
func (m *model) store(w modelWorld, object int8, r brief, writer int, at label) {
	before := w.objects[object].now
	if r == before {
		m.emit(at, w)
		return
	}
	m.checkWrite(&w, before, r)
	w.write(object, r, writer)
	m.emit(at, w)
	if w.left.stale > 0 && before.exists {
		w.left.stale--
		w.objects[object].before = before
		at.stale = true
		m.emit(at, w)
	}
}

// apply is report.apply on a brief one.
func (m *model) apply(base brief, outcome report) (brief, bool) {
	obj := m.view(base).obj.DeepCopy()
	wait := outcome.apply(obj, testNow, m.timing)
	return m.brief(obj), wait > 0
}

// writeIntent mirrors Reconciler.writeIntent.
func (m *model) writeIntent(w modelWorld, c int, s *state, e effect, at label) {
	r := &w.runs[c]
	known := w.objects[r.object].now
	m.checkAdoption(&w, r, e.intent)
	if !known.exists {
		m.emit(at.does("finds no object"), end(w, c))
		return
	}
	switch {
	case m.ablation.noCAS:
		r.base = known
	case !r.fresh && (e.starts || known.mark != r.base.mark):
		m.emit(at.does("conflicts on the intent"), end(w, c))
		return
	case !r.fresh:
		r.base, r.requested = known, known.pending() // refresh
	}
	if e.starts && r.requested && m.words[r.base.reason] == v1alpha1.ReasonOwnershipUnknown {
		w.giveUp(r.object)
	}
	m.record(r, s, e)
	r.fresh = true
	if m.ablation.noIntent && e.starts {
		m.emit(at.does("only remembers the intent"), w)
		return
	}
	what := fmt.Sprintf("writes intent %d.%d %s%s", e.intent.Epoch, e.intent.Attempt, e.intent.ImageID, e.intent.Closed)
	m.store(w, r.object, r.base, c, at.does(what))
}

// removeFinalizer mirrors Reconciler.removeFinalizer.
func (m *model) removeFinalizer(w modelWorld, c int, at label) {
	r := w.runs[c]
	known, over := w.objects[r.object].now, end(w, c)
	if !known.exists || !r.fresh && !m.ablation.noCAS {
		m.emit(at.does("conflicts on the finalizer"), over)
		return
	}
	gone := r.base
	gone.exists, gone.finalizer = false, false
	givenUp := m.words[r.base.reason] == v1alpha1.ReasonOwnershipUnknown && r.requested
	over.objects[r.object].released = givenUp || r.base.kept() || m.rival(&w, r.object, r.base.mark.image)
	m.store(over, r.object, gone, nobody, at.does("removes the finalizer"))
}
