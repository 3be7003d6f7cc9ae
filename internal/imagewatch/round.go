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
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// ErrMoved is returned by Options.Open when the source does not lead to this account any more.
var ErrMoved = errors.New("the credentials do not lead to this account any more")

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
	// fresh is what this round has seen so far, complete is true when all pages were among it, listed how many images.
	fresh    *Listing
	complete bool
	listed   int
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
			r.due[object] = &inquiry{subject: f.subject, misses: f.wants || f.present()}
			r.drift = r.drift || !f.wants && f.pace.Since.IsZero()
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
	if !r.complete && r.doubtful() {
		return r.full(ctx)
	}
	return nil
}

// cheapest is the way with the fewest calls.
func (r *round) cheapest() func(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	singles, marked := true, !r.blind
	for _, q := range r.due {
		singles = singles && q.subject.sole()
		marked = marked && q.subject.sole() && q.subject.ID == "" && strings.HasPrefix(q.subject.Suffixes[0], r.options.Marker)
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
func (r *round) ask(ctx context.Context, q *inquiry) error {
	q.asked = true
	if q.subject.ID != "" {
		image, err := r.reader.ImageByID(ctx, q.subject.ID)
		if err == nil && image != nil {
			r.fresh.put(*image, r.begun)
		}
		return err
	}
	return r.named(ctx, q.subject.Suffixes[0])
}

func (r *round) named(ctx context.Context, part string) error {
	images, err := r.reader.ImagesByName(ctx, part)
	for _, image := range images {
		r.fresh.put(image, r.begun)
	}
	return err
}

// search looks for all images that are being imported.
func (r *round) search(ctx context.Context) error {
	r.searched = true
	for _, q := range r.due {
		q.asked = true
	}
	return r.named(ctx, r.options.Marker)
}

// doubtful is true when an object does not find what it has to know of.
func (r *round) doubtful() bool {
	for _, q := range r.due {
		if q.misses && len(r.fresh.find(q.subject)) == 0 {
			return true
		}
	}
	return false
}

// full reads all pages. What it misses is looked for once more.
func (r *round) full(ctx context.Context) error {
	found := len(r.fresh.rows)
	images, err := r.reader.Images(ctx)
	if err != nil {
		return err
	}
	for _, image := range images {
		r.fresh.put(image, r.begun)
	}
	r.complete, r.listed = true, len(images)
	r.noticeBlindness(found)

	missing := r.missing()
	if err := r.confirm(ctx, missing); err != nil {
		return err
	}
	for object, q := range missing {
		if len(r.fresh.find(q.subject)) == 0 {
			r.absent = append(r.absent, object)
		}
	}
	return nil
}

// noticeBlindness gives up searches for the marker when one has found nothing of what is there: how fuzzy the cloud's
// search is, is not documented.
func (r *round) noticeBlindness(found int) {
	if r.searched && found == 0 && len(r.fresh.ends) > 0 {
		r.mu.Lock()
		r.blind = true
		r.mu.Unlock()
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
			q = &inquiry{subject: f.subject, misses: f.since.Before(r.begun) && (f.present() || f.told == unknown && !f.subject.sole())}
		}
		if q.misses && len(r.fresh.find(q.subject)) == 0 {
			missing[object] = q
		}
	}
	return missing
}

// confirm looks once more for what the full listing has missed: one by one, or through a second listing when that is
// cheaper.
func (r *round) confirm(ctx context.Context, missing map[types.NamespacedName]*inquiry) error {
	var single []*inquiry
	for _, q := range missing {
		if q.subject.sole() && !q.asked {
			single = append(single, q)
		}
	}
	if len(single) > pages(r.listed) {
		return r.named(ctx, "")
	}
	for _, q := range single {
		if err := r.ask(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// end takes over what a round has learned.
func (w *Watch) end(r *round) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Clock.Now()
	if r.complete {
		w.listing, w.listed = r.fresh, r.listed
	}
	for _, seen := range r.fresh.rows {
		w.listing.put(seen.Image, seen.seen)
	}
	for _, object := range r.absent {
		if f := w.followers[object]; f != nil && !r.begun.Before(f.since) {
			f.absent = r.begun
		}
	}
	w.trouble = trouble{}
	for object, f := range w.followers {
		if r.due[object] != nil || r.complete {
			f.next = now.Add(f.pace.interval(now))
		}
		if r.due[object] != nil || r.complete || f.err != nil {
			w.tell(object, f, r.begun)
		}
	}
	w.check(r)
	w.plan()
}

// tell wakes an object that waits for this, or knows something else.
func (w *Watch) tell(object types.NamespacedName, f *follower, begun time.Time) {
	recovered := f.err != nil
	f.err, f.failed = nil, ""
	sight := f.sight(w.listing)
	if sight == nil {
		if recovered {
			w.options.Wake(object)
		}
		return
	}
	now := picture(sight.Images)
	changed := now != f.told && !begun.Before(f.pace.Quiet)
	if f.wants || recovered || changed {
		f.told, f.wants = now, false
		w.options.Wake(object)
	}
}

// check wakes the next objects that are to check what no listing shows, a few after each look for drift.
func (w *Watch) check(r *round) {
	if !r.drift {
		return
	}
	var willing []types.NamespacedName
	for object, f := range w.followers {
		if f.pace.Checks {
			willing = append(willing, object)
		}
	}
	slices.SortFunc(willing, byName)
	from := slices.IndexFunc(willing, func(object types.NamespacedName) bool { return byName(object, w.checked) > 0 })
	willing = append(willing[max(from, 0):], willing[:max(from, 0)]...)
	for _, object := range willing[:min(len(willing), w.options.Checks)] {
		w.checked = object
		w.followers[object].check = true
		w.options.Wake(object)
	}
}

func byName(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

// plan finds when the next object is due, and starts to wait for those that asked meanwhile.
func (w *Watch) plan() {
	w.poll = time.Time{}
	for _, f := range w.followers {
		if f.pace.Every > 0 {
			w.poll = earlier(w.poll, f.next)
		}
		if f.wants && w.asked.IsZero() {
			w.asked, w.lastAsked = w.options.Clock.Now(), w.options.Clock.Now()
		}
	}
}

// trouble is why rounds fail.
type trouble struct {
	err      error
	failures int
	// again is when the next round may be, retry is when the same credentials may be tried again.
	again, retry time.Time
	// versions are those of the credentials that were refused, nil when the credentials are not at fault.
	versions map[types.NamespacedName]string
}

// open finds credentials for the round. goOn is false when there are none, or just those that were refused.
func (r *round) open(ctx context.Context) (goOn bool, err error) {
	r.mu.Lock()
	sources, refused := slices.SortedFunc(maps.Keys(r.sources), byName), r.trouble
	r.mu.Unlock()
	r.versions = map[types.NamespacedName]string{}
	for _, source := range sources {
		reader, version, err := r.options.Open(ctx, source)
		if errors.Is(err, ErrMoved) {
			r.lose(source)
			continue
		}
		if err != nil {
			return false, err
		}
		r.versions[source] = version
		if r.reader == nil || refused.versions[source] != version {
			r.reader = reader
		}
		if !r.drift && refused.versions == nil {
			break
		}
	}
	same := refused.versions != nil && r.begun.Before(refused.retry)
	for source, version := range r.versions {
		same = same && refused.versions[source] == version
	}
	if r.reader == nil || same {
		r.postpone()
		return false, nil
	}
	return true, nil
}

// lose wakes the objects of a source that leads elsewhere now.
func (r *round) lose(source types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for object, f := range r.followers {
		if f.source == source {
			r.options.Wake(object)
		}
	}
}

// postpone leaves everything as it is until the credentials may have changed.
func (r *round) postpone() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.options.Clock.Now()
	r.trouble.again = now.Add(r.options.Recheck)
	if r.trouble.err == nil {
		r.trouble.err, r.trouble.versions, r.trouble.retry = ErrMoved, r.versions, now
	}
	r.plan()
}

// fail remembers why a round failed, and tells the objects that have to know.
func (w *Watch) fail(ctx context.Context, r *round, err error) {
	if ctx.Err() != nil {
		return
	}
	log.FromContext(ctx).V(1).Info("look at the account failed", "cause", err.Error())
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Clock.Now()
	failure, ofCloud := errors.AsType[*ens.Error](err)
	passing := !ofCloud || failure.Class == ens.ClassThrottled || failure.Class == ens.ClassUnavailable
	w.trouble.err, w.trouble.versions = err, nil
	w.trouble.failures++
	w.trouble.again = now.Add(min(w.options.MaxBackoff, w.options.Backoff<<min(w.trouble.failures-1, 20)))
	if ofCloud && failure.Class == ens.ClassDenied {
		w.trouble.again, w.trouble.retry = now.Add(w.options.Recheck), now.Add(w.options.Denied)
		w.trouble.versions = r.versions
	}
	for object, f := range w.followers {
		concerned := !passing || w.trouble.failures > 1 && (f.wants || !f.pace.Since.IsZero())
		if ofCloud && concerned && f.failed != failure.Code {
			f.failed, f.err = failure.Code, err
			w.options.Wake(object)
		}
	}
	w.plan()
}
