// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// lose takes an object away as the loss of a cluster does: nobody cares for its image.
func (w *world) lose(obj *v1alpha1.ImageImport) {
	w.t.Helper()
	w.stop()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Finalizers = nil })
	w.delete(obj)
	w.eventuallyGone(obj)
	w.start()
}

// restored is an object as a backup holds it: with its annotations and without status.
func restored(original *v1alpha1.ImageImport) func(*v1alpha1.ImageImport) {
	return func(obj *v1alpha1.ImageImport) {
		obj.Annotations, obj.Spec = original.Annotations, original.Spec
	}
}

// moved is an object that comes from another cluster.
func moved(obj *v1alpha1.ImageImport) {
	record := obj.Annotations[v1alpha1.ImportAnnotation]
	at := strings.Index(record, `"cluster":"`) + len(`"cluster":"`)
	obj.Annotations[v1alpha1.ImportAnnotation] = record[:at] + "0b7e9a52-0000-0000-0000-000000000000" + record[at+36:]
}

// A copied manifest carries the record of another object, which lives: the copy imports an image of its own.
func TestCopiedManifest(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	original := w.eventually(obj, ready())
	duplicate := w.create(restored(original), named("copy"), func(obj *v1alpha1.ImageImport) { obj.Finalizers = original.Finalizers })
	got := w.eventually(duplicate, ready())
	w.Expect(got.Status.ImageID).NotTo(Equal(original.Status.ImageID))
	w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipImported))
	w.delete(duplicate)
	w.eventuallyGone(duplicate)
	w.Expect(w.image().ImageID).To(Equal(original.Status.ImageID))
	w.eventually(obj, ready())
}

// An object that is restored from a backup observes the image that it had, and deletes nothing.
func TestRestoredObjectObserves(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.ImageImport){"restored": func(*v1alpha1.ImageImport) {}, "moved": moved} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.credentials()
			obj := w.create(deletes)
			original := w.eventually(obj, ready())
			w.lose(obj)
			obj = w.create(restored(original), change)
			got := w.eventually(obj, ready())
			w.Expect(got.Status.ImageID).To(Equal(original.Status.ImageID))
			w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipObserved))
			w.Expect(message(got)).To(ContainSubstring(v1alpha1.AdoptAnnotation))
			w.delete(obj)
			w.eventuallyGone(obj)
			w.Expect(w.image().ImageID).To(Equal(original.Status.ImageID))
			w.Expect(w.sent("ImportImage")).To(Equal(1))
		})
	}
}

func TestRestoredObjectAdopts(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(deletes)
	original := w.eventually(obj, ready())
	w.lose(obj)
	obj = w.create(restored(original))
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipObserved)))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.AdoptAnnotation] = original.Status.ImageID })
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipAdopted)))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "renamed" })
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "renamed")))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

// The cluster is lost in the middle of an import: the restored object follows it, and imports nothing.
func TestRestoredDuringImport(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	original := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.lose(obj)
	obj = w.create(restored(original))
	w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), HaveField("Status.ImageID", original.Status.ImageID)))
	w.release(original.Status.ImageID, "Available")
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipObserved)))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

// The image of a restored object is gone, too: there is nothing to observe, so it imports.
func TestRestoredWithoutImage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	original := w.eventually(obj, ready())
	w.lose(obj)
	w.cloud.RemoveImage(original.Status.ImageID)
	obj = w.create(restored(original))
	got := w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipImported)))
	w.Expect(w.image().ImageID).To(Equal(got.Status.ImageID))
}

// The whole cluster is set back to the moment of the import. The image bears no token any more, so nothing proves whose
// it is; but it stands in the way of another import until somebody decides.
func TestClusterIsSetBack(t *testing.T) {
	for name, answer := range map[string]string{"adopt": v1alpha1.AdoptAnnotation, "import another": v1alpha1.ReconcileRequestAnnotation} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hold)
			w.credentials()
			obj := w.create()
			early := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
			w.release(early.Status.ImageID, "Available")
			w.eventually(obj, ready())
			w.stop()
			w.setBack(obj, early)
			w.start()
			got := w.eventually(obj, notReady(v1alpha1.ReasonOwnershipUnknown))
			w.Expect(message(got)).To(ContainSubstring(early.Status.ImageID))
			w.Expect(w.sent("ImportImage")).To(Equal(1))

			w.cloud.SetBehaviour(brisk)
			w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[answer] = early.Status.ImageID })
			w.eventually(obj, ready())
			images := map[string]int{"adopt": 1, "import another": 2}[name]
			w.Expect(w.cloud.Images()).To(HaveLen(images))
		})
	}
}

// setBack puts annotations back as they were, and leaves no status.
func (w *world) setBack(obj, early *v1alpha1.ImageImport) {
	w.t.Helper()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations = early.Annotations })
	w.wipeStatus(obj)
}

// wipeStatus is kubectl replace --subresource=status with a manifest that has none.
func (w *world) wipeStatus(obj *v1alpha1.ImageImport) {
	w.t.Helper()
	wiped := w.get(obj)
	wiped.Status = v1alpha1.ImageImportStatus{ObservedGeneration: -1}
	w.Expect(w.client.Status().Update(w.ctx, wiped)).To(Succeed())
}

// A status that somebody wiped is written anew, in every stage, and nothing else happens.
func TestWipedStatus(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	for _, status := range []string{"Creating", "Available"} {
		w.stop()
		w.wipeStatus(obj)
		w.release(got.Status.ImageID, status)
		w.start()
		w.eventually(obj, And(HaveField("Status.ImageStatus", status), HaveField("Status.ImageID", got.Status.ImageID)))
	}
	w.eventually(obj, ready())
	w.stop()
	w.wipeStatus(obj)
	w.start()
	w.eventually(obj, ready())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

// The record of an object is overwritten by that of another: its own image is found again by the token in its name.
func TestRecordOfAnother(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	unique := func(obj *v1alpha1.ImageImport) { obj.Spec.ImageNamePolicy = v1alpha1.ImageNameUnique }
	other := w.create(named("other"))
	foreign := w.eventually(other, ready()).Annotations
	obj := w.create(unique)
	before := w.eventually(obj, ready())
	w.stop()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations = foreign })
	w.start()
	w.eventually(obj, And(ready(), HaveField("Status.ImageID", before.Status.ImageID), HaveField("Annotations", Not(Equal(foreign)))))
	w.Expect(w.sent("ImportImage")).To(Equal(2))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageName).To(Equal("ubuntu-golden"))
}

// The record is overwritten while the answer to ImportImage is lost, and the object is deleted: its image still goes.
func TestDeleteWithTheRecordOfAnother(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	foreign := w.eventually(w.create(named("other")), ready()).Annotations
	hold(w)
	w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.AllowDeleteUnfinished = true })
	obj := w.create()
	w.eventually(obj, HaveField("Status.ImageID", Not(BeEmpty())))
	w.stop()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations = foreign })
	w.delete(obj)
	w.start()
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageName).To(Equal("ubuntu-golden"))
}

// The cloud carries one request out twice. One image is kept, the other deleted, and that is told.
func TestDoubleIsHealed(t *testing.T) {
	w := newWorld(t, hold, func(w *world) {
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.NonceWindow.Duration = 0 })
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.Duplicate, Times: 1})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.Expect(w.cloud.Images()).To(HaveLen(2))
	for _, image := range w.cloud.Images() {
		w.release(image.ImageID, "Available")
	}
	got := w.eventually(obj, ready())
	w.Expect(w.image().ImageID).To(Equal(got.Status.ImageID))
	w.Eventually(w.eventReasons, patience, glance).Should(ContainElement("DoubleRemoved"))
}
