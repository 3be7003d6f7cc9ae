// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// state is everything that a decision rests on: the durable state of the object and what was learned of the cloud in
// this reconcile. decide reads it, perform adds to it.
type state struct {
	now time.Time
	obj *v1alpha1.ImageImport
	// cluster is the uid of the cluster.
	cluster types.UID
	// intent is the record of this object, foreign one that came along from another object. Both are nil when there is
	// none, or when intentErr says that it cannot be read.
	intent, foreign *intent
	intentErr       error
	// requested is true when the user asked for a reconcile that was not handled yet.
	requested bool
	timing    Timing

	// account is the cloud on behalf of the object, once it was needed. denied says why there is none, and abandoned is
	// true when there never will be: the namespace is being deleted, and the Secret is gone.
	account   *account
	denied    *credentialsError
	abandoned bool
	// permit is set by a successful write of the intent in this reconcile, and used up by ImportImage.
	permit *permit
	// answer is what ImportImage said in this reconcile.
	answer *answer
	// seen is what the last look at the cloud showed. nil: not looked.
	seen *sighting
	// shares is whom the image is shared with. nil: not looked.
	shares *shares
	// unshared holds the accounts that the image was taken away from in this reconcile.
	unshared []string
	// check is true when the sharing is due to be looked at, and renamed after a rename in this reconcile.
	check, renamed bool
	// turn is the action that it is this object's turn for, until it is carried out, and waitsFor that for which its turn is still
	// to come.
	turn, waitsFor string
	// others are the images that the last look showed besides.
	others []ens.Image
	// doomed is what the last look showed before something of it was deleted, and when that was.
	doomed *sighting
	// deleted holds the images whose deletion the cloud accepted in this reconcile, unknown those that it did not know.
	deleted, unknown []string
}

// answer is the cloud's answer to ImportImage: an image, or an error.
type answer struct {
	imported ens.Imported
	err      *ens.Error
}

// sighting is the result of complete look-ups of what target names.
type sighting struct {
	images []ens.Image
	// lookalikes are images that this object may have imported and lost the record of: they bear its name and are no older
	// than it. They prove nothing, but those that nobody claims stand in the way of another import.
	lookalikes []ens.Image
	// claims are those of other living objects on the images. Only looked for where more than one object may name an image.
	claims []claim
	// ownerLives is true when the object that a foreign record belongs to lives in this cluster.
	ownerLives bool
	// begun is when the first look-up began. What an absence proves depends on it, not on when the answer arrived.
	begun time.Time
}

// shares is whom the image is shared with.
type shares struct {
	accounts []string
	// stale is true after a change that no listing has confirmed yet, confirmed after a listing that followed one.
	stale, confirmed bool
}

// target says which images a look at the cloud is about: one by its ID, and those whose names end in one of the suffixes.
type target struct {
	id       string
	suffixes []string
}

// lostEpochs is how many epochs beyond those that status knows of are looked for when the record is lost.
const lostEpochs = 4

func (s *state) target() target {
	switch {
	case s.adoptsBySpec():
		return target{id: s.obj.Spec.ImageID}
	case s.intent == nil && s.foreign != nil:
		return target{id: s.foreign.ImageID, suffixes: append(s.lostSuffixes(), s.foreign.nameSuffix())}
	case s.intent == nil:
		return target{suffixes: s.lostSuffixes()}
	case s.intent.ImageID != "":
		return target{id: s.intent.ImageID}
	}
	return target{suffixes: []string{s.intent.nameSuffix()}}
}

// lostSuffixes are those that an image of this object may bear when the record is lost, oldest epoch first.
func (s *state) lostSuffixes() []string {
	var suffixes []string
	for epoch := range int64(s.obj.Status.Attempts) + lostEpochs {
		suffixes = append(suffixes, nameSuffix(s.cluster, token(s.cluster, s.obj.UID, epoch+1)))
	}
	return suffixes
}

// ownAndTheirs tells the images that bear a token of this object from those that a foreign record tells of.
func (s *state) ownAndTheirs() (own, theirs []ens.Image) {
	mine := target{suffixes: s.lostSuffixes()}
	for _, image := range s.seen.images {
		if mine.matches(image) {
			own = append(own, image)
		} else {
			theirs = append(theirs, image)
		}
	}
	return own, theirs
}

// observes is true when the image is not the operator's to write to. What was imported before is settled first.
func (s *state) observes() bool {
	settled := s.intent == nil || s.intent.Adopted || s.intent.Closed == closedRefused
	return settled && s.obj.Spec.ManagementPolicy == v1alpha1.ManagementObserveOnly
}

// adoptsBySpec is true when the spec names an image and the record does not hold it yet. What the record does hold, or
// may still come to hold, is settled first.
func (s *state) adoptsBySpec() bool {
	switch {
	case s.obj.Spec.ImageID == "":
		return false
	case s.observes() || s.intent == nil:
		return true
	}
	return s.intent.ImageID != s.obj.Spec.ImageID && (s.intent.Adopted || s.intent.Closed == closedRefused)
}

// base is the record that the next one continues. The number of the attempt follows what status remembers when the
// record is lost, so that a nonce is not used twice.
func (s *state) base() *intent {
	if s.intent != nil {
		return s.intent
	}
	return &intent{Cluster: s.cluster, UID: s.obj.UID, Attempt: s.obj.Status.Attempts}
}

// keep is the one image of the attempt that counts: one that did not fail before one that did, and of these the one
// recorded in status, else the oldest.
func (s *state) keep() ens.Image {
	rank := func(image ens.Image) (r int) {
		if failed(image.Status) {
			r = 2
		}
		if image.ID != s.obj.Status.ImageID {
			r++
		}
		return r
	}
	return slices.MinFunc(s.seen.images, func(a, b ens.Image) int { return cmp.Compare(rank(a), rank(b)) })
}

// wasReady is true when the last report said Ready, and nothing has been asked for since.
func (s *state) wasReady() bool {
	return s.obj.DeletionTimestamp.IsZero() && s.obj.Generation == s.obj.Status.ObservedGeneration &&
		meta.IsStatusConditionTrue(s.obj.Status.Conditions, v1alpha1.ConditionReady)
}

// conclusive is true when an absence proves that there is no image: whatever the attempt made, or was there when it was
// adopted, would be listed by now. An image that was seen once proves nothing about the next listing, which may come
// from another server. But an answer proves when the image was made, where without one it may be made late.
func (s *state) conclusive() bool {
	return !s.seen.begun.Before(s.certainAt())
}

// certainAt is when an absence begins to be conclusive.
func (s *state) certainAt() time.Time {
	answered := s.obj.Status.RequestID != "" && s.obj.Status.Attempts == s.intent.Attempt
	if s.intent.Adopted || answered {
		return s.intent.SignedAt.Add(s.timing.ListingLag)
	}
	return s.intent.SignedAt.Add(s.timing.Settle)
}

// looksTooEarly is true when the image of the attempt is not found, but may only be missing from the listings still. An
// image whose deletion the cloud has accepted is not missing: it is gone.
func (s *state) looksTooEarly() bool {
	ready := meta.FindStatusCondition(s.obj.Status.Conditions, v1alpha1.ConditionReady)
	asked := len(s.deleted) > 0 || ready != nil && ready.Message == beingDeletedMessage
	return len(s.seen.images) == 0 && !asked && !s.conclusive()
}

// otherKey is true when the record was made with another access key than the one in use. What is not found then may lie
// in another account.
func (s *state) otherKey() bool { return s.signedWithAnother(s.intent) }

func (s *state) signedWithAnother(in *intent) bool {
	return in.Key != "" && s.account.key != "" && in.Key != s.account.key
}

// shows is true when the image is in the sighting.
func (s *state) shows(id string) bool {
	return slices.ContainsFunc(slices.Concat(s.seen.images, s.seen.lookalikes), func(image ens.Image) bool { return image.ID == id })
}

// consents is true when the user asked for a reconcile after the object had reported this reason of the present
// attempt: only then is the request an answer to it. A report of an earlier one has been answered by that attempt's
// successor, even if that could not be written down.
func (s *state) consents(reason string) bool {
	answered := s.intent != nil && s.obj.Status.Attempts != s.intent.Attempt
	return s.requested && !answered && readyReason(s.obj) == reason
}

// askedFor is true when the deletion of the image was asked for in this reconcile, whatever the cloud said.
func (s *state) askedFor(image string) bool {
	return slices.Contains(s.deleted, image) || slices.Contains(s.unknown, image)
}

// undeleted is an image of the sighting, other than the kept one, whose deletion was not asked for yet.
func (s *state) undeleted(kept string) string {
	for _, image := range s.seen.images {
		if image.ID != kept && !s.askedFor(image.ID) {
			return image.ID
		}
	}
	return ""
}

// accepted is true when the cloud is known to have accepted the open attempt.
func (s *state) accepted() bool {
	return s.obj.Status.ImageID != "" && s.obj.Status.Attempts == s.intent.Attempt
}

// unresolved is true when the record was lost and status tells of an attempt that may still make an image. Status is
// no authority to write by; here it only delays.
func (s *state) unresolved() bool {
	status, asOf := &s.obj.Status, s.now
	if s.seen != nil {
		asOf = s.seen.begun
	}
	return status.ImageID == "" && status.StartTime != nil && asOf.Sub(status.StartTime.Time) < s.timing.Settle
}

func (s *state) timedOut() bool {
	return s.now.After(s.intent.SignedAt.Add(time.Duration(s.obj.Spec.TimeoutSeconds) * time.Second))
}

func failed(status string) bool {
	return status == ens.StatusPackFailed || status == ens.StatusUploadFailed
}
