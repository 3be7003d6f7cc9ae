// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"hash/fnv"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// actionImport is the API action whose outcome an object may have to wait for.
const actionImport = "ImportImage"

// beingDeletedMessage is told after the cloud accepted the deletion of an image, and only then.
const beingDeletedMessage = "the cloud is deleting the image"

// mood is what the conditions say as a whole.
type mood int

const (
	// moodIdle : not ready, and nothing happens until the user asks for it.
	moodIdle mood = iota
	moodReady
	moodReconciling
	moodStalled
)

// report is what a reconcile has to tell: the conditions, the error, and when to come back.
type report struct {
	mood    mood
	reason  string
	message string
	// failure is nil when there is none now. keepsError leaves an earlier one of ImportImage standing, since it is not
	// overcome yet.
	failure    *v1alpha1.LastError
	keepsError bool
	// retry is how long to wait after the failure; shown as nextRetryTime.
	retry retryPolicy
	// wait is how long to wait before the next look when nothing failed. The watch looks, and wakes the object when there is
	// something new; back is when the object comes back in any case, for what no watch tells, 0 for never.
	wait, back time.Duration
	// due is when to try again, when that is fixed.
	due time.Time
	// unfrozen is true when the fields that define the import may be edited.
	unfrozen bool
	// silent reports change nothing, pending ones because a look is still to come.
	silent, pending bool
	// unanswered is true when what the user asked for last, by a request or by an edit, is still to be done.
	unanswered bool
	// secretVersion is the resourceVersion of the Secret that was used.
	secretVersion string

	// What follows is filled in from the state.
	intent   *intent
	imported *ens.Imported
	image    *ens.Image
	absent   bool
	// forget is true when status is to say nothing of an image.
	forget    bool
	ownership v1alpha1.Ownership
	shares    *shares
}

func available(message string) report {
	return report{mood: moodReady, reason: v1alpha1.ReasonAvailable, message: message}
}

func progressing(reason, message string) report {
	return report{mood: moodReconciling, reason: reason, message: message}
}

func stalled(reason, message string) report {
	return report{mood: moodStalled, reason: reason, message: message}
}

func suspended(message string) report {
	return report{reason: v1alpha1.ReasonSuspended, message: message, keepsError: true}
}

func (r report) after(d time.Duration) report     { r.wait = d; return r }
func (r report) backAfter(d time.Duration) report { r.back = d; return r }
func (r report) retryAt(t time.Time) report       { r.due = t; return r }
func (r report) editable() report                 { r.unfrozen = true; return r }

func (r report) because(err *ens.Error) report {
	retryable := r.mood == moodReconciling
	r.failure = &v1alpha1.LastError{
		Action: err.Action, Code: err.Code, Message: err.Message, Hint: err.Hint, RequestID: err.RequestID,
		HTTPStatus: int32(err.HTTPStatus), Retryable: &retryable, //nolint:gosec // an HTTP status has three digits
	}
	return r
}

// rest ends the reconcile with a report and adds what was learned on the way.
func (s *state) rest(r report) effect {
	if r.failure != nil || r.mood == moodIdle {
		r = s.asking(r)
	}
	r.intent, r.ownership, r.shares = s.intent, s.ownership(), s.shares
	r.unfrozen = r.unfrozen || s.intent != nil && s.intent.Closed == closedRefused
	if s.account != nil {
		r.secretVersion = s.account.secretVersion
	}
	if s.answer != nil && s.answer.err == nil {
		r.imported = &s.answer.imported
	}
	// What a foreign record tells of is this object's to report only where it says so itself.
	if s.seen != nil && (s.foreign == nil || s.adoptsBySpec()) {
		r.absent = s.absent()
		if len(s.seen.images) > 0 {
			image := s.keep()
			r.image = &image
		}
	}
	return effect{verb: rest, report: r}
}

// absent is true when status is to say that there is no image: one that failed is forgotten as soon as it is not seen, of
// another one this has to be certain.
func (s *state) absent() bool {
	return len(s.seen.images) == 0 && (s.intent == nil || s.intent.Closed != "" || !s.looksTooEarly())
}

// asking keeps up what a pending request answers, even if something else stands in the way of the answer for now.
func (s *state) asking(r report) report {
	if question := s.question(); question != nil {
		r.mood, r.reason, r.message, r.unanswered = moodStalled, question.Reason, question.Message, true
	}
	return r
}

// question is the report that a pending request consents to, nil for none.
func (s *state) question() *metav1.Condition {
	for _, reason := range []string{v1alpha1.ReasonImageVanished, v1alpha1.ReasonCredentialsChanged, v1alpha1.ReasonOwnershipUnknown} {
		if s.obj.DeletionTimestamp.IsZero() && s.consents(reason) {
			return meta.FindStatusCondition(s.obj.Status.Conditions, v1alpha1.ConditionReady)
		}
	}
	return nil
}

func (s *state) ownership() v1alpha1.Ownership {
	switch {
	case s.intent == nil || s.observes():
		return v1alpha1.OwnershipObserved
	case s.intent.Adopted:
		return v1alpha1.OwnershipAdopted
	}
	return v1alpha1.OwnershipImported
}

// unconfirmed: ImportImage was called at the given time, and its answer was lost or, with a code, proves nothing.
func (s *state) unconfirmed(since time.Time, code string) report {
	cause := "the cloud's answer to ImportImage was lost"
	if code != "" {
		cause = fmt.Sprintf("the cloud answered ImportImage with %s, which does not prove that no image was made", code)
	}
	r := progressing(v1alpha1.ReasonImportUnconfirmed, fmt.Sprintf(
		"%s: looking for the image until %s before anything else is done", cause, clockTime(since.Add(s.timing.Settle))))
	r.keepsError = true
	// An image that was made shows up soon, or never: the looks get rarer.
	age := s.now.Sub(since)
	return r.after(max(s.timing.Poll, min(age/4, s.timing.BackoffMax))).retrying(retryPolling)
}

func clockTime(t time.Time) string { return t.UTC().Format("15:04 UTC") }

// answeredWith is the code of an earlier answer to ImportImage, empty when it was lost.
func (s *state) answeredWith() string {
	if last := s.obj.Status.LastError; last != nil && last.Action == actionImport && last.HTTPStatus != 0 {
		return last.Code
	}
	return ""
}

// missing: a recorded or accepted image is not in the last listing. That proves nothing yet.
func (s *state) missing() report {
	if s.obj.Status.ImageStatus == "" && s.intent.ImageID == "" {
		return progressing(v1alpha1.ReasonImporting, "the import is running").after(s.timing.Poll)
	}
	return progressing(v1alpha1.ReasonImageMissing, fmt.Sprintf(
		"the image is not in the last listing: looking again until %s before it is taken for gone", clockTime(s.certainAt()))).after(s.timing.Poll)
}

// vanished: the image was deleted by somebody else.
func (s *state) vanished() report {
	cure := fmt.Sprintf("set the annotation %s to a new value to import another image", v1alpha1.ReconcileRequestAnnotation)
	if s.obj.Spec.ImageID != "" {
		cure = "name another image in spec.imageID"
	}
	return stalled(v1alpha1.ReasonImageVanished, fmt.Sprintf(
		"the image is not there: it was deleted outside of Kubernetes, or the credentials now belong to another account; put the credentials back, %s, or delete this object",
		cure)).after(s.timing.Drift).editable()
}

// credentialsChanged: with this key the image is not found, and with the one before it could have been.
func (s *state) credentialsChanged() report {
	cure := fmt.Sprintf("or set the annotation %s to a new value to give the image up", v1alpha1.ReconcileRequestAnnotation)
	if !s.obj.DeletionTimestamp.IsZero() {
		cure = "or set spec.deletionPolicy to Retain to let this object go without it"
	}
	return stalled(v1alpha1.ReasonCredentialsChanged,
		"the image is not found with the present access key, but another key was used before: if they are of different accounts, put a key of the first account back, "+cure).after(s.timing.Drift)
}

// awaitingOutcome: the object is being deleted, and its image may still show up until the given time.
func (s *state) awaitingOutcome(until time.Time) report {
	what := "an import was started and its outcome is not known yet"
	if s.intent != nil && !s.intent.open() {
		what = "the image is not in the last listing, which proves nothing yet"
	}
	r := progressing(v1alpha1.ReasonDeleting, fmt.Sprintf("%s: waiting until %s, to delete the image", what, clockTime(until))+retainHint)
	r.keepsError = true
	return r.after(s.timing.Poll)
}

// beingDeleted: the object is being deleted, and the cloud has not finished with its image.
func (s *state) beingDeleted() report {
	// Whoever comes back asks for the deletion again: ever more rarely.
	age, message := s.now.Sub(s.obj.DeletionTimestamp.Time), beingDeletedMessage
	if len(s.deleted) == 0 {
		message = "the cloud does not know the image any more, but still lists it"
	}
	return progressing(v1alpha1.ReasonDeleting, message).after(s.timing.Poll).backAfter(max(s.askAgain(), min(age/4, s.timing.BackoffMax)))
}

// fieldsChanged: the image was made from other values than the spec holds now.
func (s *state) fieldsChanged(image ens.Image) report {
	return stalled(v1alpha1.ReasonImportFieldsChanged, fmt.Sprintf(
		"a field that defines the import was changed while the import was being started, so image %s was made from the old values: put the fields back, or delete this object and create a new one",
		image.ID)).after(s.timing.Drift).editable()
}

// importFailed: the image ended in a failure state. The API gives no cause.
func (s *state) importFailed() report {
	r := stalled(v1alpha1.ReasonImportFailed, fmt.Sprintf("the import ended in state %s; the failed image is removed and the import is tried again", s.intent.Cause))
	retryable := false
	r.failure = &v1alpha1.LastError{
		Action: actionImport, Code: s.intent.Cause, Retryable: &retryable, Time: s.intent.ClosedAt, RequestID: s.obj.Status.RequestID,
		Message: fmt.Sprintf("the import ended in state %s; the cloud gives no further cause", s.intent.Cause),
		Hint:    "check that the OSS object is a complete qcow2 image (qemu-img check) and that ENS may read it; the operator tries again at status.nextRetryTime, or at once when the spec changes or a reconcile is requested",
	}
	return r
}

// clearing: the failed image is not gone for certain. What the user asked for comes next.
func (s *state) clearing() report {
	r := s.importFailed().after(s.timing.Poll).backAfter(s.askAgain())
	if r.unanswered = s.news(); r.unanswered {
		r.mood = moodReconciling
		r.message = fmt.Sprintf("the import ended in state %s; it is tried again as soon as the failed image is certainly gone", s.intent.Cause)
	}
	return r
}

// pending: a look at the cloud is still to come. What was deleted in this reconcile is told before.
func (s *state) pending() report {
	switch {
	case len(s.deleted)+len(s.unknown) == 0:
		return report{silent: true, pending: true}
	case !s.obj.DeletionTimestamp.IsZero():
		return s.rest(s.beingDeleted()).report
	case s.intent.Closed == "":
		return s.rest(s.doubled()).report
	}
	return s.rest(s.clearing()).report
}

// doubled: the cloud has carried an import out twice, and the second image is not gone yet.
func (s *state) doubled() report {
	return progressing(v1alpha1.ReasonImporting, "the import was carried out twice: waiting until the second image is gone").after(s.timing.Poll).backAfter(s.askAgain())
}

// askAgain is how long after it was asked for a deletion is asked for again.
func (s *state) askAgain() time.Duration { return 6 * s.timing.Poll }

// queued: so many imports of the account are to be started before. What the user asked for last is still to be done.
func (s *state) queued(others int) effect {
	ahead := fmt.Sprintf("about %d others of this account come before", others)
	if others == 0 {
		ahead = "it is among the next of this account"
	}
	r := progressing(v1alpha1.ReasonQueued, "the import waits for its turn: "+ahead)
	r.keepsError, r.unanswered = true, true
	r.unfrozen = s.intent == nil || !s.intent.open()
	return s.rest(s.asking(r.after(freshObject)))
}

// news is true when the user changed the spec or asked for a reconcile since the last report. Where nothing was reported,
// because the operator was killed before, nothing can have changed since.
func (s *state) news() bool {
	observed := s.obj.Status.ObservedGeneration // -1 by default
	return s.requested || observed > 0 && s.obj.Generation != observed
}

// jittered lengthens a delay by up to a fifth, each object by its own share, so that objects that failed together do
// not come back together.
func jittered(d time.Duration, seed string) time.Duration {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(seed))
	return d + time.Duration(float64(d)/5*float64(sum.Sum32())/(1<<32))
}
