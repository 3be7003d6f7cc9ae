// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// stable are the reasons that may last: somebody is told what to do.
var stable = map[string]bool{
	v1alpha1.ReasonAvailable: true, v1alpha1.ReasonImageVanished: true, v1alpha1.ReasonOwnershipUnknown: true,
	v1alpha1.ReasonImportFieldsChanged: true, v1alpha1.ReasonSuspended: true, v1alpha1.ReasonImageClaimed: true,
	v1alpha1.ReasonImageNotFound: true,
}

// settles plays on without faults, in one of the ways that are fair to everybody, until nothing changes any more.
func (m *model) settles(w modelWorld) bool {
	m.calm = true
	defer func() { m.calm = false }()
	w.left = budget{pauses: always}
	for i := range w.objects {
		w.objects[i].before, w.objects[i].unseen = brief{}, false
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
	return end(w, c), false
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
		w = begin(w, 0, int8(i), o.now, true)
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
		switch available := m.words[o.reason] == v1alpha1.ReasonAvailable; {
		case images > 1 && o.ask == 0 && !w.rolledBack:
			return fmt.Sprintf("it rests with %d images: %s", images, m.describe(w))
		case available && (o.image == 0 || !w.images[o.image-1].there):
			return "it is said to be available and is not there: " + m.describe(w)
		case available && o.mark.uid == o.uid && w.images[o.image-1].shared != o.share && m.sharing:
			return "it is not shared as the spec says: " + m.describe(w)
		}
	}
	return ""
}
