// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import "fmt"

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

// userSteps is what users do to the objects.
func (m *model) userSteps(w *modelWorld) {
	for i := range w.objects {
		object, r := int8(i), w.objects[i].now
		if !r.exists {
			continue
		}
		m.userDeletes(*w, object, r)
		m.edit(w, object, "the user asks for a reconcile", func(b *budget) *int8 { return &b.requests }, func(r *brief) { r.ask++ })
		m.edit(w, object, "the user sets Retain", func(b *budget) *int8 { return &b.retains }, func(r *brief) { r.retain = true; r.generation++ })
		m.edit(w, object, "the user changes imageName", func(b *budget) *int8 { return &b.renames }, func(r *brief) { r.name = 1 - r.name; r.generation++ })
		m.edit(w, object, "the user changes suspend", func(b *budget) *int8 { return &b.suspends }, func(r *brief) { r.suspend = !r.suspend; r.generation++ })
		if r.started == never {
			// Afterwards the CRD forbids it.
			m.edit(w, object, "the user changes the source", func(b *budget) *int8 { return &b.sources }, func(r *brief) { r.source = 1 - r.source; r.generation++ })
		}
	}
	if w.left.copies > 0 && !w.objects[1].now.exists {
		m.userCopies(*w)
	}
}

func (m *model) edit(w *modelWorld, object int8, what string, cost func(*budget) *int8, change func(*brief)) {
	if *cost(&w.left) == 0 {
		return
	}
	next := *w
	*cost(&next.left)--
	r := next.objects[object].now
	change(&r)
	m.store(next, object, r, nobody, label{what: fmt.Sprint(what, " of object ", object), c: nobody})
}

func (m *model) userDeletes(w modelWorld, object int8, r brief) {
	if w.left.deletions == 0 || r.deleting {
		return
	}
	w.left.deletions--
	r.deleting = true
	r.generation++
	if !r.finalizer {
		r.exists = false
	}
	m.store(w, object, r, nobody, label{what: fmt.Sprint("the user deletes object ", object), c: nobody})
}

// userCopies applies the manifest of object 0 once more: restored from a backup when the object is gone, as a copy
// under another name when it is not. Its annotation and finalizer come along, its status does not.
func (m *model) userCopies(w modelWorld) {
	w.left.copies--
	source := w.objects[0].now
	if !source.mark.present {
		source = w.objects[0].before
	}
	if !source.mark.present {
		return
	}
	twin := newBrief()
	twin.uid, twin.name, twin.mark, twin.finalizer = 1, source.name, source.mark, true
	w.objects[1] = stored{now: twin, before: brief{}}
	m.emit(label{what: "the manifest of object 0 is applied as object 1", c: nobody}, w)
}

// newBrief is an object that was just created.
func newBrief() brief {
	return brief{exists: true, generation: 1, started: never, mark: mark{signed: never, closedAt: never}}
}
