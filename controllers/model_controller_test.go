// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// begin starts a reconcile with a version of the object that the cache shows.
func (m *model) begin(w modelWorld, c int, object int8, base brief, fresh bool) modelWorld {
	w.runs[c] = run{on: true, object: object, base: base, fresh: fresh, requested: base.ask > 0 && base.ask != base.handled}
	return w
}

// state is what decide gets: the run as it is, and the moment of the decision.
func (m *model) state(r *run, age int8) *state {
	v := m.view(r.base)
	s := &state{
		now: ago(age), obj: v.obj, cluster: testCluster, intent: v.intent, foreign: v.foreign, intentErr: v.err,
		requested: r.requested, timing: m.timing, account: &account{},
	}
	if r.permit {
		s.permit = &permit{intent: *s.intent}
	}
	switch r.answer {
	case noReply:
	case refusedReply:
		s.answer = &answer{err: errRefused}
	case unknownReply:
		s.answer = &answer{err: errLost}
	default:
		s.answer = &answer{imported: ens.Imported{ImageID: modelImageID(int8(r.answer - acceptedReply)), RequestID: "R-1"}}
	}
	if r.looked {
		s.seen = &sighting{begun: ago(r.begun)}
		for _, g := range r.seen {
			if g.id != 0 {
				s.seen.images = append(s.seen.images, m.imageOf(g))
			}
		}
	}
	for id := int8(1); id <= maxModelImages; id++ {
		if r.deleted&(1<<id) != 0 {
			s.deleted = append(s.deleted, modelImageID(id))
		}
	}
	return s
}

func (m *model) imageOf(g glimpse) ens.Image {
	name := m.tokenName(g.uid, g.epoch)
	if g.name > 0 {
		name = modelNames[g.name-1]
	}
	return ens.Image{ID: modelImageID(g.id), Name: name, Status: statuses[g.status], CreationTime: testNow}
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
		m.perform(*w, c, age, d.s, d.e)
	}
}

// perform mirrors Reconciler.perform and what Reconcile does with an error.
func (m *model) perform(w modelWorld, c int, age int8, s *state, e effect) {
	r := &w.runs[c]
	r.idle = 0
	at := label{c: c, age: age}
	switch e.verb {
	case rest:
		m.tell(w, c, s, e.report, at.does("rests: "+e.report.reason))
	case look:
		m.look(w, c, s, at)
	case writeIntent:
		m.writeIntent(w, c, s, e, at)
	case importImage:
		m.importImage(w, c, s, at)
	case renameImage:
		m.renameImage(w, c, s, e, at)
	case deleteImage:
		m.deleteImage(w, c, s, e, at)
	case removeFinalizer:
		m.removeFinalizer(w, c, s, at)
	}
}

// end ends a reconcile without a report.
func (w modelWorld) end(c int) modelWorld { w.runs[c] = run{}; return w }

// interrupted is an error of the cloud's: it ends the reconcile with a report.
func (m *model) interrupted(w modelWorld, c int, s *state, class ens.Class, at label) {
	outcome, err := s.interrupted(&ens.Error{Action: "Another", Class: class, Code: string(class), Hint: "wait"})
	if err != nil {
		panic(err)
	}
	m.tell(w, c, s, outcome, at)
}

// tell mirrors Reconciler.tell.
func (m *model) tell(w modelWorld, c int, s *state, outcome report, at label) {
	r := w.runs[c]
	known, end := &w.objects[r.object].now, w.end(c)
	if outcome.silent {
		m.emit(at, end)
		return
	}
	base := r.base
	told, wait := m.apply(base, outcome)
	at.wait = wait
	if told == base {
		m.emit(at, end)
		return
	}
	if !r.fresh {
		// refresh
		if !known.exists || known.uid != base.uid || known.mark != base.mark || known.generation != base.generation {
			m.emit(at.does("conflicts"), end)
			return
		}
		told, _ = m.apply(*known, outcome)
	}
	m.store(end, r.object, told, -1, at)
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

// look is observe through a cloud that may not list its newest images.
func (m *model) look(w modelWorld, c int, s *state, at label) {
	r := &w.runs[c]
	hidden := m.hideable(&w)
	for mask := range hidden + 1 {
		if mask&^hidden != 0 {
			continue
		}
		seen, err := observe(context.Background(), modelListing{m: m, w: &w, hidden: mask, c: int8(c)}, s)
		if err != nil {
			panic(err)
		}
		next := w
		next.list(hidden &^ mask)
		run := &next.runs[c]
		run.looked, run.begun, run.seen = true, at.age, [3]glimpse{}
		for i, image := range seen.images {
			p := w.images[imageNumber(image.ID)-1]
			run.seen[i] = glimpse{id: imageNumber(image.ID), status: p.status, name: p.name, uid: p.uid, epoch: p.epoch}
		}
		m.emit(at.does(fmt.Sprint("looks and sees ", len(seen.images))), next)
	}
	if w.left.faults > 0 {
		w.left.faults--
		r.looked = false
		m.interrupted(w, c, s, ens.ClassUnavailable, at.does("fails to look"))
	}
}

// writeIntent mirrors Reconciler.writeIntent.
func (m *model) writeIntent(w modelWorld, c int, s *state, e effect, at label) {
	r := &w.runs[c]
	known := w.objects[r.object].now
	if !r.fresh && !m.ablation.noCAS {
		if !known.exists || e.starts || known.uid != r.base.uid || known.mark != r.base.mark {
			m.emit(at.does("conflicts on the intent"), w.end(c))
			return
		}
		r.base = known // refresh
	}
	if !known.exists {
		m.emit(at.does("finds no object"), w.end(c))
		return
	}
	if m.ablation.noCAS {
		r.base = known
	}
	r.base.finalizer, r.base.mark = true, markOf(e.intent)
	r.base = r.base.canonical()
	r.fresh = true
	switch {
	case e.starts:
		r.permit, r.looked, r.begun, r.seen, r.answer = true, false, 0, [3]glimpse{}, noReply
	case e.intent.ImageID != "":
		kept := slices.DeleteFunc(slices.Clone(r.seen[:]), func(g glimpse) bool { return modelImageID(g.id) != e.intent.ImageID })
		r.seen = [3]glimpse{}
		copy(r.seen[:], kept)
	}
	if m.ablation.noIntent && e.starts {
		m.emit(at.does("only remembers the intent"), w)
		return
	}
	m.store(w, r.object, r.base, c, at.does(fmt.Sprintf("writes intent %d.%d %s", e.intent.Epoch, e.intent.Attempt, e.intent.Closed)))
}

// removeFinalizer mirrors Reconciler.removeFinalizer.
func (m *model) removeFinalizer(w modelWorld, c int, s *state, at label) {
	r := w.runs[c]
	known, end := w.objects[r.object].now, w.end(c)
	if !known.exists || !r.fresh && !m.ablation.noCAS {
		m.emit(at.does("conflicts on the finalizer"), end)
		return
	}
	gone := r.base
	gone.exists, gone.finalizer = false, false
	end.objects[r.object].released = r.base.retain || s.foreign != nil
	m.store(end, r.object, gone, -1, at.does("removes the finalizer"))
}

// modelListing is what the cloud lists: all but the images in hidden.
type modelListing struct {
	m      *model
	w      *modelWorld
	hidden int
	c      int8
}

func (l modelListing) Images(context.Context) (images []ens.Image, err error) {
	for i, p := range l.w.images {
		if !p.there || l.hidden&(1<<i) != 0 || l.m.ablation.randomToken && p.by != l.c {
			continue
		}
		images = append(images, l.m.imageOf(glimpse{id: int8(i + 1), status: p.status, name: p.name, uid: p.uid, epoch: p.epoch}))
	}
	return images, nil
}

func (l modelListing) ImagesByNameSuffix(ctx context.Context, suffix string) ([]ens.Image, error) {
	all, err := l.Images(ctx)
	if l.m.ablation.firstRow {
		return all[:min(1, len(all))], err
	}
	return slices.DeleteFunc(all, func(image ens.Image) bool { return !strings.HasSuffix(image.Name, suffix) }), err
}

func (l modelListing) ImageByID(ctx context.Context, id string) (*ens.Image, error) {
	all, err := l.Images(ctx)
	for _, image := range all {
		if image.ID == id {
			return &image, err
		}
	}
	return nil, err
}
