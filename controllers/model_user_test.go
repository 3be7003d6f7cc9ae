// SPDX-License-Identifier: Apache-2.0

package controllers

import "fmt"

// userSteps is what users do to the objects.
func (m *model) userSteps(w *modelWorld) {
	for i := range w.objects {
		object, r := int8(i), w.objects[i].now
		if !r.exists {
			continue
		}
		m.userDeletes(*w, object, r)
		m.edit(w, object, "asks for a reconcile", func(b *budget) *int8 { return &b.requests }, func(r *brief) { r.ask++ })
		m.edit(w, object, "sets Retain", func(b *budget) *int8 { return &b.retains }, func(r *brief) { r.policy = policyRetain; r.generation++ })
		m.edit(w, object, "changes imageName", func(b *budget) *int8 { return &b.renames }, func(r *brief) { r.name = 1 - r.name; r.generation++ })
		m.edit(w, object, "changes suspend", func(b *budget) *int8 { return &b.suspends }, func(r *brief) { r.suspend = !r.suspend; r.generation++ })
		m.edit(w, object, "changes shareWith", func(b *budget) *int8 { return &b.shares }, func(r *brief) { r.share = !r.share; r.generation++ })
		if r.started == never {
			// Afterwards the CRD forbids it.
			m.edit(w, object, "changes the source", func(b *budget) *int8 { return &b.sources }, func(r *brief) { r.source = 1 - r.source; r.generation++ })
		}
		m.userNames(w, object, r)
	}
	if w.left.backups > 0 && w.objects[0].now.exists && w.objects[0].now.mark.present {
		next := *w
		next.left.backups--
		next.backup = next.objects[0].now
		m.emit(label{what: "object 0 is saved in a backup", c: nobody}, next)
	}
	m.userCopies(*w)
	m.rollBack(*w)
}

func (m *model) edit(w *modelWorld, object int8, what string, cost func(*budget) *int8, change func(*brief)) {
	if *cost(&w.left) == 0 {
		return
	}
	next := *w
	*cost(&next.left)--
	r := next.objects[object].now
	change(&r)
	m.store(next, object, r, nobody, label{what: fmt.Sprint("the user ", what, " of object ", object), c: nobody})
}

// userNames : the user names an image, in the annotation or in the spec.
func (m *model) userNames(w *modelWorld, object int8, r brief) {
	for i, p := range w.images {
		n := int8(i + 1)
		if !p.there {
			continue
		}
		if r.adopt != n {
			m.edit(w, object, fmt.Sprint("says adopt m-", n), func(b *budget) *int8 { return &b.adopts }, func(r *brief) { r.adopt = n })
		}
		if r.imageID != n && r.started == never {
			m.edit(w, object, fmt.Sprint("names m-", n, " in spec.imageID"), func(b *budget) *int8 { return &b.names }, func(r *brief) { r.imageID, r.source = n, 0; r.generation++ })
		}
	}
}

func (m *model) userDeletes(w modelWorld, object int8, r brief) {
	if w.left.deletions == 0 || r.deleting {
		return
	}
	w.left.deletions--
	r.deleting = true
	r.generation++
	if !r.finalizer {
		// A store that was set back to before the record cannot know better.
		r.exists, w.objects[object].released = false, w.rolledBack
	}
	m.store(w, object, r, nobody, label{what: fmt.Sprint("the user deletes object ", object), c: nobody})
}

// userCopies applies the manifest of object 0 once more, as it is or as it was saved: as a copy under another name while
// the object lives, else as a restored one. Annotations and finalizer come along, the status does not. A disaster takes
// object 0 away first, without its finalizer being heeded.
func (m *model) userCopies(w modelWorld) {
	manifest := w.objects[0].now
	if w.backup.exists {
		manifest = w.backup
	}
	if w.objects[1].now.generation > 0 || manifest.generation == 0 {
		return
	}
	twin := newBrief()
	twin.uid, twin.policy, twin.name, twin.imageID, twin.adopt, twin.ask = 1, manifest.policy, manifest.name, manifest.imageID, manifest.adopt, manifest.ask
	twin.source, twin.mark, twin.finalizer = manifest.source, manifest.mark, manifest.mark.present
	if w.left.copies > 0 {
		copied := w
		copied.left.copies--
		m.create(copied, twin, "the manifest of object 0 is applied as object 1")
	}
	if w.left.disasters > 0 && w.objects[0].now.exists {
		w.left.disasters--
		gone := w.objects[0].now
		gone.exists, gone.finalizer = false, false
		w.write(0, gone, nobody)
		w.objects[0].before, w.objects[0].released = brief{}, true
		w.runs, w.restored = [2]run{}, true
		m.create(w, twin, "object 0 is lost with its cluster, its manifest is applied as object 1")
		m.create(long(w), ancientMark(twin), "object 0 is lost with its cluster, long after its manifest is applied as object 1")
	}
}

func (m *model) create(w modelWorld, r brief, what string) {
	w.objects[1] = stored{now: r}
	m.emit(label{what: what, c: nobody}, w)
	if w.left.stale > 0 {
		w.left.stale--
		w.objects[1].unseen = true
		m.emit(label{what: what + ", unseen by a cache", c: nobody}, w)
	}
}

// long lets so much time pass that nothing is under way any more, and all that was made is old.
func long(w modelWorld) modelWorld {
	w.flights, w.backup = [maxFlights]request{}, brief{}
	for i := range w.images {
		if p := &w.images[i]; p.there {
			p.age = ancient
		}
	}
	return w
}

func ancientMark(r brief) brief {
	if r.mark.present {
		r.mark.signed = ancient
	}
	if r.mark.closedAt != never {
		r.mark.closedAt = ancient
	}
	return r
}

// rollBack sets an object back to an old version, as when the store is restored from a snapshot.
func (m *model) rollBack(w modelWorld) {
	o := &w.objects[0]
	if w.left.rollbacks == 0 || !o.before.exists {
		return
	}
	w.left.rollbacks--
	w.rolledBack = true
	before := o.before
	o.before, o.released = brief{}, false
	w.write(0, before, nobody)
	w.runs = [2]run{}
	m.emit(label{what: "the store is set back: object 0 is as it was before", c: nobody}, w)
}
