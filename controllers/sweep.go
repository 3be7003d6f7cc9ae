// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// Sweeper looks for orphans: images that bear this cluster's mark and a token, but belong to no ImageImport. There are
// none as long as the protocol's assumptions hold and nobody takes finalizers off. An image that a deleted object
// retained under its unique name looks just the same, so the sweeper reports, and deletes only when it is told to.
type Sweeper struct {
	Reconciler *Reconciler
	// Interval between two sweeps. 0: no sweeps.
	Interval time.Duration
	// Delete the orphans that were found by two sweeps in a row.
	Delete bool

	known sets.Set[string]
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (w *Sweeper) NeedLeaderElection() bool { return true }

// Start implements manager.Runnable.
func (w *Sweeper) Start(ctx context.Context) error {
	if w.Interval <= 0 {
		return nil
	}
	ctx = log.IntoContext(ctx, log.FromContext(ctx).WithName("sweeper"))
	// Not at once: a restart is to cost as few calls as possible.
	_ = wait.PollUntilContextCancel(ctx, w.Interval, false, func(ctx context.Context) (done bool, _ error) {
		if _, err := w.Sweep(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Info("sweep for orphaned images was not completed", "cause", err.Error())
		}
		return false, nil
	})
	return nil
}

// Sweep looks once through all images of all accounts in use, and returns the IDs of the orphans that it found. An error
// tells of what it could not do; orphans of the accounts concerned count as found as long as they are not looked for.
func (w *Sweeper) Sweep(ctx context.Context) ([]string, error) {
	accounts, err := w.accounts(ctx)
	if err != nil {
		return nil, err
	}
	var failures []error
	var candidates []candidate
	missed := sets.New[string]()
	for _, account := range accounts {
		images, err := account.Images(ctx)
		if err != nil {
			failures = append(failures, err)
			missed = w.known
		}
		for _, image := range images {
			if w.bearsMark(image) {
				candidates = append(candidates, candidate{account: account, image: image})
			}
		}
	}
	// The objects are read after the images: an object that is older than its image cannot be missed.
	alive, err := w.living(ctx)
	if err != nil {
		return nil, err
	}
	found := sets.New[string]()
	for _, c := range candidates {
		if w.isOrphan(c.image, alive) {
			found.Insert(c.image.ID)
			failures = append(failures, w.handle(ctx, c.account, c.image))
		}
	}
	w.known = found.Union(missed)
	orphans.Set(float64(w.known.Len()))
	return sets.List(found), errors.Join(failures...)
}

// candidate is an image that bears the mark of this cluster, and the account that it lies in.
type candidate struct {
	account *account
	image   ens.Image
}

func (w *Sweeper) handle(ctx context.Context, cloud *account, orphan ens.Image) error {
	logger := log.FromContext(ctx).WithValues("imageId", orphan.ID, "imageName", orphan.Name)
	switch {
	case !w.known.Has(orphan.ID):
		logger.Info("image belongs to no ImageImport")
		return nil
	case !w.Delete:
		return nil
	}
	if err := cloud.cloud.limits.Wait(ctx, actions[deleteImage]); err != nil {
		return err
	}
	if err := cloud.DeleteImage(ctx, orphan.ID); err != nil {
		return fmt.Errorf("deleting orphaned image %s: %w", orphan.ID, err)
	}
	logger.Info("deletion of orphaned image was asked for")
	return nil
}

// living is what the living objects answer for: images by their IDs, and by the suffixes of their names, with the ImageId
// where one is recorded.
type living struct {
	images   sets.Set[string]
	suffixes map[string]string
}

// bearsMark is true for an image whose name ends in the mark of this cluster and a token.
func (w *Sweeper) bearsMark(image ens.Image) bool {
	at := len(image.Name) - tokenLength
	return at >= 0 && strings.HasSuffix(image.Name[:at], nameSuffix(w.Reconciler.ClusterUID, ""))
}

// isOrphan is true for an image that bears the mark of this cluster, and that no living object answers for. Young images
// are left alone: the cache may not show their object yet.
func (w *Sweeper) isOrphan(image ens.Image, alive living) bool {
	if alive.images.Has(image.ID) || w.Reconciler.Clock.Now().Sub(image.CreationTime) < w.Reconciler.Timing.Settle {
		return false
	}
	suffix := nameSuffix(w.Reconciler.ClusterUID, image.Name[len(image.Name)-tokenLength:])
	recorded, lives := alive.suffixes[suffix]
	return !lives || recorded != "" && recorded != image.ID
}

// living reads all namespaces live: an object that is not watched here is no less an owner.
func (w *Sweeper) living(ctx context.Context) (living, error) {
	alive := living{images: sets.New[string](), suffixes: map[string]string{}}
	return alive, w.Reconciler.eachObject(ctx, true, func(obj *v1alpha1.ImageImport) { alive.add(obj, w.Reconciler.ClusterUID) })
}

func (l living) add(obj *v1alpha1.ImageImport, cluster types.UID) {
	l.images.Insert(obj.Spec.ImageID, obj.Status.ImageID)
	own, foreign, _ := readIntent(obj, cluster)
	if own != nil {
		l.images.Insert(own.ImageID)
		l.suffixes[own.nameSuffix()] = own.ImageID
		return
	}
	suffixes := suffixesOf(obj, cluster)
	if foreign != nil {
		// Anybody may create an object with a record of his making: it keeps an image, and gives none away.
		l.images.Insert(foreign.ImageID)
		suffixes = append(suffixes, foreign.nameSuffix())
	}
	for _, suffix := range suffixes {
		if _, recorded := l.suffixes[suffix]; !recorded {
			l.suffixes[suffix] = ""
		}
	}
}

// accounts returns one client for each identity in use: those of the objects, and the operator's own, in whose account images
// may lie although no object uses it any more.
func (w *Sweeper) accounts(ctx context.Context) ([]*account, error) {
	list := &v1alpha1.ImageImportList{}
	if err := w.Reconciler.Client.List(ctx, list); err != nil {
		return nil, fmt.Errorf("listing the ImageImports: %w", err)
	}
	var accounts []*account
	sources, identities := sets.New(types.NamespacedName{}), sets.New[string]()
	for i := range list.Items {
		sources.Insert(sourceOf(&list.Items[i]))
	}
	for source := range sources {
		opened, err := w.Reconciler.clouds().read(ctx, source)
		if _, denied := errors.AsType[*credentialsError](err); denied {
			continue // the objects themselves tell of it
		}
		if err != nil {
			return nil, err
		}
		if !identities.Has(opened.identity) {
			accounts = append(accounts, opened)
			identities.Insert(opened.identity)
		}
	}
	return accounts, nil
}
