// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// run is a reconcile under way: the state that decide gets, and what perform is waiting for.
type run struct {
	on, fresh bool // fresh: base is the present version
	// denied is true when there are no credentials this time.
	denied    bool
	object    int8
	base      brief
	requested bool
	// idle is how long ago the last effect came back: the next decision may be as old.
	idle   int8
	permit bool
	// answer is ImportImage's, call the one that is not read yet.
	answer, call reply
	looked       bool
	ownerLives   bool
	begun        int8
	seen         [maxModelImages]glimpse
	shares       shareList
	// deleted and unknown are sets of images.
	deleted, unknown uint8
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
type glimpse struct {
	as                       sightingKind
	status, name, epoch, uid int8
	ancient                  bool
	// claim is what the other object seems to have on it. rival is true when that object had the better claim in truth.
	claim claimKind
	rival bool
}

type sightingKind int8

const (
	unseen sightingKind = iota
	asImage
	asLookalike
)

type claimKind int8

const (
	noClaim claimKind = iota
	wishedClaim
	plainClaim
	importedClaim
)

// shareList is whom the image was seen to be shared with.
type shareList struct{ read, somebody, stale, confirmed bool }

// begun is a reconcile that has only read its object.
func begun(object int8, base brief, fresh, denied bool) run {
	return run{on: true, object: object, base: base, fresh: fresh, denied: denied, requested: base.pending()}
}

// pending is pendingRequest of a brief.
func (r brief) pending() bool { return r.ask > 0 && r.ask != r.handled }

// begin starts a reconcile with a version of the object that the cache shows.
func begin(w modelWorld, c int, object int8, base brief, fresh bool) modelWorld {
	w.runs[c] = begun(object, base, fresh, false)
	return w
}

// end ends a reconcile without a report.
func end(w modelWorld, c int) modelWorld { w.runs[c] = run{}; return w }

// view is a brief as decide gets it.
type view struct {
	obj             *v1alpha1.ImageImport
	intent, foreign *intent
	err             error
}

func (m *model) view(r brief) *view {
	v := m.views[r]
	if v == nil {
		v = &view{obj: m.object(r)}
		v.intent, v.foreign, v.err = readIntent(v.obj, testCluster)
		if m.ablation.foreignIsOwn && v.foreign != nil {
			v.intent, v.foreign = v.foreign, nil
		}
		m.views[r] = v
	}
	return v
}

// state is what decide gets: the run as it is, and the moment of the decision.
func (m *model) state(r *run, age int8) *state {
	v := m.view(r.base)
	s := &state{
		now: ago(age), obj: v.obj, cluster: testCluster, intent: v.intent, foreign: v.foreign, intentErr: v.err,
		requested: r.requested, timing: m.timing, check: true,
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
	case acceptedReply:
		panic("an answer without an image")
	default:
		s.answer = &answer{imported: ens.Imported{ImageID: modelImageID(int8(r.answer - acceptedReply)), RequestID: "R-1"}}
	}
	if r.looked {
		s.seen = m.sighting(r)
	}
	if r.shares.read {
		s.shares = &shares{stale: r.shares.stale, confirmed: r.shares.confirmed}
		if r.shares.somebody {
			s.shares.accounts = []string{modelAccount}
		}
	}
	for id := int8(1); id <= maxModelImages; id++ {
		if r.deleted&(1<<id) != 0 {
			s.deleted = append(s.deleted, modelImageID(id))
		}
		if r.unknown&(1<<id) != 0 {
			s.unknown = append(s.unknown, modelImageID(id))
		}
	}
	if r.looked || r.permit || r.answer != noReply || r.deleted|r.unknown != 0 {
		s.account = &account{}
	}
	return s
}

func (m *model) sighting(r *run) *sighting {
	seen := &sighting{begun: ago(r.begun), ownerLives: r.ownerLives}
	for i, g := range r.seen {
		image := m.imageOf(int8(i+1), g)
		switch g.as {
		case unseen:
			continue
		case asImage:
			seen.images = append(seen.images, image)
		case asLookalike:
			seen.lookalikes = append(seen.lookalikes, image)
		}
		if g.claim != noClaim {
			seen.claims = append(seen.claims, m.claimBy(1-r.object, image.ID, g.claim))
		}
	}
	return seen
}

// claimBy is the claim of one of the objects, of which the first is always the older.
func (m *model) claimBy(object int8, image string, kind claimKind) claim {
	created := testNow.Add(-time.Hour)
	if object == 1 {
		created = testNow.Add(time.Hour)
	}
	return claim{
		image: image, object: types.NamespacedName{Name: "other"}, uid: modelUIDs[object],
		created: created, imported: kind == importedClaim, wished: kind == wishedClaim,
	}
}

func (m *model) imageOf(n int8, g glimpse) ens.Image {
	name := m.tokenName(g.uid, g.epoch)
	if g.name > 0 {
		name = modelNames[g.name-1]
	}
	image := ens.Image{ID: modelImageID(n), Name: name, Status: statuses[g.status], CreationTime: testNow}
	if g.ancient {
		image.CreationTime = ago(ancient)
	}
	return image
}

func (p *picture) glimpse() glimpse {
	return glimpse{as: asImage, status: p.status, name: p.name, epoch: p.epoch, uid: p.uid, ancient: p.age == ancient}
}

func (m *model) tokenName(uid, epoch int8) string {
	key := [2]int8{uid, epoch}
	name, known := m.tokens[key]
	if !known && uid < strangers {
		name = uniqueName(newObject(), &intent{Cluster: testCluster, UID: modelUIDs[uid], Epoch: int64(epoch)})
		m.tokens[key] = name
	}
	return name
}

// learn puts a sighting into the run.
func (r *run) learn(w *modelWorld, seen *sighting) {
	r.looked, r.ownerLives, r.seen = true, seen.ownerLives, [maxModelImages]glimpse{}
	put := func(image ens.Image, as sightingKind) {
		n := imageNumber(image.ID) - 1
		r.seen[n] = w.images[n].glimpse()
		r.seen[n].as = as
	}
	for _, image := range seen.images {
		put(image, asImage)
	}
	for _, image := range seen.lookalikes {
		put(image, asLookalike)
	}
	for _, c := range seen.claims {
		g := &r.seen[imageNumber(c.image)-1]
		kind := plainClaim
		switch {
		case c.imported:
			kind = importedClaim
		case c.wished:
			kind = wishedClaim
		}
		g.claim = max(g.claim, kind)
	}
}

// forget makes the next decision look again.
func (r *run) forget() {
	r.looked, r.ownerLives, r.begun, r.seen = false, false, 0, [maxModelImages]glimpse{}
}

// record takes a written intent over, as the shipped code does.
func (m *model) record(r *run, s *state, e effect) {
	after := *s
	after.obj = m.view(r.base).obj
	if s.seen != nil {
		seen := *s.seen
		seen.images = slices.Clone(seen.images)
		after.seen = &seen
	}
	after.recorded(e)
	r.base.finalizer, r.base.mark = true, markOf(e.intent)
	r.base = r.base.canonical()
	r.permit = after.permit != nil
	if after.answer == nil {
		r.answer = noReply
	}
	if after.seen == nil {
		r.forget()
		return
	}
	for i := range r.seen {
		id := modelImageID(int8(i + 1))
		if r.seen[i].as == asImage && !slices.ContainsFunc(after.seen.images, func(image ens.Image) bool { return image.ID == id }) {
			r.seen[i] = glimpse{}
		}
	}
}
