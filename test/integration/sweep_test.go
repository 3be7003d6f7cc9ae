// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/controllers"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// An image whose object was taken away without its finalizer is found, and deleted only by a sweeper that is told to.
// Images of living objects and of strangers are left alone.
func TestOrphansAreSwept(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.PutImage(enssim.Image{ImageName: "somebody-elses-aaaaaa-aaaaaaaaaaaaaaaaaaaaaaaaaa", AccountID: accountID})
	unique := func(obj *v1alpha1.ImageImport) { obj.Spec.ImageNamePolicy = v1alpha1.ImageNameUnique }
	w.eventually(w.create(named("living"), unique), ready())
	w.eventually(w.create(named("renamed")), ready())
	// An image that another object left behind, and that is adopted under its unique name, is nobody's orphan.
	retained := w.create(named("retained"), unique, func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	kept := w.eventually(retained, ready()).Status.ImageID
	w.delete(retained)
	w.eventuallyGone(retained)
	w.eventually(w.create(named("adopter"), adopting(kept)), ready())
	obj := w.create(unique)
	orphan := w.eventually(obj, ready()).Status.ImageID
	w.lose(obj)

	reports := &controllers.Sweeper{Reconciler: w.operator}
	swept := func(sweeper *controllers.Sweeper) func() ([]string, error) {
		return func() ([]string, error) { return sweeper.Sweep(w.ctx) }
	}
	w.Eventually(swept(reports), patience, glance).Should(Equal([]string{orphan}), "when it is no longer young")
	w.Expect(reports.Sweep(w.ctx)).To(Equal([]string{orphan}))
	w.Expect(w.sent("DeleteImage")).To(BeZero())

	deletes := &controllers.Sweeper{Reconciler: w.operator, Delete: true}
	w.Expect(deletes.Sweep(w.ctx)).To(Equal([]string{orphan}))
	w.Expect(w.sent("DeleteImage")).To(BeZero(), "one sweep alone may be wrong")
	w.Eventually(swept(deletes), patience, glance).Should(BeEmpty())
	w.Expect(w.calls("DeleteImage")).To(Equal(1))
	w.Expect(w.cloud.Images()).To(HaveLen(4))
}

// A sweep that could not look through every account tells of no orphans, and deletes none.
func TestIncompleteSweep(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.eventually(w.create(), ready())
	w.stop()
	w.cloud.AddFault(enssim.Fault{Action: "DescribeSelfImages", Kind: enssim.DropBefore})
	_, err := (&controllers.Sweeper{Reconciler: w.operator}).Sweep(w.ctx)
	w.Expect(err).To(MatchError(ContainSubstring("DescribeSelfImages")))
}
