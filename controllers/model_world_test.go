// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"hash/maphash"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// tick is the grain of the model's time. sendWindow and freshObject end within the first one, and the bounds of
// modelTiming are whole ticks, so every comparison of decide comes out in all ways.
const tick = 61 * time.Second

const (
	// validity is how many ticks after its signature the cloud runs a request, lag how long an image may be missing
	// from listings. sendPause is how long after its signature a request may still be sent.
	validity, lag, sendPause = 2, 1, 1
	// never is the age of what has not happened, ancient that of what was long before everything else.
	never, ancient = -1, 100
)

// modelTiming has the tightest bounds that the world allows.
func modelTiming() Timing {
	t := DefaultTiming()
	t.ListingLag, t.Settle, t.Slow = (sendPause+lag)*tick, (validity+lag)*tick, tick/2
	return t
}

const (
	maxModelImages            = 4
	maxFlights                = 2
	maxEpoch, maxAttempt      = 3, 5
	modelAccount              = "1001"
	strangers            int8 = 2 // the uid of images that nobody here has made
)

// modelWorld is one state of the model. It is a value: a step makes another one.
type modelWorld struct {
	// objects are ImageImports, the older one first.
	objects [2]stored
	runs    [2]run
	images  [maxModelImages]picture
	flights [maxFlights]request
	// backup is object 0 as it was saved, if it was.
	backup brief
	// nonces holds the nonces that the cloud has seen.
	nonces uint64
	// made counts the images that the cloud made for each uid and epoch.
	made [2][maxEpoch + 1]int8
	// disturbed is true once somebody else deleted an image, rolledBack once the store went back in time, restored once
	// object 0 lives on as object 1.
	disturbed, rolledBack, restored bool
	left                            budget
	// broken is the rule that the last step broke.
	broken rule
}

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
	// carried out after their sender gave up, refusals are definitive answers. denials are reconciles without credentials.
	crashes, faults, late, refusals, denials int8
	// stale is how many old versions of an object a cache may show once more.
	stale int8
	// failures are images that end as failed, stuck deletions that are accepted and not done.
	failures, stuck int8
	// What users do, and others: adopts name an image in the annotation, names in spec.imageID; copies apply the manifest
	// of object 0 once more, from a backup when there is one; disasters lose object 0 without its finalizer being heeded,
	// rollbacks set the store back in time, thefts are images deleted by somebody else.
	deletions, retains, renames, sources, requests, suspends, shares int8
	adopts, names, backups, copies, disasters, rollbacks, thefts     int8
	// pauses are ticks that pass while a reconcile is under way.
	pauses int8
}

// stored is an object in the apiserver.
type stored struct {
	now brief
	// before is an old version that a cache may show again. unseen is true when a cache may not know the object yet.
	before brief
	unseen bool
	// released is true when the object went with its image left alone, as it should.
	released bool
}

type picture struct {
	// used is false for a free slot, there for an image that is gone, too.
	used, there, dying, shared, givenUp bool
	uid, epoch                          int8
	status, name, age                   int8 // name 0 is the one with the token
	by                                  int8
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
	w.backup = m.later(w.backup)
	paused := false
	for i := range w.runs {
		r := &w.runs[i]
		if !r.on {
			continue
		}
		r.base = m.later(r.base)
		if *r == begun(r.object, r.base, r.fresh, r.denied) {
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
		if p := &w.images[i]; p.age != ancient {
			p.age = min(p.age+1, m.lag)
		}
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
			m.checkMaking(w, f)
			w.images[i] = picture{used: true, there: true, uid: f.uid, epoch: f.epoch, by: f.by}
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
