// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
	"github.com/ens-image-operator/ens-image-operator/internal/imagewatch"
)

// clockSkew is how far the clocks of the cloud, the apiserver and the operator may differ.
const clockSkew = 5 * time.Minute

// observe is the seam between one object and the watching of the cloud: what it learns of its images. nil says that a look
// is still to come, after which the object is woken.
func (r *Reconciler) observe(s *state) (*sighting, error) {
	if s.doomed != nil {
		return nil, nil
	}
	object, watch, subject := client.ObjectKeyFromObject(s.obj), s.account.cloud.watch, s.subject()
	sight, err := watch.Look(object, s.account.source, s.obj.ResourceVersion, subject, time.Time{})
	if err == nil && sight != nil && len(sight.Images) == 0 && sight.Begun.Before(s.milestone()) {
		sight, err = watch.Look(object, s.account.source, s.obj.ResourceVersion, subject, s.milestone())
	}
	if sight == nil || err != nil {
		return nil, err
	}
	s.check, s.others = sight.Check, slices.Clone(sight.Others)
	return s.sighting(sight.Images, sight.Others, sight.Begun), nil
}

// lookAgain asks for a look that begins from now on. It is true when that is still to come.
func (r *Reconciler) lookAgain(s *state) bool {
	sight, err := s.account.cloud.watch.Look(client.ObjectKeyFromObject(s.obj), s.account.source, s.obj.ResourceVersion, s.subject(), s.now)
	return sight == nil && err == nil
}

// sighting is what images, and others in their absence, mean to the object.
func (s *state) sighting(images, others []ens.Image, begun time.Time) *sighting {
	seen := &sighting{images: images, begun: begun}
	if len(images) == 0 {
		seen.lookalikes = slices.DeleteFunc(others, func(image ens.Image) bool { return !s.resembles(image) })
	}
	return seen
}

// subject names the images that the object is about to the watch.
func (s *state) subject() imagewatch.Subject {
	wanted := s.target()
	subject := imagewatch.Subject{ID: wanted.id, Suffixes: wanted.suffixes}
	if !s.mayResemble() {
		return subject
	}
	if s.obj.Spec.ImageNamePolicy != v1alpha1.ImageNameUnique {
		subject.Name = wantedName(s.obj)
	}
	for _, id := range []string{s.obj.Status.ImageID, s.adoptee()} {
		if id != "" {
			subject.Others = append(subject.Others, id)
		}
	}
	return subject
}

// milestones are when an absence begins to prove more, or an import is taken for late.
func (s *state) milestones() []time.Time {
	var all []time.Time
	add := func(from time.Time, waits ...time.Duration) {
		for _, wait := range waits {
			if !from.IsZero() {
				all = append(all, from.Add(wait))
			}
		}
	}
	if s.intent != nil && (s.seen == nil || len(s.seen.images) == 0) {
		add(s.intent.SignedAt.Time, s.timing.ListingLag, s.timing.Settle)
	}
	if s.intent != nil && s.intent.open() {
		add(s.intent.SignedAt.Time, time.Duration(s.obj.Spec.TimeoutSeconds)*time.Second, s.timing.Stages)
	}
	if s.foreign != nil {
		add(s.foreign.SignedAt.Time, s.timing.Settle)
	}
	if started := s.obj.Status.StartTime; s.intent == nil && started != nil {
		add(started.Time, s.timing.Settle)
	}
	return all
}

// milestone is the last one that has passed, zero when none has.
func (s *state) milestone() (last time.Time) {
	for _, at := range s.milestones() {
		if !at.After(s.now) && at.After(last) {
			last = at
		}
	}
	return last
}

// ahead is how long it takes to the next milestone, 0 when there is none.
func (s *state) ahead(now time.Time) (wait time.Duration) {
	for _, at := range s.milestones() {
		if left := at.Sub(now); left > 0 && (wait == 0 || left < wait) {
			wait = left
		}
	}
	return wait
}

func (t target) matches(image ens.Image) bool {
	return imagewatch.Subject{ID: t.id, Suffixes: t.suffixes}.Matches(image)
}

func (t target) matchesAny(images []ens.Image) bool { return slices.ContainsFunc(images, t.matches) }

// mayResemble is true while an image may be this object's although nothing proves it.
func (s *state) mayResemble() bool {
	return !s.adoptsBySpec() && (s.intent == nil || s.intent.ImageID == "" && s.intent.Closed == "")
}

// resembles is true for an image that may be this object's, although nothing proves it: the record of its rename is
// lost when the whole cluster is set back to an earlier state.
func (s *state) resembles(image ens.Image) bool {
	if !s.mayResemble() {
		return false
	}
	renamed := s.obj.Spec.ImageNamePolicy != v1alpha1.ImageNameUnique
	named := renamed && image.Name == wantedName(s.obj) && image.CreationTime.After(s.madeSince().Add(-clockSkew))
	told := s.intent != nil && s.accepted() && image.ID == s.obj.Status.ImageID
	return named || told || image.ID == s.adoptee()
}

// madeSince is since when an image may have been made for this object.
func (s *state) madeSince() time.Time {
	switch {
	case s.intent != nil:
		return s.intent.SignedAt.Time
	case s.foreign != nil:
		// A backup may be older than the rename: then only the name is left of what it tells.
		return s.foreign.SignedAt.Time
	}
	return s.obj.CreationTimestamp.Time
}
