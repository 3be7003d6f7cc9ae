// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// rekey puts another access key into the Secret.
func (w *world) rekey(id, account string) {
	w.t.Helper()
	w.cloud.PutAccessKey(enssim.AccessKey{ID: id, Secret: keySecret, AccountID: account})
	changed := w.secret(id, keySecret)
	w.Expect(w.client.Update(w.ctx, changed)).To(Succeed())
}

// A key that is replaced by another of the same account changes nothing, in any stage.
func TestKeyIsRotated(t *testing.T) {
	w := newWorld(t, hold)
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, HaveField("Status.ImageStatus", "Creating"))
	w.rekey("AKID-second", accountID)
	w.cloud.DeleteAccessKey(keyID)
	w.release(got.Status.ImageID, "Available")
	first := w.eventually(obj, ready())
	w.rekey("AKID-third", accountID)
	w.cloud.DeleteAccessKey("AKID-second")
	w.eventually(obj, And(ready(), HaveField("Annotations", Not(Equal(first.Annotations)))))
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

// With a key of another account the image is not there. That proves nothing: it is neither imported again nor given up.
func TestKeyOfAnotherAccount(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	before := w.eventually(obj, ready())
	w.rekey("AKID-other", "9999999999999999")
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonCredentialsChanged), inMood(false, true)))
	w.Expect(got.Status.ImageID).To(Equal(before.Status.ImageID))

	w.rekey(keyID, accountID)
	w.eventually(obj, ready())
	w.rekey("AKID-other", "9999999999999999")
	w.eventually(obj, notReady(v1alpha1.ReasonCredentialsChanged))
	w.delete(obj)
	w.eventually(obj, And(notReady(v1alpha1.ReasonCredentialsChanged), HaveField("DeletionTimestamp", Not(BeNil()))))
	w.Eventually(func() string { return message(w.get(obj)) }, patience, glance).Should(ContainSubstring("Retain"))
	w.rekey(keyID, accountID)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
	w.Expect(w.sent("ImportImage")).To(Equal(1))
}

// The image is given up on request: that is the user's word, not the operator's guess.
func TestImageOfAnotherAccountIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	obj := w.create()
	before := w.eventually(obj, ready())
	w.rekey("AKID-other", "9999999999999999")
	w.eventually(obj, notReady(v1alpha1.ReasonCredentialsChanged))
	w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now" })
	w.eventually(obj, And(ready(), HaveField("Status.ImageID", Not(Equal(before.Status.ImageID)))))
	w.Expect(w.cloud.Images()).To(HaveLen(2))
}

// Credentials are switched in place, from one Secret to another.
func TestCredentialsAreSwitched(t *testing.T) {
	w := newWorld(t)
	w.credentials()
	second := w.secret("AKID-second", keySecret)
	second.Name = "second"
	w.cloud.PutAccessKey(enssim.AccessKey{ID: "AKID-second", Secret: keySecret, AccountID: accountID})
	w.Expect(w.client.Create(w.ctx, second)).To(Succeed())
	obj := w.create()
	w.eventually(obj, ready())
	w.edit(obj, func(obj *v1alpha1.ImageImport) {
		obj.Spec.Credentials.SecretRef.Name, obj.Spec.ImageName = "second", "renamed"
	})
	w.cloud.DeleteAccessKey(keyID)
	w.eventually(obj, And(ready(), HaveField("Status.ImageName", "renamed")))
}

// readsSecretsAtOnce has an operator for which no Secret that was read a moment ago will do.
func readsSecretsAtOnce(w *world) { w.timing.SecretCheck = time.Millisecond }

// A deletion with broken credentials says why the object stays and how to let it go.
func TestDeleteWithBrokenCredentials(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*world){
		"no Secret": func(w *world) { w.Expect(w.client.Delete(w.ctx, w.secret("", ""))).To(Succeed()) },
		"dead key":  func(w *world) { w.cloud.DeleteAccessKey(keyID) },
		"no permission": func(w *world) {
			w.cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID, Deny: []string{"DeleteImage"}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, readsSecretsAtOnce)
			w.credentials()
			obj := w.create()
			w.eventually(obj, ready())
			breaks(w)
			w.delete(obj)
			w.Eventually(func() string { return message(w.get(obj)) }, patience, glance).Should(ContainSubstring("set spec.deletionPolicy to Retain"))
			w.edit(obj, func(obj *v1alpha1.ImageImport) { obj.Spec.DeletionPolicy = v1alpha1.DeletionRetain })
			w.eventuallyGone(obj)
			w.Expect(w.cloud.Images()).To(HaveLen(1))
		})
	}
}

// A namespace is deleted, and its Secret goes before its ImageImports. It ends all the same, and what each of them leaves
// behind is told in an event that outlives both.
func TestNamespaceIsDeleted(t *testing.T) {
	w := newWorld(t, readsSecretsAtOnce)
	w.credentials()
	left := map[string]*v1alpha1.ImageImport{}
	for _, name := range []string{"golden", "silver", "bronze"} {
		left[name] = w.eventually(w.create(named(name)), ready())
	}
	w.Expect(w.client.Delete(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}})).To(Succeed())
	w.Expect(w.client.Delete(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
	for _, obj := range left {
		w.delete(obj)
	}
	for _, obj := range left {
		w.eventuallyGone(obj)
	}
	w.Expect(w.cloud.Images()).To(HaveLen(3))
	for name, obj := range left {
		w.Eventually(func(g Gomega) {
			list := &eventsv1.EventList{}
			g.Expect(w.client.List(w.ctx, list, client.InNamespace(metav1.NamespaceDefault))).To(Succeed())
			g.Expect(list.Items).To(ContainElement(And(
				HaveField("Regarding.Kind", "Namespace"), HaveField("Regarding.Name", w.ns), HaveField("Reason", "ImageKept"),
				HaveField("Note", And(ContainSubstring(obj.Status.ImageID), ContainSubstring(name))),
			)))
		}, patience, glance).Should(Succeed())
	}
}

// In a namespace that is being deleted with its Secret still there, the image goes first.
func TestNamespaceIsDeletedInOrder(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.SetBehaviour(func(b *enssim.Behaviour) { b.DeleteLag.Duration = 300 * time.Millisecond })
	})
	w.credentials()
	obj := w.create()
	w.eventually(obj, ready())
	w.Expect(w.client.Delete(w.ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.ns}})).To(Succeed())
	w.delete(obj)
	w.eventuallyGone(obj)
	w.Expect(w.cloud.Images()).To(BeEmpty())
}
