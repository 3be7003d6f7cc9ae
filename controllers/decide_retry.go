// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// decideVanished: the image was there, and is not found any more. Another one is imported only on request.
func decideVanished(s *state) effect {
	switch {
	case !s.conclusive():
		return s.rest(s.missing())
	case s.otherKey() && !s.consents(v1alpha1.ReasonCredentialsChanged):
		return s.rest(s.credentialsChanged())
	}
	if e, unclear := decideLookalike(s); unclear {
		return e
	}
	switch {
	case s.consents(v1alpha1.ReasonCredentialsChanged), s.consents(v1alpha1.ReasonImageVanished), s.consents(v1alpha1.ReasonOwnershipUnknown):
		if s.obj.Spec.ImageID == "" {
			return s.start(s.intent.anew(s.now, importHash(&s.obj.Spec)))
		}
	case s.intent.Hash == importHash(&s.obj.Spec):
	case s.obj.Spec.ImageID != "" && !s.intent.Adopted:
		// Nothing of the import is left, so the image that the spec names now can be adopted.
		return effect{verb: writeIntent, intent: s.intent.closed(closedRefused, s.now)}
	case s.obj.Spec.ImageID == "" && s.intent.Adopted:
		return s.start(s.intent.anew(s.now, importHash(&s.obj.Spec)))
	}
	return s.rest(s.vanished())
}

// decideRetry: the last attempt is closed.
func decideRetry(s *state) effect {
	if s.answer != nil {
		return s.rest(s.failing(s.answer.err))
	}
	hash := importHash(&s.obj.Spec)
	if s.intent.Closed == closedRefused {
		return s.start(s.intent.again(s.now, hash))
	}
	if e, busy := s.clear(); busy {
		return e
	}
	if due := seconds(s.intent.ClosedAt.Add(jittered(s.timing.Slow, string(s.obj.UID)))).Time; s.now.Before(due) && !s.news() && s.intent.Hash == hash {
		return s.rest(s.importFailed().retryAt(due).editable())
	}
	switch {
	case s.looksTooEarly():
		return s.rest(s.clearing())
	case s.obj.Spec.ImageID != "":
		return effect{verb: writeIntent, intent: s.intent.closed(closedRefused, s.now)}
	}
	return s.start(s.intent.anew(s.now, hash))
}

// clear removes what failed attempts have left behind. busy is false when nothing is left.
func (s *state) clear() (e effect, busy bool) {
	switch {
	case s.seen == nil:
		return effect{verb: look}, true
	case len(s.seen.images) == 0 && s.otherKey() && !s.consents(v1alpha1.ReasonCredentialsChanged):
		return s.rest(s.credentialsChanged()), true
	case len(s.seen.images) == 0:
		return effect{}, false
	case s.obj.Spec.Suspend && s.obj.DeletionTimestamp.IsZero():
		return s.rest(suspended("spec.suspend is true: the failed image is not removed").after(s.timing.Drift)), true
	}
	if image := s.undeleted(""); image != "" {
		return effect{verb: deleteImage, image: image}, true
	}
	if !s.obj.DeletionTimestamp.IsZero() {
		return s.rest(s.beingDeleted()), true
	}
	return s.rest(s.clearing()), true
}
