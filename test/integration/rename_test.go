// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func TestRename(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	before := w.eventually(obj, ready())

	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "ubuntu-24-04" })
	after := w.eventually(obj, And(ready(), HaveField("Status.ImageName", "ubuntu-24-04")))
	w.Expect(after.Status.ImageID).To(Equal(before.Status.ImageID))
	w.Expect(w.image().ImageName).To(Equal("ubuntu-24-04"))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Eventually(w.eventReasons, patience, glance).Should(ContainElement("ImageRenamed"))
}

// Somebody renames the image in the console: the name is put back.
func TestNameDriftIsPutBack(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.ImageName = "renamed-by-hand" })).To(Succeed())
	w.Eventually(func() string { return w.image().ImageName }, patience, glance).Should(Equal("ubuntu-golden"))
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "ubuntu-golden")))
}

func TestUniqueNameIsKept(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageNamePolicy = v1alpha1.ImageNameUnique })
	got := w.eventually(obj, ready())
	w.Expect(got.Status.ImageName).To(MatchRegexp(`^ubuntu-golden-[a-z2-7]{6}-[a-z2-7]{26}$`))
	w.Expect(w.image().ImageName).To(Equal(got.Status.ImageName))
	w.Expect(w.sent("ModifyImageAttribute")).To(BeZero())

	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageNamePolicy = v1alpha1.ImageNameExact })
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "ubuntu-golden")))
	w.Expect(w.image().ImageName).To(Equal("ubuntu-golden"))
}

// A rename that the cloud refuses for now is shown, and tried again.
func TestRenameRefusedForNow(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.AddFault(enssim.Fault{
		Action: "ModifyImageAttribute", Kind: enssim.ErrorBefore, Times: 3,
		HTTPStatus: http.StatusBadRequest, Code: "IncorrectStatus.Image", Message: "not now",
	})
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonImageBusy))
	w.Expect(got.Status.LastError.Action).To(Equal("ModifyImageAttribute"))
	w.Expect(got.Status.LastError.Code).To(Equal("IncorrectStatus.Image"))
	got = w.eventually(obj, ready())
	w.Expect(got.Status.LastError).To(BeNil())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}
