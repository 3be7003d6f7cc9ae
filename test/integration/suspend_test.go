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
