// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"fmt"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// hideable is the set of images that a listing may still lack.
func (m *model) hideable(w *modelWorld) (hidden int) {
	if m.calm {
		return 0
	}
	for i, p := range w.images {
		if p.there && (p.age < m.lag && (!p.listed || m.ablation.flicker) || m.ablation.partial) {
			hidden |= 1 << i
		}
	}
	return hidden
}

// list remembers which images a listing has shown for the first time: later ones show them, too.
func (w *modelWorld) list(shown int) {
	for i := range w.images {
		w.images[i].listed = w.images[i].listed || shown&(1<<i) != 0
	}
}

// importImage is one call with all its fates. The first one is that all goes well.
func (m *model) importImage(w modelWorld, c int, s *state, at label) {
	r := &w.runs[c]
	in := markOf(&s.permit.intent)
	r.permit = false
	f := request{on: true, uid: in.uid, epoch: in.epoch, attempt: in.attempt, signed: in.signed}
	if m.ablation.randomToken {
		f.by = int8(c)
	}
	if in != r.base.mark {
		w.broken = brokenPermit
	}
	if at.age > m.sendPause {
		// The deadline of the call has passed before it was made.
		r.call = unknownReply
		m.emit(at.does("does not call ImportImage any more"), w)
		return
	}
	executed := w
	image := m.arrive(&executed, f)
	if image == 0 {
		executed.runs[c].call = unknownReply // a nonce known to the cloud: the answer is not that of the first one
	} else {
		executed.runs[c].call = acceptedReply + reply(image)
	}
	m.emit(at.does(fmt.Sprint("calls ImportImage, made m-", image)), executed)
	if w.left.refusals > 0 {
		refused := w
		refused.left.refusals--
		refused.nonces |= f.nonceBit()
		refused.runs[c].call = refusedReply
		m.emit(at.does("calls ImportImage, refused"), refused)
	}
	if w.left.faults == 0 {
		return
	}
	w.left.faults--
	executed.left.faults--
	unanswered := executed
	unanswered.runs[c].call = unknownReply
	m.emit(at.does(fmt.Sprint("calls ImportImage, answer lost, made m-", image)), unanswered)
	if twice := executed; m.fly(&twice, f) {
		m.emit(at.does(fmt.Sprint("calls ImportImage, made m-", image, ", and a copy is under way")), twice)
	}
	w.runs[c].call = unknownReply
	m.emit(at.does("calls ImportImage, request lost"), w)
	if m.fly(&w, f) {
		m.emit(at.does("calls ImportImage, request delayed"), w)
	}
}

// fly lets a request be on its way.
func (m *model) fly(w *modelWorld, f request) bool {
	if w.left.late == 0 {
		return false
	}
	w.left.late--
	for i := range w.flights {
		if !w.flights[i].on {
			w.flights[i] = f
			return true
		}
	}
	return false
}

func (m *model) renameImage(w modelWorld, c int, s *state, e effect, at label) {
	r, n := &w.runs[c], imageNumber(e.image)
	p := &w.images[n-1]
	at = at.does("renames " + e.image)
	if p.uid != r.base.uid && !m.owns(r, n) {
		w.broken = brokenForeign
	}
	if !p.there {
		m.interrupted(w, c, s, ens.ClassGone, at.does("renames "+e.image+", which is gone"))
		return
	}
	if w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("renames "+e.image+", request lost"))
		lost.images[n-1].name = index(modelNames, e.name) + 1
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("renames "+e.image+", answer lost"))
	}
	p.name = 1 + r.base.name
	for i := range r.seen {
		if r.seen[i].id == n {
			r.seen[i].name = p.name
		}
	}
	m.emit(at, w)
}

func (m *model) owns(r *run, image int8) bool { return r.base.mark.image == image }

// deleteImage : a deletion takes its time, and may be accepted and never done.
func (m *model) deleteImage(w modelWorld, c int, s *state, e effect, at label) {
	r, n := &w.runs[c], imageNumber(e.image)
	p := &w.images[n-1]
	at = at.does("deletes " + e.image)
	if p.uid != r.base.uid {
		w.broken = brokenForeign
	}
	if p.there && w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassConflict, at.does("may not delete "+e.image))
		lost.images[n-1].dying = true
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("deletes "+e.image+", answer lost"))
	}
	r.deleted |= 1 << n
	r.looked, r.begun, r.seen = false, 0, [3]glimpse{}
	if p.there && w.left.stuck > 0 {
		stuck := w
		stuck.left.stuck--
		m.emit(at.does("deletes "+e.image+", accepted and never done"), stuck)
	}
	p.dying = p.there
	m.emit(at, w)
}
