// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func TestImport(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) {
		obj.Spec.Platform, obj.Spec.OSVersion, obj.Spec.LicenseType = "ubuntu", "22.04", "BYOL"
	})

	got := w.eventually(obj, ready())
	image := w.image()
	w.Expect(got.Status.ImageID).To(Equal(image.ImageID))
	w.Expect(got.Status.ImageName).To(Equal("ubuntu-golden"))
	w.Expect(got.Status.ImageStatus).To(Equal("Available"))
	w.Expect(got.Status.Ownership).To(Equal(v1alpha1.OwnershipImported))
	w.Expect(got.Status.SizeGiB).To(BeEquivalentTo(20))
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(1))
	w.Expect(got.Status.StartTime).NotTo(BeNil())
	w.Expect(got.Status.CompletionTime).NotTo(BeNil())
	w.Expect(got.Status.CreationTime).NotTo(BeNil())
	w.Expect(got.Status.RequestID).NotTo(BeEmpty())
	w.Expect(got.Status.LastError).To(BeNil())
	w.Expect(got.Status.NextRetryTime).To(BeNil())
	w.Expect(got).To(inMood(false, false))
	w.Expect(got.Finalizers).To(ContainElement(v1alpha1.ImageFinalizer))

	w.Expect(image.ImageName).To(Equal("ubuntu-golden"))
	w.Expect(image.Platform).To(Equal("ubuntu"))
	w.Expect(image.OSVersion).To(Equal("22.04"))
	w.Expect(image.LicenseType).To(Equal("BYOL"))
	w.Expect(image.DiskSource).To(Equal(enssim.DiskSource{OSSRegion: "cn-beijing", OSSBucket: "golden", OSSObject: "images/ubuntu.qcow2"}))
	w.Expect(image.TargetOSSRegionID).To(Equal("cn-beijing"))
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Expect(w.sent("ModifyImageAttribute")).To(Equal(1))
	w.Eventually(w.eventReasons, patience, glance).Should(ContainElements("Importing", "Available"))
	w.Expect(w.eventReasons()).NotTo(ContainElement("ImageRenamed"), "the end of the import is one event")
}

func TestImportIsShownWhileItRuns(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()

	got := w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), inMood(true, false),
		HaveField("Status.ImageStatus", "Creating")))
	w.Expect(got.Status.ImageID).To(Equal(w.image().ImageID))
	w.Expect(w.image().ImageName).To(MatchRegexp(`^ubuntu-golden-[a-z2-7]{6}-[a-z2-7]{26}$`), "the token is in the name while the import runs")

	w.release(got.Status.ImageID, "Reticulating")
	w.eventually(obj, And(notReady(v1alpha1.ReasonImporting), HaveField("Status.ImageStatus", "Reticulating")))

	w.release(got.Status.ImageID, "Available")
	w.eventually(obj, ready())
}

func TestImportOfDataDisksOnly(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/data.qcow2"})
	obj := w.create(func(obj *v1alpha1.ImageImport) {
		system := obj.Spec.Source.OSS
		data := system
		data.Object = "images/data.qcow2"
		obj.Spec.Source = v1alpha1.ImageSource{}
		obj.Spec.DiskDeviceMappings = []v1alpha1.DiskDeviceMapping{{OSS: system}, {OSS: data}}
		obj.Spec.TargetOSSRegionID = "ap-southeast-1"
	})

	w.eventually(obj, ready())
	image := w.image()
	w.Expect(image.DiskDeviceMapping).To(HaveLen(2))
	w.Expect(image.DiskDeviceMapping[1].OSSObject).To(Equal("images/data.qcow2"))
	w.Expect(image.TargetOSSRegionID).To(Equal("ap-southeast-1"))
}

func TestImageNameDefaultsToTheObjectsName(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "" })
	w.eventually(obj, ready())
	w.Expect(w.image().ImageName).To(Equal("golden"))
}

// A restarted operator takes the import up where it was, whatever the first one had done.
func TestRestartDuringImport(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageID", Not(BeEmpty())))
	w.stop()

	w.release(got.Status.ImageID, "Available")
	w.start()
	w.eventually(obj, ready())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
	w.Expect(w.image().ImageID).To(Equal(got.Status.ImageID))
}

// The answer of ImportImage is lost although the cloud carried it out: the image is found by its token.
func TestLostAnswer(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.DropAfter, Times: 1})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.Expect(w.calls("ImportImage")).To(Equal(1))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

// The request is lost before the cloud saw it: the next attempt comes only when the first can no longer run.
func TestLostRequest(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.AddFault(enssim.Fault{Action: "ImportImage", Kind: enssim.DropBefore, Times: 1})
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, And(notReady(v1alpha1.ReasonImportUnconfirmed), inMood(true, false),
		HaveField("Status.LastError.Code", "NoAnswer"), HaveField("Status.NextRetryTime", Not(BeNil()))))
	got := w.eventually(obj, ready())
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(2))
	w.Expect(w.calls("ImportImage")).To(Equal(1))
}
