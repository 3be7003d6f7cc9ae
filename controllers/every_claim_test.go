// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// shownTo lets the sighting be what a look of this object would find among the images of the account.
func shownTo(images ...ens.Image) change {
	return func(s *state) {
		s.seen = &sighting{begun: s.now}
		for _, image := range images {
			switch {
			case s.target().matches(image):
				s.seen.images = append(s.seen.images, image)
			case s.resembles(image):
				s.seen.lookalikes = append(s.seen.lookalikes, image)
			}
		}
	}
}

// ifSeen adds a fact to a sighting, where there is one.
func ifSeen(f change) change {
	return func(s *state) {
		if s.seen != nil {
			f(s)
		}
	}
}

func fromBackup(s *state) {
	foreign(s)
	s.foreign.ImageID = "m-9"
}

// The rules of TestEveryState, for objects that name an image, carry a record of another object, or meet images that
// others claim.
func TestEveryClaim(t *testing.T) {
	t.Parallel()
	everyState(t, [][]change{
		{nothing, fresh, foreign, fromBackup, open(time.Minute), open(40 * time.Minute), refused, failedAs("Pack_failed", time.Minute), owns("m-1"), adopted("m-9")},
		{nothing, imageID("m-9"), also(imageID("m-9"), observeOnly), imageID("m-8"), adoptAnnotated("m-9"), importsInstead},
		{nothing, told("m-1"), told("m-9")},
		{nothing, deleting, also(deleting, func(s *state) { s.obj.Spec.DeletionPolicy = v1alpha1.DeletionDelete })},
		{nothing, also(requested, reported(v1alpha1.ReasonOwnershipUnknown)), also(requested, reported(v1alpha1.ReasonImageVanished))},
		{
			nothing, shownTo(), shownTo(image("m-1", "Available")), shownTo(named("ubuntu-golden", image("m-9", "Available"))),
			shownTo(named("ubuntu-golden", image("m-1", "Available")), named("theirs", image("m-9", "Pack_failed"))),
		},
		{nothing, ifSeen(claimedBy("m-9")), ifSeen(claimedBy("m-9", younger)), ifSeen(claimedBy("m-9", younger, importer)), ifSeen(claimedBy("m-9", wish)), ifSeen(ownerLives)},
		{nothing, asked("m-9"), unknown("m-9")},
	}, 20_000)
}
