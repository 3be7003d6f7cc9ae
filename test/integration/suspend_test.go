// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

func suspended(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = true }
func resumed(obj *v1alpha1.ImageImport)   { obj.Spec.Suspend = false }

func TestSuspendBeforeImport(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(suspended)
	w.eventually(obj, And(notReady(v1alpha1.ReasonSuspended), inMood(false, false)))
	w.Expect(w.cloud.History()).To(BeEmpty())
	w.edit(obj, resumed)
	w.eventually(obj, ready())
}

// Suspended in mid-import: the import is followed, nothing is written, the rename waits.
func TestSuspendDuringImport(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.edit(obj, suspended)
	w.eventually(obj, WithTransform(observed, BeTrue()))
	w.release(got.Status.ImageID, "Available")
	got = w.eventually(obj, notReady(v1alpha1.ReasonSuspended))
	w.Expect(got.Status.ImageStatus).To(Equal("Available"))
	w.Expect(w.sent("ModifyImageAttribute")).To(BeZero())
	w.edit(obj, resumed)
	w.eventually(obj, ready())
}

// Suspended, a renaming waits; resumed, it is done.
func TestSuspendBeforeRename(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend, obj.Spec.ImageName = true, "renamed" })
	w.eventually(obj, notReady(v1alpha1.ReasonSuspended))
	w.Expect(w.image().ImageName).To(Equal("ubuntu-golden"))
	w.edit(obj, resumed)
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "renamed")))
}

// Suspended, a failed image stays and nothing is tried again; resumed, it is removed, and the import is tried again.
func TestSuspendAfterAFailure(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.edit(obj, suspended)
	w.release(got.Status.ImageID, "Pack_failed")
	w.eventually(obj, notReady(v1alpha1.ReasonSuspended))
	w.Expect(w.sent("DeleteImage")).To(BeZero())
	w.edit(obj, resumed)
	w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), HaveField("Status.Attempts", BeEquivalentTo(2))))
	w.Expect(w.image().ImageID).NotTo(Equal(got.Status.ImageID))
}

func TestSuspendDoesNotBlockDeletion(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.edit(obj, suspended)
	w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}
