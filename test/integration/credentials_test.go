// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// Each story sets the credentials wrong, expects to be told how, puts them right and expects the import to go on by
// itself. The waits after a refusal are an hour here, so only the look at the Secret can have helped.

func TestMissingSecret(t *testing.T) {
	w := newWorld(t)
	obj := w.create()
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonSecretNotFound), inMood(false, true)))
	w.Expect(message(got)).To(ContainSubstring(`"ens-credentials"`))
	w.Expect(got.Status.LastError.Action).To(Equal("GetSecret"))
	w.Expect(got.Finalizers).To(BeEmpty(), "nothing was started, so nothing holds the object")
	w.credentials()
	w.eventually(obj, ready())
}

func TestSecretWithoutKey(t *testing.T) {
	w := newWorld(t)
	secret := w.secret(keyID, keySecret)
	delete(secret.StringData, "accessKeySecret")
	w.Expect(w.client.Create(w.ctx, secret)).To(Succeed())
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonInvalidCredentials))
	w.Expect(message(got)).To(ContainSubstring(`lacks the key "accessKeySecret"`))
	w.Expect(w.client.Update(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
	w.eventually(obj, ready())
}

func TestWrongKey(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.client.Create(w.ctx, w.secret(keyID, "canary-wrong-secret"))).To(Succeed())
	obj := w.create()
	got := w.eventually(obj, And(notReady(v1alpha1.ReasonAccessDenied), inMood(false, true)))
	w.Expect(got.Status.LastError.Code).To(Equal("SignatureDoesNotMatch"))
	w.Expect(got.Status.LastError.RequestID).NotTo(BeEmpty())
	w.Expect(got.Status.LastError.HTTPStatus).NotTo(BeZero())
	w.Expect(got.Status.LastError.Message).NotTo(ContainSubstring(keyID))
	asked := len(w.cloud.History())
	w.Expect(asked).To(Equal(1), "a wrong key is not tried again and again")

	w.Expect(w.client.Update(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
	w.eventually(obj, ready())
}

func TestUnknownKey(t *testing.T) {
	w := newWorld(t)
	w.Expect(w.client.Create(w.ctx, w.secret("AKID-nobody", keySecret))).To(Succeed())
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonAccessDenied))
	w.Expect(got.Status.LastError.Code).To(Equal("InvalidAccessKeyId.NotFound"))
	w.Expect(w.client.Update(w.ctx, w.secret(keyID, keySecret))).To(Succeed())
	w.eventually(obj, ready())
}

func TestTemporaryKey(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.PutAccessKey(enssim.AccessKey{ID: "STS.key", Secret: "canary-sts-secret", SecurityToken: "canary-sts-token", AccountID: accountID})
	})
	secret := w.secret("STS.key", "canary-sts-secret")
	w.Expect(w.client.Create(w.ctx, secret)).To(Succeed())
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonAccessDenied))
	w.Expect(got.Status.LastError.Hint).To(ContainSubstring("securityToken"))

	secret = w.secret("STS.key", "canary-sts-secret")
	secret.StringData["securityToken"] = "canary-sts-token"
	w.Expect(w.client.Update(w.ctx, secret)).To(Succeed())
	w.eventually(obj, ready())
}

// The permission is given in the cloud, not in Kubernetes: the operator notices at its own slow pace, or on request.
func TestNoPermission(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID, Deny: []string{"ImportImage"}})
	})
	w.credentials()
	obj := w.create()
	got := w.eventually(obj, notReady(v1alpha1.ReasonAccessDenied))
	w.Expect(got.Status.LastError.Code).To(Equal("NoPermission"))
	w.Expect(got.Status.LastError.Hint).To(ContainSubstring("ens:ImportImage"))

	w.cloud.PutAccessKey(enssim.AccessKey{ID: keyID, Secret: keySecret, AccountID: accountID})
	w.edit(obj, func(obj *v1alpha1.ImageImport) {
		obj.Annotations[v1alpha1.ReconcileRequestAnnotation] = "now"
	})
	got = w.eventually(obj, ready())
	w.Expect(got.Status.LastHandledReconcileAt).To(Equal("now"))
	w.Expect(got.Status.Attempts).To(BeEquivalentTo(2))
	w.Expect(w.cloud.Images()).To(HaveLen(1))
}
