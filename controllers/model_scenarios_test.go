// SPDX-License-Identifier: Apache-2.0

package controllers

import "github.com/ens-image-operator/ens-image-operator/api/v1alpha1"

// scenario is what may happen, and how often. In all of them two controllers are at work, each at its own pace, and read
// versions that may be old; with stale, a cache travels back in time.
type scenario struct {
	name string
	left budget
	// begin changes the world that it starts with: one new object.
	begin func(*modelWorld)
	// sees is what the scenario is about, and therefore has to come to.
	sees []sight
}

// smallScenarios run with every make test.
var smallScenarios = []scenario{
	{"create", budget{faults: 1, late: 1}, nil, []sight{sawReady, sawNextAttempt}},
	{"no credentials", budget{denials: 1}, nil, []sight{sawReady}},
	{"delete", budget{faults: 1, deletions: 1}, oneReady, []sight{sawReady, sawGone, sawDeleted}},
	{"delete in mid-import", budget{deletions: 1}, oneImporting, []sight{sawReady, sawGone, sawDeleted}},
	{"failed import", budget{failures: 1}, nil, []sight{sawReady, sawFailed, sawDeleted}},
	{"copy", budget{copies: 1}, oneReady, []sight{sawTwin}},
	{"restore", budget{disasters: 1, adopts: 1}, oneReady, []sight{sawObserved, sawAdopted}},
	{"two claim one image", budget{deletions: 1}, twoClaim, []sight{sawAdopted, sawClaimed, sawGone, sawDeleted}},
	{"restore an older one", budget{disasters: 1}, savedEarly, []sight{sawUnknown}},
	{"another's is claimed", budget{deletions: 1}, refusedClaims, []sight{sawReady, sawClaimed, sawGone, sawDeleted}},
	{"set back", budget{adopts: 1}, setBack, []sight{sawReady, sawUnknown, sawAdopted}},
	{"sharing", budget{shares: 2}, oneReady, []sight{sawSharing}},
}

// fullScenarios are as large as a few minutes of two cores allow: MODEL=full.
var fullScenarios = []scenario{
	{"create", budget{crashes: 1, faults: 1, late: 1, pauses: 2}, nil, []sight{sawReady, sawNextAttempt}},
	{"create, long pauses", budget{faults: 1, late: 1, pauses: 3}, nil, []sight{sawReady, sawNextAttempt}},
	{"create, two faults", budget{faults: 2, late: 1, refusals: 1}, nil, []sight{sawReady, sawNextAttempt}},
	{"no credentials", budget{crashes: 1, faults: 1, late: 1, denials: 1}, nil, []sight{sawReady, sawNextAttempt}},
	{"time travel", budget{faults: 1, late: 1, stale: 1}, nil, []sight{sawReady, sawNextAttempt}},
	{"delete", budget{faults: 1, late: 1, deletions: 1}, nil, []sight{sawGone, sawDeleted}},
	{"delete, crash and pause", budget{crashes: 1, deletions: 1, pauses: 1}, nil, []sight{sawGone, sawDeleted}},
	{"Retain", budget{faults: 1, retains: 1, deletions: 1}, nil, []sight{sawGone, sawDeleted}},
	{"rename", budget{crashes: 1, faults: 1, renames: 1, pauses: 1}, nil, []sight{sawReady}},
	{"suspend", budget{faults: 1, late: 1, suspends: 2}, nil, []sight{sawReady}},
	{"other source", budget{faults: 1, late: 1, sources: 1}, nil, []sight{sawReady}},
	{"vanished image", budget{crashes: 1, requests: 2, thefts: 1}, nil, []sight{sawVanished}},
	{"failed import", budget{crashes: 1, requests: 1, failures: 1}, nil, []sight{sawFailed, sawDeleted}},
	{"stuck deletion", budget{failures: 1, stuck: 1, deletions: 1}, nil, []sight{sawFailed, sawGone}},
	{"copy of a young object", budget{copies: 1}, nil, []sight{sawReady, sawTwin}},
	{"copy, and delete", budget{copies: 1, deletions: 1}, oneReady, []sight{sawTwin, sawGone, sawDeleted}},
	{"copy, told to adopt", budget{copies: 1, adopts: 1}, oneReady, []sight{sawTwin, sawClaimed}},
	{"restore", budget{faults: 1, late: 1, disasters: 1}, nil, []sight{sawObserved, sawTwin}},
	{"restore an older one", budget{backups: 1, disasters: 1, adopts: 1}, nil, []sight{sawObserved, sawAdopted, sawUnknown}},
	{"restore after Retain", budget{deletions: 2, copies: 1, adopts: 1}, oneRetained, []sight{sawObserved, sawAdopted, sawGone}},
	{"two claim one image", budget{stale: 1, deletions: 2}, twoClaim, []sight{sawAdopted, sawClaimed, sawGone, sawDeleted}},
	{"two claim it, faults", budget{crashes: 1, faults: 1, deletions: 1}, twoClaim, []sight{sawAdopted, sawClaimed, sawGone, sawDeleted}},
	{"another claims it", budget{deletions: 1}, oneImportsOneClaims, []sight{sawReady, sawClaimed, sawGone, sawDeleted}},
	{"another's is claimed", budget{crashes: 1, faults: 1, deletions: 2}, refusedClaims, []sight{sawReady, sawClaimed, sawGone, sawDeleted}},
	{"set back", budget{stale: 1, rollbacks: 1}, nil, []sight{sawReady, sawUnknown}},
	{"set back before the rename", budget{faults: 1, rollbacks: 1, adopts: 1}, savedBefore, []sight{sawReady, sawUnknown, sawAdopted}},
	{"set back, and delete", budget{rollbacks: 1, deletions: 1, requests: 1}, savedBefore, []sight{sawReady, sawUnknown, sawGone}},
	{"sharing", budget{crashes: 1, faults: 1, shares: 2, deletions: 1}, oneReady, []sight{sawSharing, sawGone, sawDeleted}},
}

func start(sc scenario) modelWorld {
	w := modelWorld{left: sc.left}
	w.objects[0].now = newBrief()
	if sc.begin != nil {
		sc.begin(&w)
	}
	return w
}

// oneImporting begins with an attempt that has just made an image, and whose answer was lost.
func oneImporting(w *modelWorld) {
	o := &w.objects[0].now
	o.finalizer, o.mark = true, mark{present: true, epoch: 1, attempt: 1, closedAt: never}
	w.images[0] = picture{used: true, there: true, epoch: 1}
	w.made[0][1] = 1
	w.nonces = request{epoch: 1, attempt: 1}.nonceBit()
}

// oneReady begins where the good way ends: object 0 is Ready with an image of its own. Only the status is still to come.
func oneReady(w *modelWorld) {
	o := &w.objects[0].now
	o.finalizer, o.attempts, o.image, o.started = true, 1, 1, 0
	o.mark = mark{present: true, epoch: 1, attempt: 1, signed: ancient, image: 1, closedAt: never}
	w.images[0] = picture{used: true, there: true, epoch: 1, status: ready, name: 1, age: ancient}
	w.made[0][1] = 1
	w.nonces = request{epoch: 1, attempt: 1}.nonceBit()
}

// oneRetained is the same with an image that is to outlive its object.
func oneRetained(w *modelWorld) {
	oneReady(w)
	w.objects[0].now.policy = policyRetain
}

// savedEarly has a backup of the time before the image was renamed.
func savedEarly(w *modelWorld) {
	oneReady(w)
	w.backup = w.objects[0].now
	w.backup.mark.image = 0
}

// found begins with an image that nobody here has made.
func found(w *modelWorld) {
	w.images[0] = picture{used: true, there: true, uid: strangers, status: ready, name: nameFound + 1, age: ancient}
}

// twoClaim begins with two objects that name the same image, and are to delete it.
func twoClaim(w *modelWorld) {
	found(w)
	for i := range w.objects {
		r := newBrief()
		r.uid, r.imageID, r.policy = int8(i), 1, policyDelete
		w.objects[i].now = r
	}
}

// oneImportsOneClaims begins with a new object, and a younger one that is to take over its image and to delete it.
func oneImportsOneClaims(w *modelWorld) {
	r := newBrief()
	r.uid, r.imageID, r.policy, r.name = 1, 1, policyDelete, 1
	w.objects[1].now = r
}

// adoptedUnseen begins with two objects that have adopted the same image; a cache knows nothing of the older one yet.
func adoptedUnseen(w *modelWorld) {
	twoClaim(w)
	w.objects[0].unseen = true
	o := &w.objects[1].now
	o.finalizer, o.image, o.ownership = true, 1, index(ownerships, v1alpha1.OwnershipAdopted)
	o.mark = mark{present: true, adopted: true, uid: 1, epoch: 1, hash: 2, signed: ancient, image: 1, closedAt: never}
}

// setBack begins in a store that was set back: the image has its name already, and the record is of the time before.
func setBack(w *modelWorld) {
	oneReady(w)
	o := &w.objects[0].now
	o.mark.image, o.mark.signed, w.images[0].age, w.rolledBack = 0, 0, 0, true
}

// savedBefore begins Ready, with a snapshot of the store from before the rename.
func savedBefore(w *modelWorld) {
	oneReady(w)
	o := &w.objects[0]
	o.now.mark.signed, w.images[0].age = 0, 0
	o.before = o.now
	o.before.mark.image = 0
}

// refusedClaims begins with an object that was refused, and now names the image of a younger one.
func refusedClaims(w *modelWorld) {
	oneReady(w)
	w.objects[1] = w.objects[0]
	w.objects[1].now.uid, w.objects[1].now.mark.uid, w.images[0].uid = 1, 1, 1
	w.made, w.nonces = [2][maxEpoch + 1]int8{1: {1: 1}}, 0
	o := &w.objects[0].now
	o.policy, o.name, o.imageID, o.started, o.image = policyDelete, 1, 1, never, 0
	o.mark.image, o.mark.closed, o.mark.closedAt = 0, 1, ancient
}
