// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"math"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

func TestFailing(t *testing.T) {
	t.Parallel()
	for class, want := range map[ens.Class]outcome{
		ens.ClassInvalid:        rests(moodStalled, v1alpha1.ReasonInvalidSpec, 0).retrying(retrySlowly),
		ens.ClassDenied:         rests(moodStalled, v1alpha1.ReasonAccessDenied, 0).retrying(retryDenied),
		ens.ClassThrottled:      rests(moodReconciling, v1alpha1.ReasonThrottled, 0).retrying(retryBackoff),
		ens.ClassUnavailable:    rests(moodReconciling, v1alpha1.ReasonCloudUnavailable, 0).retrying(retryBackoff),
		ens.ClassConflict:       rests(moodReconciling, v1alpha1.ReasonImageBusy, 0).retrying(retryBackoff),
		ens.ClassGone:           rests(moodReconciling, v1alpha1.ReasonCloudError, 0).retrying(retryBackoff),
		ens.ClassUnknownOutcome: rests(moodReconciling, v1alpha1.ReasonImportUnconfirmed, poll).retrying(retryPolling).keeping(),
		ens.ClassUnrecognised:   rests(moodStalled, v1alpha1.ReasonCloudError, 0).retrying(retryBackoff),
		"a later class":         rests(moodStalled, v1alpha1.ReasonCloudError, 0).retrying(retryBackoff),
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r := newState(open(0)).failing(&ens.Error{
				Action: "DeleteImage", Class: class, Code: "Some.Code", Message: "what the cloud said", Hint: "what to do", RequestID: "R-1", HTTPStatus: 400,
			})
			g.Expect(outcomeOf(effect{report: r})).To(Equal(want.failing("Some.Code")))
			retryable := want.mood == moodReconciling
			g.Expect(*r.failure).To(Equal(v1alpha1.LastError{
				Action: "DeleteImage", Code: "Some.Code", Message: "what the cloud said", Hint: "what to do", RequestID: "R-1", HTTPStatus: 400, Retryable: &retryable,
			}))
			if class != ens.ClassUnknownOutcome {
				g.Expect(r.message).To(Equal("DeleteImage: Some.Code: what to do"))
			}
		})
	}
}

// A message that changes from call to call would be a new status, a new event and a new reconcile with every call.
func TestMessagesAreStable(t *testing.T) {
	t.Parallel()
	for _, class := range []ens.Class{
		ens.ClassInvalid, ens.ClassDenied, ens.ClassThrottled, ens.ClassUnavailable, ens.ClassConflict, ens.ClassGone,
		ens.ClassUnknownOutcome, ens.ClassUnrecognised,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			report := func(n int) report {
				s := newState(open(time.Minute))
				s.now = s.now.Add(time.Duration(n) * time.Minute)
				return s.failing(&ens.Error{
					Action: actionImport, Class: class, Code: "Code", Hint: "hint",
					Message: fmt.Sprintf("message of call %d", n), RequestID: fmt.Sprintf("R-%d", n), HTTPStatus: 400 + n,
				})
			}
			one, two := report(1), report(2)
			g.Expect(one.reason).To(Equal(two.reason))
			g.Expect(one.message).To(Equal(two.message))
			g.Expect(*one.failure).NotTo(Equal(*two.failure))
		})
	}
	t.Run("others", func(t *testing.T) {
		t.Parallel()
		g := NewWithT(t)
		at := func(now time.Time) []string {
			s := newState(open(time.Hour), saw(image("m-1", "Creating")), deleting)
			s.now = now
			failed := newState(failedAs("Pack_failed", time.Hour))
			failed.now = now
			return []string{
				s.unconfirmed(testNow, "").message, s.vanished().message, s.fieldsChanged(image("m-1", "")).message,
				s.awaitingOutcome(testNow).message, s.beingDeleted().message, failed.importFailed().message,
				s.noCredentials(&credentialsError{message: "no Secret"}).message,
			}
		}
		g.Expect(at(testNow)).To(Equal(at(testNow.Add(time.Hour))))
	})
}

func TestNoCredentials(t *testing.T) {
	t.Parallel()
	missing := &credentialsError{reason: v1alpha1.ReasonSecretNotFound, message: "the Secret does not exist", hint: "create it"}
	at := metav1.NewTime(testNow.Add(-time.Hour))
	met := func(action, code string) change {
		return func(s *state) { s.obj.Status.LastError = &v1alpha1.LastError{Action: action, Code: code, Time: &at} }
	}
	for name, c := range map[string]struct {
		given []change
		time  *metav1.Time
		hint  string
	}{
		"for the first time":  {nil, nil, "create it"},
		"as before":           {[]change{met("GetSecret", v1alpha1.ReasonSecretNotFound)}, &at, "create it"},
		"for another reason":  {[]change{met("GetSecret", v1alpha1.ReasonInvalidCredentials)}, nil, "create it"},
		"after another error": {[]change{met("ImportImage", v1alpha1.ReasonSecretNotFound)}, nil, "create it"},
		"while deleting":      {[]change{deleting}, nil, "create it; or set spec.deletionPolicy to Retain to keep the image and let this object go"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewWithT(t)
			r := newState(c.given...).noCredentials(missing)
			g.Expect(outcomeOf(effect{report: r})).To(Equal(rests(moodStalled, missing.reason, 30*time.Second).failing(missing.reason)))
			g.Expect(r.message).To(HavePrefix(missing.message))
			g.Expect(r.failure.Action).To(Equal("GetSecret"))
			g.Expect(r.failure.Hint).To(Equal(c.hint))
			g.Expect(r.failure.Time).To(Equal(c.time))
			g.Expect(r.failure.Retryable).To(HaveValue(BeFalse()))
		})
	}
	NewWithT(t).Expect(missing).To(MatchError("the Secret does not exist"))
}

func TestDelay(t *testing.T) {
	t.Parallel()
	timing := DefaultTiming()
	for name, c := range map[string]struct {
		policy retryPolicy
		count  int32
		want   time.Duration
	}{
		"denied":             {retryDenied, 9, 10 * time.Minute},
		"slowly":             {retrySlowly, 9, time.Hour},
		"polling":            {retryPolling, 9, 10 * time.Second},
		"never":              {retryNever, 1, 2 * time.Second},
		"backoff, before":    {retryBackoff, 0, 2 * time.Second},
		"backoff, first":     {retryBackoff, 1, 2 * time.Second},
		"backoff, second":    {retryBackoff, 2, 4 * time.Second},
		"backoff, eighth":    {retryBackoff, 8, 256 * time.Second},
		"backoff, ninth":     {retryBackoff, 9, 5 * time.Minute},
		"backoff, countless": {retryBackoff, math.MaxInt32, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			NewWithT(t).Expect(timing.delay(c.policy, c.count)).To(Equal(c.want))
		})
	}
}

// What the defaults promise to each other: the settle time covers the validity of a signed request and the skew.
func TestDefaultTiming(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	timing := DefaultTiming()
	g.Expect(timing.Settle).To(BeNumerically(">=", 31*time.Minute+5*time.Minute+timing.ListingLag))
	g.Expect(timing.ListingLag).To(BeNumerically(">=", answerBound+time.Minute))
	g.Expect(timing.SecretCheck).To(BeNumerically("<", time.Minute))
	g.Expect(timing.Poll).To(BeNumerically("<", timing.Drift))
	g.Expect(timing.BackoffBase).To(BeNumerically("<", timing.BackoffMax))
}

func TestJitter(t *testing.T) {
	t.Parallel()
	g := NewWithT(t)
	seen := map[time.Duration]bool{}
	for i := range 100 {
		seed := fmt.Sprint("uid-", i)
		d := jittered(time.Hour, seed)
		g.Expect(d).To(BeNumerically(">=", time.Hour))
		g.Expect(d).To(BeNumerically("<", 72*time.Minute))
		g.Expect(jittered(time.Hour, seed)).To(Equal(d), "an object keeps its share")
		seen[d] = true
	}
	g.Expect(len(seen)).To(BeNumerically(">", 95), "objects that failed together come back apart")
	g.Expect(jittered(0, "uid")).To(BeZero())
}
