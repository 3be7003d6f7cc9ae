// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

// follow ends a reconcile: it tells the watch of the account what the object knows, and for what to wake it. It returns when
// the object has to come back by itself, 0 for never: no object comes back to look at the cloud.
func (r *Reconciler) follow(s *state, outcome report, wait time.Duration) time.Duration {
	object := client.ObjectKeyFromObject(s.obj)
	if s.account == nil {
		r.clouds().forget(object)
		return wait
	}
	shared := s.account.cloud
	if !outcome.pending || s.waitsFor != "" {
		// Who still has to look keeps its place and its turn: it does not know yet whether it needs them.
		shared.queue.Settle(object, s.waitsFor, s.importRuns(outcome))
	}
	switch {
	case outcome.pending:
		return 0
	case !s.watched() && outcome.retry != retryWatch:
		shared.watch.Forget(object)
		return wait
	}
	shared.watch.Follow(object, s.account.source, s.obj.ResourceVersion, s.subject(), s.known(outcome, r.Clock.Now()), s.pace(outcome, r.Clock.Now()))
	switch {
	case s.obj.Status.NextRetryTime != nil:
		return wait
	case outcome.back > 0:
		return jittered(outcome.back, string(s.obj.UID))
	case outcome.mood == moodReady:
		return 0
	}
	return s.ahead(r.Clock.Now())
}

// importRuns is true while the cloud may be busy with an import of this object. One that is given up is not, although its
// record may stand until somebody says how to go on.
func (s *state) importRuns(outcome report) bool {
	if s.intent == nil || !s.intent.open() || s.waitsFor == actionImport {
		return false
	}
	switch outcome.reason {
	case v1alpha1.ReasonImportUnconfirmed:
		// It may still begin, but as long as no look shows it, it would keep others from their imports for nothing.
		return s.seen == nil
	case v1alpha1.ReasonImageVanished, v1alpha1.ReasonCredentialsChanged, v1alpha1.ReasonImportFieldsChanged, v1alpha1.ReasonOwnershipUnknown:
		return false
	}
	return true
}

// known is what the object knows of its images, nil when it does not. Of what it has just deleted it waits for the end, and
// what the cloud refused may be because of what has changed since the look.
func (s *state) known(outcome report, now time.Time) *imagewatch.Sight {
	switch {
	case s.seen != nil && outcome.failure != nil:
		return &imagewatch.Sight{Images: s.seen.images, Others: s.others, Begun: now}
	case s.seen != nil:
		return &imagewatch.Sight{Images: s.seen.images, Others: s.others, Begun: s.seen.begun}
	case s.doomed != nil:
		return &imagewatch.Sight{Images: s.doomed.images, Begun: s.doomed.begun}
	}
	return nil
}

// watched is true when there is an image to look for, or may be.
func (s *state) watched() bool {
	waits := s.waitsFor != "" && s.intent == nil
	return s.seen != nil || waits || s.intent != nil && s.intent.Closed != closedRefused
}

// pace is how soon the watch is to look again.
func (s *state) pace(outcome report, now time.Time) imagewatch.Pace {
	pace := imagewatch.Pace{Every: cmp.Or(outcome.wait, s.timing.Drift), Checks: s.intent != nil && s.intent.Shared}
	pace.AtRest = pace.Every >= s.timing.Drift
	switch {
	case !s.obj.DeletionTimestamp.IsZero():
		pace.Since = s.obj.DeletionTimestamp.Time
	case s.importRuns(outcome):
		pace.Since = s.intent.SignedAt.Time
	}
	if s.renamed {
		pace.Quiet = now.Add(s.timing.ListingLag)
	}
	return pace
}
