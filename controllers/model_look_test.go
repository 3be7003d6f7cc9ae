// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

// look mirrors Reconciler.look: a cloud that may not list its newest images, and the shipped findClaims, through a cache that
// may be old. The watch looks after it was asked, and the object goes on from there: so it is one step.
func (m *model) look(w modelWorld, c int, s *state, at label) {
	r := &w.runs[c]
	hidden := m.hideable(&w)
	for mask := range hidden + 1 {
		if mask&^hidden != 0 {
			continue
		}
		seen := m.observe(&w, s, r.base, mask, int8(c))
		var before run
		for _, other := range m.cached(&w, 1-r.object) {
			next := w
			run := &next.runs[c]
			run.begun = at.age
			run.learn(&w, m.withClaims(&w, s, r, seen, other))
			for i := range run.seen {
				g := &run.seen[i]
				g.rival = g.as == asImage && (r.base.deleting || r.base.imageID > 0) && m.rival(&w, r.object, int8(i+1))
			}
			if *run != before {
				before = *run
				m.emit(at.does(fmt.Sprint("looks and sees ", len(seen.images))), next)
			}
		}
	}
	if len(s.deleted)+len(s.unknown) > 0 {
		outcome := s.pending()
		told, wait := m.apply(r.base, outcome)
		m.tell(w, c, verdict{e: effect{report: outcome}, told: told, wait: wait}, at.does("waits for the look"))
	}
	if w.left.faults > 0 {
		w.left.faults--
		m.interrupted(w, c, s, ens.ClassUnavailable, at.does("fails to look"))
	}
}

// sightingKey is what a sighting depends on.
type sightingKey struct {
	base   brief
	images [maxModelImages]picture
	hidden int
	c      int8
}

// observe asks once for each object and cloud what a listing without the hidden images means to the object.
func (m *model) observe(w *modelWorld, s *state, base brief, hidden int, c int8) *sighting {
	key := sightingKey{base: base, images: w.images, hidden: hidden}
	if m.ablation.randomToken {
		key.c = c
	}
	seen := m.sightings[key]
	if seen == nil {
		rows := m.listed(w, hidden, c)
		images, others := imagewatch.NewListing(nameSuffix(testCluster, ""), rows, s.now).Find(s.subject())
		if m.ablation.firstRow && len(rows) > 0 {
			images = rows[:1]
		}
		seen = s.sighting(images, others, s.now)
		if m.ablation.noLookalikes {
			seen.lookalikes = nil
		}
		m.sightings[key] = seen
	}
	return seen
}

// listed is what the cloud lists: all but the images in hidden.
func (m *model) listed(w *modelWorld, hidden int, c int8) (images []ens.Image) {
	for i := range w.images {
		p := &w.images[i]
		if !p.there || hidden&(1<<i) != 0 || m.ablation.randomToken && p.by != c {
			continue
		}
		images = append(images, m.imageOf(int8(i+1), p.glimpse()))
	}
	return images
}

// cached are the versions of an object that a cache may show.
func (m *model) cached(w *modelWorld, object int8) []brief {
	o := &w.objects[object]
	versions := []brief{o.now}
	if o.before.exists {
		versions = append(versions, o.before)
	}
	if o.unseen {
		versions = append(versions, brief{})
	}
	return versions
}

// claimsKey is what the claims of others depend on: a sighting, and the other object, as a cache shows it and in truth.
type claimsKey struct {
	seen        *sighting
	base        brief
	cached, now brief
}

// withClaims asks the shipped findClaims once for each of them, when the cache shows other of the other object.
func (m *model) withClaims(w *modelWorld, s *state, r *run, seen *sighting, other brief) *sighting {
	if m.ablation.noClaims || w.objects[1].now.generation == 0 {
		return seen
	}
	key := claimsKey{seen: seen, base: r.base, cached: other, now: w.objects[1-r.object].now}
	claimed := m.claims[key]
	if claimed == nil {
		cache, live := modelReader{m: m, objects: []brief{key.cached}}, modelReader{m: m, objects: []brief{key.now}}
		if m.ablation.cachedClaims {
			live = cache
		}
		copied := *seen
		claimed = &copied
		if err := (&Reconciler{Client: cache, APIReader: live}).findClaims(m.ctx, s, claimed); err != nil {
			panic(err)
		}
		m.claims[key] = claimed
	}
	return claimed
}

// modelReader lists objects. Nothing else is asked of it.
type modelReader struct {
	client.Client
	m       *model
	objects []brief
}

func (r modelReader) List(_ context.Context, list client.ObjectList, options ...client.ListOption) error {
	var asked client.ListOptions
	asked.ApplyOptions(options)
	items := list.(*v1alpha1.ImageImportList)
	for _, object := range r.objects {
		if !object.exists {
			continue
		}
		obj := r.m.view(object).obj
		if asked.FieldSelector == nil ||
			asked.FieldSelector.Matches(fields.Set{fieldSpecImageID: obj.Spec.ImageID, fieldStatusImageID: obj.Status.ImageID}) {
			items.Items = append(items.Items, *obj)
		}
	}
	return nil
}

// hideable is the set of images that a listing may lack: the young ones, whether an earlier listing has shown them or
// not.
func (m *model) hideable(w *modelWorld) (hidden int) {
	if m.calm {
		return 0
	}
	for i, p := range w.images {
		if p.there && (p.age < m.lag || m.ablation.partial) {
			hidden |= 1 << i
		}
	}
	return hidden
}
