// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// slowest is the rate that an action is never slowed down below: one call in 10 s.
	slowest = rate.Limit(0.1)
	// readPatience is how long a read stands back behind the writes of its account.
	readPatience = time.Second
	// together is how far apart failures are that each slow an action down.
	together = time.Second
)

// Limits are the call rates of one account: a token bucket for all its calls, and one for each action, which is halved
// when the cloud throttles the action or does not answer, and slowly filled faster again with every success. The limits
// of the image API are not published. Safe for concurrent use.
type Limits struct {
	most  rate.Limit
	total *rate.Limiter

	mu      sync.Mutex
	actions map[string]*rate.Limiter
	// halved is when an action was slowed down last: calls that were under way together do that once.
	halved map[string]time.Time
}

// NewLimits allows so many calls per second, for each action and for all of them together. 0 allows any number, whatever the
// cloud says.
func NewLimits(perSecond float64) *Limits {
	most := rate.Limit(perSecond)
	if perSecond == 0 {
		most = rate.Inf
	}
	return &Limits{most: most, total: newLimiter(most), actions: map[string]*rate.Limiter{}, halved: map[string]time.Time{}}
}

func newLimiter(limit rate.Limit) *rate.Limiter {
	burst := math.MaxInt32
	if limit != rate.Inf {
		burst = max(1, int(limit))
	}
	return rate.NewLimiter(limit, burst)
}

func (l *Limits) of(action string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	limiter := l.actions[action]
	if limiter == nil {
		limiter = newLimiter(l.most)
		l.actions[action] = limiter
	}
	return limiter
}

// Take takes the right to one call of the action and returns 0, or returns how long to wait before asking again.
func (l *Limits) Take(action string) time.Duration {
	now := time.Now()
	both := []*rate.Reservation{l.of(action).ReserveN(now, 1), l.total.ReserveN(now, 1)}
	wait := max(both[0].DelayFrom(now), both[1].DelayFrom(now))
	if wait > 0 {
		for _, reservation := range both {
			reservation.CancelAt(now)
		}
	}
	return wait
}

// waitToList waits for the right to one call that lists. Listings leave half of the account's burst to all others, but stand back
// for a second at most.
func (l *Limits) waitToList(ctx context.Context, action string) error {
	if err := l.of(action).Wait(ctx); err != nil || l.most == rate.Inf {
		return err
	}
	if missing := float64(l.total.Burst())/2 + 1 - l.total.Tokens(); missing > 0 {
		aside := time.Duration(missing / float64(l.most) * float64(time.Second))
		if err := pause(ctx, min(aside, readPatience)); err != nil {
			return err
		}
	}
	return l.total.Wait(ctx)
}

// Wait waits for the right to one call of the action.
func (l *Limits) Wait(ctx context.Context, action string) error {
	for wait := l.Take(action); wait > 0; wait = l.Take(action) {
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// note learns from the outcome of a call.
func (l *Limits) note(action string, err error) {
	if l.most == rate.Inf {
		return
	}
	limiter := l.of(action)
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, now := limiter.Limit(), time.Now()
	failure, failed := errors.AsType[*Error](err)
	switch {
	case failed && failure.tooFast() && now.Sub(l.halved[action]) >= together:
		l.halved[action] = now
		change(limiter, max(slowest, limit/2))
	case !failed && limit < l.most:
		change(limiter, min(l.most, limit+l.most/16))
	}
}

// tooFast is true when calling less often is an answer to the error.
func (e *Error) tooFast() bool {
	switch {
	case e.Code == CodeCanceled, e.Code == CodeClientError:
		return false
	case e.HTTPStatus == 0, e.HTTPStatus >= http.StatusInternalServerError:
		return true
	}
	return e.Class == ClassThrottled || e.Class == ClassUnavailable
}

func change(limiter *rate.Limiter, limit rate.Limit) {
	limiter.SetLimit(limit)
	limiter.SetBurst(max(1, int(limit)))
}
