// SPDX-License-Identifier: Apache-2.0

package imagewatch

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// ErrMoved is returned by Options.Open when the source does not lead to this account any more.
var ErrMoved = errors.New("the credentials do not lead to this account any more")

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
	changed := refused.versions == nil || !r.begun.Before(refused.retry)
	for _, source := range sources {
		reader, version, err := r.options.Open(ctx, source)
		switch {
		case errors.Is(err, ErrMoved):
			r.lose(source)
			continue
		case err != nil:
			return false, err
		case r.reader == nil || refused.versions[source] != version:
			r.reader, changed = reader, changed || refused.versions[source] != version
		}
		r.versions[source] = version
		// Now and then all of them are looked at, to notice those that lead elsewhere.
		if !r.drift && refused.versions == nil {
			break
		}
	}
	if r.reader == nil || !changed {
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
			r.options.Wake(object, false)
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
		r.trouble.err, r.trouble.retry = ErrMoved, now
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
	defer w.plan()
	now := w.options.Clock.Now()
	w.trouble.err, w.trouble.versions = err, nil
	w.trouble.failures++
	w.trouble.again = now.Add(w.backoff(w.trouble.failures))
	failure, ofCloud := errors.AsType[*ens.Error](err)
	if !ofCloud {
		return
	}
	if failure.Class == ens.ClassDenied {
		w.trouble.again, w.trouble.retry, w.trouble.versions = now.Add(w.options.Recheck), now.Add(w.options.Denied), r.versions
	}
	passing := failure.Class == ens.ClassThrottled || failure.Class == ens.ClassUnavailable
	for object, f := range w.followers {
		if !passing || w.trouble.failures > 1 && (f.wants || !f.pace.AtRest) {
			w.tellFailure(object, f, failure)
		}
	}
}

// backoff is the wait after so many failures in a row.
func (w *Watch) backoff(failures int) time.Duration {
	return min(w.options.MaxBackoff, w.options.Backoff<<min(failures-1, 20))
}
