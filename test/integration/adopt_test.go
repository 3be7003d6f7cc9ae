// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// adopting is an ImageImport of an existing image.
func adopting(id string, change ...func(*v1alpha1.ImageImport)) func(*v1alpha1.ImageImport) {
	return func(obj *v1alpha1.ImageImport) {
		obj.Spec = v1alpha1.ImageImportSpec{ImageID: id, Credentials: obj.Spec.Credentials}
		for _, f := range change {
			f(obj)
		}
	}
}

func named(name string) func(*v1alpha1.ImageImport) {
	return func(obj *v1alpha1.ImageImport) { obj.Name = name }
}

func deletes(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionDelete }

func observing(obj *v1alpha1.ImageImport) { obj.Spec.ManagementPolicy = v1alpha1.ManagementObserveOnly }

// golden is an image that somebody made by hand.
func (w *world) golden() string {
	return w.cloud.PutImage(enssim.Image{ImageName: "made-by-hand", AccountID: accountID}).ImageID
}

// untouched checks that nothing was written to the cloud.
func (w *world) untouched() {
	w.t.Helper()
	for _, call := range w.cloud.History() {
		w.Expect(call.Action).To(HavePrefix("Describe"))
	}
}

func TestAdopt(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	id := w.golden()
	obj := w.create(adopting(id))
	got := w.eventually(obj, ready())
	w.Expect(got.Status.ImageID).To(Equal(id))
	w.Expect(got.Status.ImageName).To(Equal("made-by-hand"))
	w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipAdopted))
	w.Expect(got.Status.Attempts).To(BeZero())

	w.Expect(w.tryEdit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageID = "m-other" })).To(
		MatchError(ContainSubstring("spec.imageID cannot be changed once the image is adopted")))

	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(id), "an adopted image is retained unless the spec says otherwise")
	w.untouched()
}

func TestAdoptedImageIsRenamedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(adopting(w.golden(), deletes))
	w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "ubuntu-golden" })
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "ubuntu-golden")))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

// An ID that does not exist, and one that belongs to another account: nothing happens until it is corrected.
func TestAdoptWhatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	foreign := w.cloud.PutImage(enssim.Image{ImageName: "somebody-elses", AccountID: "9999999999999999", SharedWith: []string{accountID}})
	for _, id := range []string{"m-none", foreign.ImageID} {
		obj := w.create(adopting(id, deletes))
		got := w.eventually(obj, And(notReady(v1alpha1.ReasonImageNotFound), inMood(false, true)))
		w.Expect(message(got)).To(ContainSubstring(id))
		w.Expect(got.Status.ImageID).To(BeEmpty())
		w.delete(obj)
		w.eventuallyGone(obj)
	}
	w.untouched()

	obj := w.create(adopting("m-none"))
	w.eventually(obj, notReady(v1alpha1.ReasonImageNotFound))
	id := w.golden()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageID = id })
	w.eventually(obj, ready())
}

// An adopted image that vanishes leaves the object free to name another one, or to import one.
func TestAdoptAnother(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	first := w.golden()
	obj := w.create(adopting(first, deletes))
	w.eventually(obj, ready())
	w.cloud.RemoveImage(first)
	w.eventually(obj, notReady(v1alpha1.ReasonImageVanished))
	second := w.golden()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageID = second })
	w.eventually(obj, And(ready(), HaveField("Status.ImageID", second)))

	w.cloud.RemoveImage(second)
	w.eventually(obj, notReady(v1alpha1.ReasonImageVanished))
	w.edit(obj, func(obj *v1alpha1.ImageImport) {
		obj.Spec.ImageID, obj.Spec.OSType, obj.Spec.Source = "", "linux", w.imageImport().Spec.Source
	})
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipImported)))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

// A failed import may be turned into an adoption; the failed image is removed all the same.
func TestAdoptAfterAFailedImport(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2", Corrupt: true})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, And(notReady(v1alpha1.ReasonImportFailed), HaveField("Status.StartTime", BeNil())))
	id := w.golden()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { adopting(id)(obj) })
	got := w.eventually(obj, And(ready(), HaveField("Status.ImageID", id)))
	w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipAdopted))
	w.Expect(w.image().ImageID).To(Equal(id))
}

// An imported image that vanished may be replaced by an existing one.
func TestAdoptAfterVanishing(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	w.cloud.RemoveImage(w.eventually(obj, ready()).Status.ImageID)
	w.eventually(obj, notReady(v1alpha1.ReasonImageVanished))
	id := w.golden()
	w.edit(obj, func(obj *v1alpha1.ImageImport) { adopting(id)(obj) })
	w.eventually(obj, And(ready(), HaveField("Status.ImageID", id), HaveField("Status.Ownership", v1alpha1.OwnershipAdopted)))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(id))
}

func TestObserveOnly(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	id := w.golden()
	obj := w.create(adopting(id, observing))
	got := w.eventually(obj, ready())
	w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipObserved))
	w.Expect(got.Status.ImageName).To(Equal("made-by-hand"))
	w.Expect(got.Finalizers).To(BeEmpty())

	w.cloud.RemoveImage(id)
	w.eventually(obj, And(notReady(v1alpha1.ReasonImageNotFound), HaveField("Status.ImageID", BeEmpty())))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.untouched()
}

// Management is taken up and given up in place. What is only observed is not deleted, whatever happened before.
func TestObserveAndManageInTurn(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	id := w.golden()
	obj := w.create(adopting(id, observing))
	w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) {
		obj.Spec.ManagementPolicy, obj.Spec.ImageName = v1alpha1.ManagementManaged, "ubuntu-golden"
	})
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipAdopted), HaveField("Status.ImageName", "ubuntu-golden")))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { adopting(id, observing)(obj) })
	w.eventually(obj, And(ready(), HaveField("Status.Ownership", v1alpha1.OwnershipObserved)))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().ImageID).To(Equal(id))
}

// Of two claimants the older wins, and the younger deletes nothing. When the older lets go, the younger takes over.
func TestTwoClaimants(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.Drift = time.Hour }) // nobody looks again by himself
	w.credentials()
	id := w.golden()
	older := w.create(adopting(id, named("older")))
	w.eventually(older, ready())
	// The age of objects is in seconds; of two of the same second, the uid decides.
	w.Eventually(time.Now, patience, glance).Should(BeTemporally(">", w.get(older).CreationTimestamp.Add(time.Second)))
	younger := w.create(adopting(id, named("younger"), deletes))
	got := w.eventually(younger, And(notReady(v1alpha1.ReasonImageClaimed), inMood(false, true)))
	w.Expect(message(got)).To(ContainSubstring("belongs to ImageImport older, which is older"))
	w.delete(younger)
	w.eventuallyGone(younger)
	w.Expect(w.image().ImageID).To(Equal(id))

	younger = w.create(adopting(id, named("younger")))
	w.eventually(younger, notReady(v1alpha1.ReasonImageClaimed))
	w.delete(older)
	w.eventuallyGone(older)
	w.eventually(younger, ready())
	w.untouched()
}

// Who imported an image keeps it, even from an older object.
func TestImporterKeepsItsImage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	older := w.create(adopting("m-none", named("older"), deletes))
	w.eventually(older, notReady(v1alpha1.ReasonImageNotFound))
	obj := w.create()
	id := w.eventually(obj, ready()).Status.ImageID
	w.edit(older, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageID = id })
	w.eventually(older, notReady(v1alpha1.ReasonImageClaimed))
	w.delete(older)
	w.eventuallyGone(older)
	w.Expect(w.get(obj)).To(ready())
	w.Expect(w.image().ImageID).To(Equal(id))
}

func TestContradictionsAreRefused(t *testing.T) {
	w := newWorld(t)
	for _, change := range []func(*v1alpha1.ImageImport){
		func(obj *v1alpha1.ImageImport) { obj.Spec.ImageID = "m-1" },
		func(obj *v1alpha1.ImageImport) { obj.Spec.ManagementPolicy = v1alpha1.ManagementObserveOnly },
		adopting("m-1", observing, deletes),
	} {
		err := w.client.Create(w.ctx, w.imageImport(change))
		w.Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
	}
}
