// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

func TestMissingOSSObject(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(func(obj *v1alpha1.ImageImport) { obj.Spec.Source.OSS.Object = "images/tpyo.qcow2" })
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonInvalidSpec), inMood(false, true)))
	w.Expect(got.Status.LastError.Action).To(Equal("ImportImage"))
	w.Expect(got.Status.LastError.Code).To(Equal("InvalidParameter.OSSObject"))
	w.Expect(got.Status.LastError.Hint).To(ContainSubstring("spec.source.oss"))
	w.Expect(got.Status.LastError.RequestID).NotTo(BeEmpty())
	w.Expect(got.Status.LastError.Retryable).To(HaveValue(BeFalse()))
	w.Expect(got.Status.NextRetryTime.Time).To(BeTemporally(">", time.Now().Add(30*time.Minute)))
	w.Expect(got.Status.StartTime).To(BeNil(), "the import fields may be edited again")

	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.Source.OSS.Object = "images/ubuntu.qcow2" })
	got = w.eventually(obj, ready())
	w.Expect(got.Status.LastError).To(BeNil())
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(2))
	w.Expect(w.calls("ImportImage")).To(Equal(1))
}

// The file is uploaded after the import was refused. Nothing in Kubernetes changes: the slow retry notices.
func TestMissingOSSObjectIsUploadedLater(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.Slow = time.Second })
	w.credentials()
	w.cloud.DeleteObject("cn-beijing", "golden", "images/ubuntu.qcow2")
	obj := w.create()
	w.eventually(obj, notReady(v1alpha1.ReasonInvalidSpec))
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2"})
	w.eventually(obj, ready())
}

// A file that is not qcow2 is accepted by the call and fails later. The failed image is removed, and the import is
// tried again once the file is replaced and somebody asks for it.
func TestNotAQcow2(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2", Format: "raw"})
	obj := w.create()
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonImportFailed), inMood(false, true), HaveField("Status.StartTime", BeNil())))
	w.Expect(got.Status.LastError.Code).To(Equal("Pack_failed"))
	w.Expect(got.Status.LastError.Hint).To(ContainSubstring("qcow2"))
	w.Expect(got.Status.NextRetryTime).NotTo(BeNil())
	w.Expect(got.Status.ImageID).To(BeEmpty())
	w.Expect(w.cloud.Images()).To(BeEmpty(), "the failed image is removed")

	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2"})
	w.edit(obj, func(obj *v1alpha1.ImageImport) {
		obj.Annotations[v1alpha1.FluxReconcileRequestAnnotation] = "2026-01-01T00:00:00Z"
	})
	got = w.eventually(obj, ready())
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(2))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

func TestFailedImportIsRetriedByItself(t *testing.T) {
	w := newWorld(t, func(w *world) { w.timing.Slow = time.Second })
	w.credentials()
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2", Corrupt: true})
	obj := w.create()
	w.eventually(obj, notReady(v1alpha1.ReasonImportFailed))
	w.cloud.PutObject(enssim.Object{Bucket: "golden", Key: "images/ubuntu.qcow2"})
	w.eventually(obj, ready())
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

func TestThrottled(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.AddFault(enssim.Fault{
		Action: "ImportImage", Kind: enssim.ErrorBefore, Times: 4,
		HTTPStatus: http.StatusBadRequest, Code: "Throttling.User", Message: "Request was denied due to user flow control.",
	})
	obj := w.create()
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonThrottled), inMood(true, false), HaveField("Status.LastError.Count", BeNumerically(">=", 2))))
	w.Expect(got.Status.LastError.Retryable).To(HaveValue(BeTrue()))
	got = w.eventually(obj, ready())
	w.Expect(got.Status.LastError).To(BeNil())
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

func TestCloudDown(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.cloud.AddFault(enssim.Fault{Kind: enssim.ErrorBefore, HTTPStatus: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "down"})
	down := w.eventually(obj, And(notReady(v1alpha1.ReasonCloudUnavailable), inMood(true, false)))
	w.Expect(down.Status.LastError.Code).To(Equal("ServiceUnavailable"))
	w.Expect(down.Status.LastError.HTTPStatus).To(BeEquivalentTo(503))
	w.Expect(down.Status.ImageID).To(Equal(got.Status.ImageID))
	w.cloud.ClearFaults()
	w.release(got.Status.ImageID, "Available")
	w.eventually(obj, ready())
	w.Expect(w.calls("ImportImage")).To(Equal(1))
}

// The cloud cannot be reached at all when the import should start: nothing was sent, so it is simply tried again.
func TestCloudUnreachable(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	address := w.server.Listener.Addr().String()
	w.server.Close()
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonCloudUnavailable))
	w.Expect(got.Status.LastError.Code).To(Equal("ConnectFailed"))
	w.Expect(got.Status.LastError.Message).NotTo(ContainSubstring(address))
	w.revive(address)
	got = w.eventually(obj, ready())
	w.Expect(w.cloud.Images()).To(HaveLen(1))
	w.Expect(got.Status.LastError).To(BeNil())
}

// A code that nobody has documented may or may not have made an image: the operator looks before it tries again.
func TestUnknownCode(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	w.cloud.AddFault(enssim.Fault{
		Action: "ImportImage", Kind: enssim.ErrorAfter, Times: 1,
		HTTPStatus: http.StatusBadRequest, Code: "Something.New", Message: "what nobody expects",
	})
	obj := w.create()
	w.eventually(obj, ready())
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

// The image is deleted in the console: it is reported, not imported again behind the user's back, but on request.
func TestImageVanishes(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	first := w.eventually(obj, ready())
	w.cloud.RemoveImage(first.Status.ImageID)
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonImageVanished), inMood(false, true)))
	w.Expect(got.Status.ImageID).To(Equal(first.Status.ImageID), "to look for it elsewhere")
	w.Expect(got.Status.ImageStatus).To(BeEmpty())
	w.Expect(w.sent("ImportImage")).To(Equal(1))

	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "again" })
	got = w.eventually(obj, ready())
	w.Expect(got.Status.ImageID).NotTo(Equal(first.Status.ImageID))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

// The same during an import. An image that was only hidden is taken up again.
func TestImageVanishesDuringImport(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	first := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	image := w.image()
	w.cloud.RemoveImage(first.Status.ImageID)
	w.eventually(obj, And(notReady(v1alpha1.ReasonImageVanished), inMood(false, true)))
	w.cloud.PutImage(image)
	w.eventually(obj, notReady(v1alpha1.ReasonImporting))
	w.cloud.RemoveImage(first.Status.ImageID)
	w.eventually(obj, notReady(v1alpha1.ReasonImageVanished))

	w.cloud.SetBehaviour(brisk)
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "again" })
	got := w.eventually(obj, ready())
	w.Expect(got.Status.ImageID).NotTo(Equal(first.Status.ImageID))
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(2))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}

func TestImageBecomesUnavailable(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.release(got.Status.ImageID, "Unavailable")
	w.eventually(obj, And(notReady(v1alpha1.ReasonImageUnavailable), inMood(false, true)))
	w.release(got.Status.ImageID, "Available")
	w.eventually(obj, ready())
}

// An immutable field is refused once the import has started, and free again when it failed.
func TestImportFieldsAreFrozen(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	err := w.tryEdit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.Source.OSS.Object = "images/other.qcow2" })
	w.Expect(err).To(MatchError(ContainSubstring("spec.source cannot be changed once the import has started; create a new ImageImport")))
}
