// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// importImage is one call with all its fates. The first one is that all goes well.
func (m *model) importImage(w modelWorld, c int, s *state, at label) {
	r := &w.runs[c]
	in := markOf(&s.permit.intent)
	r.permit = false
	f := request{on: true, uid: in.uid, epoch: in.epoch, attempt: in.attempt, signed: in.signed}
	if m.ablation.randomToken {
		f.by = int8(c)
	}
	m.checkPermit(&w, r, in)
	if f.signed > m.sendPause {
		// The deadline of the call has passed before it was made.
		r.call = unknownReply
		m.emit(at.does("does not call ImportImage any more"), w)
		return
	}
	executed := w
	image := m.arrive(&executed, f)
	executed.runs[c].call = acceptedReply + reply(image)
	if image == 0 {
		executed.runs[c].call = unknownReply // a nonce known to the cloud: the answer is not that of the first one
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
	if twice := executed; fly(&twice, f) {
		m.emit(at.does(fmt.Sprint("calls ImportImage, made m-", image, ", and a copy is under way")), twice)
	}
	w.runs[c].call = unknownReply
	m.emit(at.does("calls ImportImage, request lost"), w)
	if fly(&w, f) {
		m.emit(at.does("calls ImportImage, request delayed"), w)
	}
}

// fly lets a request be on its way.
func fly(w *modelWorld, f request) bool {
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
	m.checkOwner(&w, r, n)
	if !p.there {
		m.interrupted(w, c, s, ens.ClassGone, at.does("renames "+e.image+", which is gone"))
		return
	}
	name := 1 + index(modelNames, e.name)
	if w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("renames "+e.image+", request lost"))
		lost.images[n-1].name = name
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("renames "+e.image+", answer lost"))
	}
	p.name, r.seen[n-1].name = name, name
	m.emit(at, w)
}

// deleteImage mirrors Reconciler.deleteImage, which reads the object live first. A deletion takes its time, and of an
// image that every listing shows may be accepted and never done. A shared image cannot be deleted.
func (m *model) deleteImage(w modelWorld, c int, s *state, e effect, at label) {
	r, n := &w.runs[c], imageNumber(e.image)
	p, known := &w.images[n-1], w.objects[r.object].now
	at = at.does("deletes " + e.image)
	if !r.fresh && !m.ablation.noCAS {
		if !known.exists || known.mark != r.base.mark || known.generation != r.base.generation {
			m.emit(at.does("finds the object changed"), end(w, c))
			return
		}
		r.base, r.requested, r.fresh = known, known.pending(), true
	}
	m.checkDeletion(&w, r, n)
	if p.there && p.shared {
		m.interrupted(w, c, s, ens.ClassConflict, at.does("may not delete the shared "+e.image))
		return
	}
	if p.there && w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassConflict, at.does("may not delete "+e.image))
		lost.images[n-1].dying = true
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("deletes "+e.image+", answer lost"))
	}
	r.forget()
	if !p.there || p.age < m.lag && !m.calm {
		// A server that lags does not know the image yet.
		unknown := w
		unknown.runs[c].unknown |= 1 << n
		m.emit(at.does("deletes "+e.image+", which the cloud does not know"), unknown)
	}
	if !p.there {
		return
	}
	r.deleted |= 1 << n
	if w.left.stuck > 0 && p.age >= m.lag {
		stuck := w
		stuck.left.stuck--
		m.emit(at.does("deletes "+e.image+", accepted and never done"), stuck)
	}
	p.dying = true
	m.emit(at, w)
}

// readShares mirrors Reconciler.readShares.
func (m *model) readShares(w modelWorld, c int, s *state, e effect, at label) {
	r, p := &w.runs[c], w.images[imageNumber(e.image)-1]
	if w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does("fails to read the sharing of "+e.image))
	}
	r.shares = shareList{read: true, somebody: p.there && p.shared, confirmed: r.shares.read}
	m.emit(at.does("reads the sharing of "+e.image), w)
}

// changeShares mirrors Reconciler.changeShares.
func (m *model) changeShares(w modelWorld, c int, s *state, e effect, at label) {
	r, n := &w.runs[c], imageNumber(e.image)
	p := &w.images[n-1]
	at = at.does("ends the sharing of " + e.image)
	if e.verb == shareImage {
		at = at.does("shares " + e.image)
	}
	m.checkOwner(&w, r, n)
	if !p.there {
		m.interrupted(w, c, s, ens.ClassGone, at.does(at.what+", which is gone"))
		return
	}
	if w.left.faults > 0 {
		lost := w
		lost.left.faults--
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does(at.what+", request lost"))
		lost.images[n-1].shared = e.verb == shareImage
		m.interrupted(lost, c, s, ens.ClassUnavailable, at.does(at.what+", answer lost"))
	}
	p.shared = e.verb == shareImage
	r.shares.somebody, r.shares.stale = p.shared, true
	m.emit(at, w)
}

// cloudSteps is what the cloud does by itself.
func (m *model) cloudSteps(w *modelWorld) {
	for i, f := range w.flights {
		if !f.on {
			continue
		}
		next := *w
		next.flights[i] = request{}
		image := m.arrive(&next, f)
		next.sortFlights()
		m.emit(label{what: fmt.Sprint("a delayed request arrives, made m-", image), c: nobody}, next)
	}
	for i, p := range w.images {
		if !p.there {
			continue
		}
		if p.dying {
			next := *w
			next.images[i].there, next.images[i].dying = false, false
			m.emit(label{what: fmt.Sprint("m-", i+1, " is gone"), c: nobody}, next)
		}
		if p.status == creating {
			next := *w
			next.images[i].status = ready
			m.emit(label{what: fmt.Sprint("m-", i+1, " is Available"), c: nobody}, next)
			if w.left.failures > 0 {
				next.left.failures--
				next.images[i].status = packFailed
				m.emit(label{what: fmt.Sprint("m-", i+1, " has failed"), c: nobody}, next)
			}
		}
		if w.left.thefts > 0 {
			next := *w
			next.left.thefts--
			next.disturbed = true
			next.images[i].there, next.images[i].dying = false, false
			m.emit(label{what: fmt.Sprint("somebody deletes m-", i+1), c: nobody}, next)
		}
	}
}
