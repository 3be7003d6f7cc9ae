// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// errStale says that another replica was faster.
var errStale = errors.New("the object was changed by another replica")

// permit allows one ImportImage call. Only a won compare-and-swap of the intent makes one.
type permit struct{ intent intent }

// perform carries out one effect and adds what came of it to the state. An error ends the reconcile.
func (r *Reconciler) perform(ctx context.Context, s *state, e effect) error {
	if e.verb == removeFinalizer {
		return r.removeFinalizer(ctx, s)
	}
	// Credentials come first: an intent that cannot be followed by a call would only block the object.
	if s.account == nil {
		account, err := r.account(ctx, s.obj)
		if err != nil {
			return err
		}
		s.account = account
	}
	switch e.verb {
	case look:
		seen, err := observe(ctx, s.account, s)
		if err != nil {
			return err
		}
		s.seen = seen
		return nil
	case writeIntent:
		return r.writeIntent(ctx, s, e)
	case importImage:
		return r.importImage(ctx, s)
	case renameImage:
		return r.renameImage(ctx, s, e)
	case deleteImage:
		return r.deleteImage(ctx, s, e)
	case rest, removeFinalizer:
	}
	return fmt.Errorf("performing effect %d: unknown verb", e.verb)
}

// writeIntent records the intent with the object's resourceVersion: whoever read a stale object conflicts here, before
// anything happens in the cloud.
func (r *Reconciler) writeIntent(ctx context.Context, s *state, e effect) error {
	known := s.obj.DeepCopy()
	err := r.patchIntent(ctx, s.obj, e.intent)
	// An edit of the user's in between must not cost what the cloud just told: only the start of an attempt depends
	// on the spec.
	for apierrors.IsConflict(err) && !e.starts {
		if err = r.refresh(ctx, s, known); err == nil {
			err = r.patchIntent(ctx, s.obj, e.intent)
		}
	}
	if err != nil {
		return fmt.Errorf("recording the import: %w", err)
	}
	s.intent = e.intent
	switch {
	case e.starts:
		s.permit, s.seen, s.answer = &permit{intent: *e.intent}, nil, nil
	case e.intent.ImageID != "" && s.seen != nil:
		// The look-up was by token; from now on the image is known by its ID.
		s.seen.images = slices.DeleteFunc(s.seen.images, func(image ens.Image) bool { return image.ID != e.intent.ImageID })
	}
	return nil
}

func (r *Reconciler) patchIntent(ctx context.Context, obj *v1alpha1.ImageImport, in *intent) error {
	base := obj.DeepCopy()
	controllerutil.AddFinalizer(obj, v1alpha1.ImageFinalizer)
	metav1.SetMetaDataAnnotation(&obj.ObjectMeta, v1alpha1.ImportAnnotation, in.encode())
	return r.Client.Patch(ctx, obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}))
}

// importImage makes the one call that must never be made twice. Nothing that can fail stands between the call and the
// state that its answer is kept in.
func (r *Reconciler) importImage(ctx context.Context, s *state) error {
	if s.permit == nil {
		return errors.New("importing an image: no intent was recorded")
	}
	in := s.permit.intent
	s.permit = nil
	request := importRequest(&s.obj.Spec)
	request.ImageName = uniqueName(s.obj, in.token())
	imported, err := s.account.ImportImage(ctx, request, ens.Pin{Nonce: in.nonce(), SignedAt: in.SignedAt.Time})
	s.answer = &answer{imported: imported}
	if err != nil && !errors.As(err, &s.answer.err) {
		return err
	}
	return nil
}

func (r *Reconciler) renameImage(ctx context.Context, s *state, e effect) error {
	if err := s.account.RenameImage(ctx, e.image, e.name); err != nil {
		return err
	}
	// Listings may show the old name for a while; the cloud's answer is the newer knowledge.
	for i := range s.seen.images {
		if s.seen.images[i].ID == e.image {
			s.seen.images[i].Name = e.name
		}
	}
	return nil
}

// deleteImage asks for the deletion and then looks again: no answer proves that an image is gone, only its absence does.
func (r *Reconciler) deleteImage(ctx context.Context, s *state, e effect) error {
	err := s.account.DeleteImage(ctx, e.image)
	var cloudErr *ens.Error
	if err != nil && (!errors.As(err, &cloudErr) || cloudErr.Class != ens.ClassGone) {
		return err
	}
	s.deleted, s.seen = append(s.deleted, e.image), nil
	return nil
}

func (r *Reconciler) removeFinalizer(ctx context.Context, s *state) error {
	base := s.obj.DeepCopy()
	controllerutil.RemoveFinalizer(s.obj, v1alpha1.ImageFinalizer)
	if err := r.Client.Patch(ctx, s.obj, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})); err != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}
