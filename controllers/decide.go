// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const (
	// sendWindow is how long after it was signed a request may be sent. Later, its fate could no longer be told from
	// that of a request which another replica sent.
	sendWindow = 30 * time.Second
	// freshObject is the age up to which an object without an intent is new for certain, so that nobody can have
	// imported for it.
	freshObject = time.Minute
)

// state is everything that a decision rests on: the durable state of the object and what was learned of the cloud in
// this reconcile. decide reads it, perform adds to it.
type state struct {
	now time.Time
	obj *v1alpha1.ImageImport
	// cluster is the uid of the cluster.
	cluster types.UID
	// intent is nil when there is none, or when intentErr says that it is not this object's.
	intent    *intent
	intentErr error
	// requested is true when the user asked for a reconcile that was not handled yet.
	requested bool
	timing    Timing

	// account is the cloud on behalf of the object, once it was needed.
	account *account
	// permit is set by a successful write of the intent in this reconcile, and used up by ImportImage.
	permit *permit
	// answer is what ImportImage said in this reconcile.
	answer *answer
	// seen is what the last look at the cloud showed. nil: not looked.
	seen *sighting
	// deleted holds the images whose deletion was asked for in this reconcile.
	deleted []string
}

// answer is the cloud's answer to ImportImage: an image, or an error.
type answer struct {
	imported ens.Imported
	err      *ens.Error
}

// sighting is the result of complete look-ups: by the recorded ImageId, or by token. Empty means that two look-ups
// after each other found nothing.
type sighting struct{ images []ens.Image }

// verb is the one thing to do next.
type verb int

const (
	// rest : nothing more to do now; effect.report says what to tell.
	rest verb = iota
	// look : find the images of this object in the cloud. Reads only.
	look
	// writeIntent : write effect.intent and the finalizer to the object. When it starts an attempt, success permits
	// one importImage.
	writeIntent
	// importImage : call ImportImage. Uses up the permit.
	importImage
	// renameImage : rename effect.image to effect.name.
	renameImage
	// deleteImage : delete effect.image, which is proven to be this object's.
	deleteImage
	// removeFinalizer : let the object go.
	removeFinalizer
)

// effect is what decide asks for: one verb with its arguments.
type effect struct {
	verb   verb
	intent *intent
	starts bool
	image  string
	name   string
	report report
}

// decide says what to do next. It is pure: it reads no clock and calls nobody.
func decide(s *state) effect {
	switch {
	case !s.obj.DeletionTimestamp.IsZero():
		return decideDeletion(s)
	case s.intentErr != nil:
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, s.intentErr.Error()+": remove the annotation to import a new image"))
	case s.intent == nil:
		return decideStart(s)
	case s.intent.Closed != "":
		return decideRetry(s)
	case s.intent.ImageID != "":
		return decideUpkeep(s)
	default:
		return decideFollow(s)
	}
}

// decideStart: the object has no intent.
func decideStart(s *state) effect {
	first := s.firstIntent()
	switch {
	case s.seen == nil && s.now.Sub(s.obj.CreationTimestamp.Time) > freshObject && !s.obj.Spec.Suspend:
		return effect{verb: look}
	case s.seen != nil && len(s.seen.images) > 0:
		return effect{verb: writeIntent, intent: first}
	case s.obj.Status.ImageID != "" && !s.requested:
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, fmt.Sprintf(
			"the annotation %s is missing although image %s was imported for this object: put it back, or set the annotation %s to a new value to import another image",
			v1alpha1.ImportAnnotation, s.obj.Status.ImageID, v1alpha1.ReconcileRequestAnnotation)))
	}
	return s.start(first)
}

// decideFollow: an attempt is open, and its image, if there is one, carries the token in its name.
func decideFollow(s *state) effect {
	switch {
	case s.permit != nil && s.answer == nil && s.now.Sub(s.intent.SignedAt.Time) <= sendWindow:
		return effect{verb: importImage}
	case s.answer != nil && s.answer.err == nil:
		return s.rest(progressing(v1alpha1.ReasonImporting, "the cloud accepted the import").after(s.timing.Poll))
	case s.answer != nil && s.answer.err.NotExecuted:
		return effect{verb: writeIntent, intent: s.intent.closed(closedRefused, s.now)}
	case s.answer != nil:
		return s.rest(s.unconfirmed().because(s.answer.err))
	case s.seen == nil:
		return effect{verb: look}
	case len(s.seen.images) == 0:
		return decideUnseen(s)
	}
	image := s.keep()
	switch {
	case s.intent.Hash != importHash(&s.obj.Spec):
		return s.rest(s.fieldsChanged(image))
	case image.Status == ens.StatusAvailable:
		if double := s.double(image); double != "" && !s.obj.Spec.Suspend {
			return effect{verb: deleteImage, image: double}
		}
		return effect{verb: writeIntent, intent: s.intent.withImage(image.ID)}
	case failed(image.Status), image.Status == ens.StatusUnavailable && s.timedOut():
		return effect{verb: writeIntent, intent: s.intent.failed(image.Status, s.now)}
	case s.timedOut():
		return s.rest(stalled(v1alpha1.ReasonImportTimedOut, fmt.Sprintf(
			"the import has been running for longer than spec.timeoutSeconds (%d s); it is still followed", s.obj.Spec.TimeoutSeconds)).after(s.timing.Poll))
	}
	return s.rest(progressing(v1alpha1.ReasonImporting, "the import is running").after(s.timing.Poll))
}

// decideUnseen: an attempt is open and no image of it is found.
func decideUnseen(s *state) effect {
	age := s.now.Sub(s.intent.SignedAt.Time)
	switch {
	case s.accepted() && age < s.timing.ListingLag:
		return s.rest(progressing(v1alpha1.ReasonImporting, "the import is running").after(s.timing.Poll))
	case s.accepted() && s.requested:
		return s.start(s.intent.anew(s.now, importHash(&s.obj.Spec)))
	case s.accepted():
		return s.rest(s.vanished())
	case age < s.timing.Settle:
		return s.rest(s.unconfirmed())
	}
	// The request can no longer run, and it has left no image behind.
	return s.start(s.intent.again(s.now, importHash(&s.obj.Spec)))
}

// decideRetry: the last attempt is closed.
func decideRetry(s *state) effect {
	if s.answer != nil {
		return s.rest(s.failing(s.answer.err).editable())
	}
	hash := importHash(&s.obj.Spec)
	if s.intent.Closed == closedRefused {
		return s.start(s.intent.again(s.now, hash))
	}
	if e, busy := s.clear(); busy {
		return e
	}
	if due := seconds(s.intent.ClosedAt.Add(s.jittered(s.timing.Slow))).Time; s.now.Before(due) && !s.news() {
		return s.rest(s.importFailed().retryAt(due).editable())
	}
	return s.start(s.intent.anew(s.now, hash))
}

// decideUpkeep: the image was available; keep it as the spec asks.
func decideUpkeep(s *state) effect {
	if s.seen == nil {
		return effect{verb: look}
	}
	if len(s.seen.images) == 0 {
		if s.requested {
			return s.start(s.intent.anew(s.now, importHash(&s.obj.Spec)))
		}
		return s.rest(s.vanished())
	}
	image, name := s.seen.images[0], finalName(s.obj, s.intent.token())
	switch {
	case s.intent.Hash != importHash(&s.obj.Spec):
		return s.rest(s.fieldsChanged(image))
	case image.Status != ens.StatusAvailable:
		return s.rest(stalled(v1alpha1.ReasonImageUnavailable, fmt.Sprintf("image %s was Available and is %s now", image.ID, image.Status)).after(s.timing.Poll))
	case image.Name == name:
		return s.rest(available(fmt.Sprintf("image %s is available as %s", image.ID, image.Name)).after(s.timing.Drift))
	case s.obj.Spec.Suspend:
		return s.rest(idle(v1alpha1.ReasonSuspended, fmt.Sprintf("spec.suspend is true: image %s is not renamed to %s", image.ID, name)).after(s.timing.Drift))
	}
	return effect{verb: renameImage, image: image.ID, name: name}
}

// firstIntent is the intent of an object that has none. The number of its attempt follows what status remembers, so
// that a nonce is not used twice when the record was lost.
func (s *state) firstIntent() *intent {
	return &intent{
		Cluster: s.cluster, UID: s.obj.UID, Epoch: 1, Attempt: s.obj.Status.Attempts + 1,
		SignedAt: seconds(s.now), Hash: importHash(&s.obj.Spec),
	}
}

// token is what the images of this object carry in their names while they are imported.
func (s *state) token() string {
	if s.intent == nil {
		return token(s.cluster, s.obj.UID, 1)
	}
	return s.intent.token()
}

// start begins an attempt, unless the object is suspended.
func (s *state) start(in *intent) effect {
	if s.obj.Spec.Suspend {
		return s.rest(idle(v1alpha1.ReasonSuspended, "spec.suspend is true: no import is started").editable())
	}
	return effect{verb: writeIntent, intent: in, starts: true}
}

// clear removes what failed attempts have left behind. busy is false when nothing is left.
func (s *state) clear() (e effect, busy bool) {
	switch {
	case s.seen == nil:
		return effect{verb: look}, true
	case len(s.seen.images) == 0:
		return effect{}, false
	case s.obj.Spec.Suspend && s.obj.DeletionTimestamp.IsZero():
		return s.rest(idle(v1alpha1.ReasonSuspended, "spec.suspend is true: the failed image is not removed").after(s.timing.Drift)), true
	}
	for _, image := range s.seen.images {
		if !slices.Contains(s.deleted, image.ID) {
			return effect{verb: deleteImage, image: image.ID}, true
		}
	}
	return s.rest(s.importFailed().after(s.timing.Poll)), true
}

// keep is the one image of the attempt that counts: the one recorded in status, else the oldest.
func (s *state) keep() ens.Image {
	for _, image := range s.seen.images {
		if image.ID == s.obj.Status.ImageID {
			return image
		}
	}
	return s.seen.images[0]
}

// double is a further image of the same token, made by an import that the cloud carried out twice.
func (s *state) double(kept ens.Image) string {
	for _, image := range s.seen.images {
		if image.ID != kept.ID && !slices.Contains(s.deleted, image.ID) {
			return image.ID
		}
	}
	return ""
}

// accepted is true when the cloud is known to have accepted the open attempt.
func (s *state) accepted() bool {
	return s.obj.Status.ImageID != "" && s.obj.Status.Attempts == s.intent.Attempt
}

func (s *state) timedOut() bool {
	return s.now.After(s.intent.SignedAt.Add(time.Duration(s.obj.Spec.TimeoutSeconds) * time.Second))
}

func failed(status string) bool {
	return status == ens.StatusPackFailed || status == ens.StatusUploadFailed
}
