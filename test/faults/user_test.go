// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ens-image-operator/ens-image-operator/api/v1alpha1"
	"github.com/ens-image-operator/ens-image-operator/test/testenv"
)

// live reads the object as it is.
func (w *world) live() *v1alpha1.ImageImport {
	obj := &v1alpha1.ImageImport{}
	err := testenv.Client().Get(w.t.Context(), w.key, obj)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.violate("reading the object: %v", err)
	}
	return obj
}

// edit changes the object as kubectl edit does. An edit that the schema refuses changes nothing.
func (w *world) edit(change func(*v1alpha1.ImageImport)) {
	base := w.live()
	if base == nil {
		return
	}
	changed := base.DeepCopy()
	change(changed)
	err := testenv.Client().Patch(w.t.Context(), changed, client.MergeFrom(base))
	switch {
	case apierrors.IsInvalid(err), apierrors.IsNotFound(err):
	case err != nil:
		w.violate("editing the object: %v", err)
	default:
		w.observed(changed)
	}
}

// remove deletes the object as kubectl delete --wait=false does.
func (w *world) remove() {
	if w.beingDeleted() {
		return
	}
	err := testenv.Client().Delete(w.t.Context(), w.manifest())
	if err != nil {
		w.violate("deleting the object: %v", err)
		return
	}
	if obj := w.live(); obj != nil {
		w.observed(obj)
		return
	}
	w.versions = append(w.versions, nil)
	w.wake(0)
}

func (w *world) requestReconcile() {
	at := w.clock.Now().Format(time.RFC3339Nano)
	w.edit(func(obj *v1alpha1.ImageImport) {
		metav1.SetMetaDataAnnotation(&obj.ObjectMeta, v1alpha1.ReconcileRequestAnnotation, at)
	})
}

// renewKey puts a new key pair into the Secret, creating it when somebody has deleted it.
func (w *world) renewKey() {
	secret := w.freshSecret()
	err := testenv.Client().Patch(w.t.Context(), secret.DeepCopy(), client.Merge)
	if apierrors.IsNotFound(err) {
		err = testenv.Client().Create(w.t.Context(), secret)
	}
	w.must(err)
}

func (w *world) dropSecret() {
	w.must(testenv.Client().Delete(w.t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secretName, Namespace: w.key.Namespace}}))
}

// adoptOrGoOn takes over an image that was imported for the object before its record was lost, else asks for another.
func (w *world) adoptOrGoOn() {
	imported := w.imported()
	for _, image := range w.cloud.Images() {
		if _, ours := imported[image.ImageID]; ours {
			w.edit(func(obj *v1alpha1.ImageImport) {
				metav1.SetMetaDataAnnotation(&obj.ObjectMeta, v1alpha1.AdoptAnnotation, image.ImageID)
				// An adopted image is retained unless the spec says otherwise.
				obj.Spec.DeletionPolicy = v1alpha1.DeletionDelete
			})
			return
		}
	}
	w.requestReconcile()
}

// heal does what the conditions ask a user for, some time after they ask.
func (w *world) heal() {
	obj := w.obj()
	if obj == nil || obj.Status.ObservedGeneration != obj.Generation && obj.DeletionTimestamp == nil {
		return
	}
	why := reason(obj)
	cures := map[string]func(){
		v1alpha1.ReasonAccessDenied:       w.renewKey,
		v1alpha1.ReasonSecretNotFound:     w.renewKey,
		v1alpha1.ReasonImageVanished:      w.requestReconcile,
		v1alpha1.ReasonOwnershipUnknown:   w.adoptOrGoOn,
		v1alpha1.ReasonCredentialsChanged: w.requestReconcile,
		v1alpha1.ReasonImportFieldsChanged: func() {
			w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.OSVersion = "" })
		},
		v1alpha1.ReasonSuspended: func() {
			w.edit(func(obj *v1alpha1.ImageImport) { obj.Spec.Suspend = false })
		},
	}
	cure, known := cures[why]
	if !known || w.healed[why] >= 3 || w.curing {
		return
	}
	w.healed[why]++
	w.curing = true
	// A vanished image may come back by itself: nobody asks for another one at once.
	w.after(25*time.Minute, func() {
		w.curing = false
		if reason(w.obj()) == why {
			cure()
		}
	})
}
