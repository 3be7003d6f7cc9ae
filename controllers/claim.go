// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/pager"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

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
	// wished is a claim that rests on the spec alone: the object has not seen the image yet, and may not be able to.
	wished bool
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

// outranking is the claim of another object that is better than this object's own, nil when there is none. A mere wish
// keeps an image from being adopted or deleted, but it does not take one from an object that looks after it.
func (s *state) outranking(image string) *claim {
	imported := s.intent != nil && !s.intent.Adopted && s.intent.ImageID == image
	best := claim{created: s.obj.CreationTimestamp.Time, uid: s.obj.UID, imported: imported}
	holds := s.intent != nil && s.intent.ImageID == image && s.obj.DeletionTimestamp.IsZero()
	var found *claim
	for _, other := range s.seen.claims {
		if other.image == image && compareClaims(other, best) < 0 && (!other.wished || !holds) {
			best, found = other, &other
		}
	}
	return found
}

func (s *state) claimed(image string) bool {
	return slices.ContainsFunc(s.seen.claims, func(c claim) bool { return c.image == image })
}

// contested is true when another object than this one may have a claim on what is looked for. A deletion cannot be taken
// back, so there it is always asked.
func (s *state) contested() bool {
	if s.observes() {
		return false
	}
	return !s.obj.DeletionTimestamp.IsZero() || s.intent == nil || s.intent.Adopted || s.adoptsBySpec()
}

// findClaims fills in which other living objects claim the images of the sighting, and whether the object that a foreign
// record belongs to lives.
func (r *Reconciler) findClaims(ctx context.Context, s *state, seen *sighting) error {
	images, copied := slices.Concat(seen.images, seen.lookalikes), s.contested() && s.copied()
	if !copied && len(seen.lookalikes) == 0 && (len(images) == 0 || !s.contested()) {
		return nil
	}
	note := func(obj *v1alpha1.ImageImport) { s.noteClaims(obj, seen) }
	live := r.claimsLive(s)
	if copied || slices.ContainsFunc(images, s.bearsAnotherToken) {
		return r.eachObject(ctx, live, note)
	}
	for _, image := range images {
		for _, field := range []string{fieldSpecImageID, fieldStatusImageID} {
			if err := r.eachObject(ctx, live, note, client.MatchingFields{field: image.ID}); err != nil {
				return err
			}
		}
	}
	return nil
}

// claimsLive is true when the cache will not do: it may be stale and miss the better claim, and a deletion cannot be taken
// back, nor can the rename after an adoption. And it lacks what another operator looks after.
func (r *Reconciler) claimsLive(s *state) bool {
	return r.Sharded || !s.obj.DeletionTimestamp.IsZero() || s.adoptsBySpec()
}

// copied is true when the record came along from another object of this cluster, which may still live.
func (s *state) copied() bool { return s.foreign != nil && s.foreign.Cluster == s.cluster }

// noteClaims adds to the sighting what another object has to do with it.
func (s *state) noteClaims(other *v1alpha1.ImageImport, seen *sighting) {
	if other.UID == s.obj.UID {
		return
	}
	seen.ownerLives = seen.ownerLives || s.copied() && other.UID == s.foreign.UID
	for _, image := range slices.Concat(seen.images, seen.lookalikes) {
		if c := claimOf(other, s.cluster, image); c != nil {
			seen.claims = append(seen.claims, *c)
		}
	}
}

// bearsAnotherToken is true for an image that another object of this cluster imported, or is importing: its name says so,
// and that object's status may not know the image yet.
func (s *state) bearsAnotherToken(image ens.Image) bool {
	return strings.Contains(image.Name, nameSuffix(s.cluster, "")) && !target{suffixes: suffixesOf(s.obj, s.cluster)}.matches(image)
}

// eachObject calls f for all objects that the options select, as the cache or, live, as the apiserver holds them. f must
// not change them.
func (r *Reconciler) eachObject(ctx context.Context, live bool, f func(*v1alpha1.ImageImport), options ...client.ListOption) error {
	call := func(item runtime.Object) error {
		if obj, is := item.(*v1alpha1.ImageImport); is {
			f(obj)
		}
		return nil
	}
	var err error
	if live {
		err = pager.New(func(ctx context.Context, page metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.ImageImportList{}
			return list, r.APIReader.List(ctx, list, append(slices.Clone(options), client.Limit(page.Limit), client.Continue(page.Continue))...)
		}).EachListItem(ctx, metav1.ListOptions{}, call)
	} else {
		list := &v1alpha1.ImageImportList{}
		if err = r.Client.List(ctx, list, append(options, client.UnsafeDisableDeepCopy)...); err == nil {
			err = meta.EachListItem(list, call)
		}
	}
	if err != nil {
		return fmt.Errorf("listing ImageImports: %w", err)
	}
	return nil
}

// claimOf returns what the object has on the image, nil for nothing: by its record, by the token in the image's name,
// or by its spec.
func claimOf(obj *v1alpha1.ImageImport, cluster types.UID, image ens.Image) *claim {
	c := &claim{image: image.ID, object: client.ObjectKeyFromObject(obj), uid: obj.UID, created: obj.CreationTimestamp.Time}
	own, _, _ := readIntent(obj, cluster)
	// What it imported besides the image of its record, it does not hold on to.
	pending := own == nil || own.ImageID == "" && own.Closed != closedRefused
	switch {
	case own != nil && own.ImageID == image.ID:
		c.imported = !own.Adopted
	case own != nil && pending && obj.Status.ImageID == image.ID, pending && target{suffixes: suffixesOf(obj, cluster)}.matches(image):
		c.imported = true
	case obj.Spec.ImageID == image.ID && obj.Spec.ManagementPolicy != v1alpha1.ManagementObserveOnly:
		c.wished = obj.Status.ImageID != image.ID
	default:
		return nil
	}
	return c
}

// suffixesOf are those that the name of an image of this object may end in: that of its record or, without one, those
// that may have been.
func suffixesOf(obj *v1alpha1.ImageImport, cluster types.UID) []string {
	if own, _, _ := readIntent(obj, cluster); own != nil {
		return []string{own.nameSuffix()}
	}
	return (&state{obj: obj, cluster: cluster}).lostSuffixes()
}

// claimChanges are the events after which a claim of an object is no more, or another one.
var claimChanges = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, isImport := e.ObjectOld.(*v1alpha1.ImageImport)
		after, isToo := e.ObjectNew.(*v1alpha1.ImageImport)
		return isImport && isToo && (before.Spec.ImageID != after.Spec.ImageID || before.Spec.ManagementPolicy != after.Spec.ManagementPolicy ||
			before.Status.Ownership != after.Status.Ownership && after.Status.Ownership == v1alpha1.OwnershipAdopted)
	},
}

// rivals are the other objects that name or hold an image of this one. What becomes of its claim concerns them.
func (r *Reconciler) rivals(ctx context.Context, o client.Object) []reconcile.Request {
	obj, is := o.(*v1alpha1.ImageImport)
	if !is {
		return nil
	}
	found := sets.New[reconcile.Request]()
	note := func(other *v1alpha1.ImageImport) {
		if other.UID != obj.UID {
			found.Insert(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(other)})
		}
	}
	for _, image := range []string{obj.Spec.ImageID, obj.Status.ImageID} {
		for _, field := range []string{fieldSpecImageID, fieldStatusImageID} {
			if image == "" {
				continue
			}
			if err := r.eachObject(ctx, false, note, client.MatchingFields{field: image}); err != nil {
				// They look again by themselves, only later.
				log.FromContext(ctx).Info("looking for objects of the same image failed", "imageId", image, "cause", err.Error())
			}
		}
	}
	return found.UnsortedList()
}
