// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// The fields by which claims are found. They are selectable in the CRD and indexed in the cache, so that both answer.
const (
	fieldSpecImageID   = "spec.imageID"
	fieldStatusImageID = "status.imageID"
)

// claim is what one object has on an image.
type claim struct {
	image    string
	object   types.NamespacedName
	uid      types.UID
	created  time.Time
	imported bool
}

// compareClaims puts the better claim first: who imported the image has it, then the older object.
func compareClaims(a, b claim) int {
	rank := func(c claim) int {
		if c.imported {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.created.Compare(b.created), cmp.Compare(a.uid, b.uid))
}

// outranking is the claim of another object that is better than this object's own, nil when there is none.
func (s *state) outranking(image string) *claim {
	imported := s.intent != nil && !s.intent.Adopted && s.intent.ImageID == image
	best := claim{created: s.obj.CreationTimestamp.Time, uid: s.obj.UID, imported: imported}
	var found *claim
	for _, other := range s.seen.claims {
		if other.image == image && compareClaims(other, best) < 0 {
			best, found = other, &other
		}
	}
	return found
}

func (s *state) claimed(image string) bool {
	return slices.ContainsFunc(s.seen.claims, func(c claim) bool { return c.image == image })
}

// contested is true when another object than this one may have a claim on what is looked for.
func (s *state) contested() bool {
	return !s.observes() && (s.intent == nil || s.intent.Adopted || s.adoptsBySpec())
}

// findClaims fills in which other living objects claim the images of the sighting.
func (r *Reconciler) findClaims(ctx context.Context, s *state, seen *sighting) error {
	if len(seen.images)+len(seen.lookalikes) == 0 || !s.contested() && len(seen.lookalikes) == 0 {
		return nil
	}
	reader := client.Reader(r.Client)
	if !s.obj.DeletionTimestamp.IsZero() || s.adoptsBySpec() {
		// A stale cache may miss the better claim. A deletion cannot be taken back, nor can the rename after an adoption.
		reader = r.APIReader
	}
	for _, image := range slices.Concat(seen.images, seen.lookalikes) {
		for _, selection := range s.claimants(image) {
			list := &v1alpha1.ImageImportList{}
			if err := reader.List(ctx, list, selection); err != nil {
				return fmt.Errorf("listing the ImageImports that claim image %s: %w", image.ID, err)
			}
			for i := range list.Items {
				if c := claimOf(&list.Items[i], s.cluster, image); c != nil && c.uid != s.obj.UID {
					seen.claims = append(seen.claims, *c)
				}
			}
		}
	}
	return r.findOwner(ctx, s, seen)
}

// claimants are the selections of objects that may claim the image. All of them may claim one that bears a token: the
// object that it was imported for may know nothing of it yet.
func (s *state) claimants(image ens.Image) []client.ListOption {
	if strings.Contains(image.Name, nameSuffix(s.cluster, "")) {
		return []client.ListOption{client.UnsafeDisableDeepCopy}
	}
	return []client.ListOption{client.MatchingFields{fieldSpecImageID: image.ID}, client.MatchingFields{fieldStatusImageID: image.ID}}
}

// findOwner adds the claim of the object that a foreign record belongs to, if it still lives here. Its status may not
// tell of the image yet.
func (r *Reconciler) findOwner(ctx context.Context, s *state, seen *sighting) error {
	if s.foreign == nil || s.foreign.Cluster != s.cluster {
		return nil
	}
	list := &v1alpha1.ImageImportList{}
	if err := r.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("looking for the object that the record belongs to: %w", err)
	}
	for i := range list.Items {
		if owner := &list.Items[i]; owner.UID == s.foreign.UID {
			for _, image := range seen.images {
				seen.claims = append(seen.claims, claim{image: image.ID, object: client.ObjectKeyFromObject(owner), uid: owner.UID, imported: true})
			}
		}
	}
	return nil
}

// claimOf returns what the object has on the image, nil for nothing: by its record, by the token in the image's name,
// or by its spec.
func claimOf(obj *v1alpha1.ImageImport, cluster types.UID, image ens.Image) *claim {
	c := &claim{image: image.ID, object: client.ObjectKeyFromObject(obj), uid: obj.UID, created: obj.CreationTimestamp.Time}
	own, _, _ := readIntent(obj, cluster)
	switch {
	case own != nil && own.ImageID == image.ID:
		c.imported = !own.Adopted
	case own != nil && own.ImageID == "" && own.Closed != closedRefused &&
		(obj.Status.ImageID == image.ID || strings.HasSuffix(image.Name, own.nameSuffix())):
		c.imported = true
	case obj.Spec.ImageID == image.ID && obj.Spec.ManagementPolicy != v1alpha1.ManagementObserveOnly:
	default:
		return nil
	}
	return c
}
