// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// round is one look at the account.
type round struct {
	*Watch
	begun  time.Time
	reader Reader
	// versions are those of the credentials of each source that was opened.
	versions map[types.NamespacedName]string
	due      map[types.NamespacedName]*inquiry
	// drift is true when objects are due that are as they should be.
	drift bool
	// pages is how many calls the full listing is likely to cost.
	pages int
	// fresh is what this round has seen so far. all is true when it is of all images, complete when none of them can have been
	// missed, and listed is how many there are.
	fresh         *Listing
	all, complete bool
	listed        int
	// changed says that a listing has changed while it was read.
	changed error
	// searched is true when the marked images were read, all of them, and marked how many that has shown.
	searched bool
	marked   int
	// unsure is true when an object that waits could not be told of an absence, because listings changed while they were read.
	unsure bool
	// absent are the objects of which it is certain that there is no image.
	absent []types.NamespacedName
}

// inquiry is what one object wants to know.
type inquiry struct {
	subject Subject
	// misses is true when the object has to know if there is no image.
	misses bool
	// asked is true when a call of its own has looked for it in this round.
	asked bool
	// unsure is true when that may have missed it, err is set when the cloud has refused to look for this.
	unsure bool
	err    error
	// wide is true when other images are to be told of, which only the full listing shows.
	wide bool
}

// searchable is true when one call can look for all that the object is to know. Searches by name may be blind.
func (q *inquiry) searchable(blind bool) bool {
	return q.subject.sole() && !q.wide && (!blind || q.subject.ID != "")
}

// Round looks once at what is due, and wakes the objects that have news.
func (w *Watch) Round(ctx context.Context) {
	r := w.begin()
	if len(r.due) == 0 {
		return
	}
	switch goOn, err := r.open(ctx); {
	case err != nil:
		w.fail(ctx, r, err)
	case goOn:
		if err := r.look(ctx); err != nil {
			w.fail(ctx, r, err)
			return
		}
		w.end(r)
	}
}

// begin gathers what is due. What is due soon comes along, so that looks fall together.
func (w *Watch) begin() *round {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Clock.Now()
	r := &round{Watch: w, begun: now, pages: pages(w.listed), due: map[types.NamespacedName]*inquiry{}, fresh: NewListing(w.options.Marker, nil, now)}
	for object, f := range w.followers {
		if f.wants || f.pace.Every > 0 && !f.due().After(now.Add(f.pace.interval(now)/2)) {
			wide := f.misses() && (f.subject.Name != "" || len(f.subject.Others) > 0)
			r.due[object] = &inquiry{subject: f.subject, misses: f.wants || f.hasToKnow(), wide: wide}
			r.drift = r.drift || !f.wants && f.pace.AtRest
		}
	}
	w.asked = time.Time{}
	if len(r.due) == 0 {
		w.plan()
	}
	return r
}

// look takes the cheapest way to what is due. What that leaves in doubt is looked for one by one where that is cheaper than the
// full listing, which has the last word.
func (r *round) look(ctx context.Context) error {
	if err := r.cheapest()(ctx); err != nil || r.all {
		return err
	}
	open := r.doubtful()
	if len(open) < r.pages {
		if err := r.single(ctx, open); err != nil {
			return err
		}
		r.noticeBlindness()
		open = r.lacking()
	}
	if len(open) > 0 {
		return r.full(ctx)
	}
	return nil
}

// cheapest is the way with the fewest calls.
func (r *round) cheapest() func(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	blind := r.begun.Before(r.blind)
	singles, marked := true, !blind
	for _, q := range r.due {
		singles = singles && q.searchable(blind)
		marked = marked && q.searchable(blind) && q.subject.ID == "" && strings.HasPrefix(q.subject.Suffixes[0], r.options.Marker)
	}
	switch search := pages(max(len(r.listing.ends), len(r.due))); {
	case marked && search < r.pages && search <= len(r.due):
		return r.search
	case singles && len(r.due) < r.pages:
		return func(ctx context.Context) error { return r.single(ctx, slices.Collect(maps.Values(r.due))) }
	}
	return r.full
}

// single looks for objects one by one.
func (r *round) single(ctx context.Context, inquiries []*inquiry) error {
	for _, q := range inquiries {
		if err := r.ask(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// ask looks for the one image of an object.
func (r *round) ask(ctx context.Context, q *inquiry) (err error) {
	q.asked = true
	if q.subject.ID == "" {
		q.unsure, err = r.named(ctx, q.subject.Suffixes[0])
		return err
	}
	image, err := r.reader.ImageByID(ctx, q.subject.ID)
	var images []ens.Image
	if image != nil {
		images = append(images, *image)
	}
	q.unsure, err = r.take(images, err)
	if failure, ofCloud := errors.AsType[*ens.Error](err); ofCloud && (failure.Class == ens.ClassInvalid || failure.Class == ens.ClassGone) {
		// That is about what this object asks for, and nobody else's business.
		q.err, err = failure, nil
	}
	return err
}

func (r *round) named(ctx context.Context, part string) (unsure bool, err error) {
	images, err := r.reader.ImagesByName(ctx, part)
	return r.take(images, err)
}

// take keeps the images that a listing shows. unsure is true when it may have missed some, because it changed meanwhile.
func (r *round) take(images []ens.Image, err error) (unsure bool, _ error) {
	for _, image := range images {
		r.fresh.put(image, r.begun)
	}
	if failure, ofCloud := errors.AsType[*ens.Error](err); ofCloud && failure.Code == ens.CodeListingChanged {
		r.changed = err
		return true, nil
	}
	return false, err
}

// search looks for all images that are being imported. It is not about any object: none is absent because it shows none.
func (r *round) search(ctx context.Context) error {
	unsure, err := r.named(ctx, r.options.Marker)
	r.searched, r.marked = !unsure, len(r.fresh.rows)
	return err
}

// doubtful are the objects that were not looked for by a call of their own, and whose images this round does not show: those that
// they have to know of, and those that were seen before.
func (r *round) doubtful() (open []*inquiry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.due {
		hidden := slices.ContainsFunc(r.listing.find(q.subject), func(known row) bool { _, seen := r.fresh.rows[known.ID]; return !seen })
		if !q.asked && (hidden || r.lacks(q)) {
			open = append(open, q)
		}
	}
	return open
}

// lacking are the objects that do not find what they have to know of.
func (r *round) lacking() (open []*inquiry) {
	for _, q := range r.due {
		if r.lacks(q) {
			open = append(open, q)
		}
	}
	return open
}

// lacks is true when an object has to know of an image that this round has not seen.
func (r *round) lacks(q *inquiry) bool {
	return q.misses && q.err == nil && len(r.fresh.find(q.subject)) == 0
}
