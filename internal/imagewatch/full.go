// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// full reads all pages. What it misses is looked for once more.
func (r *round) full(ctx context.Context) error {
	images, err := r.reader.Images(ctx)
	unsure, err := r.take(images, err)
	if err != nil {
		return err
	}
	r.all, r.complete, r.listed = true, !unsure, len(images)
	r.noticeBlindness()
	if unsure {
		return nil
	}
	missing := r.missing()
	if err := r.confirm(ctx, missing); err != nil {
		return err
	}
	for object, q := range missing {
		switch {
		case !r.lacks(q):
		case q.unsure:
			r.unsure = true
		default:
			r.absent = append(r.absent, object)
		}
	}
	return nil
}

const (
	// blindness is how long searches are not trusted after one has missed what was there, sightLag how old that must be: a listing
	// and a search may lag differently.
	blindness = time.Hour
	sightLag  = 2 * time.Minute
)

// noticeBlindness gives up searches by name when one for the marker has found nothing of what is there: how fuzzy the cloud's
// search is, is not documented. What was asked for by such a search was not looked for.
func (r *round) noticeBlindness() {
	if !r.searched || r.marked > 0 {
		return
	}
	old := func(seen row) bool {
		return r.fresh.end(seen.Name) != "" && r.begun.Sub(seen.CreationTime) > sightLag
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(r.fresh.rows)), old) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blind = r.begun.Add(blindness)
	for _, q := range r.due {
		q.asked = q.asked && q.subject.ID != ""
	}
}

// missing are all objects, due or not, that the full listing shows no image of although they have to know.
func (r *round) missing() map[types.NamespacedName]*inquiry {
	r.mu.Lock()
	defer r.mu.Unlock()
	missing := map[types.NamespacedName]*inquiry{}
	for object, f := range r.followers {
		q := r.due[object]
		if q == nil {
			q = &inquiry{subject: f.subject, misses: f.since.Before(r.begun) && !f.unread.After(r.begun) && f.hasToKnow()}
		}
		if r.lacks(q) {
			missing[object] = q
		}
	}
	return missing
}

// confirm looks once more for what the full listing has missed: one by one, or through a second listing when that is
// cheaper, or the only way.
func (r *round) confirm(ctx context.Context, missing map[types.NamespacedName]*inquiry) error {
	r.mu.Lock()
	blind := r.begun.Before(r.blind)
	r.mu.Unlock()
	again, open, single := false, []*inquiry{}, []*inquiry{}
	for _, q := range missing {
		if q.asked && !q.unsure {
			continue
		}
		open = append(open, q)
		switch {
		case !q.subject.sole() || blind && q.subject.ID == "":
			again = true
		default:
			single = append(single, q)
		}
	}
	if again || len(single) > pages(r.listed) {
		images, err := r.reader.Images(ctx)
		unsure, err := r.take(images, err)
		for _, q := range open {
			q.unsure = unsure
		}
		return err
	}
	for _, q := range single {
		if err := r.ask(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
