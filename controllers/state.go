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

// sighting is the result of complete look-ups: by the recorded ImageId, or by token.
type sighting struct {
	images []ens.Image
	// begun is when the first look-up began. What an absence proves depends on it, not on when the answer arrived.
	begun time.Time
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

// looksTooEarly is true when the image of the attempt is not found, but may only be missing from the listings still. An
// image whose deletion the cloud has accepted is not missing: it is gone.
func (s *state) looksTooEarly() bool {
	ready := meta.FindStatusCondition(s.obj.Status.Conditions, v1alpha1.ConditionReady)
	asked := len(s.deleted) > 0 || ready != nil && ready.Message == beingDeletedMessage
	return len(s.seen.images) == 0 && !asked && s.seen.begun.Sub(s.intent.SignedAt.Time) < s.timing.ListingLag
}

// consents is true when the user asked for a reconcile after the object had reported this reason: only then is the
// request an answer to it.
func (s *state) consents(reason string) bool {
	return s.requested && readyReason(s.obj) == reason
}

// undeleted is an image of the sighting, other than the kept one, whose deletion was not asked for yet.
func (s *state) undeleted(kept string) string {
	for _, image := range s.seen.images {
		if image.ID != kept && !slices.Contains(s.deleted, image.ID) {
			return image.ID
		}
	}
	return ""
}

// accepted is true when the cloud is known to have accepted the open attempt.
func (s *state) accepted() bool {
	return s.obj.Status.ImageID != "" && s.obj.Status.Attempts == s.intent.Attempt
}

// unresolved is true when the intent was lost and status tells of an attempt that may still make an image. Status is
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
