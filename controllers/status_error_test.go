// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

func throttled(code string) *ens.Error {
	return &ens.Error{Action: "ModifyImageAttribute", Class: ens.ClassThrottled, Code: code, Message: "slow down", RequestID: "R-1", HTTPStatus: 429}
}

func TestErrorCount(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Minute))
	meet := func(err *ens.Error) *v1alpha1.LastError {
		s.now = s.now.Add(time.Minute)
		s.rest(s.failing(err)).report.apply(s.obj, s.now, s.timing)
		g.Expect(s.obj.Status.LastError.Time.Time).To(Equal(s.now))
		return s.obj.Status.LastError
	}
	g.Expect(meet(throttled("Throttling")).Count).To(BeEquivalentTo(1))
	g.Expect(meet(throttled("Throttling")).Count).To(BeEquivalentTo(2))
	again := throttled("Throttling")
	again.Message, again.RequestID, again.HTTPStatus = "still", "R-2", 503
	met := meet(again)
	g.Expect(met.Count).To(BeEquivalentTo(3), "another call, the same error")
	g.Expect(met.RequestID).To(Equal("R-2"))
	g.Expect(met.Message).To(Equal("still"))
	g.Expect(met.HTTPStatus).To(BeEquivalentTo(503))
	g.Expect(meet(throttled("Throttling.User")).Count).To(BeEquivalentTo(4), "errors that take turns must not defeat the backoff")
	s.rest(progressing(v1alpha1.ReasonImporting, "")).report.apply(s.obj, s.now, s.timing)
	g.Expect(meet(throttled("Throttling")).Count).To(BeEquivalentTo(1), "after a success")
}

// A failed import is one error until the next one fails, however often it is told.
func TestErrorCountOfAFailedImport(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(failedAs("Pack_failed", time.Minute), saw())
	for range 3 {
		apply(s)
		g.Expect(s.obj.Status.LastError.Count).To(BeEquivalentTo(1))
		g.Expect(s.obj.Status.LastError.Time.Time).To(Equal(testNow.Add(-time.Minute)))
	}
	s.intent = s.intent.anew(testNow, s.intent.Hash).failed("Pack_failed", testNow)
	apply(s)
	g.Expect(s.obj.Status.LastError.Count).To(BeEquivalentTo(2))
	g.Expect(s.obj.Status.LastError.Time.Time).To(Equal(testNow))
}

func TestRetries(t *testing.T) {
	t.Parallel()
	share := func(d time.Duration) time.Duration { return jittered(d, string(testUID)) }
	met := func(count int32) change {
		return func(s *state) {
			s.obj.Status.LastError = &v1alpha1.LastError{Action: "ModifyImageAttribute", Code: "Throttling", Count: count}
		}
	}
	of := func(class ens.Class) *ens.Error { e := throttled("Throttling"); e.Class = class; return e }
	short := func(s *state) { s.timing.BackoffBase = time.Millisecond }
	for name, c := range map[string]struct {
		given []change
		err   *ens.Error
		next  time.Duration
		wait  time.Duration
	}{
		"first":    {nil, of(ens.ClassThrottled), share(2 * time.Second), share(2 * time.Second)},
		"third":    {[]change{met(2)}, of(ens.ClassThrottled), share(8 * time.Second), share(8 * time.Second)},
		"capped":   {[]change{met(1000)}, of(ens.ClassThrottled), share(5 * time.Minute), share(5 * time.Minute)},
		"at least": {[]change{short}, of(ens.ClassThrottled), 0, time.Second},
		"slowly":   {nil, of(ens.ClassInvalid), share(time.Hour), share(time.Hour)},
		"denied":   {nil, of(ens.ClassDenied), share(10 * time.Minute), 30 * time.Second},
		"polling":  {nil, of(ens.ClassUnknownOutcome), share(10 * time.Second), share(10 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(append([]change{open(0)}, c.given...)...)
			s.account = &account{secretVersion: "17"}
			wait := s.rest(s.failing(c.err)).report.apply(s.obj, s.now, s.timing)
			g.Expect(wait).To(Equal(c.wait))
			g.Expect(s.obj.Status.NextRetryTime.Time).To(Equal(testNow.Add(c.next).Truncate(time.Second)))
			g.Expect(s.obj.Status.CredentialsResourceVersion).To(Equal("17"))

			apply(newStateOf(s, saw(image("m-1", "Creating"))))
			g.Expect(s.obj.Status.NextRetryTime).To(BeNil())
			g.Expect(s.obj.Status.LastError).To(BeNil())
			g.Expect(s.obj.Status.CredentialsResourceVersion).To(BeEmpty())
		})
	}
}

// The look that fails is that of all objects of the account: it is told once, and the object does not come back for it.
func TestErrorOfTheWatch(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Minute))
	meet := func(code string) *v1alpha1.ImageImport {
		err := throttled(code)
		err.Action = ens.ActionList
		s.now = s.now.Add(time.Minute)
		s.rest(s.failing(err)).report.apply(s.obj, s.now, s.timing)
		g.Expect(s.obj.Status.NextRetryTime).To(BeNil())
		return s.obj.DeepCopy()
	}
	first := meet("Throttling")
	g.Expect(first.Status.LastError.Count).To(BeEquivalentTo(1))
	g.Expect(meet("Throttling")).To(Equal(first), "the same failure again is no news")
	g.Expect(meet("ServiceUnavailable").Status.LastError.Count).To(BeEquivalentTo(2))

	ready := newState(owns("m-1"), saw(named("ubuntu-golden", image("m-1", "Available"))))
	apply(ready)
	err := throttled("Throttling")
	err.Action = ens.ActionList
	g.Expect(ready.failing(err).silent).To(BeTrue(), "nothing is at stake")
	ready.requested = true
	told := ready.failing(err)
	g.Expect(told.mood).To(Equal(moodReady))
	g.Expect(told.failure.Code).To(Equal("Throttling"))
}

// newStateOf is the next reconcile of the same object.
func newStateOf(s *state, changes ...change) *state {
	following := &state{now: s.now, obj: s.obj, cluster: s.cluster, timing: s.timing, intent: s.intent}
	for _, f := range changes {
		f(following)
	}
	return following
}

func TestRetryOfAFailedImport(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(failedAs("Pack_failed", time.Minute), saw(image("m-1", "Pack_failed")), asked("m-1"))
	g.Expect(apply(s)).To(Equal(jittered(10*time.Second, string(testUID))), "the failed image is looked at until it is gone")
	g.Expect(s.obj.Status.NextRetryTime).To(BeNil())

	s = newStateOf(s, saw())
	wait := apply(s)
	due := testNow.Add(jittered(time.Hour, string(testUID)) - time.Minute).Truncate(time.Second)
	g.Expect(s.obj.Status.NextRetryTime.Time).To(Equal(due))
	g.Expect(wait).To(Equal(due.Sub(testNow)))
	s.now = due.Add(-time.Millisecond)
	g.Expect(apply(s)).To(Equal(time.Second), "no reconcile follows another at once")
}

func TestErrorOfCredentialsStays(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	s := newState(open(time.Minute))
	missing := &credentialsError{reason: v1alpha1.ReasonSecretNotFound, message: "m", hint: "h"}
	tell := func() time.Duration { return s.rest(s.noCredentials(missing)).report.apply(s.obj, s.now, s.timing) }
	wait := tell()
	g.Expect(wait).To(Equal(jittered(30*time.Second, string(testUID))))
	before := s.obj.DeepCopy()
	s.now = s.now.Add(time.Hour)
	g.Expect(tell()).To(Equal(wait))
	g.Expect(s.obj).To(Equal(before), "as long as nothing changes, nothing is written")
}

// While the outcome of ImportImage is unknown, its error stands. An error that was overcome meanwhile does not.
func TestKeptError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		last  *v1alpha1.LastError
		given []change
		kept  bool
	}{
		"none":                      {nil, []change{open(time.Minute), saw()}, false},
		"of ImportImage":            {&v1alpha1.LastError{Action: "ImportImage", Code: "NoAnswer"}, []change{open(time.Minute), saw()}, true},
		"of a look":                 {&v1alpha1.LastError{Action: "DescribeSelfImages", Code: "Throttling"}, []change{open(time.Minute), saw()}, false},
		"of ImportImage, deleting":  {&v1alpha1.LastError{Action: "ImportImage", Code: "NoAnswer"}, []change{deleting, open(time.Minute), saw()}, true},
		"of ImportImage, then seen": {&v1alpha1.LastError{Action: "ImportImage", Code: "NoAnswer"}, []change{open(time.Minute), saw(image("m-1", "Creating"))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			s := newState(c.given...)
			s.obj.Status.LastError = c.last
			next := metav1.NewTime(testNow)
			s.obj.Status.NextRetryTime = &next
			apply(s)
			g.Expect(s.obj.Status.LastError != nil).To(Equal(c.kept))
			g.Expect(s.obj.Status.NextRetryTime).To(BeNil())
		})
	}
}
