// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func TestDeleteRemovesTheImage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	foreign := w.cloud.PutImage(enssim.Image{ImageName: "somebody-elses", AccountID: accountID})
	obj := w.create()
	w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(foreign.ImageID))
	w.Expect(w.sent("DeleteImage")).To(Equal(1))
}

func TestRetainKeepsTheImage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	got := w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(got.Status.ImageID))
	w.Expect(w.sent("DeleteImage")).To(BeZero())
}

// An image in use keeps the object, with the reason. Retain, set at the last moment and with no credentials left, lets it go.
func TestDeleteOfAnImageInUse(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.InUse = true })).To(Succeed())
	w.delete(obj)
	got = w.eventually(obj, notReady(v1alpha1.ReasonImageBusy))
	w.Expect(got.Status.LastError.Code).To(Equal("Error.DeleteImage"))
	w.Expect(got.Status.LastError.Hint).NotTo(BeEmpty())

	w.Expect(w.client.Delete(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

func TestDeleteGoesOnWhenTheImageIsReleased(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.InUse = true })).To(Succeed())
	w.delete(obj)
	w.eventually(obj, notReady(v1alpha1.ReasonImageBusy))
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.InUse = false })).To(Succeed())
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

func TestDeleteDuringImport(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.delete(obj)
	w.eventually(obj, notReady(v1alpha1.ReasonImageBusy))
	w.release(got.Status.ImageID, "Available")
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

// The import's answer was lost and the object is deleted at once: the image is still found and deleted.
func TestDeleteWithUnknownOutcome(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.ListLag.Duration = 700 * time.Millisecond })
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.DropAfter, Times: 1})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, notReady(v1alpha1.ReasonImportUnconfirmed))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.calls("ImportImage")).To(Equal(1))
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

func TestDeleteOfAnImageThatIsGone(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.stop()
	w.cloud.RemoveImage(got.Status.ImageID)
	w.delete(obj)
	w.start()
	w.eventuallyGone(obj)
	w.Expect(w.sent("DeleteImage")).To(BeZero())
}

// An object whose import was never started goes at once: without credentials, and while the cloud is down.
func TestDeleteBeforeAnything(t *testing.T) {
	w := newWorld(t)
	obj := w.create()
	w.eventually(obj, notReady(v1alpha1.ReasonSecretNotFound))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.History()).To(BeEmpty())
}

// A forged status must not delete anything: only the intent and the token prove ownership.
func TestForgedStatusDeletesNothing(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	foreign := w.cloud.PutImage(enssim.Image{ImageName: "somebody-elses", AccountID: accountID})
	obj := w.create()
	w.eventually(obj, ready())
	w.stop()
	forged := w.get(obj)
	forged.Status.ImageID = foreign.ImageID
	w.Expect(w.client.Status().Update(w.ctx, forged)).To(Succeed())
	w.delete(obj)
	w.start()
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(foreign.ImageID))
}

// The annotation of a Ready object is removed: nothing is imported again, nothing is deleted without it, and put back
// it works as before.
func TestLostAnnotation(t *testing.T) {
	w := newWorld(t, func(w *world) {
		// As long as a listing shows the old name, the token in it heals the loss.
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.RenameLag.Duration = 0 })
	})
	w.credentials()
	obj := w.create()
	before := w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { delete(obj.Annotations, v1alpha1.ImportAnnotation) })
	w.eventually(obj, And(notReady(v1alpha1.ReasonOwnershipUnknown), inMood(false, true)))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations = before.Annotations })
	w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}
