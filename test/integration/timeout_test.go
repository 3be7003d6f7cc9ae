// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
)

// An import that takes too long is reported, still followed, and Ready when the cloud finishes late.
func TestTimeout(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.TimeoutSeconds = 1 })
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonImportTimedOut), inMood(false, true)))
	w.Expect(message(got)).To(ContainSubstring("spec.timeoutSeconds"))
	w.release(got.Status.ImageID, "Available")
	got = w.eventually(obj, ready())
	w.Expect(got).To(inMood(false, false))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

func TestTimeoutCanBeExtended(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.TimeoutSeconds = 1 })
	w.eventually(obj, notReady(v1alpha1.ReasonImportTimedOut))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.TimeoutSeconds = 7200 })
	w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), inMood(true, false)))
}
