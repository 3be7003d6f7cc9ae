// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// decideObservation: the image of spec.imageID is reported, and nothing is ever written to the cloud.
func decideObservation(s *state) effect {
	switch {
	case s.seen == nil:
		return effect{verb: look}
	case len(s.seen.images) == 0:
		return s.rest(s.specImageNotFound())
	}
	return s.rest(s.observed(s.seen.images[0], ""))
}

// decideAdoption: the spec names an existing image, which is taken over unless another object has the better claim.
func decideAdoption(s *state) effect {
	switch {
	case s.seen == nil:
		return effect{verb: look}
	case len(s.seen.images) == 0:
		return s.rest(s.specImageNotFound())
	}
	if better := s.outranking(s.obj.Spec.ImageID); better != nil {
		return s.rest(s.outranked(better))
	}
	return s.adopt(s.obj.Spec.ImageID)
}

// decideForeign: the record came along with a copied manifest, a restored backup or a move. It tells of an image that
// another object imported. A copy of an object that still lives here goes its own way; an image that is left without an
// object is observed, until somebody who may do so says that this object is to adopt it.
func decideForeign(s *state) effect {
	if s.seen == nil {
		return effect{verb: look}
	}
	own, theirs := s.ownAndTheirs()
	switch {
	case len(own) > 0 || s.seen.ownerLives || s.adoptee() != "" || s.overwritten(theirs):
		return decideStart(s)
	case len(theirs) > 0:
		return decideTheirs(s, theirs[0])
	}
	return decideTheirsGone(s)
}

// overwritten is true when the foreign record was put in the place of one of an image of this object's own.
func (s *state) overwritten(theirs []ens.Image) bool {
	status := &s.obj.Status
	told := status.ImageID != "" && status.Ownership != v1alpha1.OwnershipObserved
	return told && status.ImageID != s.foreign.ImageID && !target{id: status.ImageID}.matchesAny(theirs)
}

// decideTheirsGone: the image of a foreign record is not found, and neither is its object.
func decideTheirsGone(s *state) effect {
	observed := s.obj.Status.Ownership == v1alpha1.OwnershipObserved
	switch {
	case s.foreign.Closed == "" && s.seen.begun.Sub(s.foreign.SignedAt.Time) < s.timing.Settle:
		return s.rest(s.awaitingTheirs())
	case s.signedWithAnother(s.foreign) && !s.consents(v1alpha1.ReasonCredentialsChanged):
		return s.rest(s.credentialsChanged())
	case observed && !s.consents(v1alpha1.ReasonImageVanished):
		return s.rest(s.vanished())
	case observed:
		return s.start(s.first())
	}
	return decideStart(s)
}

// awaitingTheirs: the image of a foreign record may be under way, or too young to be listed.
func (s *state) awaitingTheirs() report {
	r := s.unconfirmed(s.foreign.SignedAt.Time, "")
	r.message = "the record tells of an import of another object (a restored or moved one), whose image may not be listed yet: looking for it until " +
		clockTime(s.foreign.SignedAt.Add(s.timing.Settle)) + " before anything else is done"
	return r
}

// decideTheirs: the image of a foreign record is there, and the object that imported it is not.
func decideTheirs(s *state, image ens.Image) effect {
	if better := s.outranking(image.ID); better != nil {
		return s.rest(s.outranked(better))
	}
	r := s.observed(image, fmt.Sprintf(
		"; it was imported by another object (a restored or moved one) and is only observed: to take it over, set the annotation %s to its ID",
		v1alpha1.AdoptAnnotation))
	r.image = &image
	return s.rest(r)
}

// decideLookalike: no image carries the token, but one may be this object's all the same, from before the cluster was set
// back. unclear is false when there is none, or the user wants another image in spite of it.
func decideLookalike(s *state) (e effect, unclear bool) {
	switch {
	case s.seen == nil:
		return effect{}, false
	case s.adopts():
		return decideTakeover(s, s.adoptee()), true
	case s.consents(v1alpha1.ReasonOwnershipUnknown), s.consents(v1alpha1.ReasonImageVanished):
		return effect{}, false
	}
	for _, image := range s.seen.lookalikes {
		if s.claimed(image.ID) {
			continue
		}
		return s.rest(stalled(v1alpha1.ReasonOwnershipUnknown, fmt.Sprintf(
			"image %s is named %s, is no older than this object, and nobody claims it: it may have been imported for this object before its record was lost; set the annotation %s to its ID to take it over, or %s to a new value to %s",
			image.ID, image.Name, v1alpha1.AdoptAnnotation, v1alpha1.ReconcileRequestAnnotation, s.otherwise())).after(s.timing.Drift).backAfter(s.timing.Drift)), true
	}
	return effect{}, false
}

// otherwise is what this object does when a lookalike is not its own.
func (s *state) otherwise() string {
	if s.obj.DeletionTimestamp.IsZero() {
		return "import another image"
	}
	return "let this object go without it"
}

// adoptee is the image that somebody who may do so named in the annotation, empty for none.
func (s *state) adoptee() string { return s.obj.Annotations[v1alpha1.AdoptAnnotation] }

// adopts is true when the annotation still has to be followed: a record of an image stands for one that was.
func (s *state) adopts() bool {
	unrecorded := s.intent == nil || s.intent.open()
	return s.adoptee() != "" && unrecorded && (s.obj.DeletionTimestamp.IsZero() || s.shows(s.adoptee()))
}

// decideTakeover: the annotation names the image to adopt.
func decideTakeover(s *state, image string) effect {
	if !s.shows(image) {
		return s.rest(s.imageNotFound(image, "the annotation "+v1alpha1.AdoptAnnotation))
	}
	if better := s.outranking(image); better != nil {
		return s.rest(s.outranked(better))
	}
	return s.adopt(image)
}

func (s *state) adopt(image string) effect {
	in := s.base().adopting(image, s.now, importHash(&s.obj.Spec))
	if s.account != nil {
		in = in.withKey(s.account.key)
	}
	return effect{verb: writeIntent, intent: in}
}

// imageNotFound: the image that the field names is not in the account.
func (s *state) imageNotFound(image, field string) report {
	return stalled(v1alpha1.ReasonImageNotFound, fmt.Sprintf(
		"the account of these credentials has no image %s of its own: correct %s or spec.credentials", image, field)).after(s.timing.Drift)
}

func (s *state) specImageNotFound() report {
	r := s.imageNotFound(s.obj.Spec.ImageID, fieldSpecImageID).editable()
	r.forget = true
	return r
}

// outranked: another object has the better claim to the image.
func (s *state) outranked(better *claim) report {
	why := "is older"
	switch {
	case better.imported:
		why = "imported it"
	case better.wished:
		why = "is older and names it too, although it has not found it yet"
	}
	return stalled(v1alpha1.ReasonImageClaimed, fmt.Sprintf(
		"image %s belongs to %s, which %s: delete one of the two, or set spec.managementPolicy to ObserveOnly here",
		better.image, s.nameOf(better), why)).after(s.timing.Drift).backAfter(s.timing.Drift).editable()
}

// decideOutranked: another object has the better claim to the recorded image. It is given up when the spec asks for an
// import instead.
func decideOutranked(s *state, better *claim) effect {
	if hash := importHash(&s.obj.Spec); s.intent.Adopted && s.obj.Spec.ImageID == "" && s.intent.Hash != hash {
		return s.start(s.intent.anew(s.now, hash))
	}
	return s.rest(s.outranked(better))
}

// nameOf names another object to users of this one, who may not be allowed to know of it.
func (s *state) nameOf(other *claim) string {
	if other.object.Namespace != s.obj.Namespace {
		return "an ImageImport in another namespace"
	}
	return "ImageImport " + other.object.Name
}

// observed: the state of an image that is not written to.
func (s *state) observed(image ens.Image, note string) report {
	switch {
	case image.Status == ens.StatusAvailable:
		return available(fmt.Sprintf("image %s is available as %s%s", image.ID, image.Name, note)).after(s.timing.Drift)
	case failed(image.Status), image.Status == ens.StatusUnavailable:
		return stalled(v1alpha1.ReasonImageUnavailable, fmt.Sprintf("image %s is %s%s", image.ID, image.Status, note)).after(s.timing.Drift)
	}
	return progressing(v1alpha1.ReasonImporting, fmt.Sprintf("image %s is being made%s", image.ID, note)).after(s.timing.Poll)
}
