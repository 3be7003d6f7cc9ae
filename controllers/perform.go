// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// errStale says that another replica was faster.
var errStale = errors.New("the object was changed by another replica")

// errPending says that the look at the cloud is still to come.
var errPending = errors.New("the next look at the account is awaited")

// permit allows one ImportImage call. Only a won compare-and-swap of the intent makes one.
type permit struct{ intent intent }

// perform carries out one effect and adds what came of it to the state. An error ends the reconcile.
func (r *Reconciler) perform(ctx context.Context, s *state, e effect) error {
	switch e.verb {
	case connect:
		return r.connect(ctx, s)
	case look:
		return r.look(ctx, s)
	case readShares:
		return r.readShares(ctx, s, e)
	case writeIntent:
		return r.writeIntent(ctx, s, e)
	case importImage:
		return r.importImage(ctx, s)
	case renameImage:
		return r.renameImage(ctx, s, e)
	case shareImage, unshareImage:
		return r.changeShares(ctx, s, e)
	case deleteImage:
		return r.deleteImage(ctx, s, e)
	case removeFinalizer:
		return r.removeFinalizer(ctx, s)
	case rest:
	}
	return fmt.Errorf("performing effect %d: unknown verb", e.verb)
}

// connect resolves the credentials. That there are none is part of the state, not an error.
func (r *Reconciler) connect(ctx context.Context, s *state) error {
	account, err := r.clouds().account(ctx, s.obj)
	if denied, is := errors.AsType[*credentialsError](err); is {
		s.denied = denied
		if denied.unreadable && !s.obj.DeletionTimestamp.IsZero() {
			s.abandoned, err = r.namespaceTerminates(ctx, s.obj.Namespace)
			return err
		}
		return nil
	}
	s.account = account
	return err
}

// namespaceTerminates is true when nothing can be created in the namespace any more.
func (r *Reconciler) namespaceTerminates(ctx context.Context, name string) (bool, error) {
	namespace := &corev1.Namespace{}
	if err := r.APIReader.Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return false, fmt.Errorf("reading the namespace %s: %w", name, err)
	}
	return !namespace.DeletionTimestamp.IsZero(), nil
}

func (r *Reconciler) look(ctx context.Context, s *state) error {
	seen, err := r.observe(s)
	if err != nil {
		return err
	}
	if seen == nil {
		return errPending
	}
	if err := r.findClaims(ctx, s, seen); err != nil {
		return err
	}
	s.seen = seen
	return nil
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
	s.recorded(e)
	return nil
}

// recorded takes a written intent over into the state. What was seen counts on as far as the new record is about it.
func (s *state) recorded(e effect) {
	s.intent, s.foreign, s.intentErr = e.intent, nil, nil
	if e.starts {
		s.permit, s.seen, s.answer = &permit{intent: *e.intent}, nil, nil
		return
	}
	if s.seen == nil {
		return
	}
	wanted := s.target()
	s.seen.images = slices.DeleteFunc(s.seen.images, func(image ens.Image) bool { return !wanted.matches(image) })
	if len(s.seen.images) == 0 {
		s.seen = nil
	}
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
	request.ImageName = uniqueName(s.obj, &in)
	ctx, cancel := context.WithTimeout(ctx, in.SignedAt.Add(answerBound).Sub(r.Clock.Now()))
	defer cancel()
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
	s.renamed = true
	// Listings may show the old name for a while; the cloud's answer is the newer knowledge.
	for i := range s.seen.images {
		if s.seen.images[i].ID == e.image {
			s.seen.images[i].Name = e.name
		}
	}
	return nil
}

func (r *Reconciler) readShares(ctx context.Context, s *state, e effect) error {
	accounts, err := s.account.ImageShares(ctx, e.image)
	if refused, is := errors.AsType[*ens.Error](err); is && refused.Class == ens.ClassGone {
		accounts, err = nil, nil // what is on its way out is shared with nobody
	}
	if err != nil {
		return err
	}
	s.shares = &shares{accounts: accounts, confirmed: s.shares != nil}
	return nil
}

func (r *Reconciler) changeShares(ctx context.Context, s *state, e effect) error {
	if e.verb == shareImage {
		if err := s.account.ShareImage(ctx, e.image, e.accounts...); err != nil {
			return err
		}
		s.shares.accounts = append(s.shares.accounts, e.accounts...)
	} else {
		if err := s.account.UnshareImage(ctx, e.image, e.accounts[0]); err != nil {
			return err
		}
		s.shares.accounts = slices.DeleteFunc(s.shares.accounts, func(account string) bool { return account == e.accounts[0] })
	}
	s.shares.stale = true
	return nil
}

// deleteImage asks for the deletion and then looks again: no answer proves that an image is gone, only its absence does.
func (r *Reconciler) deleteImage(ctx context.Context, s *state, e effect) error {
	if err := r.confirm(ctx, s); err != nil {
		return err
	}
	err := s.account.DeleteImage(ctx, e.image)
	// Only what is seen from now on tells whether it is gone.
	s.doomed = &sighting{images: s.seen.images, begun: r.Clock.Now()}
	if refused, is := errors.AsType[*ens.Error](err); is && refused.Class == ens.ClassGone {
		// That proves no more than a listing does: both may come from a server that lags.
		s.unknown, s.seen = append(s.unknown, e.image), nil
		return nil
	}
	if err != nil {
		return err
	}
	s.deleted, s.seen = append(s.deleted, e.image), nil
	return nil
}

// confirm fails with errStale when the object is not any more what the decision was made from: a deletion cannot be taken
// back, and the user may have said Retain meanwhile.
func (r *Reconciler) confirm(ctx context.Context, s *state) error {
	known := s.obj
	if err := r.refresh(ctx, s, known); err != nil {
		return fmt.Errorf("reading the object before its image is deleted: %w", err)
	}
	if s.obj.Generation != known.Generation {
		return errStale
	}
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
