// SPDX-License-Identifier: Apache-2.0

//go:build model

package controllers

import (
	"hash/maphash"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// modelWorld is one state of the model. It is a value: a step makes another one.
type modelWorld struct {
	objects [2]stored
	runs    [2]run
	images  [maxModelImages]picture
	flights [maxFlights]request
	// nonces holds the nonces that the cloud has seen.
	nonces uint64
	// made counts the images that the cloud made for each uid and epoch.
	made [2][maxEpoch + 1]int8
	// disturbed is true once somebody else deleted an image.
	disturbed bool
	left      budget
	// broken is the rule that the last step broke.
	broken rule
}

const maxModelImages, maxFlights, maxEpoch, maxAttempt = 4, 2, 3, 5

// always is a budget that is never used up.
const always = 127

// spend takes one from a budget, if there is any left.
func spend(left *int8) bool {
	if *left > 0 && *left < always {
		*left--
		return true
	}
	return *left == always
}

// budget is how often something may still happen.
type budget struct {
	// crashes end a reconcile between any two steps. faults befall calls of the cloud, late those of them that are
	// carried out after their sender gave up, refusals are definitive answers.
	crashes, faults, late, refusals int8
	// stale is how many old versions of an object a cache may show once more.
	stale int8
	// failures are images that end as failed, stuck deletions that are accepted and not done.
	failures, stuck int8
	// What users do, and others: thefts are images deleted by somebody else.
	deletions, retains, renames, sources, requests, suspends, copies, thefts int8
	// pauses are ticks that pass while a reconcile is under way.
	pauses int8
}

// stored is an object in the apiserver.
type stored struct {
	now brief
	// before is an old version that a cache may show again.
	before brief
	// released is true when the object went with its image left alone, as it should.
	released bool
}

// run is a reconcile under way: the state that decide gets, and what perform is waiting for.
type run struct {
	on, fresh bool // fresh: base is the present version
	object    int8
	base      brief
	requested bool
	// idle is how long ago the last effect came back: the next decision may be as old.
	idle   int8
	permit bool
	// answer is ImportImage's, call the one that is not read yet.
	answer, call reply
	looked       bool
	begun        int8
	seen         [3]glimpse
	deleted      uint8
}

// reply is what came of ImportImage: nothing yet, an error, or an image.
type reply int8

const (
	noReply reply = iota
	refusedReply
	unknownReply
	acceptedReply // plus the number of the image
)

// glimpse is an image as it was seen.
type glimpse struct{ id, status, name, epoch, uid int8 }

type picture struct {
	// there is false for a free slot, and for an image that is gone.
	used, there, dying bool
	// listed is true once a listing has shown it.
	listed            bool
	uid, epoch        int8
	status, name, age int8 // name 0 is the one with the token
	by                int8
}

var statuses = []string{"Creating", ens.StatusAvailable, ens.StatusPackFailed}

const (
	creating int8 = iota
	ready
	packFailed
)

// request is a request that the cloud may still get.
type request struct {
	on                          bool
	uid, epoch, attempt, signed int8
	by                          int8
}

var modelSeed = maphash.MakeSeed()

// hash is the same for worlds that differ only in which controller is which.
func (m *model) hash(w *modelWorld) uint64 {
	if !m.ablation.randomToken && maphash.Comparable(modelSeed, w.runs[0]) > maphash.Comparable(modelSeed, w.runs[1]) {
		w.runs[0], w.runs[1] = w.runs[1], w.runs[0]
	}
	return maphash.Comparable(modelSeed, *w)
}

// pass is one tick. A reconcile that has been under way for too long is cut off by its deadline.
func (m *model) pass(w modelWorld) (modelWorld, bool) {
	for i := range w.objects {
		o := &w.objects[i]
		o.now, o.before = m.later(o.now), m.later(o.before)
	}
	paused := false
	for i := range w.runs {
		r := &w.runs[i]
		if !r.on {
			continue
		}
		r.base = m.later(r.base)
		if *r == m.begin(modelWorld{}, 0, r.object, r.base, r.fresh).runs[0] {
			continue // it has done nothing but read the object: a stale cache that is read later is the same
		}
		paused = true
		r.idle++
		if r.looked {
			r.begun++
		}
		if r.idle > m.patience || r.begun > m.patience {
			*r = run{}
		}
	}
	for i := range w.images {
		w.images[i].age = min(w.images[i].age+1, m.lag)
	}
	for i := range w.flights {
		f := &w.flights[i]
		if f.signed = m.older(f.signed); !f.on || f.signed > m.validity {
			*f = request{}
		}
	}
	w.sortFlights()
	return w, !paused || spend(&w.left.pauses)
}

func (w *modelWorld) sortFlights() {
	if !w.flights[0].on && w.flights[1].on {
		w.flights[0], w.flights[1] = w.flights[1], request{}
	}
}

// nonceBit is the nonce of an attempt: it derives from token and attempt.
func (f request) nonceBit() uint64 {
	return 1 << ((int(f.uid)*(maxEpoch+1)+int(f.epoch))*(maxAttempt+1) + int(f.attempt))
}

// arrive is a request at the cloud's door: it makes an image, unless its time is over or its nonce is known.
func (m *model) arrive(w *modelWorld, f request) (image int8) {
	if f.epoch > maxEpoch {
		w.broken = brokenOverflow
		return 0
	}
	if f.signed > m.validity || w.nonces&f.nonceBit() != 0 {
		return 0
	}
	if !m.ablation.noNonce {
		w.nonces |= f.nonceBit()
	}
	for i := range w.images {
		if !w.images[i].used {
			w.images[i] = picture{used: true, there: true, uid: f.uid, epoch: f.epoch, by: f.by}
			if w.made[f.uid][f.epoch]++; w.made[f.uid][f.epoch] > 1 && !w.disturbed {
				w.broken = brokenDuplicate
			}
			return int8(i + 1)
		}
	}
	w.broken = brokenOverflow
	return 0
}

// write stores an object. Every other reconcile of it has read an old version from now on.
func (w *modelWorld) write(object int8, r brief, writer int) {
	w.objects[object].now = r
	for i := range w.runs {
		if w.runs[i].object == object {
			w.runs[i].fresh = w.runs[i].fresh && i == writer
		}
	}
}
