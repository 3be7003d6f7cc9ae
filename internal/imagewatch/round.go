// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"errors"
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
	// fresh is what this round has seen so far. all is true when it is of all images, complete when none of them can have been
	// missed, and listed is how many there are.
	fresh         *Listing
	all, complete bool
	listed        int
	// changed says that the full listing has changed while it was read.
	changed error
	// searched is true when the marked images were read.
	searched bool
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
	r := &round{Watch: w, begun: now, due: map[types.NamespacedName]*inquiry{}, fresh: NewListing(w.options.Marker, nil, now)}
	for object, f := range w.followers {
		if f.wants || f.pace.Every > 0 && !f.next.After(now.Add(f.pace.interval(now)/2)) {
			wide := f.misses() && (f.subject.Name != "" || len(f.subject.Others) > 0)
			r.due[object] = &inquiry{subject: f.subject, misses: f.wants || f.present(), wide: wide}
			r.drift = r.drift || !f.wants && f.pace.AtRest
		}
	}
	w.asked = time.Time{}
	if len(r.due) == 0 {
		w.plan()
	}
	return r
}

// look takes the cheapest way to what is due, and the full listing where that leaves a doubt.
func (r *round) look(ctx context.Context) error {
	if err := r.cheapest()(ctx); err != nil {
		return err
	}
	if !r.all && r.doubtful() {
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
	list := pages(r.Watch.listed)
	switch search := pages(max(len(r.listing.ends), len(r.due))); {
	case marked && search < list && search <= len(r.due):
		return r.search
	case singles && len(r.due) < list:
		return r.single
	}
	return r.full
}

// single looks for each object that is due.
func (r *round) single(ctx context.Context) error {
	for _, q := range r.due {
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
		return true, nil
	}
	return false, err
}

// search looks for all images that are being imported.
func (r *round) search(ctx context.Context) error {
	r.searched = true
	unsure, err := r.named(ctx, r.options.Marker)
	for _, q := range r.due {
		q.asked, q.unsure = true, unsure
	}
	return err
}

// doubtful is true when an object does not find what it has to know of.
func (r *round) doubtful() bool {
	for _, q := range r.due {
		if r.lacks(q) {
			return true
		}
	}
	return false
}

// lacks is true when an object has to know of an image that this round has not seen.
func (r *round) lacks(q *inquiry) bool {
	return q.misses && q.err == nil && len(r.fresh.find(q.subject)) == 0
}

// full reads all pages. What it misses is looked for once more.
func (r *round) full(ctx context.Context) error {
	found := len(r.fresh.rows)
	images, changed := r.reader.Images(ctx)
	unsure, err := r.take(images, changed)
	if err != nil {
		return err
	}
	r.all, r.complete, r.listed = true, !unsure, len(images)
	r.noticeBlindness(found)
	if unsure {
		r.changed = changed
		return nil
	}
	missing := r.missing()
	if err := r.confirm(ctx, missing); err != nil {
		return err
	}
	for object, q := range missing {
		if !q.unsure && r.lacks(q) {
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

// noticeBlindness gives up searches for the marker when one has found nothing of what is there: how fuzzy the cloud's
// search is, is not documented. What was asked for by such a search was not looked for.
func (r *round) noticeBlindness(found int) {
	missed := false
	for _, seen := range r.fresh.rows {
		missed = missed || r.fresh.end(seen.Name) != "" && r.begun.Sub(seen.CreationTime) > sightLag
	}
	if !r.searched || found > 0 || !missed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blind = r.begun.Add(blindness)
	for _, q := range r.due {
		q.asked = false
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
			// Who cannot be looked for by a call of its own is answered along with the others.
			q = &inquiry{subject: f.subject, misses: f.since.Before(r.begun) && (f.present() || f.told == unknown && !f.subject.sole())}
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
	again, single := false, []*inquiry{}
	for _, q := range missing {
		switch {
		case q.asked:
		case !q.subject.sole() || blind && q.subject.ID == "":
			again = true
		default:
			single = append(single, q)
		}
	}
	if again || len(single) > pages(r.listed) {
		images, err := r.reader.Images(ctx)
		unsure, err := r.take(images, err)
		for _, q := range missing {
			q.unsure = q.unsure || unsure
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
