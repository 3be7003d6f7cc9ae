// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"slices"
	"strings"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// observe is the seam between one object and the watching of the cloud: how an object learns of its images. It looks
// by the recorded ImageId, or by token while there is none. An absence decides over imports and deletions, and how
// fuzzy the cloud's search is, is not documented: so it is confirmed by a second look-up, through all images.
func observe(ctx context.Context, cloud cloudReader, s *state) (*sighting, error) {
	seen := &sighting{begun: s.now}
	var err error
	if seen.images, err = search(ctx, cloud, s); err != nil || len(seen.images) > 0 {
		return seen, err
	}
	all, err := cloud.Images(ctx)
	seen.images = slices.DeleteFunc(all, func(image ens.Image) bool { return !s.isOwn(image) })
	slices.SortFunc(seen.images, func(a, b ens.Image) int { return a.CreationTime.Compare(b.CreationTime) })
	return seen, err
}

func search(ctx context.Context, cloud cloudReader, s *state) ([]ens.Image, error) {
	if s.intent == nil || s.intent.ImageID == "" {
		return cloud.ImagesByNameSuffix(ctx, nameSuffix(s.token()))
	}
	image, err := cloud.ImageByID(ctx, s.intent.ImageID)
	if err != nil || image == nil {
		return nil, err
	}
	return []ens.Image{*image}, nil
}

// isOwn is true for the images that a look at the cloud is about.
func (s *state) isOwn(image ens.Image) bool {
	if s.intent == nil || s.intent.ImageID == "" {
		return strings.HasSuffix(image.Name, nameSuffix(s.token()))
	}
	return image.ID == s.intent.ImageID
}

// cloudReader is what watching needs of ens.Client.
type cloudReader interface {
	ImageByID(ctx context.Context, id string) (*ens.Image, error)
	ImagesByNameSuffix(ctx context.Context, suffix string) ([]ens.Image, error)
	Images(ctx context.Context) ([]ens.Image, error)
}
