// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

const (
	// sendWindow is how long after it was signed a request may be sent. Later, its fate could no longer be told from
	// that of a request which another replica sent.
	sendWindow = 30 * time.Second
	// answerBound is how long after it was signed a request has to be answered. Whoever is paused in between gives up,
	// so that the times at which an absence proves something can count from the signature.
	answerBound = 2 * sendWindow
	// freshObject is the age up to which an object without an intent is new for certain, so that nobody can have
	// imported for it.
	freshObject = time.Minute
)

// verb is the one thing to do next.
type verb int

const (
	// rest : nothing more to do now; effect.report says what to tell.
	rest verb = iota
	// connect : resolve the credentials to an account.
	connect
	// look : find the images of this object in the cloud. Reads only.
	look
	// readShares : read whom effect.image is shared with.
	readShares
	// writeIntent : write effect.intent and the finalizer to the object. When it starts an attempt, success permits
	// one importImage.
	writeIntent
	// importImage : call ImportImage. Uses up the permit.
	importImage
	// renameImage : rename effect.image to effect.name.
	renameImage
	// shareImage and unshareImage : let effect.accounts use effect.image, or take it away from them.
	shareImage
	unshareImage
	// deleteImage : delete effect.image, which is proven to be this object's.
	deleteImage
	// removeFinalizer : let the object go.
	removeFinalizer
)

// effect is what decide asks for: one verb with its arguments.
type effect struct {
	verb     verb
	intent   *intent
	starts   bool
	image    string
	name     string
	accounts []string
	// double is true for the deletion of an image that the cloud made in excess.
	double bool
	report report
}

// actions names the API action that each verb calls. Looks are the watch's business.
var actions = map[verb]string{
	readShares: "DescribeImageSharePermission", renameImage: "ModifyImageAttribute", deleteImage: "DeleteImage",
	shareImage: "ModifyImageSharePermission", unshareImage: "ModifyImageSharePermission",
}

// turn is the API action that the object has to wait its turn for before the effect is carried out, empty for none. Once an
// attempt is recorded there is no time to wait, so its turn comes before.
func (e effect) turn() string {
	if e.starts {
		return actionImport
	}
	return actions[e.verb]
}

// decide says what to do next. It is pure: it reads no clock and calls nobody.
func decide(s *state) effect {
	e := s.next()
	switch {
	// Credentials come first: a record that cannot be followed by a call would only block the object.
	case s.account != nil || e.verb == rest || e.verb == removeFinalizer:
		return e
	case s.denied == nil:
		return effect{verb: connect}
	case s.abandoned:
		return s.letGo("left behind: its namespace is being deleted, and the Secret with the credentials cannot be read any more")
	}
	return s.rest(s.noCredentials(s.denied))
}

func (s *state) next() effect {
	switch {
	case !s.obj.DeletionTimestamp.IsZero():
		return decideDeletion(s)
	case s.observes():
		return decideObservation(s)
	case s.intentErr != nil:
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, s.intentErr.Error()+": "+recordKeepers+" put it right, or remove it; a new object without it can be created by everybody").after(s.timing.Drift))
	case s.adoptsBySpec():
		return decideAdoption(s)
	case s.foreign != nil:
		return decideForeign(s)
	case s.intent == nil:
		return decideStart(s)
	case !controllerutil.ContainsFinalizer(s.obj, v1alpha1.ImageFinalizer):
		// Somebody took it off: without it, the image would outlive the object.
		return effect{verb: writeIntent, intent: s.intent}
	case s.intent.Closed != "":
		return decideRetry(s)
	case s.intent.ImageID != "":
		return decideUpkeep(s)
	default:
		return decideFollow(s)
	}
}

// decideStart: the object has no record.
func decideStart(s *state) effect {
	untouched := s.obj.Status.Attempts == 0 && s.now.Sub(s.obj.CreationTimestamp.Time) <= freshObject && s.adoptee() == ""
	switch {
	case s.seen == nil && !untouched && !s.obj.Spec.Suspend:
		return effect{verb: look}
	case s.seen != nil:
		if own, _ := s.ownAndTheirs(); len(own) > 0 {
			return effect{verb: writeIntent, intent: s.recovered()}
		}
	}
	if e, unclear := decideLookalike(s); unclear {
		return e
	}
	switch {
	case s.obj.Status.ImageID != "" && !s.consents(v1alpha1.ReasonOwnershipUnknown):
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, fmt.Sprintf(
			"the annotation %s is missing although image %s was imported for this object: %s put it back; or set the annotation %s to a new value to import another image",
			v1alpha1.ImportAnnotation, s.obj.Status.ImageID, recordKeepers, v1alpha1.ReconcileRequestAnnotation)).after(s.timing.Drift))
	case s.unresolved():
		return s.rest(s.unconfirmed(s.obj.Status.StartTime.Time, s.answeredWith()))
	}
	return s.start(s.first())
}

// recordKeepers may do what the policy in config/admission refuses everybody else.
const recordKeepers = "those with the verb record on imageimports can"

// first is the record of an object that has none.
func (s *state) first() *intent { return s.base().anew(s.now, importHash(&s.obj.Spec)) }

// recovered is the record of an object that lost it, from the images that carry its token.
func (s *state) recovered() *intent {
	found := s.first()
	for i, suffix := range s.lostSuffixes() {
		if slices.ContainsFunc(s.seen.images, func(image ens.Image) bool { return strings.HasSuffix(image.Name, suffix) }) {
			found.Epoch = int64(i) + 1
		}
	}
	// Each epoch took an attempt, the image that is there is that of one that was made.
	found.Attempt = max(s.obj.Status.Attempts, int32(found.Epoch)) //nolint:gosec // epochs are few
	return found
}

// decideFollow: an attempt is open, and its image, if there is one, carries the token in its name.
func decideFollow(s *state) effect {
	switch {
	case s.permit != nil && s.answer == nil && s.now.Sub(s.intent.SignedAt.Time) <= sendWindow:
		return effect{verb: importImage}
	case s.answer != nil:
		return decideAnswer(s)
	case s.seen == nil:
		return effect{verb: look}
	case len(s.seen.images) == 0:
		return decideUnseen(s)
	}
	return decideSeen(s)
}

// decideAnswer: ImportImage was called in this reconcile.
func decideAnswer(s *state) effect {
	switch {
	case s.answer.err == nil:
		return s.rest(progressing(v1alpha1.ReasonImporting, "the import is running").after(s.timing.Poll))
	case s.answer.err.NotExecuted:
		return effect{verb: writeIntent, intent: s.intent.closed(closedRefused, s.now)}
	}
	err := s.answer.err
	if err.HTTPStatus == 0 {
		return s.rest(s.unconfirmed(s.intent.SignedAt.Time, "").because(err))
	}
	r := s.unconfirmed(s.intent.SignedAt.Time, err.Code)
	if s.answeredWith() == err.Code {
		// The same answer to a second attempt will not pass by itself.
		r.mood = moodStalled
	}
	return s.rest(r.because(err))
}

// decideSeen: an attempt is open and its image is found.
func decideSeen(s *state) effect {
	image := s.keep()
	switch {
	// A failed image is removed whatever it was made from: the next one is made from the present values.
	case failed(image.Status), image.Status == ens.StatusUnavailable && s.timedOut():
		return effect{verb: writeIntent, intent: s.intent.failed(image.Status, s.now)}
	case s.intent.Hash != importHash(&s.obj.Spec):
		return s.rest(s.fieldsChanged(image))
	case image.Status == ens.StatusAvailable && len(s.seen.images) > 1:
		return decideDouble(s, image)
	case image.Status == ens.StatusAvailable:
		return effect{verb: writeIntent, intent: s.intent.withImage(image.ID).withKey(s.account.key)}
	case s.otherKey():
		return effect{verb: writeIntent, intent: s.intent.withKey(s.account.key)}
	case s.timedOut():
		return s.rest(stalled(v1alpha1.ReasonImportTimedOut, fmt.Sprintf(
			"the import has been running for longer than spec.timeoutSeconds (%d s); it is still followed", s.obj.Spec.TimeoutSeconds)).after(s.timing.Poll))
	}
	return s.rest(progressing(v1alpha1.ReasonImporting, "the import is running").after(s.timing.Poll))
}

// decideDouble: the cloud carried one import out twice. The image to keep is recorded only when the others are gone:
// once its ID is known, nobody looks for the token any more.
func decideDouble(s *state, kept ens.Image) effect {
	if s.obj.Spec.Suspend {
		return s.rest(suspended("spec.suspend is true: the import was carried out twice, and the second image is not removed").after(s.timing.Drift))
	}
	if double := s.undeleted(kept.ID); double != "" {
		return effect{verb: deleteImage, image: double, double: true}
	}
	return s.rest(s.doubled())
}

// decideUnseen: an attempt is open and no image of it is found.
func decideUnseen(s *state) effect {
	switch {
	case s.accepted():
		return decideVanished(s)
	case s.seen.begun.Sub(s.intent.SignedAt.Time) < s.timing.Settle:
		return s.rest(s.unconfirmed(s.intent.SignedAt.Time, s.answeredWith()))
	case s.otherKey() && !s.consents(v1alpha1.ReasonCredentialsChanged):
		return s.rest(s.credentialsChanged())
	}
	if e, unclear := decideLookalike(s); unclear {
		return e
	}
	// The request can no longer run, and it has left no image behind.
	return s.start(s.intent.again(s.now, importHash(&s.obj.Spec)))
}

// decideUpkeep: the image is recorded; keep it as the spec asks.
func decideUpkeep(s *state) effect {
	if s.seen == nil {
		return effect{verb: look}
	}
	if len(s.seen.images) == 0 {
		return decideVanished(s)
	}
	image, hash := s.seen.images[0], importHash(&s.obj.Spec)
	better := s.outranking(image.ID)
	switch {
	case better != nil:
		return decideOutranked(s, better)
	case s.otherKey():
		return effect{verb: writeIntent, intent: s.intent.withKey(s.account.key)}
	case s.intent.Hash != hash:
		return s.rest(s.fieldsChanged(image))
	case failed(image.Status), image.Status == ens.StatusUnavailable:
		return s.rest(stalled(v1alpha1.ReasonImageUnavailable, fmt.Sprintf("image %s is %s", image.ID, image.Status)).after(s.timing.Poll))
	case image.Status != ens.StatusAvailable:
		return s.rest(progressing(v1alpha1.ReasonImporting, fmt.Sprintf("image %s is being made", image.ID)).after(s.timing.Poll))
	}
	if e, busy := decideName(s, image); busy {
		return e
	}
	if e, busy := decideSharing(s, image); busy {
		return e
	}
	return s.rest(available(fmt.Sprintf("image %s is available as %s", image.ID, image.Name)).after(s.timing.Drift))
}

// decideName gives the available image its name. busy is false when it bears it.
func decideName(s *state, image ens.Image) (e effect, busy bool) {
	name := finalName(s.obj, s.intent, image.Name)
	switch {
	case image.Name == name:
		return effect{}, false
	case s.obj.Spec.Suspend:
		return s.rest(suspended(fmt.Sprintf("spec.suspend is true: image %s is not renamed to %s", image.ID, name)).after(s.timing.Drift)), true
	case image.ID != s.obj.Status.ImageID && image.ID != s.obj.Spec.ImageID:
		// The token in the name is what other objects find the claim by, until the status tells of it.
		return s.rest(progressing(v1alpha1.ReasonImporting, fmt.Sprintf("image %s is available; it is renamed next", image.ID)).after(s.timing.Poll).backAfter(s.timing.BackoffBase)), true
	}
	return effect{verb: renameImage, image: image.ID, name: name}, true
}

// start begins an attempt, unless the object is suspended.
func (s *state) start(in *intent) effect {
	if s.obj.Spec.Suspend {
		return s.rest(suspended("spec.suspend is true: no import is started").editable())
	}
	if s.account != nil {
		in = in.withKey(s.account.key)
	}
	return effect{verb: writeIntent, intent: in, starts: true}
}
