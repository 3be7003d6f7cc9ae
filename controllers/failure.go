// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// retryPolicy says how to come back after a failure.
type retryPolicy int

const (
	// retryNever : nothing is tried again; report.wait says when to look.
	retryNever retryPolicy = iota
	// retryBackoff : soon, then ever later.
	retryBackoff
	// retryDenied : slowly, or as soon as the Secret changes.
	retryDenied
	// retrySlowly : somebody has to change the spec or the cloud.
	retrySlowly
	// retryPolling : as often as an import is polled.
	retryPolling
	// retryWatch : the watch looks again, for all objects of the account.
	retryWatch
)

// Timing is how long the operator waits for what. All are durations; DefaultTiming has the values of production.
type Timing struct {
	// Poll is the interval between looks while something is in flight. Default 10 s.
	Poll time.Duration
	// Drift is the interval between looks at an image that is as it should be. Default 10 min.
	Drift time.Duration
	// Settle is how long after its signature a request without an answer may still make an image: the validity of its
	// timestamp (31 min, the longest documented), a clock skew of 5 min, and the lag of listings. Default 40 min.
	Settle time.Duration
	// ListingLag is how long after its signature the image of an accepted request may be missing from listings: until
	// it was sent and answered (30 s each), and the lag of listings (1 min). Default 2 min.
	ListingLag time.Duration
	// Gather is how long a look at the cloud waits for more objects to ask for one. Default 200 ms.
	Gather time.Duration
	// Stages is the age from which on each new stage of an import is written to the status. Default 10 min.
	Stages time.Duration
	// Slow is the wait after an error that somebody has to mend. Default 1 h.
	Slow time.Duration
	// Denied is the wait after the cloud refused key or permission. Default 10 min.
	Denied time.Duration
	// SecretCheck is the interval at which the Secret at fault is read again. Default 30 s.
	SecretCheck time.Duration
	// BackoffBase and BackoffMax bound the waits between retries. Defaults 2 s and 5 min.
	BackoffBase, BackoffMax time.Duration
}

// DefaultTiming returns the values of production.
func DefaultTiming() Timing {
	return Timing{
		Poll: 10 * time.Second, Drift: 10 * time.Minute, Settle: 40 * time.Minute, ListingLag: 2 * time.Minute,
		Stages: 10 * time.Minute, Slow: time.Hour, Denied: 10 * time.Minute, SecretCheck: 30 * time.Second,
		BackoffBase: 2 * time.Second, BackoffMax: 5 * time.Minute, Gather: 200 * time.Millisecond,
	}
}

// delay is the wait before the count-th retry in a row.
func (t Timing) delay(policy retryPolicy, count int32) time.Duration {
	switch policy {
	case retryDenied:
		return t.Denied
	case retrySlowly:
		return t.Slow
	case retryPolling:
		return t.Poll
	case retryNever, retryWatch, retryBackoff:
	}
	d := t.BackoffBase
	for range count - 1 {
		if d >= t.BackoffMax {
			break
		}
		d *= 2
	}
	return min(d, t.BackoffMax)
}

// failing turns an error of the cloud into the report of the object. The message holds nothing that changes from call
// to call: those values stand in lastError only.
func (s *state) failing(err *ens.Error) report {
	r, still := s.stillReady(err)
	if !still {
		r = s.failingCall(err)
	}
	switch {
	case err.Action != ens.ActionList:
		return r
	case still && !s.requested:
		// Nothing is at stake, and in an outage this would be a write for every object that there is.
		return report{silent: true, retry: retryWatch}
	}
	return s.watching(r)
}

// watching: the look that failed is that of all objects of the account, and so is the next one. When that is, is not this
// object's to tell, and the same failure is told once.
func (s *state) watching(r report) report {
	every := s.timing.Poll
	if r.mood == moodStalled {
		every = s.timing.Drift
	}
	r = r.retrying(retryWatch).after(every)
	if last := s.obj.Status.LastError; last != nil && last.Action == r.failure.Action && last.Code == r.failure.Code {
		r.failure.Time = last.Time
	}
	return r
}

func (s *state) failingCall(err *ens.Error) report {
	message := fmt.Sprintf("%s: %s: %s%s", err.Action, err.Code, err.Hint, refusedFields[err.Action]) + s.wayOut()
	switch err.Class {
	case ens.ClassInvalid:
		return stalled(v1alpha1.ReasonInvalidSpec, message).because(err).retrying(retrySlowly)
	case ens.ClassDenied:
		return stalled(v1alpha1.ReasonAccessDenied, message).because(err).retrying(retryDenied)
	case ens.ClassThrottled:
		return progressing(v1alpha1.ReasonThrottled, message).because(err).retrying(retryBackoff)
	case ens.ClassUnavailable:
		return progressing(v1alpha1.ReasonCloudUnavailable, message).because(err).retrying(retryBackoff)
	case ens.ClassConflict:
		return progressing(v1alpha1.ReasonImageBusy, message).because(err).retrying(retryBackoff)
	case ens.ClassUnknownOutcome:
		return s.unconfirmed(s.intent.SignedAt.Time, "").because(err)
	case ens.ClassGone:
		return progressing(v1alpha1.ReasonCloudError, message).because(err).retrying(retryBackoff)
	case ens.ClassUnrecognised:
	}
	return stalled(v1alpha1.ReasonCloudError, message).because(err).retrying(retryBackoff)
}

// stillReady: the image is as usable as it was; only the look at it failed, for now.
func (s *state) stillReady(err *ens.Error) (r report, still bool) {
	passing := err.Class == ens.ClassThrottled || err.Class == ens.ClassUnavailable
	ready := meta.FindStatusCondition(s.obj.Status.Conditions, v1alpha1.ConditionReady)
	if !passing || !strings.HasPrefix(err.Action, "Describe") || !s.wasReady() {
		return report{}, false
	}
	r = available(ready.Message).because(err).retrying(retryBackoff)
	r.failure.Retryable = &passing
	return r, true
}

// refusedFields says where the value stands that an action refuses, where its codes do not tell.
var refusedFields = map[string]string{
	"ModifyImageSharePermission": " (spec.shareWith; lastError.message tells which)",
	"ModifyImageAttribute":       " (spec.imageName)",
}

func (r report) retrying(policy retryPolicy) report { r.retry = policy; return r }

// retainHint is the way out for an object whose deletion does not get on.
const retainHint = "; or set spec.deletionPolicy to Retain to keep the image and let this object go"

func (s *state) wayOut() string {
	if s.obj.DeletionTimestamp.IsZero() {
		return ""
	}
	return retainHint
}

// credentialsError says why there are no credentials to call the cloud with.
type credentialsError struct {
	reason, message, hint string
	// unreadable is true when there is no Secret, or none that the operator may read. In a namespace that is being deleted
	// this cannot be mended any more.
	unreadable bool
}

func (e *credentialsError) Error() string { return e.message }

// noCredentials reports that the cloud cannot be called at all. There is nothing to retry: the credentials are looked
// at again, and as long as they are as they were the status stays as it is.
func (s *state) noCredentials(e *credentialsError) report {
	retryable := false
	r := stalled(e.reason, e.message).after(s.timing.SecretCheck)
	r.failure = &v1alpha1.LastError{Action: "GetSecret", Code: e.reason, Message: e.message, Hint: e.hint, Retryable: &retryable}
	if !s.obj.DeletionTimestamp.IsZero() {
		r.failure.Hint += retainHint
		r.message += "; " + r.failure.Hint
	}
	if last := s.obj.Status.LastError; last != nil && last.Action == r.failure.Action && last.Code == r.failure.Code {
		r.failure.Time = last.Time
	}
	return r
}
