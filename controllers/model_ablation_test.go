// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// ablation is a protection taken away.
type ablation struct {
	// noCAS : writes win over whatever was written before. noIntent : the import is recorded after it, not before.
	noCAS, noIntent bool
	// noNonce : the cloud forgets the nonces that it has seen.
	noNonce bool
	// randomToken : each controller has its own. partial : a look-up may lack any image. firstRow : a search takes the
	// first of the images that it gets for its own.
	randomToken, partial, firstRow bool
	// foreignIsOwn : the record that came along with a copy is taken for the copy's own.
	foreignIsOwn bool
	// noLookalikes : what bears the object's name stands in nobody's way.
	noLookalikes bool
	// noClaims : nobody asks who else claims an image. cachedClaims : before an adoption or a deletion, too, the cache is asked.
	noClaims, cachedClaims bool
	// decision changes what decide says.
	decision func(*state, effect) effect
}

// ablated is the smallest scenario in which a missing protection shows.
type ablated struct {
	scenario
	weaken func(*model)
	finds  rule
}

func ablations() []ablated {
	disturbed, deleted := budget{faults: 1, late: 1}, budget{deletions: 1, pauses: 2}
	in := func(name string, left budget, begin func(*modelWorld), weaken func(*model), finds rule) ablated {
		return ablated{scenario{name: name, left: left, begin: begin}, weaken, finds}
	}
	deciding := func(decision func(*state, effect) effect) func(*model) {
		return func(m *model) { m.ablation.decision = decision }
	}
	someoneElses := func(w *modelWorld) {
		w.images[0] = picture{used: true, there: true, uid: strangers, status: ready, name: 2, age: ancient}
	}
	setBackUntold := func(w *modelWorld) {
		setBack(w)
		w.objects[0].now.image = 0
	}
	return []ablated{
		in("no compare-and-swap", budget{faults: 1}, nil, func(m *model) { m.ablation.noCAS = true }, brokenDuplicate),
		in("no wait for an open attempt", disturbed, nil, func(m *model) { m.timing.Settle = 0 }, brokenDuplicate),
		in("timestamps do not expire", disturbed, nil, func(m *model) { m.validity = 127 }, brokenDuplicate),
		in("listings lag longer than the bound", disturbed, nil, func(m *model) { m.lag = 4 }, brokenDuplicate),
		in("a token of its own for each controller", disturbed, nil, func(m *model) { m.ablation.randomToken = true }, brokenDuplicate),
		in("absence told from part of a listing", disturbed, nil, func(m *model) { m.ablation.partial = true }, brokenDuplicate),
		in("the first row of a search", deleted, someoneElses, func(m *model) { m.ablation.firstRow = true }, brokenForeign),
		in("import first, record later", disturbed, nil, func(m *model) { m.ablation.noIntent, m.ablation.noNonce = true, true }, brokenDuplicate),
		in("look, import, record later", disturbed, nil, func(m *model) {
			m.ablation.noIntent, m.ablation.noNonce, m.ablation.decision = true, true, looksFirst
		}, brokenDuplicate),
		in("nonces are forgotten", disturbed, nil, func(m *model) { m.ablation.noNonce = true }, brokenDuplicate),
		in("finalizer off while an attempt is open", deleted, nil, deciding(letsGoEarly), brokenOrphan),
		in("absence told while a late image may come", disturbed, nil, func(m *model) { m.timing.Settle = m.timing.ListingLag }, brokenDuplicate),
		in("absence told while the image may be unlisted", budget{deletions: 1}, nil, func(m *model) { m.timing.ListingLag = 0 }, brokenOrphan),
		in("a call long after its decision", deleted, nil, func(m *model) { m.sendPause = 2 }, brokenOrphan),
		in("a copy adopts without being told", budget{disasters: 1}, oneReady, deciding(adoptsUnasked), brokenForeign),
		in("a copy deletes what it observes", budget{copies: 1, deletions: 1}, oneReady, deciding(deletesForeign), brokenForeign),
		in("a foreign record taken for an own one", budget{disasters: 1, deletions: 1}, oneReady, func(m *model) { m.ablation.foreignIsOwn = true }, brokenForeign),
		in("claims are not looked at", budget{deletions: 1}, twoClaim, func(m *model) { m.ablation.noClaims = true }, brokenForeign),
		in("claims before a deletion from the cache", budget{deletions: 1}, adoptedUnseen, func(m *model) { m.ablation.cachedClaims = true }, brokenLost),
		in("an image of the same name is no matter", budget{}, setBackUntold, func(m *model) { m.ablation.noLookalikes = true }, brokenDuplicate),
		in("sharing is looked after no more", budget{shares: 2}, oneReady, deciding(forgetsSharing), brokenSettle),
	}
}

// letsGoEarly takes the finalizer off while an attempt is open.
func letsGoEarly(s *state, e effect) effect {
	deleting, opened := !s.obj.DeletionTimestamp.IsZero(), s.intent != nil && s.intent.open()
	if e.verb == rest && deleting && opened {
		return s.letGo("")
	}
	return e
}

// adoptsUnasked takes over what a restored object is only to observe.
func adoptsUnasked(s *state, e effect) effect {
	if e.verb == rest && s.foreign != nil && s.seen != nil && e.report.image != nil {
		return s.adopt(e.report.image.ID)
	}
	return e
}

// deletesForeign deletes the image of a record that came along from another object.
func deletesForeign(s *state, e effect) effect {
	if e.verb == removeFinalizer && s.foreign != nil && s.foreign.ImageID != "" && s.obj.Spec.DeletionPolicy != v1alpha1.DeletionRetain {
		return effect{verb: deleteImage, image: s.foreign.ImageID}
	}
	return e
}

// looksFirst looks before each attempt, and takes what it finds for its own.
func looksFirst(s *state, e effect) effect {
	if e.starts && s.seen == nil {
		return effect{verb: look}
	}
	return e
}

// forgetsSharing takes the mark off the record once the image is shared with nobody.
func forgetsSharing(s *state, e effect) effect {
	idle := e.verb == rest && s.intent != nil && s.intent.Shared && len(s.obj.Spec.ShareWith) == 0
	if idle && s.shares != nil && len(s.shares.accounts) == 0 {
		forgotten := *s.intent
		forgotten.Shared = false
		return effect{verb: writeIntent, intent: &forgotten}
	}
	return e
}
