// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// shared is true when the sharing of the image is this object's business: asked for, or asked for once. It stays so: a
// replica that was paused may still share what the spec no longer asks for. Sharing that was never asked for here costs
// no call and is left as it is.
func (s *state) shared() bool { return s.intent.Shared || len(s.obj.Spec.ShareWith) > 0 }

// decideSharing brings the accounts that may use the image in line with spec.shareWith: first away with what is too
// much, then what is missing. busy is false when they are.
func decideSharing(s *state, image ens.Image) (e effect, busy bool) {
	if !s.shared() {
		return effect{}, false
	}
	if s.shares == nil && s.sharesKnown() {
		return effect{}, false
	}
	if s.shares == nil {
		return effect{verb: readShares, image: image.ID}, true
	}
	wanted, present := sets.New(s.obj.Spec.ShareWith...), sets.New(s.shares.accounts...)
	extra, missing := sets.List(present.Difference(wanted)), sets.List(wanted.Difference(present))
	switch {
	case len(extra)+len(missing) == 0 && s.shares.stale:
		// What was changed is confirmed by another look.
		return effect{verb: readShares, image: image.ID}, true
	case len(extra)+len(missing) == 0:
		return effect{}, false
	case s.obj.Spec.Suspend:
		return s.rest(suspended(fmt.Sprintf("spec.suspend is true: the sharing of image %s is not changed", image.ID)).after(s.timing.Drift)), true
	case s.shares.confirmed:
		return s.rest(progressing(v1alpha1.ReasonSharing, fmt.Sprintf("image %s is available; its sharing takes effect", image.ID)).after(s.timing.Poll).backAfter(s.timing.Poll)), true
	case !s.intent.Shared:
		return effect{verb: writeIntent, intent: s.intent.sharing()}, true
	case len(extra) > 0:
		return effect{verb: unshareImage, image: image.ID, accounts: extra[:1]}, true
	}
	return effect{verb: shareImage, image: image.ID, accounts: missing}, true
}

// sharesKnown is true when the sharing was in line at the last report, and nothing says that it is not any more. Each look at
// it costs a call, so not every look at the image is one.
func (s *state) sharesKnown() bool {
	return s.wasReady() && !s.requested && !s.check && s.intent.Shared &&
		slices.Equal(s.obj.Status.SharedWith, slices.Sorted(slices.Values(s.obj.Spec.ShareWith)))
}

// decideUnsharing ends all sharing, since a shared image cannot be deleted. busy is false when there is none left.
func decideUnsharing(s *state, image string) (e effect, busy bool) {
	switch {
	case !s.shared():
		return effect{}, false
	case s.shares == nil:
		return effect{verb: readShares, image: image}, true
	case len(s.shares.accounts) > 0:
		return effect{verb: unshareImage, image: image, accounts: s.shares.accounts[:1]}, true
	}
	return effect{}, false
}
