// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"errors"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// end takes over what a round has learned.
func (w *Watch) end(r *round) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Clock.Now()
	if r.complete {
		w.listing, w.listed = r.fresh, r.listed
	}
	w.dropGhosts(r)
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
		w.inform(object, f, r, now)
	}
	w.check(r)
	w.doubt(r)
	w.plan()
}

// maxDoubts is after how many listings in a row that changed, some minutes, the objects are told that have to know of an absence.
const maxDoubts = 7

// doubt counts the listings that changed while they were read: who has to know of an absence waits ever longer for the next.
func (w *Watch) doubt(r *round) {
	switch {
	case r.unsure:
		w.doubts++
	case !r.all:
		return
	case r.complete:
		w.doubts = 0
	default:
		w.doubts++
	}
	if w.doubts < maxDoubts {
		return
	}
	for object, f := range w.followers {
		if f.wants {
			w.tellFailure(object, f, r.changed)
		}
	}
}

// inform tells an object what a round has learned for it.
func (w *Watch) inform(object types.NamespacedName, f *follower, r *round, now time.Time) {
	q := r.due[object]
	concerned := q != nil || r.all
	if concerned {
		f.next = now.Add(f.pace.interval(now))
	}
	switch {
	case q != nil && q.err != nil && q.subject.equal(f.subject) && !r.begun.Before(f.since):
		f.refused, f.wants = true, false
		w.tellFailure(object, f, q.err)
	case concerned || f.err != nil:
		w.tell(object, f, r, now)
	}
}

// dropGhosts takes out of the listing what an object was shown once, and a search for just that shows no more.
func (w *Watch) dropGhosts(r *round) {
	for _, q := range r.due {
		if !q.asked || q.unsure || q.err != nil {
			continue
		}
		for _, known := range w.listing.find(q.subject) {
			if _, seen := r.fresh.rows[known.ID]; !seen && known.seen.Before(r.begun) {
				w.listing.drop(known.Image)
			}
		}
	}
}

// tell wakes an object that waits for this, or knows something else.
func (w *Watch) tell(object types.NamespacedName, f *follower, r *round, now time.Time) {
	sight := f.sight(w.listing)
	if sight == nil && (f.refused || f.failed == ens.CodeListingChanged && !r.complete) {
		return // it is as it was: nothing is certain
	}
	recovered := f.err != nil
	f.err, f.failed, f.refused = nil, "", false
	if sight == nil {
		if recovered {
			w.options.Wake(object, false)
		}
		return
	}
	picture := sight.picture()
	changed := picture != f.told && !r.begun.Before(f.pace.Quiet)
	if f.wants || recovered || changed {
		f.told, f.wants, f.unread = picture, false, now.Add(unreadFor*f.pace.Every)
		w.options.Wake(object, !f.pace.AtRest)
	}
}

// tellFailure wakes an object that does not know of a failure yet.
func (w *Watch) tellFailure(object types.NamespacedName, f *follower, err error) {
	if code := codeOf(err); f.failed != code {
		f.failed, f.err = code, err
		w.options.Wake(object, false)
	}
}

// codeOf tells failures apart.
func codeOf(err error) string {
	if failure, ofCloud := errors.AsType[*ens.Error](err); ofCloud {
		return failure.Code
	}
	return err.Error()
}

// checkRounds is the number of looks for drift in which all objects are checked at the latest.
const checkRounds = 144

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
	for _, object := range willing[:min(len(willing), max(w.options.Checks, len(willing)/checkRounds))] {
		w.checked = object
		w.followers[object].check = true
		w.options.Wake(object, false)
	}
}

func byName(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) }

// plan finds when the next object is due, and starts to wait for those that asked meanwhile.
func (w *Watch) plan() {
	w.poll = time.Time{}
	for _, f := range w.followers {
		if f.pace.Every > 0 {
			w.poll = earlier(w.poll, f.due())
		}
		if f.wants && w.asked.IsZero() {
			w.asked = w.options.Clock.Now()
			if w.doubts > 0 {
				w.asked = w.asked.Add(w.backoff(w.doubts))
			}
			w.lastAsked = w.asked
		}
	}
}
