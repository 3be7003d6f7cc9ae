// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"

	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// observe is the seam between one object and the watching of the cloud: how an object learns of its images. It looks
// by the recorded ImageId, or by token while there is none. An absence decides over imports and deletions, so it takes
// two complete look-ups after each other.
func observe(ctx context.Context, cloud cloudReader, s *state) (*sighting, error) {
	for range 2 {
		images, err := lookUp(ctx, cloud, s)
		if err != nil || len(images) > 0 {
			return &sighting{images: images, begun: s.now}, err
		}
	}
	return &sighting{begun: s.now}, nil
}

func lookUp(ctx context.Context, cloud cloudReader, s *state) ([]ens.Image, error) {
	if s.intent == nil || s.intent.ImageID == "" {
		return cloud.ImagesByNameSuffix(ctx, nameSuffix(s.token()))
	}
	image, err := cloud.ImageByID(ctx, s.intent.ImageID)
	if err != nil || image == nil {
		return nil, err
	}
	return []ens.Image{*image}, nil
}

// cloudReader is what watching needs of ens.Client.
type cloudReader interface {
	ImageByID(ctx context.Context, id string) (*ens.Image, error)
	ImagesByNameSuffix(ctx context.Context, suffix string) ([]ens.Image, error)
}
