// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// decideDeletion: the object is being deleted. Its finalizer goes last, and an image is deleted only with proof that it
// is this object's: the token in its name, or its ID in the record.
func decideDeletion(s *state) effect {
	switch {
	case !controllerutil.ContainsFinalizer(s.obj, v1alpha1.ImageFinalizer):
		return effect{verb: rest, report: report{silent: true}}
	case s.observes():
		return s.letGo("kept: it was only observed")
	case s.retains():
		return s.letGo("kept, as spec.deletionPolicy says")
	case s.foreign != nil && s.obj.Status.Attempts == 0:
		return s.letGo("not deleted: it was imported by another object, as in a copied manifest or a restored backup")
	case s.intentErr != nil:
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, s.intentErr.Error()+
			": "+recordKeepers+" put it right; or set spec.deletionPolicy to Retain to keep the image and let this object go").after(s.timing.Drift))
	case s.intent == nil:
		return decideDeletionWithoutIntent(s)
	case s.intent.Closed == closedFailed:
		return decideFailedDeletion(s)
	case s.intent.Closed != "":
		return s.letGo("")
	case s.intent.ImageID != "":
		return decideImageDeletion(s)
	default:
		return decideAttemptDeletion(s)
	}
}

// decideFailedDeletion: what the closed attempt left behind is removed.
func decideFailedDeletion(s *state) effect {
	if e, busy := s.clear(); busy {
		return e
	}
	if s.looksTooEarly() {
		return s.rest(s.awaitingOutcome(s.certainAt()))
	}
	return s.letGo("")
}

// retains is true when the image is to outlive the object: said so, or adopted and nothing said.
func (s *state) retains() bool {
	if s.obj.Spec.DeletionPolicy != "" {
		return s.obj.Spec.DeletionPolicy == v1alpha1.DeletionRetain
	}
	return s.intent != nil && s.intent.Adopted || s.intent == nil && s.obj.Spec.ImageID != ""
}

// decideDeletionWithoutIntent: the finalizer is there and the record, which came with it, is lost or overwritten. An image
// under the token is still provably this object's.
func decideDeletionWithoutIntent(s *state) effect {
	unproven := "not deleted: the annotation " + v1alpha1.ImportAnnotation + " does not prove any more whose it is"
	switch {
	case s.obj.Spec.ImageID != "":
		return s.letGo(unproven)
	case s.seen == nil:
		return effect{verb: look}
	}
	own, _ := s.ownAndTheirs()
	switch {
	case len(own) > 0:
		return effect{verb: writeIntent, intent: s.recovered()}
	case s.unresolved():
		return s.rest(s.awaitingOutcome(s.obj.Status.StartTime.Add(s.timing.Settle)))
	case s.obj.Status.ImageID != "":
		return s.letGo(unproven)
	}
	if e, unclear := decideLookalike(s); unclear {
		return e
	}
	return s.letGo("")
}

// decideAttemptDeletion: an attempt is open. It is resolved first, since a request on its way may still make an image.
func decideAttemptDeletion(s *state) effect {
	if s.seen == nil {
		return effect{verb: look}
	}
	if len(s.seen.images) > 0 {
		// From now on every image with the token is to go, however many there are.
		return effect{verb: writeIntent, intent: s.intent.closed(closedFailed, s.now)}
	}
	switch {
	case !s.conclusive():
		return s.rest(s.awaitingOutcome(s.certainAt()))
	case s.otherKey():
		return s.rest(s.credentialsChanged())
	}
	if e, unclear := decideLookalike(s); unclear {
		return e
	}
	return s.letGo("")
}

func decideImageDeletion(s *state) effect {
	switch {
	case s.seen == nil:
		return effect{verb: look}
	case s.looksTooEarly():
		return s.rest(s.awaitingOutcome(s.certainAt()))
	case len(s.seen.images) == 0 && s.otherKey():
		return s.rest(s.credentialsChanged())
	case len(s.seen.images) == 0:
		return s.letGo("")
	}
	if better := s.outranking(s.intent.ImageID); better != nil {
		return s.letGo("not deleted: it belongs to " + s.nameOf(better))
	}
	if s.askedFor(s.intent.ImageID) {
		return s.rest(s.beingDeleted())
	}
	if e, busy := decideUnsharing(s, s.intent.ImageID); busy {
		return e
	}
	return effect{verb: deleteImage, image: s.intent.ImageID}
}

// letGo ends the operator's care for the object. A note says what is left in the cloud.
func (s *state) letGo(note string) effect {
	return effect{verb: removeFinalizer, report: report{message: note}}
}
