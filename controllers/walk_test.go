// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/ens"
)

// carryOut is perform against the world. errStale and the cloud's errors end the reconcile as they do there.
func (w *world) carryOut(s *state, e effect) error {
	switch e.verb {
	case connect:
		s.account = &account{}
		return nil
	case look:
		return w.look(s)
	case writeIntent:
		return w.writeIntent(s, e)
	case importImage:
		w.importImage(s)
		return nil
	case renameImage, deleteImage:
		return w.change(s, e)
	case removeFinalizer:
		return w.removeFinalizer(s)
	case rest, readShares, shareImage, unshareImage:
	}
	return errors.New("no such effect")
}

// reconcile is Reconcile against the world. Now and then the operator dies before or after an effect, or a user is
// faster.
func (w *world) reconcile(t *testing.T) {
	t.Helper()
	w.wake = time.Time{}
	notYet := &Reconciler{Timing: w.timing, Clock: clocktesting.NewFakePassiveClock(w.now)}
	if wait, _ := notYet.notYet(t.Context(), w.obj); wait > 0 {
		w.wake = w.now.Add(wait)
		return
	}
	s := &state{obj: w.obj.DeepCopy(), cluster: testCluster, timing: w.timing}
	s.requested = s.obj.ReconcileRequest() != s.obj.Status.LastHandledReconcileAt
	s.intent, s.foreign, s.intentErr = readIntent(s.obj, testCluster)
	for range maxEffects {
		w.pass(w.upTo(3 * time.Second))
		if w.happens(5) {
			w.pass(w.upTo(time.Minute))
		}
		s.now = w.now
		e := decide(s)
		w.checkEffect(s, e)
		if e.verb == rest {
			w.tell(s, e.report)
			return
		}
		if w.happens(4) {
			w.wake = w.now.Add(time.Second)
			return
		}
		if w.happens(3) {
			w.disturb()
		}
		err := w.carryOut(s, e)
		if errors.Is(err, errStale) || w.happens(4) {
			w.wake = w.now.Add(w.timing.BackoffBase)
			return
		}
		if err != nil {
			outcome, err := s.interrupted(err)
			w.Expect(err).NotTo(HaveOccurred())
			w.tell(s, outcome)
			return
		}
		if w.obj == nil {
			w.checkGone(s)
			return
		}
	}
	w.Expect(maxEffects).To(BeZero(), "the reconcile came to no rest")
}

func (w *world) tell(s *state, outcome report) {
	if outcome.silent {
		return
	}
	wait := outcome.apply(s.obj, w.now, w.timing)
	w.obj.Status = *s.obj.Status.DeepCopy()
	w.stored()
	switch {
	case w.obj.Generation != s.obj.Generation || w.obj.ReconcileRequest() != s.obj.ReconcileRequest():
		w.wake = w.now
	case wait > 0:
		w.wake = w.now.Add(wait)
	}
}

// checkEffect holds each effect against what it may be based on.
func (w *world) checkEffect(s *state, e effect) {
	suspended := s.obj.Spec.Suspend && s.obj.DeletionTimestamp.IsZero()
	switch e.verb {
	case writeIntent:
		if before := s.intent; before != nil {
			w.Expect(e.intent.Attempt).To(BeNumerically(">=", before.Attempt))
			w.Expect(e.intent.Epoch).To(BeNumerically(">=", before.Epoch))
			w.Expect(e.starts).To(Equal(e.intent.Attempt > before.Attempt))
		}
		w.Expect(e.starts && suspended).To(BeFalse())
	case importImage:
		w.Expect(s.permit).NotTo(BeNil())
		w.Expect(*s.intent).To(Equal(s.permit.intent))
		w.Expect(s.now.Sub(s.permit.intent.SignedAt.Time)).To(BeNumerically("<=", sendWindow))
		w.Expect(s.permit.intent.Hash).To(Equal(importHash(&s.obj.Spec)))
		w.Expect(s.obj.DeletionTimestamp.IsZero()).To(BeTrue())
		w.Expect(suspended).To(BeFalse())
	case renameImage, deleteImage:
		w.Expect(suspended).To(BeFalse())
		i := slices.IndexFunc(s.seen.images, func(image ens.Image) bool { return image.ID == e.image })
		w.Expect(i).To(BeNumerically(">=", 0), "only what was just seen is written to")
		proven := e.image == s.intent.ImageID || strings.HasSuffix(s.seen.images[i].Name, s.intent.nameSuffix())
		w.Expect(proven).To(BeTrue(), "only what is ours is written to")
	case rest, connect, look, readShares, shareImage, unshareImage, removeFinalizer:
	}
}

// checkGone: the object is gone, so nothing in the cloud may be left of it, or still come.
func (w *world) checkGone(s *state) {
	if s.obj.Spec.DeletionPolicy == v1alpha1.DeletionRetain || s.intentErr != nil {
		return
	}
	w.Expect(w.images).To(BeEmpty())
	w.Expect(w.flights).To(BeEmpty())
}

// disturb is what users and others do.
func (w *world) disturb() {
	switch w.random.IntN(8) {
	case 0:
		w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = !obj.Spec.Suspend })
	case 1:
		w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = fmt.Sprint("name-", w.random.IntN(3)) })
	case 2:
		w.edit(func(obj *v1alpha1.ImageImport) {
			obj.Spec.ImageNamePolicy = []v1alpha1.ImageNamePolicy{v1alpha1.ImageNameExact, v1alpha1.ImageNameUnique}[w.random.IntN(2)]
		})
	case 3, 4:
		w.obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = w.now.String()
		w.stored()
		w.wake = w.now
	case 5, 6:
		if w.obj.Status.StartTime == nil {
			w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.Source.OSS.Object = fmt.Sprint("file-", w.random.IntN(2)) })
		}
	case 7:
		// Somebody deletes the image once it is known to be the object's.
		if in, _, err := readIntent(w.obj, testCluster); err == nil && in != nil {
			w.images = slices.DeleteFunc(w.images, func(image cloudImage) bool { return image.ID == in.ImageID })
		}
	}
}

// settle lets a calm world come to rest, with a user who does what the reasons ask for.
func (w *world) settle(t *testing.T) {
	t.Helper()
	w.calm = true
	w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = false })
	for range 1000 {
		switch readyReason(w.obj) {
		case v1alpha1.ReasonAvailable:
			if w.obj.Status.ObservedGeneration == w.obj.Generation {
				return
			}
		case v1alpha1.ReasonImageVanished:
			w.obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = w.now.String()
			w.stored()
			w.wake = w.now
		case v1alpha1.ReasonImportFieldsChanged:
			in, _, err := readIntent(w.obj, testCluster)
			w.Expect(err).NotTo(HaveOccurred())
			for _, file := range []string{"images/ubuntu.qcow2", "file-0", "file-1"} {
				spec := w.obj.Spec.DeepCopy()
				spec.Source.OSS.Object = file
				if importHash(spec) == in.Hash {
					w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec = *spec })
				}
			}
		}
		w.Expect(w.wake.IsZero()).To(BeFalse(), "stuck as %s", readyReason(w.obj))
		w.pass(max(0, w.wake.Sub(w.now)))
		w.reconcile(t)
	}
	w.Expect(readyReason(w.obj)).To(Equal(v1alpha1.ReasonAvailable), "it never gets ready")
}

func (w *world) wander(t *testing.T, steps int) {
	t.Helper()
	for range steps {
		if w.obj == nil {
			return
		}
		if w.happens(30) {
			w.disturb()
		}
		if w.wake.IsZero() || w.happens(20) {
			w.pass(w.upTo(20 * time.Minute))
		}
		if !w.wake.IsZero() {
			w.pass(max(0, w.wake.Sub(w.now)))
			w.reconcile(t)
		}
	}
}

func (w *world) delete() {
	if len(w.obj.Finalizers) == 0 {
		w.Expect(w.images).To(BeEmpty())
		w.obj = nil
		return
	}
	at := metav1.NewTime(w.now)
	w.edit(func(obj *v1alpha1.ImageImport) { obj.DeletionTimestamp = &at })
}

func (w *world) untilGone(t *testing.T) {
	t.Helper()
	for range 1000 {
		if w.obj == nil {
			return
		}
		w.Expect(w.wake.IsZero()).To(BeFalse(), "the deletion is stuck as %s", readyReason(w.obj))
		w.pass(max(0, w.wake.Sub(w.now)))
		w.reconcile(t)
	}
	w.Expect(w.obj).To(BeNil(), "it never goes")
}

const walks = 200

// Whatever happens on the way, one image comes of it, and none is left behind.
func TestWalkToReady(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		t.Run(fmt.Sprint("twice=", twice), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(walks) {
				g := NewWithT(t)
				w := newWorld(g, seed)
				w.twice = twice
				w.wander(t, 30)
				w.settle(t)
				for token, count := range w.made {
					g.Expect(twice || count == 1).To(BeTrue(), "seed %d: token %s has %d images", seed, token, count)
				}
				g.Expect(w.images).To(HaveLen(1), "seed %d", seed)
				g.Expect(w.images[0].ID).To(Equal(w.obj.Status.ImageID))
				g.Expect(w.images[0].Name).To(Equal(w.obj.Status.ImageName))
			}
		})
	}
}

// Deleted at any moment, the object goes in the end, and its image before it.
func TestWalkToDeletion(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		t.Run(fmt.Sprint("twice=", twice), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(walks) {
				g := NewWithT(t)
				w := newWorld(g, seed)
				w.twice = twice
				w.wander(t, w.random.IntN(15))
				w.delete()
				if w.obj != nil {
					w.wander(t, 5)
				}
				w.calm = true
				w.untilGone(t)
				g.Expect(w.images).To(BeEmpty(), "seed %d", seed)
			}
		})
	}
}
