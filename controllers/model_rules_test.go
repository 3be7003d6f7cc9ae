// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// rule is what no state may break.
type rule int

const (
	brokenNone rule = iota
	// brokenDuplicate : two images were made for one uid and epoch, or for one object whose user did not ask for another.
	brokenDuplicate
	// brokenOrphan : an object is gone, and its image is not, or may still come.
	brokenOrphan
	// brokenForeign : an image was written to that the object neither imported nor was told to adopt.
	brokenForeign
	// brokenLost : an image was deleted that somebody still has a right to.
	brokenLost
	// brokenSettle : even if nothing goes wrong any more, the object does not get Ready, gone or stably named.
	brokenSettle
	// brokenPermit : ImportImage was called with an intent that is not recorded.
	brokenPermit
	// brokenGrowth : epoch and attempt went back.
	brokenGrowth
	// brokenOverflow : there are more images than the model has room for.
	brokenOverflow
)

func (r rule) String() string {
	return [...]string{"", "duplicate", "orphan", "foreign", "lost", "stuck", "import without permit", "intent turned back", "overflow"}[r]
}

// sight is something that a scenario is about: it proves nothing when it never comes to that.
type sight int

const (
	sawReady    sight = iota
	sawGone           // an object went after its deletion
	sawDeleted        // an image was deleted by the operator
	sawObserved       // an image of another object is observed
	sawTwin           // object 1 is ready with an image of its own
	sawAdopted
	sawClaimed
	sawVanished
	sawUnknown // OwnershipUnknown
	sawFailed
	sawNextAttempt
	sawSharing
	sights = iota
)

func (s sight) String() string {
	return [...]string{
		"ready", "gone", "an image deleted", "observed", "a copy with an image of its own", "adopted", "claimed", "vanished",
		"ownership unknown", "failed", "a second attempt", "shared",
	}[s]
}

// judge holds a new state against the rules. It returns false for states from which there is nothing more to learn.
func (m *model) judge(w *modelWorld, h uint64) bool {
	if w.broken != brokenNone {
		m.report(w.broken, h)
		return false
	}
	for i := range w.objects {
		m.witness(w, int8(i))
		if m.orphaned(w, int8(i)) {
			m.report(brokenOrphan, h)
			return false
		}
	}
	return true
}

// witness counts what is seen of an object.
func (m *model) witness(w *modelWorld, object int8) {
	o := w.objects[object].now
	available := o.exists && m.words[o.reason] == v1alpha1.ReasonAvailable
	for s, is := range [sights]bool{
		sawReady:       available,
		sawGone:        o.deleting && !o.exists,
		sawObserved:    available && ownerships[o.ownership] == v1alpha1.OwnershipObserved && o.image > 0,
		sawTwin:        available && object == 1 && o.mark.uid == 1 && !o.mark.adopted,
		sawAdopted:     available && o.mark.adopted,
		sawClaimed:     o.exists && m.words[o.reason] == v1alpha1.ReasonImageClaimed,
		sawVanished:    o.exists && m.words[o.reason] == v1alpha1.ReasonImageVanished,
		sawUnknown:     o.exists && m.words[o.reason] == v1alpha1.ReasonOwnershipUnknown,
		sawFailed:      o.exists && m.words[o.reason] == v1alpha1.ReasonImportFailed,
		sawNextAttempt: o.exists && o.mark.attempt > 1,
	} {
		if is {
			m.saw[s]++
		}
	}
	for _, p := range w.images {
		if p.dying {
			m.saw[sawDeleted]++
		}
		if p.there && p.shared {
			m.saw[sawSharing]++
		}
	}
}

// orphaned: the object was not to leave its image behind, and is gone.
func (m *model) orphaned(w *modelWorld, object int8) bool {
	o := &w.objects[object]
	if o.now.exists || o.released || o.now.generation == 0 {
		return false
	}
	for i, p := range w.images {
		adopted := o.now.mark.adopted && o.now.policy == policyDelete && o.now.mark.image == int8(i+1)
		if p.there && !p.dying && !p.givenUp && (p.uid == object || adopted) && !w.objects[1-object].now.claims(int8(i+1)) {
			return true
		}
	}
	for _, f := range w.flights {
		if f.on && f.uid == object && f.signed <= m.validity && w.nonces&f.nonceBit() == 0 {
			return true
		}
	}
	return false
}

// kept is true when the image is to outlive the object: said so, or adopted and nothing said.
func (r brief) kept() bool {
	return r.policy == policyRetain || r.policy == policyUnsaid && r.mark.adopted
}

// giveUp : the user wants another image, in spite of those that may be this object's.
func (w *modelWorld) giveUp(object int8) {
	for i := range w.images {
		if p := &w.images[i]; p.uid == object {
			p.givenUp = true
		}
	}
}

// claims is true when the object was told to take the image over, or has done so.
func (r brief) claims(image int8) bool {
	return r.exists && (r.imageID == image || r.mark.adopted && r.mark.uid == r.uid && r.mark.image == image)
}

// rival is true when the other object lives and has the better claim to the image: it imported it, or is the older one.
func (m *model) rival(w *modelWorld, object, image int8) bool {
	if image == 0 {
		return false
	}
	other, made := w.objects[1-object].now, w.images[image-1].uid
	switch {
	case !other.exists || made == object:
		return false
	case made == other.uid:
		return true
	}
	return object == 1 && other.claims(image)
}

// checkMaking: a new image is the only one of its uid and epoch, and of its object unless its user asked for another.
func (m *model) checkMaking(w *modelWorld, f request) {
	asked := w.objects[f.uid].now.ask > 0
	if w.made[f.uid][f.epoch]++; w.made[f.uid][f.epoch] > 1 && !w.disturbed && !w.rolledBack {
		w.broken = brokenDuplicate
	}
	if w.restored {
		asked = asked || w.objects[0].now.ask > 0
	}
	for _, p := range w.images {
		same := p.uid == f.uid || w.restored && p.uid != strangers
		if p.there && !p.dying && p.status != packFailed && same && !asked {
			w.broken = brokenDuplicate
		}
	}
}

// checkPermit: the record in the apiserver is of this attempt, or a later one.
func (m *model) checkPermit(w *modelWorld, r *run, in mark) {
	stored := w.objects[r.object].now.mark
	if !w.rolledBack && !m.ablation.noIntent && (!stored.present || stored.epoch < in.epoch || stored.attempt < in.attempt) {
		w.broken = brokenPermit
	}
}

// checkWrite: epoch and attempt only grow.
func (m *model) checkWrite(w *modelWorld, before, after brief) {
	a, b := before.mark, after.mark
	if a.present && b.present && a.uid == b.uid && (b.epoch < a.epoch || b.attempt < a.attempt) && !m.ablation.noCAS {
		w.broken = brokenGrowth
	}
}

// checkAdoption: only what the user named is adopted, and not what another object has the better claim to.
func (m *model) checkAdoption(w *modelWorld, r *run, in *intent) {
	n := imageNumber(in.ImageID)
	if !in.Adopted || r.base.mark.adopted && r.base.mark.uid == r.object {
		return
	}
	if r.base.adopt != n && r.base.imageID != n || r.seen[n-1].rival {
		w.broken = brokenForeign
	}
}

// checkOwner: only what the object imported or adopted is written to.
func (m *model) checkOwner(w *modelWorld, r *run, image int8) {
	adopted := r.base.mark.adopted && r.base.mark.uid == r.object && r.base.mark.image == image
	if w.images[image-1].uid != r.object && !adopted {
		w.broken = brokenForeign
	}
}

// checkDeletion: an image goes with its object, unless it is to be kept or another object has the better claim; else it
// goes because it failed, or because the cloud made two.
func (m *model) checkDeletion(w *modelWorld, r *run, image int8) {
	p := w.images[image-1]
	if m.checkOwner(w, r, image); w.broken != brokenNone || !p.there {
		return
	}
	if r.base.deleting {
		if r.base.kept() || r.seen[image-1].rival {
			w.broken = brokenLost
		}
		return
	}
	others := 0
	for i, q := range w.images {
		if int8(i+1) != image && q.there && q.uid == p.uid && q.epoch == p.epoch {
			others++
		}
	}
	if p.status != packFailed && others == 0 {
		w.broken = brokenLost
	}
}
