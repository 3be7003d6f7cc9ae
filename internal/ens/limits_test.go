// SPDX-License-Identifier: Apache-2.0

package ens

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
)

const (
	aWrite  = "ModifyImageAttribute"
	another = "DeleteImage"
)

// during counts the calls of the action that the limits allow in that time.
func during(l *Limits, action string, d time.Duration) (calls int) {
	for end := time.Now().Add(d); ; calls++ {
		wait := l.Take(action)
		for wait > 0 {
			if time.Now().Add(wait).After(end) {
				return calls
			}
			time.Sleep(wait) //nolint:forbidigo // virtual time
			wait = l.Take(action)
		}
	}
}

var (
	throttled = &Error{Class: ClassThrottled, HTTPStatus: http.StatusBadRequest}
	down      = &Error{Class: ClassUnavailable, HTTPStatus: http.StatusServiceUnavailable}
	silence   = &Error{Class: ClassUnknownOutcome, Code: CodeNoAnswer}
	refused   = &Error{Class: ClassInvalid, HTTPStatus: http.StatusBadRequest}
	stopped   = &Error{Class: ClassUnavailable, Code: CodeCanceled}
)

func TestRateOfAnAction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		met  []error
		want int
	}{
		"at first":              {nil, 600 + 10},
		"after success":         {[]error{nil, nil, nil}, 600 + 10},
		"after a refusal":       {[]error{refused}, 600 + 10},
		"throttled":             {[]error{throttled}, 300},
		"throttled twice":       {[]error{throttled, throttled}, 150},
		"no answer":             {[]error{silence}, 300},
		"down for long":         {slices.Repeat([]error{down}, 20), 6},
		"raised again":          {[]error{throttled, nil, nil, nil, nil}, 450},
		"raised to what it was": {[]error{throttled, nil, nil, nil, nil, nil, nil, nil, nil, nil}, 600},
		"stopped":               {[]error{stopped}, 600 + 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := NewWithT(t)
				l := NewLimits(10)
				for _, err := range c.met {
					l.note(aWrite, err)
					time.Sleep(together) //nolint:forbidigo // virtual time
				}
				g.Expect(during(l, aWrite, time.Minute)).To(BeNumerically("~", c.want, 10))
			})
		})
	}
}

// What is throttled is one action of one account.
func TestOneThrottledActionSlowsNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		l, other := NewLimits(10), NewLimits(10)
		for range 20 {
			l.note(aWrite, throttled)
			time.Sleep(together) //nolint:forbidigo // virtual time
		}
		g.Expect(during(l, another, 10*time.Second)).To(BeNumerically("~", 100, 11))
		g.Expect(during(other, aWrite, 10*time.Second)).To(BeNumerically("~", 100, 11))
	})
}

// Writes go before listings, which are not starved all the same.
func TestWritesGoFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		l := NewLimits(10)
		during(l, aWrite, time.Second) // the burst is used up
		reads := 0
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			for l.waitToList(ctx, ActionList) == nil {
				reads++
			}
		}()
		writes := during(l, aWrite, time.Minute)
		stop()
		g.Expect(writes).To(BeNumerically(">", 500))
		g.Expect(reads).To(BeNumerically(">", 30))
		g.Expect(writes + reads).To(BeNumerically("<=", 620))
	})
}

// Calls that fail together slow an action down once.
func TestFailuresTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLimits(10)
		for range 10 {
			l.note(aWrite, throttled)
		}
		NewWithT(t).Expect(during(l, aWrite, time.Minute)).To(BeNumerically("~", 300, 10))
	})
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	l := NewLimits(0)
	for range 1000 {
		l.note(aWrite, throttled)
		g.Expect(l.Take(aWrite)).To(BeZero())
		g.Expect(l.waitToList(t.Context(), ActionList)).To(Succeed())
	}
}

// A listing that waits for its turn ends with its context, and says that it was not sent.
func TestListingThatWaitsCanBeStopped(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	cloud := newCloud(t)
	limits := NewLimits(0.001)
	limits.Take(ActionList)
	client := cloud.client(t).WithLimits(limits)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	_, err := client.Images(ctx)
	e := failed(t, err)
	g.Expect(e.Code).To(Equal(CodeCanceled))
	g.Expect(e.NotExecuted).To(BeTrue())
	g.Expect(cloud.History()).To(BeEmpty())
}
