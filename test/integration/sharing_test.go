// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

const (
	alice = "1111111111111111"
	bob   = "2222222222222222"
	carol = "3333333333333333"
)

func sharedWith(accounts ...string) func(*v1alpha1.ImageImport) {
	return func(obj *v1alpha1.ImageImport) { obj.Spec.ShareWith = accounts }
}

func TestShare(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(bob, alice))
	got := w.eventually(obj, ready())
	w.Expect(w.image().SharedWith).To(ConsistOf(alice, bob))
	w.Expect(got.Status.SharedWith).To(Equal([]string{alice, bob}))
	w.Expect(w.sent("ModifyImageSharePermission")).To(Equal(1), "accounts are added in one call")

	w.edit(obj, sharedWith(carol, alice))
	w.eventually(obj, And(ready(), HaveField("Status.SharedWith", []string{alice, carol})))
	w.Expect(w.image().SharedWith).To(ConsistOf(alice, carol))

	w.edit(obj, sharedWith())
	w.eventually(obj, And(ready(), HaveField("Status.SharedWith", BeEmpty())))
	w.Expect(w.image().SharedWith).To(BeEmpty())
}

// Many accounts lose the image at once: the event names them all.
func TestUnsharingIsTold(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(alice, bob, carol))
	w.eventually(obj, ready())
	w.edit(obj, sharedWith())
	w.eventually(obj, And(ready(), HaveField("Status.SharedWith", BeEmpty())))
	w.Eventually(func(g Gomega) {
		list := &eventsv1.EventList{}
		g.Expect(w.client.List(w.ctx, list, client.InNamespace(w.ns))).To(Succeed())
		g.Expect(list.Items).To(ContainElement(And(
			HaveField("Reason", "ImageUnshared"), HaveField("Note", And(ContainSubstring(alice), ContainSubstring(bob), ContainSubstring(carol))),
		)))
	}, patience, glance).Should(Succeed())
}

// What somebody else changes about the sharing is put back.
func TestSharingDriftIsPutBack(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(alice, bob))
	got := w.eventually(obj, ready())
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.SharedWith = []string{bob, carol} })).To(Succeed())
	w.Eventually(func() []string { return w.image().SharedWith }, patience, glance).Should(ConsistOf(alice, bob))
	w.eventually(obj, ready())
}

// An account that is taken off the list is gone before the object is Ready again.
func TestSharesAreGoneBeforeReady(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(alice, bob))
	w.eventually(obj, ready())
	w.cloud.AddFault(enssim.Fault{Action: "ModifyImageSharePermission", Kind: enssim.ErrorBefore, HTTPStatus: 503, Code: "ServiceUnavailable"})
	w.edit(obj, sharedWith(alice))
	w.eventually(obj, notReady(v1alpha1.ReasonCloudUnavailable))
	w.Expect(w.image().SharedWith).To(ContainElement(bob))
	w.cloud.ClearFaults()
	w.eventually(obj, ready())
	w.Expect(w.image().SharedWith).To(ConsistOf(alice))
}

// A shared image cannot be deleted: the sharing ends first.
func TestDeleteOfASharedImage(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(alice, bob))
	w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}

func TestRetainKeepsTheSharing(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create(sharedWith(alice), func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
	w.eventually(obj, ready())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.image().SharedWith).To(ConsistOf(alice))
}

// Sharing that was never asked for here costs no call and stays.
func TestSharingByHandIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, ready())
	w.Expect(w.cloud.UpdateImage(got.Status.ImageID, func(image *enssim.Image) { image.SharedWith = []string{bob} })).To(Succeed())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.ImageName = "renamed" })
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "renamed")))
	w.Expect(w.image().SharedWith).To(ConsistOf(bob))
	w.Expect(w.sent("DescribeImageSharePermission")).To(BeZero())
}

// An account that the cloud refuses is told, and corrected.
func TestShareWithAnUnknownAccount(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.InvalidAccounts = []string{bob} })
	})
	w.credentials()
	obj := w.create(sharedWith(alice, bob))
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonInvalidSpec), inMood(false, true)))
	w.Expect(got.Status.LastError.Action).To(Equal("ModifyImageSharePermission"))
	w.Expect(got.Status.LastError.Message).To(ContainSubstring(bob))
	w.edit(obj, sharedWith(alice))
	w.eventually(obj, And(ready(), HaveField("Status.LastError", BeNil())))
	w.Expect(w.image().SharedWith).To(ConsistOf(alice))
}

func TestSuspendStopsSharing(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend, obj.Spec.ShareWith = true, []string{alice} })
	w.eventually(obj, notReady(v1alpha1.ReasonSuspended))
	w.Expect(w.sent("ModifyImageSharePermission")).To(BeZero())
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = false })
	w.eventually(obj, ready())
	w.Expect(w.image().SharedWith).To(ConsistOf(alice))
}
