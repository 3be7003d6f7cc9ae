// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// clockSkew is how far the clocks of the cloud, the apiserver and the operator may differ.
const clockSkew = 5 * time.Minute

// observe is the seam between one object and the watching of the cloud: how an object learns of its images. An absence
// decides over imports and deletions, and how fuzzy the cloud's search is, is not documented: so it is confirmed by a
// second look-up, through all images.
func observe(ctx context.Context, cloud cloudReader, s *state) (*sighting, error) {
	seen, wanted := &sighting{begun: s.now}, s.target()
	var err error
	if seen.images, err = search(ctx, cloud, wanted); err != nil || len(seen.images) > 0 {
		return seen, err
	}
	all, err := cloud.Images(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b ens.Image) int { return a.CreationTime.Compare(b.CreationTime) })
	for _, image := range all {
		switch {
		case wanted.matches(image):
			seen.images = append(seen.images, image)
		case s.resembles(image):
			seen.lookalikes = append(seen.lookalikes, image)
		}
	}
	return seen, nil
}

// search asks for just what is wanted, where one search can find it.
func search(ctx context.Context, cloud cloudReader, wanted target) ([]ens.Image, error) {
	switch {
	case wanted.id != "" && len(wanted.suffixes) == 0:
		image, err := cloud.ImageByID(ctx, wanted.id)
		if err != nil || image == nil {
			return nil, err
		}
		return []ens.Image{*image}, nil
	case wanted.id == "" && len(wanted.suffixes) == 1:
		return cloud.ImagesByNameSuffix(ctx, wanted.suffixes[0])
	}
	return nil, nil
}

func (t target) matches(image ens.Image) bool {
	return t.id != "" && image.ID == t.id || slices.ContainsFunc(t.suffixes, func(suffix string) bool { return strings.HasSuffix(image.Name, suffix) })
}

func (t target) matchesAny(images []ens.Image) bool { return slices.ContainsFunc(images, t.matches) }

// resembles is true for an image that may be this object's, although nothing proves it: the record of its rename is
// lost when the whole cluster is set back to an earlier state.
func (s *state) resembles(image ens.Image) bool {
	if s.adoptsBySpec() || s.intent != nil && (s.intent.ImageID != "" || s.intent.Closed != "") {
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

// cloudReader is what watching needs of ens.Client.
type cloudReader interface {
	ImageByID(ctx context.Context, id string) (*ens.Image, error)
	ImagesByNameSuffix(ctx context.Context, suffix string) ([]ens.Image, error)
	Images(ctx context.Context) ([]ens.Image, error)
}
