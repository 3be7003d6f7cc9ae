// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"fmt"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// rule is what no state may break.
type rule int

const (
	brokenNone rule = iota
	// brokenDuplicate : two images were made for one uid and epoch.
	brokenDuplicate
	// brokenOrphan : an object is gone, and its image is not, or may still come.
	brokenOrphan
	// brokenForeign : the image of another object was written to.
	brokenForeign
	// brokenSettle : even if nothing goes wrong any more, the object does not get Ready, gone or stably named.
	brokenSettle
	// brokenPermit : ImportImage was called with an intent that is not the recorded one.
	brokenPermit
	// brokenGrowth : epoch and attempt went back.
	brokenGrowth
	// brokenOverflow : there are more images than the model has room for.
	brokenOverflow
)

func (r rule) String() string {
	return [...]string{"", "duplicate", "orphan", "foreign delete", "no way to settle", "import without permit", "intent turned back", "overflow"}[r]
}

// judge holds a new state against the rules. It returns false for states from which there is nothing more to learn.
func (m *model) judge(w *modelWorld, h uint64) bool {
	if w.broken != brokenNone {
		m.report(w.broken, h)
		return false
	}
	for i := range w.objects {
		if m.orphaned(w, int8(i)) {
			m.report(brokenOrphan, h)
			return false
		}
	}
	return true
}

// orphaned: the object was not to leave its image behind, and is gone.
func (m *model) orphaned(w *modelWorld, object int8) bool {
	o := &w.objects[object]
	if o.now.exists || o.released || o.now.generation == 0 {
		return false
	}
	for _, p := range w.images {
		if p.there && p.uid == o.now.uid && !p.dying {
			return true
		}
	}
	for _, f := range w.flights {
		if f.on && f.uid == o.now.uid && f.signed <= m.validity && w.nonces&f.nonceBit() == 0 {
			return true
		}
	}
	return false
}

// checkWrite: epoch and attempt only grow.
func (m *model) checkWrite(w *modelWorld, before, after brief) {
	a, b := before.mark, after.mark
	if a.present && b.present && a.uid == b.uid && (b.epoch < a.epoch || b.attempt < a.attempt) && !m.ablation.noCAS {
		w.broken = brokenGrowth
	}
}

// stable are the reasons that may last: somebody is told what to do.
var stable = map[string]bool{
	v1alpha1.ReasonAvailable: true, v1alpha1.ReasonImageVanished: true, v1alpha1.ReasonOwnershipUnknown: true,
	v1alpha1.ReasonImportFieldsChanged: true, v1alpha1.ReasonSuspended: true,
}

// settles plays on without faults, in one of the ways that are fair to everybody, until nothing changes any more.
func (m *model) settles(w modelWorld) bool {
	m.calm = true
	defer func() { m.calm = false }()
	w.left = budget{pauses: always}
	for i := range w.objects {
		w.objects[i].before = brief{}
	}
	w = m.finish(w)
	var path []uint64
	for range 60 {
		h := m.hash(&w)
		if m.settled[h] {
			break
		}
		path = append(path, h)
		next, awake := m.calmTick(w)
		if next == w {
			if m.stuck = m.atRest(&w); m.stuck != "" {
				return false
			}
			break
		}
		if !awake {
			m.stuck = fmt.Sprintf("the controller does not come back: %s", m.describe(&w))
			return false
		}
		if len(path) == 60 {
			m.stuck = fmt.Sprintf("it goes on for ever: %+v\nand then %+v", w, next)
			return false
		}
		w = next
	}
	for _, h := range path {
		m.settled[h] = true
	}
	return true
}

// finish lets all that is under way come to its end.
func (m *model) finish(w modelWorld) modelWorld {
	for i, f := range w.flights {
		if f.on {
			w.flights[i] = request{}
			m.arrive(&w, f)
		}
	}
	for c := range w.runs {
		w, _ = m.runOut(w, c)
	}
	return w
}

// runOut takes the first way of each step, which is the one without faults, until the reconcile ends.
func (m *model) runOut(w modelWorld, c int) (modelWorld, bool) {
	comesBack := false
	for range 2 * maxEffects {
		if !w.runs[c].on {
			return w, comesBack
		}
		w.runs[c].idle = 0
		first := true
		current := w
		m.emit = func(l label, next modelWorld) {
			if first {
				first, comesBack = false, l.wait
				w = next
			}
		}
		m.act(&current, c)
	}
	m.stuck = "a reconcile does not come to rest"
	return w.end(c), false
}

// calmTick is a reconcile of each object and a tick, in a cloud that does its work.
func (m *model) calmTick(w modelWorld) (modelWorld, bool) {
	awake := true
	for i := range w.objects {
		o := &w.objects[i]
		if !o.now.exists {
			continue
		}
		before := o.now
		w = m.begin(w, 0, int8(i), o.now, true)
		var comesBack bool
		w, comesBack = m.runOut(w, 0)
		if now := w.objects[i].now; now.exists && !comesBack && now.mark.present && m.words[now.reason] != v1alpha1.ReasonSuspended && now == before {
			awake = false
		}
	}
	for i := range w.images {
		p := &w.images[i]
		if p.there && p.dying {
			p.there, p.dying = false, false
		}
		if p.there && p.status == creating {
			p.status = ready
		}
	}
	w, _ = m.pass(w)
	return w, awake
}

// atRest says what is wrong with a world in which nothing changes any more.
func (m *model) atRest(w *modelWorld) string {
	for i := range w.objects {
		o := w.objects[i].now
		if !o.exists {
			continue
		}
		if o.deleting {
			if reason := m.words[o.reason]; reason == v1alpha1.ReasonOwnershipUnknown {
				continue
			}
			return "the deletion does not end: " + m.describe(w)
		}
		if o.observed != o.generation || !stable[m.words[o.reason]] {
			return "it comes to no end: " + m.describe(w)
		}
		images := 0
		for _, p := range w.images {
			if p.there && p.uid == o.uid {
				images++ // of any epoch: what an earlier one left behind is nobody's
			}
		}
		if images > 1 || images == 0 && m.words[o.reason] == v1alpha1.ReasonAvailable {
			return fmt.Sprintf("it rests with %d images: %s", images, m.describe(w))
		}
	}
	return ""
}
